/** Documents made from the code: says which are out of date and ends with status 1, or writes them (`--write`). */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import * as prettier from 'prettier';
import { asyncApi } from './asyncapi.ts';
import { exists, root, textOf } from './repository.ts';
import { settingTables, withSettingTables } from './setting-tables.ts';

const operations = path.join(root, 'docs', 'operations.md');
const formatting = { ...(await prettier.resolveConfig(operations)), filepath: operations };
const documents = {
  'docs/asyncapi.json': `${JSON.stringify(asyncApi(), null, 2)}\n`,
  'docs/operations.md': await prettier.format(withSettingTables(textOf('docs/operations.md'), await settingTables()), formatting),
};

const stale = Object.entries(documents).filter(([file, wanted]) => !exists(file) || textOf(file) !== wanted);
if (process.argv.includes('--write')) for (const [file, wanted] of stale) writeFileSync(path.join(root, file), wanted);
else if (stale.length > 0) {
  process.stderr.write(`${stale.map(([file]) => `${file} does not match the code`).join('\n')}\nRun npm run check -- generated --write\n`);
  process.exitCode = 1;
}

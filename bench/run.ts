/**
 * `npm run bench [-- section… --full --readme]`: measures the sections named, or all, one after the other. Prints a table, writes
 * bench/results/latest.json and, with `--readme`, the table into README.md. A missed budget is told, not an error.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { measureDelivery } from './delivery.ts';
import { measureLadder } from './ladder.ts';
import { measureListing } from './listing.ts';
import { measurePipeline } from './pipeline.ts';
import { intoReadme, machineOf, tableOf } from './report.ts';
import { NotMeasurableError, type Row, type Section } from './row.ts';
import { measureStartup } from './startup.ts';
import { measureUpload } from './upload.ts';

const sections: Readonly<Record<string, Section>> = {
  startup: measureStartup,
  pipeline: measurePipeline,
  ladder: measureLadder,
  delivery: measureDelivery,
  listing: measureListing,
  upload: measureUpload,
};
const root = path.join(import.meta.dirname, '..');

const { values: flags, positionals: named } = parseArgs({
  allowPositionals: true,
  options: { full: { type: 'boolean', default: false }, readme: { type: 'boolean', default: false } },
});

/** Rows of a section, or none with the reason told. */
async function measure(name: string, section: Section): Promise<readonly Row[]> {
  const beganAtMs = performance.now();
  process.stderr.write(`${name} …\n`);
  try {
    return await section({ isFull: flags.full || named.includes(name) });
  } catch (error) {
    if (!(error instanceof NotMeasurableError)) throw error;
    process.stderr.write(`${name} is left out: ${error.message}\n`);
    return [];
  } finally {
    process.stderr.write(`${name}: ${Math.round((performance.now() - beganAtMs) / 1000)} s\n`);
  }
}

const unknown = named.filter((name) => !Object.hasOwn(sections, name));
if (unknown.length > 0) {
  process.stderr.write(`There is no section ${unknown.join(', ')}; there are ${Object.keys(sections).join(', ')}.\n`);
  process.exit(2);
}

const machine = await machineOf();
const rows: Row[] = [];
for (const [name, section] of Object.entries(sections)) {
  if (named.length === 0 || named.includes(name)) rows.push(...(await measure(name, section)));
}
const results = path.join(import.meta.dirname, 'results');
await mkdir(results, { recursive: true });
await writeFile(
  path.join(results, 'latest.json'),
  `${JSON.stringify({ measuredAt: new Date().toISOString(), machine, rows }, undefined, 2)}\n`,
);
const report = `${machine}\n\n${await tableOf(rows)}`;
process.stdout.write(`\n${report}`);
if (flags.readme) {
  const readme = path.join(root, 'README.md');
  await writeFile(readme, await intoReadme(await readFile(readme, 'utf8'), report));
}

// `npm run down`: stops and removes the containers of an installation. Its data stay, unless `--volumes` is said and confirmed.
import { createInterface } from 'node:readline/promises';
import { parseArgs } from 'node:util';
import { compose, composeArguments, projectName, volumesOf } from './compose/client.js';
import { placeholders } from './compose/secrets.js';
import { Failure, needEngine, orSay } from './images/docker.js';
import { say } from './setup.js';

const usage = `npm run down -- [--project NAME] [--volumes [--yes]]
  --volumes   deletes the data too, after asking; --yes answers`;

function readFlags() {
  try {
    return parseArgs({ options: { project: { type: 'string' }, volumes: { type: 'boolean' }, yes: { type: 'boolean' } } }).values;
  } catch (error) {
    throw new Failure(`${error.message}\n${usage}`);
  }
}

async function confirm(project, volumes) {
  if (!process.stdin.isTTY)
    throw new Failure(`This deletes all data of ${project} (${volumes.join(', ')}). Without a terminal to ask at, say --yes.`);
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await terminal.question(`This deletes all data of ${project}: ${volumes.join(', ')}. Write ${project} to go on: `);
  terminal.close();
  if (answer.trim() !== project) throw new Failure('Nothing has been deleted.');
}

await orSay(async () => {
  const flags = readFlags();
  needEngine();
  const project = projectName(flags.project);
  const volumes = volumesOf(project);
  if (flags.volumes && volumes.length > 0 && !flags.yes) await confirm(project, volumes);
  await compose([...composeArguments({ project, files: [] }), 'down', '--remove-orphans', ...(flags.volumes ? ['--volumes'] : [])], {
    env: placeholders(),
  });
  say(flags.volumes ? `${project} is gone, its data too.` : `${project} is down. Its data are kept: npm run up starts it again.`);
});

/**
 * `npm run bench [-- section… --full --readme]`: measures the sections named, or all, one after the other. Prints a table, keeps the
 * latest rows of each section in bench/results/latest.json and, with `--readme`, writes them all into README.md. A missed budget is told, not an error.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { measureAdapters } from './adapters.ts';
import { measureDelivery } from './delivery.ts';
import { measureLadder } from './ladder.ts';
import { measureListing } from './listing.ts';
import { measurePipeline } from './pipeline.ts';
import { intoReadme, machineOf, tableOf } from './report.ts';
import { NotMeasurableError, type Row, type Section } from './row.ts';
import { measureShape } from './shape.ts';
import { measureStartup } from './startup.ts';
import { measureUpload } from './upload.ts';

const sections: Readonly<Record<string, Section>> = {
  startup: measureStartup,
  pipeline: measurePipeline,
  ladder: measureLadder,
  delivery: measureDelivery,
  listing: measureListing,
  upload: measureUpload,
  adapters: measureAdapters,
  shape: measureShape,
};
const root = path.join(import.meta.dirname, '..');

const usage = `npm run bench -- [section …] [--full] [--readme]; there are ${Object.keys(sections).join(', ')}.\n`;

function refuse(sentence: string): never {
  process.stderr.write(`${sentence}\n${usage}`);
  process.exit(2);
}

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: { full: { type: 'boolean', default: false }, readme: { type: 'boolean', default: false } },
    });
  } catch (error) {
    return refuse((error as Error).message);
  }
}

const { values: flags, positionals: named } = readArguments();

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
if (unknown.length > 0) refuse(`There is no section ${unknown.join(', ')}.`);

/** Latest rows of each section. Sections that this run leaves out stay as they were when the machine is the same. */
interface Results {
  readonly machine: string;
  readonly sections: Record<string, { readonly measuredAt: string; readonly rows: readonly Row[] }>;
}

const resultsFile = path.join(import.meta.dirname, 'results', 'latest.json');

async function readResults(machine: string): Promise<Results> {
  const text = await readFile(resultsFile, 'utf8').catch(() => '{}');
  const known = JSON.parse(text) as Partial<Results>;
  return known.machine === machine && known.sections ? { machine, sections: known.sections } : { machine, sections: {} };
}

const results = await readResults(await machineOf());
await mkdir(path.dirname(resultsFile), { recursive: true });
for (const [name, section] of Object.entries(sections)) {
  if (named.length > 0 && !named.includes(name)) continue;
  results.sections[name] = { measuredAt: new Date().toISOString(), rows: await measure(name, section) };
  await writeFile(resultsFile, `${JSON.stringify(results, undefined, 2)}\n`);
}
const shown = Object.keys(sections).filter((name) => flags.readme || named.length === 0 || named.includes(name));
const report = `${results.machine}\n\n${await tableOf(shown.flatMap((name) => results.sections[name]?.rows ?? []))}`;
process.stdout.write(`\n${report}`);
if (flags.readme) {
  const readme = path.join(root, 'README.md');
  await writeFile(readme, await intoReadme(await readFile(readme, 'utf8'), report));
}

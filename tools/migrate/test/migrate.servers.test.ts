/** `npm run migrate` from a data folder up to real servers, from one object store to another, and back, with an installation that people use. */
import { readFileSync, statSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseEnv } from 'node:util';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { makeContainer } from '@kinora/blobs/testing';
import { newId } from '@kinora/contracts';
import { eventually, Installation } from '../../../platform/test/installation.ts';
import { serverPorts, type PortUrls, type TestPorts } from '../../../platform/test/ports.ts';
import { makeFolders, type Folders } from './folders.ts';
import { expectPlays, expectSame, halfUpload, live, signIn, type Belongings } from './lived-in.ts';
import { report, run, start } from './tool.ts';

let folders: Folders;
let ports: TestPorts | undefined;
let old: Installation;
let belongings: Belongings;
const started: Installation[] = [];
const one = { shape: 'one' } as const;
const reportFile = (): string => folders.path('report.json');

const settingsIn = (file: string): Record<string, string | undefined> => parseEnv(readFileSync(file, 'utf8'));
const portsIn = (file: string): TestPorts => ({ urls: settingsIn(file) as unknown as PortUrls, dispose: () => Promise.resolve() });

/** The installation that the settings in `file` are about, started. */
async function startWith(file: string): Promise<Installation> {
  const { PLAYBACK_SECRET, ACCOUNTS_SECRET } = settingsIn(file);
  const installation = await Installation.create({ PLAYBACK_SECRET, ACCOUNTS_SECRET }, { ...one, ports: portsIn(file) });
  started.push(installation);
  await installation.start({ direct: true });
  return installation;
}

const write = (file: string, settings: Readonly<Record<string, string | undefined>>): Promise<void> =>
  writeFile(
    file,
    Object.entries(settings)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
  );

beforeAll(async () => {
  folders = await makeFolders();
  ports = await serverPorts();
  old = await Installation.create({}, one);
  started.push(old);
  await old.start({ direct: true });
  belongings = await live(old);
});
afterAll(async () => {
  for (const installation of started) await installation.remove();
  await ports?.dispose();
  await folders.remove();
});

it('moves up to MongoDB, RabbitMQ and S3 while people go on, and they notice no more than a short pause', async () => {
  const file = folders.path('deploy.env');
  await write(file, { ...ports?.urls });
  const args = ['--from', old.dataDir, '--to', file];
  expect(await report(reportFile(), [...args, '--dry-run'])).toMatchObject({ result: 'possible' });
  expect(await report(reportFile(), args)).toMatchObject({ result: 'copied' });
  const last = start([...args, '--finish', '--report', reportFile()]);
  await eventually('the command to wait for the old installation', 60_000, () =>
    Promise.resolve(/Stop it now/.test(last.output()) || undefined),
  );
  const late = await (await signIn(old)).createVideo(`Late ${newId()}`);
  await old.end('SIGTERM');
  expect({ status: await last.ended, output: last.output() }).toMatchObject({ status: 0 });
  expect(JSON.parse(readFileSync(reportFile(), 'utf8'))).toMatchObject({ result: 'done', unfinishedUploads: { uploads: 1, restarted: 0 } });
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(settingsIn(file)['PLAYBACK_SECRET']).toBe(readFileSync(path.join(old.dataDir, 'playback-secret'), 'utf8'));
  expect(settingsIn(file)['ACCOUNTS_SECRET']).toMatch(/^[\w-]{64}$/);
  expect(await report(reportFile(), [...args, '--verify'])).toMatchObject({ result: 'equal' });
  const next = await startWith(file);
  await expectSame(next, belongings, 10_000);
  expect(await (await signIn(next)).video(late.videoId)).toMatchObject({ title: late.title });
});

it('moves blobs from S3 to Azure while documents and messages stay; an unfinished upload begins again at its address', async () => {
  const [from, to] = [folders.path('deploy.env'), folders.path('azure.env')];
  const container = process.env['AZURE_CONTAINER'] ?? '';
  await makeContainer(`azure://${container}`);
  await write(to, { ...settingsIn(from), BLOBS_URL: `azure://${container}/test-${newId()}` });
  const running = started.at(-1);
  if (!running) throw new Error('the installation of the test before is missing');
  const half = await halfUpload(running, belongings);
  const args = ['--from', from, '--to', to];
  expect(await report(reportFile(), args)).toMatchObject({ result: 'copied', collections: [] });
  await running.end('SIGTERM');
  const refused = await run([...args, '--finish']);
  expect(refused.output).toContain('--stopped');
  expect(refused.status).toBe(1);
  expect(await report(reportFile(), [...args, '--finish', '--stopped'])).toMatchObject({
    result: 'done',
    unfinishedUploads: { uploads: 1, restarted: 1 },
  });
  expect(await report(reportFile(), [...args, '--verify'])).toMatchObject({ result: 'equal' });
  const next = await startWith(to);
  await expectSame(next, { ...belongings, ...half }, 0);
});

it('moves back into a folder, where everything is as it was', async () => {
  const from = folders.path('azure.env');
  const running = started.at(-1);
  if (!running) throw new Error('the installation of the test before is missing');
  const half = await halfUpload(running, belongings);
  const home = await Installation.create({}, one);
  started.push(home);
  const args = ['--from', from, '--to', home.dataDir];
  expect(await report(reportFile(), args)).toMatchObject({ result: 'copied' });
  await running.end('SIGTERM');
  expect(await report(reportFile(), [...args, '--finish', '--stopped'])).toMatchObject({ result: 'done' });
  expect(await report(reportFile(), [...args, '--verify'])).toMatchObject({ result: 'equal' });
  await home.start({ direct: true });
  await expectPlays(home.url, belongings);
  await expectSame(home, { ...belongings, ...half }, 0);
});

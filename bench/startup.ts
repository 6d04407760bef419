/** From `npm start` on an installed checkout to ready, and what the platform takes when nobody asks anything of it. */
import { setTimeout as delay } from 'node:timers/promises';
import { Installation } from '../platform/test/installation.ts';
import { platformPid } from './platform.ts';
import { cpuSeconds, memoryOf, needLinux, treeCpuSeconds, treeOf } from './processes.ts';
import { median, row, type Row } from './row.ts';

const starts = 5;
const idleSeconds = 15;

/** Polls without a pause that would count: `Installation.start` looks 20 times a second only. */
async function untilReady(url: string): Promise<void> {
  for (const deadline = Date.now() + 120_000; Date.now() < deadline; await delay(4)) {
    if (
      await fetch(`${url}/health/ready`).then(
        ({ ok }) => ok,
        () => false,
      )
    )
      return;
  }
  throw new Error(`${url} was not ready after two minutes`);
}

interface Start {
  readonly seconds: number;
  readonly cpuSeconds: number;
}

async function measureStart(kinora: Installation): Promise<Start> {
  const beganAtMs = performance.now();
  const started = kinora.start();
  await Promise.race([untilReady(kinora.url), started]);
  const seconds = (performance.now() - beganAtMs) / 1000;
  const measured = { seconds, cpuSeconds: await treeCpuSeconds(kinora.pid) };
  await started;
  return measured;
}

async function withInstallation<T>(work: (kinora: Installation) => Promise<T>): Promise<T> {
  const kinora = await Installation.create();
  try {
    return await work(kinora);
  } finally {
    await kinora.end('SIGTERM');
    await kinora.remove();
  }
}

async function measureIdle(kinora: Installation): Promise<Row[]> {
  await kinora.start();
  const pid = await platformPid(kinora);
  await delay(5_000); // what starting leaves to do is done
  const before = await cpuSeconds([pid]);
  await delay(idleSeconds * 1000);
  const idleCpu = ((await cpuSeconds([pid])) - before) / idleSeconds;
  const own = await memoryOf(pid);
  const around = await Promise.all((await treeOf(kinora.pid)).filter((each) => each !== pid).map(memoryOf));
  const npmMb = around.reduce((sum, { proportionalMb }) => sum + proportionalMb, 0);
  return [
    row({
      what: 'idle memory of the whole platform (PSS)',
      value: own.proportionalMb,
      unit: 'MB',
      budget: { of: 'value', is: 'at most', limit: 180 },
    }),
    row({ what: 'the same with every page it shares counted in full (RSS)', value: own.residentMb, unit: 'MB' }),
    row({ what: 'memory of npm itself beside it (PSS)', value: npmMb, unit: 'MB' }),
    row({ what: 'CPU of the idle platform, seconds per minute', value: idleCpu * 60, unit: 's' }),
  ];
}

/** Start to ready as people start it (median of five, each on an empty data folder), its CPU, and idle memory. */
export async function measureStartup(): Promise<readonly Row[]> {
  needLinux();
  const measured: Start[] = [];
  for (let at = 0; at < starts; at++) measured.push(await withInstallation(measureStart));
  return [
    row({
      what: '`npm start` on an installed checkout → ready',
      value: median(measured.map(({ seconds }) => seconds)),
      unit: 's',
      budget: { of: 'value', is: 'at most', limit: 1.5 },
    }),
    row({ what: 'CPU of that start, npm included', value: median(measured.map((each) => each.cpuSeconds)), unit: 's' }),
    ...(await withInstallation(measureIdle)),
  ];
}

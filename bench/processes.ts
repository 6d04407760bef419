/** What /proc tells of processes: only Linux has it. */
import { readdir, readFile, readlink, writeFile } from 'node:fs/promises';
import { NotMeasurableError } from './row.ts';

/** Of /proc/<pid>/stat; USER_HZ is 100 on every Linux that Node runs on. */
const ticksPerSecond = 100;

/** @throws {NotMeasurableError} where there is no /proc */
export function needLinux(): void {
  if (process.platform !== 'linux') throw new NotMeasurableError('what a process takes is read from /proc, which only Linux has');
}

async function ticks(pid: number | 'self'): Promise<readonly [user: number, system: number, childrenUser: number, childrenSystem: number]> {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8'))
    .replace(/^.*\) /s, '')
    .split(' ')
    .map(Number);
  return [fields[11] ?? 0, fields[12] ?? 0, fields[13] ?? 0, fields[14] ?? 0];
}

/** Seconds of processor time that the processes have taken so far, their children not counted. */
export async function cpuSeconds(pids: readonly number[]): Promise<number> {
  const each = await Promise.all(pids.map(ticks));
  return each.reduce((sum, [user, system]) => sum + user + system, 0) / ticksPerSecond;
}

/** Seconds of processor time of the children of `pid` that have ended, and of theirs. */
export async function endedChildrenCpuSeconds(pid: number | 'self'): Promise<number> {
  const [, , user, system] = await ticks(pid);
  return (user + system) / ticksPerSecond;
}

/** Processes started by `pid` that run now. */
export async function childrenOf(pid: number): Promise<number[]> {
  const threads = await readdir(`/proc/${pid}/task`);
  const lists = await Promise.all(threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/children`, 'utf8').catch(() => '')));
  return lists.flatMap((list) => list.split(' ').filter((each) => each.trim() !== '')).map(Number);
}

/** `pid` and all below it that run now. */
export async function treeOf(pid: number): Promise<number[]> {
  const below = await Promise.all((await childrenOf(pid)).map(treeOf));
  return [pid, ...below.flat()];
}

/** Processor time of `pid` and everything it has started, running or ended. */
export async function treeCpuSeconds(pid: number): Promise<number> {
  for (let attempt = 1; ; attempt++) {
    try {
      const pids = await treeOf(pid);
      const ended = await Promise.all(pids.map(endedChildrenCpuSeconds));
      return (await cpuSeconds(pids)) + ended.reduce((sum, seconds) => sum + seconds, 0);
    } catch (error) {
      if (attempt === 10) throw error; // else one of them has ended between two reads
    }
  }
}

async function socketsListeningOn(port: number): Promise<readonly string[]> {
  const tables = await Promise.all(['tcp', 'tcp6'].map((name) => readFile(`/proc/net/${name}`, 'utf8').catch(() => '')));
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return tables
    .flatMap((table) => table.split('\n').slice(1))
    .map((line) => line.trim().split(/\s+/))
    .filter(([, address, , state]) => address?.endsWith(local) && state === '0A')
    .map((fields) => `socket:[${fields[9]}]`);
}

/** The process at or below `pid` that listens on `port`. */
export async function listenerBelow(pid: number, port: number): Promise<number> {
  const sockets = await socketsListeningOn(port);
  for (const candidate of await treeOf(pid)) {
    const descriptors = await readdir(`/proc/${candidate}/fd`).catch(() => []);
    const targets = await Promise.all(descriptors.map((each) => readlink(`/proc/${candidate}/fd/${each}`).catch(() => '')));
    if (targets.some((target) => sockets.includes(target))) return candidate;
  }
  throw new Error(`no process below ${pid} listens on port ${port}`);
}

async function kilobytes(file: string, field: string): Promise<number> {
  const found = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(await readFile(file, 'utf8'))?.[1];
  if (found === undefined) throw new NotMeasurableError(`${file} does not say ${field}`);
  return Number(found);
}

/** Memory of a process in MB: all of it that is present, and its share when pages that several processes use are divided among them. */
export async function memoryOf(pid: number): Promise<{ readonly residentMb: number; readonly proportionalMb: number }> {
  const [resident, proportional] = await Promise.all(['Rss', 'Pss'].map((field) => kilobytes(`/proc/${pid}/smaps_rollup`, field)));
  return { residentMb: ((resident ?? 0) * 1024) / 1e6, proportionalMb: ((proportional ?? 0) * 1024) / 1e6 };
}

/** By how many MB the memory of `pid` has grown at its peak while `work` was done. */
export async function peakGrowthMb(pid: number, work: () => Promise<void>): Promise<number> {
  await writeFile(`/proc/${pid}/clear_refs`, '5'); // the peak is the present size again
  const before = await kilobytes(`/proc/${pid}/status`, 'VmRSS');
  await work();
  return (((await kilobytes(`/proc/${pid}/status`, 'VmHWM')) - before) * 1024) / 1e6;
}

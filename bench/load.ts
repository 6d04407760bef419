/** Load from a process of its own (load-generator.ts), so that only the server's time counts. */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import type { LoadPlan, LoadResult } from './load-generator.ts';
import { cpuSeconds } from './processes.ts';

/** Work done and the server's processor time for it, summed over rounds. */
export interface Spent {
  requests: number;
  bodyBytes: number;
  cpuSeconds: number;
}

/** Keeps requests under way as `plan` says. */
export async function load(plan: LoadPlan): Promise<LoadResult> {
  const generator = path.join(import.meta.dirname, 'load-generator.ts');
  const timeout = (plan.seconds + 20) * 1000;
  const running = promisify(execFile)(process.execPath, [generator], { timeout });
  running.child.stdin?.end(JSON.stringify(plan));
  return JSON.parse((await running).stdout) as LoadResult;
}

/** Adds to `spent` what one more round of load does and takes. */
export async function measureLoad(plan: LoadPlan, pids: readonly number[], spent: Spent): Promise<void> {
  const before = await cpuSeconds(pids);
  const { requests, bodyBytes } = await load(plan);
  spent.cpuSeconds += (await cpuSeconds(pids)) - before;
  spent.requests += requests;
  spent.bodyBytes += bodyBytes;
}

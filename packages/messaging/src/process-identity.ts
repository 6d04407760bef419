import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** A process such that no other one, now or later, is taken for it where the system tells enough. */
export interface ProcessIdentity {
  /** Where `pid` means something: boot and pid namespace on Linux, else the host name. */
  readonly machine: string;
  readonly pid: number;
  /** Clock ticks from boot to the process's start on Linux (proc(5), `starttime`), else empty. */
  readonly startedAt: string;
}

/** The identity of this process. */
export function ownIdentity(): ProcessIdentity {
  const { pid } = process;
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return { machine: `${boot} ${readlinkSync('/proc/self/ns/pid')}`, pid, startedAt: readStat(pid).startedAt };
  } catch {
    return { machine: hostname(), pid, startedAt: '' };
  }
}

/** True only when it is certain that `other` has ended: seen from `own`'s machine and pid namespace, its pid is gone, a zombie or another process. */
export function hasEnded(other: ProcessIdentity, own: ProcessIdentity): boolean {
  if (other.machine !== own.machine) return false;
  if (!answersSignals(other.pid)) return true;
  if (other.startedAt === '') return false;
  try {
    const { state, startedAt } = readStat(other.pid);
    return state === 'Z' || state === 'X' || startedAt !== other.startedAt;
  } catch {
    return false; // hidden by `hidepid`, or gone this very moment: the next look tells
  }
}

function answersSignals(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

function readStat(pid: number): { state: string | undefined; startedAt: string } {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' '); // the name before may hold spaces; fields[0] is field 3
  return { state: fields[0], startedAt: fields[19] ?? '' };
}

/** Hosts with catalog and uploads as processes of their own over the same stores, to be killed and paused. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createTestIdentities, type TestIdentities } from '@kinora/service/testing';
import type { Stores } from './stores.ts';
import { environment, lookInto, speakTo, type Asking, type Looking } from './uploads.ts';

export interface Replica extends Asking {
  readonly url: string;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  /** SIGSTOP: it does nothing more, not even answer, but is not gone. */
  pause(): void;
  /** SIGCONT. */
  resume(): void;
}

export interface StartReplicaOptions {
  readonly env?: Record<string, string>;
  /** Shell commands that limit what it may take, each ending in `;`. */
  readonly limits?: string;
}

export interface Replicas extends Looking {
  readonly identities: TestIdentities;
  readonly dataDir: string;
  /** Starts one more; resolves when it is ready. */
  start(options?: StartReplicaOptions): Promise<Replica>;
  /** Kills all that live and removes what they stored. */
  close(): Promise<void>;
}

function startReplica(
  identities: TestIdentities,
  env: Record<string, string>,
  limits: string,
  onEnd: (replica: Replica) => void,
): Promise<Replica> {
  const script = path.join(import.meta.dirname, 'child.ts');
  const child = spawn('sh', ['-c', `${limits}exec "$0" "$@"`, process.execPath, script], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const gone = new Promise((resolve) => child.once('exit', resolve));
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the replica ended with ${String(code)}`)));
    child.stdout.once('data', (line: Buffer) => {
      const url = line.toString().trim();
      const replica: Replica = {
        ...speakTo(url, identities),
        url,
        async kill() {
          child.kill('SIGKILL');
          await gone;
          onEnd(replica);
        },
        pause: () => void child.kill('SIGSTOP'),
        resume: () => void child.kill('SIGCONT'),
      };
      resolve(replica);
    });
  });
}

/** No replica yet, on stores that are empty. */
export async function openReplicas(stores: Stores): Promise<Replicas> {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'kinora-uploads-replicas-'));
  const identities = await createTestIdentities();
  const env = environment(stores, identities, dataDir);
  await stores.make(env);
  const looking = await lookInto(env);
  const living = new Set<Replica>();
  return {
    ...looking,
    identities,
    dataDir,
    async start({ env: more = {}, limits = '' } = {}) {
      const replica = await startReplica(identities, { ...env, ...more }, limits, (gone) => living.delete(gone));
      living.add(replica);
      return replica;
    },
    async close() {
      for (const replica of living) await replica.kill();
      await looking.close();
      await stores.dispose(env);
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** nginx with one worker, for comparison. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { eventually, freePort } from '../platform/test/installation.ts';
import { childrenOf } from './processes.ts';
import { NotMeasurableError } from './row.ts';

/** A server that was started for a measurement. */
export interface Server {
  readonly port: number;
  readonly pids: readonly number[];
  stop(): Promise<void>;
}

/** Asks a child to end and waits until it has. */
export async function endChild(child: ChildProcess): Promise<void> {
  const over = new Promise((resolve) => child.once('close', resolve));
  if (child.exitCode === null && child.kill('SIGTERM')) await over;
}

/** Resolves when something answers on the port, whatever it says. */
export const untilAnswering = (port: number): Promise<true> =>
  eventually(`an answer on port ${port}`, 10_000, async () => {
    await (await fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(1000) })).arrayBuffer();
    return true as const;
  });

/** Version and modules of the nginx in PATH. @throws {NotMeasurableError} when there is none */
export async function nginxBuild(): Promise<string> {
  try {
    return (await promisify(execFile)('nginx', ['-V'])).stderr;
  } catch (error) {
    throw new NotMeasurableError('nginx is not in PATH, so there is nothing to compare with', { cause: error });
  }
}

/** Runs nginx with `directives` in its only server block. Its temporary files are in `folder`. @throws {NotMeasurableError} */
export async function startNginx(folder: string, directives: string): Promise<Server> {
  await nginxBuild();
  const port = await freePort();
  const own = await mkdtemp(path.join(folder, 'nginx-'));
  const config = `daemon off; ${process.getuid?.() === 0 ? 'user root; ' : ''}worker_processes 1; pid ${own}/pid; error_log ${own}/error.log;
events { worker_connections 256; }
http {
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000; keepalive_timeout 65;
  client_body_temp_path ${own}/a; proxy_temp_path ${own}/b; fastcgi_temp_path ${own}/c; uwsgi_temp_path ${own}/d; scgi_temp_path ${own}/e;
  server { listen 127.0.0.1:${port}; ${directives} }
}`;
  await writeFile(path.join(own, 'nginx.conf'), config);
  const child = spawn('nginx', ['-p', own, '-c', path.join(own, 'nginx.conf')], { stdio: ['ignore', 'ignore', 'inherit'] });
  const { pid } = child;
  if (pid === undefined) throw new NotMeasurableError('nginx could not be started');
  await untilAnswering(port);
  const stop = async (): Promise<void> => {
    await endChild(child);
    await rm(own, { recursive: true, force: true });
  };
  return { port, pids: [pid, ...(await childrenOf(pid))], stop };
}

/** A new folder for files of a measurement. */
export const scratchFolder = (): Promise<string> => mkdtemp(path.join(tmpdir(), 'kinora-bench-'));

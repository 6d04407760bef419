import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import type { SetupState } from '@kinora/contracts';
import type { Host } from '@kinora/service';

async function version(tool: string | undefined): Promise<string> {
  const { stdout } = await promisify(execFile)(tool ?? 'ffmpeg', ['-version']).catch(() => ({ stdout: '' }));
  return /version (\S+)/.exec(stdout)?.[1] ?? 'missing';
}

async function firstAdmin(host: Host): Promise<string | undefined> {
  if (!host.services.includes('accounts')) return undefined;
  const answer = await host.app('accounts').inject({ method: 'GET', url: '/api/setup' });
  if (!answer.json<SetupState>().needsSetup) return undefined;
  const code = await readFile(path.join(host.shared.dataDir, 'setup-code'), 'utf8').catch(() => '');
  return `Open ${host.url}/setup and enter the code ${code.trim()} to make the first admin.`;
}

/** Tells the person at the terminal where Kinora is, where its data is, what it found, and how to make the first admin. */
export async function announce(host: Host): Promise<void> {
  const [ffmpeg, ffprobe, admin] = await Promise.all([
    version(process.env['TRANSCODING_FFMPEG_PATH']),
    version(process.env['TRANSCODING_FFPROBE_PATH']),
    firstAdmin(host),
  ]);
  const lines = [
    `Kinora is ready: ${host.url}`,
    `Data:  ${path.resolve(host.shared.dataDir)}`,
    `Tools: Node ${process.versions.node}, ffmpeg ${ffmpeg}, ffprobe ${ffprobe}`,
  ];
  process.stdout.write(`${[...lines, ...(admin ? [admin] : [])].join('\n')}\n`);
}

/** Rows as people read them. */
import { execFile } from 'node:child_process';
import { cpus, totalmem } from 'node:os';
import { promisify } from 'node:util';
import { format } from 'prettier';
import { ffmpegPath } from '../platform/test/player.ts';
import { withDigits, type Row } from './row.ts';

const marks = ['<!-- bench:start -->', '<!-- bench:end -->'] as const;

async function versionOf(command: string, flag: string): Promise<string> {
  const said = await promisify(execFile)(command, [flag]).catch(() => undefined);
  return /version:? (?:nginx\/)?(\S+)/.exec(`${said?.stdout ?? ''}${said?.stderr ?? ''}`)?.[1] ?? 'missing';
}

/** One line on what was measured with: day, processors, memory, versions. */
export async function machineOf(): Promise<string> {
  const [first] = cpus();
  const [ffmpeg, nginx] = await Promise.all([versionOf(ffmpegPath, '-version'), versionOf('nginx', '-v')]);
  const day = new Date().toISOString().slice(0, 10);
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB of memory`;
  return `${day}, ${cpus().length} × ${first?.model.trim() ?? 'unknown processor'}, ${memory}; Node ${process.versions.node}, ffmpeg ${ffmpeg}, nginx ${nginx}.`;
}

function cellsOf({ what, value, unit, reference, ratio, budget, within }: Row): string[] {
  const kept = within === undefined ? '' : within ? 'yes' : '**no**';
  const compared = reference ? `${withDigits(reference.value)} (${reference.what})` : '';
  return [what, `${withDigits(value)} ${unit}`, compared, ratio === undefined ? '' : `${ratio.toFixed(2)} ×`, budget?.text ?? '', kept];
}

/** A Markdown table of the rows. */
export async function tableOf(rows: readonly Row[]): Promise<string> {
  const head = ['what', 'measured', 'reference', 'ratio', 'budget', 'kept'];
  const lines = [head, head.map(() => '---'), ...rows.map(cellsOf)].map((cells) => `| ${cells.join(' | ')} |`);
  return format(lines.join('\n'), { parser: 'markdown' });
}

/** `readme` with `report` between its two marks. @throws {Error} when it lacks them */
export async function intoReadme(readme: string, report: string): Promise<string> {
  const [start, end] = marks.map((mark) => readme.indexOf(mark)) as [number, number];
  if (start < 0 || end < start) throw new Error(`README.md lacks ${marks.join(' … ')}`);
  return `${readme.slice(0, start)}${marks[0]}\n\n${report.trim()}\n\n${readme.slice(end)}`;
}

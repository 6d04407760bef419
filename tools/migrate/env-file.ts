/** The settings that the new installation is started with. */
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { parseEnv } from 'node:util';
import { UsageError } from './place.ts';

/** Replaces `file` by `text`, readable by its owner alone, at once and durably. */
export async function writePrivately(file: string, text: string): Promise<void> {
  const temporary = path.join(path.dirname(file), `.${path.basename(file)}.${randomUUID()}`);
  try {
    const handle = await open(temporary, 'wx', 0o600);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** A value as both Node and shells read it. @throws {UsageError} when there is no way to write it */
function quoted(name: string, value: string): string {
  if (/['\n\r]/.test(value))
    throw new UsageError(`${name} holds a quote or a line end, which a file of settings cannot say. Choose another one.`);
  return /^[\w./:@?&=%,+~-]*$/.test(value) ? value : `'${value}'`;
}

/** What `file` says already. @throws {UsageError} where it says something else than `settings` */
function lacking(file: string, settings: Readonly<Record<string, string>>): { text: string; missing: [string, string][] } {
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const said = parseEnv(text);
  const other = Object.entries(settings).filter(([name, value]) => said[name] && said[name] !== value);
  if (other.length > 0)
    throw new UsageError(
      `${file} has another ${other.map(([name]) => name).join(', ')} than the installation will have. Remove the line, or name another file with --env.`,
    );
  return { text, missing: Object.entries(settings).filter(([name]) => !said[name]) };
}

/** Refuses early what `completeEnvFile` would refuse. @throws {UsageError} */
export const checkEnvFile = (file: string, settings: Readonly<Record<string, string>>): void => void lacking(file, settings);

/** Adds what `file` lacks of `settings`; makes it when it is not there. Says which were added. @throws {UsageError} where it says something else */
export async function completeEnvFile(file: string, settings: Readonly<Record<string, string>>): Promise<readonly string[]> {
  const { text, missing } = lacking(file, settings);
  if (missing.length === 0) return [];
  const lines = missing.map(([name, value]) => `${name}=${quoted(name, value)}\n`);
  const start = text === '' || text.endsWith('\n') ? text : `${text}\n`;
  await writePrivately(file, `${start}# From the installation that was moved here. Keep this file to yourself.\n${lines.join('')}`);
  return missing.map(([name]) => name);
}

/** Tables of settings as docs/operations.md has them. */
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { sharedSettings } from '@kinora/service';
import { root, services } from './repository.ts';

/** A setting as its reader knows it. */
export interface SettingFacts {
  readonly name: string;
  readonly about: string;
  readonly defaultText: string | undefined;
}

/** Settings of one service, in the order of its config.ts. */
export async function settingsOf(service: string): Promise<readonly SettingFacts[]> {
  const file = pathToFileURL(path.join(root, 'services', service, 'src', 'config.ts')).href;
  const { readConfig } = (await import(file)) as { readConfig: { settings: readonly SettingFacts[] } };
  return readConfig.settings;
}

/** Heading → settings below it: those of every process, then those of each service. */
export async function settingTables(): Promise<ReadonlyMap<string, readonly SettingFacts[]>> {
  const own = await Promise.all(services().map(async (service) => [`### ${service}`, await settingsOf(service)] as const));
  return new Map([['### Every process', Object.values(sharedSettings)], ...own]);
}

/** Cells of a setting’s row, without backticks. */
export const settingRow = ({ name, defaultText, about }: SettingFacts): string[] => [name, defaultText ?? '', about.replaceAll('`', '')];

const lineOf = (setting: SettingFacts): string => {
  const [name = '', defaultText = '', about = ''] = settingRow(setting);
  return `| \`${name}\` | ${defaultText === '' ? '' : `\`${defaultText}\``} | ${about.replaceAll('|', '\\|')} |`;
};

/** `markdown` with every table of settings put under its heading, in place of what stands there up to the next heading. */
export function withSettingTables(markdown: string, tables: ReadonlyMap<string, readonly SettingFacts[]>): string {
  const lines = markdown.split('\n');
  for (const [heading, settings] of tables) {
    const from = lines.indexOf(heading);
    if (from < 0) throw new Error(`docs/operations.md has no heading "${heading}"`);
    const next = lines.findIndex((line, index) => index > from && line.startsWith('#'));
    const end = next < 0 ? lines.length : next;
    lines.splice(from + 1, end - from - 1, '', '| setting | default | meaning |', '|---|---|---|', ...settings.map(lineOf), '');
  }
  return lines.join('\n');
}

/** Places that an installation is moved between: a data folder, or the addresses of servers. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { parseEnv } from 'node:util';

/** The three ports, in the order in which people read of them. */
export const portNames = ['documents', 'bus', 'blobs'] as const;
export type PortName = (typeof portNames)[number];

/** Where an installation keeps what it keeps. */
export interface Place {
  /** What the person called it: folder, file of settings, or the address of its documents without the password. */
  readonly name: string;
  readonly urls: Readonly<Record<PortName, string>>;
  /** The data folder that everything embedded lies in; undefined for servers. */
  readonly folder: string | undefined;
  /** The file of settings that named it. */
  readonly envFile: string | undefined;
  /** Settings that belong to the installation and to no port; undefined where they are not known. */
  readonly secrets: Readonly<Record<'PLAYBACK_SECRET' | 'ACCOUNTS_SECRET', string | undefined>>;
}

/** What a side of the move is called on the command line. */
export interface PlaceArguments {
  /** Folder or file of settings. */
  readonly place: string | undefined;
  readonly urls: Readonly<Record<PortName, string | undefined>>;
}

/** Something that the person who called has to put right; its message is for them. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

const settingOf = { documents: 'DOCUMENTS_URL', bus: 'BUS_URL', blobs: 'BLOBS_URL' } as const satisfies Record<PortName, string>;

/** `url` as it may be shown: without passwords, and without what follows a `?` where there may be keys in it. */
export const shown = (url: string): string => url.replace(/^([a-z][a-z0-9+.-]*:\/\/[^:/?#@]*:)[^@/?#]*@/i, '$1(hidden)@');

type Settings = Readonly<Record<string, string | undefined>>;

const embeddedUrls = (folder: string): Record<PortName, string> => ({
  documents: `sqlite:${path.join(folder, 'documents')}`,
  bus: `sqlite:${path.join(folder, 'bus.sqlite')}`,
  blobs: `file:${path.join(folder, 'blobs')}`,
});

const isFile = (name: string): boolean => existsSync(name) && statSync(name).isFile();

const secretOfFolder = (folder: string): string | undefined => {
  const file = path.join(folder, 'playback-secret');
  return isFile(file) ? readFileSync(file, 'utf8').trim() || undefined : undefined;
};

/**
 * Credentials of object stores go into the environment, where their adapters look for them; both sides share it.
 * @throws {UsageError} when the environment says something else
 */
function shareCredentials(settings: Settings, file: string, env: NodeJS.ProcessEnv): void {
  for (const [name, value] of Object.entries(settings)) {
    if (!/^(AWS|AZURE)_/.test(name) || !value) continue;
    if (env[name] && env[name] !== value)
      throw new UsageError(`${name} in ${file} differs from the one in the environment; both sides share it.`);
    env[name] = value;
  }
}

function readSettings(file: string, env: NodeJS.ProcessEnv): Settings {
  const settings = parseEnv(readFileSync(file, 'utf8'));
  shareCredentials(settings, file, env);
  return settings;
}

/** The place that `given` names. `side` is the option's name, for what is said of faults. @throws {UsageError} */
export function readPlace(side: 'from' | 'to', given: PlaceArguments, env: NodeJS.ProcessEnv): Place {
  const named = given.place === undefined ? undefined : path.resolve(given.place);
  const isEnvFile = named !== undefined && (isFile(named) || (!existsSync(named) && named.endsWith('.env')));
  if (isEnvFile && !isFile(named)) throw new UsageError(`--${side} ${given.place}: there is no such file.`);
  const settings = isEnvFile ? readSettings(named, env) : {};
  const folder = isEnvFile ? undefined : named;
  const embedded: Partial<Record<PortName, string>> = folder === undefined ? {} : embeddedUrls(folder);
  const urlOf = (port: PortName): string => {
    const url = given.urls[port] ?? settings[settingOf[port]] ?? embedded[port];
    if (url) return url;
    throw new UsageError(isEnvFile ? `${given.place} has no ${settingOf[port]}.` : `--${side} or --${side}-${port} is missing.`);
  };
  const urls = { documents: urlOf('documents'), bus: urlOf('bus'), blobs: urlOf('blobs') };
  const isEmbedded = portNames.every((port) => urls[port] === embedded[port]);
  const ownEnv = side === 'from' ? env : {};
  return {
    name: given.place ?? shown(urls.documents),
    urls,
    folder: isEmbedded ? folder : undefined,
    envFile: isEnvFile ? named : undefined,
    secrets: {
      // As `npm start` has it: the environment goes before the folder.
      PLAYBACK_SECRET:
        settings['PLAYBACK_SECRET'] ?? ownEnv['PLAYBACK_SECRET'] ?? (folder === undefined ? undefined : secretOfFolder(folder)),
      ACCOUNTS_SECRET: settings['ACCOUNTS_SECRET'] ?? ownEnv['ACCOUNTS_SECRET'],
    },
  };
}

/** Ports that lie elsewhere afterwards. @throws {UsageError} when none does */
export function movedPorts(from: Place, to: Place): readonly PortName[] {
  const moved = portNames.filter((port) => from.urls[port] !== to.urls[port]);
  if (moved.length === 0) throw new UsageError('--from and --to are the same place: there is nothing to move.');
  return moved;
}

/** Path of the folder or file that an embedded port lies in; undefined for servers. */
export function pathOf(url: string): string | undefined {
  const rest = /^(?:sqlite|file):(.*)$/s.exec(url)?.[1];
  return rest?.replace(/^\/\/(?=\/)/, '');
}

/** The settings that name a place, in the form of the environment. */
export const settingsOf = ({ urls, secrets }: Place): Readonly<Record<string, string>> =>
  Object.fromEntries(
    [...portNames.map((port) => [settingOf[port], urls[port]] as const), ...Object.entries(secrets)].filter(
      (entry): entry is [string, string] => entry[1] !== undefined,
    ),
  );

/** Configuration from the environment: strict, frozen, every fault reported at once. */

/** One setting: where it comes from, what it may be, what it becomes. */
export interface Setting<T> {
  readonly name: string;
  /** One line for the docs and for `--check-config`. */
  readonly about: string;
  /** What applies when the variable is not set, as it would be written; undefined when it is required or has none. */
  readonly defaultText: string | undefined;
  readonly secret: boolean;
  /** Takes the raw value (undefined when unset or empty). @throws {string} what is wrong, without the value */
  readonly parse: (raw: string | undefined) => T;
}

interface Options<T> {
  readonly about: string;
  readonly default?: T;
}

/** Every fault found in the environment, by name and never with the value. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly faults: readonly string[];
  constructor(faults: readonly string[]) {
    super(
      `The configuration has ${faults.length === 1 ? 'a fault' : `${faults.length} faults`}:\n${faults.map((fault) => `  ${fault}`).join('\n')}`,
    );
    this.faults = faults;
  }
}

class Fault extends Error {}
const fail = (what: string): never => {
  throw new Fault(what);
};

function setting<T>(name: string, { about, default: fallback }: Options<T>, read: (raw: string) => T, secret = false): Setting<T> {
  const parse = (raw: string | undefined): T => {
    if (raw !== undefined && raw !== '') return read(raw);
    return fallback === undefined ? fail('is required') : fallback;
  };
  return { name, about, defaultText: fallback === undefined ? undefined : String(fallback), secret, parse };
}

/** A whole number, by default ≥ 0. Name ends in its unit. */
export function integer(name: string, options: Options<number> & { readonly min?: number; readonly max?: number }): Setting<number> {
  const { min = 0, max = Number.MAX_SAFE_INTEGER } = options;
  return setting(name, options, (raw) => {
    const value = /^-?\d{1,16}$/.test(raw) ? Number(raw) : fail('must be a whole number');
    return value < min ? fail(`must be at least ${min}`) : value > max ? fail(`must be at most ${max}`) : value;
  });
}

/** Any text that is not empty. */
export const text = (name: string, options: Options<string>): Setting<string> => setting(name, options, (raw) => raw);

/** `true` or `false`. */
export const boolean = (name: string, options: Options<boolean>): Setting<boolean> =>
  setting(name, options, (raw) => (raw === 'true' ? true : raw === 'false' ? false : fail('must be true or false')));

/** One of a closed list. */
export const oneOf = <const T extends string>(name: string, values: readonly T[], options: Options<NoInfer<T>>): Setting<T> =>
  setting(name, options, (raw) => values.find((value) => value === raw) ?? fail(`must be one of ${values.join(', ')}`));

/** A URL with one of `schemes` (`http:`, …). */
export const url = (name: string, schemes: readonly string[], options: Options<string>): Setting<string> =>
  setting(
    name,
    options,
    (raw) => (schemes.some((scheme) => raw.startsWith(scheme)) ? raw : fail(`must start with ${schemes.join(' or ')}`)),
    false,
  );

/** Text that is never shown; at least `minLength` characters (default 16). */
export const secret = (name: string, options: Options<string> & { readonly minLength?: number }): Setting<string> =>
  setting(
    name,
    options,
    (raw) => (raw.length < (options.minLength ?? 16) ? fail(`must have at least ${options.minLength ?? 16} characters`) : raw),
    true,
  );

/** Makes a setting optional: undefined when unset. */
export const optional = <T>(inner: Setting<T>): Setting<T | undefined> => ({
  ...inner,
  parse: (raw) => (raw === undefined || raw === '' ? undefined : inner.parse(raw)),
});

type Shape = Readonly<Record<string, Setting<unknown>>>;
export type ConfigOf<S extends Shape> = { readonly [K in keyof S]: S[K] extends Setting<infer T> ? T : never };

/** Reads a service's configuration; carries its settings for the docs and for `--check-config`. */
export interface ConfigReader<C> {
  (env: NodeJS.ProcessEnv): C;
  readonly settings: readonly Setting<unknown>[];
}

/**
 * A pure, strict reader for `shape`. Unknown `<SERVICE>_*` names are faults (except `<SERVICE>_URL`, where others find the service).
 * @throws {ConfigError} with all faults
 */
export function configReader<S extends Shape>(service: string, shape: S): ConfigReader<ConfigOf<S>> {
  const prefix = `${service.toUpperCase()}_`;
  const settings = Object.values(shape);
  const known = new Set(settings.map(({ name }) => name)).add(`${prefix}URL`);
  const read = (env: NodeJS.ProcessEnv): ConfigOf<S> => {
    const faults = Object.keys(env)
      .filter((name) => name.startsWith(prefix) && !known.has(name))
      .map((name) => `${name} is not a setting of ${service}`);
    const config: Record<string, unknown> = {};
    for (const [key, { name, parse }] of Object.entries(shape)) {
      try {
        config[key] = parse(env[name]);
      } catch (error) {
        if (!(error instanceof Fault)) throw error;
        faults.push(`${name} ${error.message}`);
      }
    }
    if (faults.length > 0) throw new ConfigError(faults);
    return Object.freeze(config) as ConfigOf<S>;
  };
  return Object.assign(read, { settings });
}

/** A URL without the password in it. */
const withoutPassword = (value: string): string => value.replace(/^([a-z][a-z0-9+.-]*:\/\/[^:/?#@]*:)[^@/?#]*@/i, '$1(hidden)@');

/** `NAME=value` lines of what applies, secrets and the passwords in URLs hidden. */
export function describeConfig(settings: readonly Setting<unknown>[], env: NodeJS.ProcessEnv): string {
  return settings
    .map(({ name, secret: hidden, parse }) => {
      const value = parse(env[name]);
      return `${name}=${value === undefined ? '' : hidden ? '(hidden)' : typeof value === 'string' ? withoutPassword(value) : JSON.stringify(value)}`;
    })
    .join('\n');
}

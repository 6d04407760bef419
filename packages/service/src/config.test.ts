import { describe, expect, it } from '@jest/globals';
import { boolean, ConfigError, configReader, describeConfig, integer, oneOf, optional, secret, text, url } from './config.ts';

const shape = {
  workers: integer('DEMO_WORKERS', { about: 'Workers', min: 1, max: 9, default: 2 }),
  open: boolean('DEMO_OPEN', { about: 'Open', default: false }),
  mode: oneOf('DEMO_MODE', ['fast', 'slow'], { about: 'Mode', default: 'fast' }),
  name: optional(text('DEMO_NAME', { about: 'Name' })),
  where: url('DEMO_WHERE', ['sqlite:'], { about: 'Where', default: 'sqlite:x' }),
  secret: secret('DEMO_SECRET', { about: 'Secret' }),
};
const read = configReader('demo', shape);
const good = { DEMO_SECRET: '0123456789abcdef' };

function faultsOf(env: NodeJS.ProcessEnv): readonly string[] {
  try {
    read(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
  return [];
}

describe('configReader', () => {
  it('gives defaults and values with their types, frozen', () => {
    const config = read({ ...good, DEMO_WORKERS: '7', DEMO_OPEN: 'true', DEMO_NAME: '' });
    expect(config).toEqual({ workers: 7, open: true, mode: 'fast', name: undefined, where: 'sqlite:x', secret: good.DEMO_SECRET });
    expect(Object.isFrozen(config)).toBe(true);
  });

  it('reports every fault at once, by name and without the value', () => {
    const faults = faultsOf({
      DEMO_WORKERS: '12',
      DEMO_OPEN: 'yes',
      DEMO_MODE: 'quick',
      DEMO_WHERE: 'http://x',
      DEMO_SECRET: 'short-one',
      DEMO_WORKER: '1',
    });
    expect(faults).toEqual([
      'DEMO_WORKER is not a setting of demo',
      'DEMO_WORKERS must be at most 9',
      'DEMO_OPEN must be true or false',
      'DEMO_MODE must be one of fast, slow',
      'DEMO_WHERE must start with sqlite:',
      'DEMO_SECRET must have at least 16 characters',
    ]);
    expect(faults.join()).not.toContain('short-one');
  });

  it.each(['1.5', '1e3', ' 1', '0x10', '--1', '9'.repeat(30)])('refuses %j as a whole number', (raw) => {
    expect(faultsOf({ ...good, DEMO_WORKERS: raw })).toHaveLength(1);
  });

  it('leaves the address of the service and other services alone', () => {
    expect(faultsOf({ ...good, DEMO_URL: 'http://demo:3000', OTHER_THING: '1' })).toEqual([]);
  });

  it('hides secrets when it describes what applies', () => {
    const described = describeConfig(read.settings, good);
    expect(described).toContain('DEMO_WORKERS=2');
    expect(described).toContain('DEMO_SECRET=(hidden)');
    expect(described).not.toContain(good.DEMO_SECRET);
  });

  it('hides the passwords in URLs when it describes what applies', () => {
    const described = describeConfig(read.settings, { ...good, DEMO_WHERE: 'sqlite://me:pa:ss@host/x' });
    expect(described).toContain('DEMO_WHERE=sqlite://me:(hidden)@host/x');
  });
});

import { readFileSync, statSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { readArguments } from '../arguments.ts';
import { completeEnvFile } from '../env-file.ts';
import { movedPorts, readPlace, settingsOf, shown, UsageError, type PlaceArguments } from '../place.ts';
import { makeFolders, type Folders } from './folders.ts';

let folders: Folders;
beforeEach(async () => void (folders = await makeFolders()));
afterEach(() => folders.remove());

const named = (place: string | undefined, urls: Partial<PlaceArguments['urls']> = {}): PlaceArguments => ({
  place,
  urls: { documents: undefined, bus: undefined, blobs: undefined, ...urls },
});

describe('readPlace', () => {
  it('takes a data folder with its secret, the environment going before', async () => {
    await mkdir(folders.path('data'));
    await writeFile(folders.path('data', 'playback-secret'), 'of the folder\n');
    const place = readPlace('from', named(folders.path('data')), {});
    expect(place).toMatchObject({ folder: folders.path('data'), secrets: { PLAYBACK_SECRET: 'of the folder' } });
    expect(place.urls.documents).toBe(`sqlite:${folders.path('data', 'documents')}`);
    expect(readPlace('from', named(folders.path('data')), { PLAYBACK_SECRET: 'of the process' }).secrets.PLAYBACK_SECRET).toBe(
      'of the process',
    );
  });

  it('takes a file of settings, single ports going before, and shares credentials with the adapters', async () => {
    const file = folders.path('deploy.env');
    await writeFile(file, "DOCUMENTS_URL=mongodb://u:p@m/\nBUS_URL='amqp://b/'\nBLOBS_URL=s3://bucket\nAWS_ACCESS_KEY_ID=key\n");
    const env: NodeJS.ProcessEnv = {};
    const place = readPlace('to', named(file, { blobs: 'azure://container?account=abc' }), env);
    expect(place).toMatchObject({ folder: undefined, envFile: file });
    expect(place.urls).toEqual({ documents: 'mongodb://u:p@m/', bus: 'amqp://b/', blobs: 'azure://container?account=abc' });
    expect(env).toEqual({ AWS_ACCESS_KEY_ID: 'key' });
    expect(() => readPlace('to', named(file), { AWS_ACCESS_KEY_ID: 'other' })).toThrow('AWS_ACCESS_KEY_ID');
  });

  it('says what is missing', async () => {
    const file = folders.path('half.env');
    await writeFile(file, 'DOCUMENTS_URL=mongodb://m/\n');
    expect(() => readPlace('to', named(file), {})).toThrow(/has no BUS_URL/);
    expect(() => readPlace('to', named(folders.path('none.env')), {})).toThrow('there is no such file');
    expect(() => readPlace('from', named(undefined, { bus: 'amqp://b/' }), {})).toThrow('--from or --from-documents is missing');
  });
});

describe('movedPorts', () => {
  it('leaves out what stays, and refuses when all does', () => {
    const urls = { documents: 'mongodb://m/', bus: 'amqp://b/', blobs: 's3://bucket' };
    const from = readPlace('from', named(undefined, urls), {});
    expect(movedPorts(from, readPlace('to', named(undefined, { ...urls, blobs: 'azure://container?account=abc' }), {}))).toEqual(['blobs']);
    expect(() => movedPorts(from, readPlace('to', named(undefined, urls), {}))).toThrow(UsageError);
  });
});

describe('what is shown', () => {
  it('holds no password', () => {
    expect(shown('mongodb://me:pa:ss@host:27017/x')).toBe('mongodb://me:(hidden)@host:27017/x');
    expect(
      readPlace('to', named(undefined, { documents: 'mongodb://me:secret@m/', bus: 'amqp://b', blobs: 's3://b' }), {}).name,
    ).not.toContain('secret');
  });
});

describe('completeEnvFile', () => {
  it('adds what is missing, keeps what is there, and is for the owner alone', async () => {
    const file = folders.path('deploy.env');
    await writeFile(file, '# mine\nDOCUMENTS_URL=mongodb://m/\nPORT=80', { mode: 0o644 });
    const settings = { DOCUMENTS_URL: 'mongodb://m/', PLAYBACK_SECRET: "a 'secret' #1" };
    await expect(completeEnvFile(file, settings)).rejects.toThrow('PLAYBACK_SECRET');
    const plain = { ...settings, PLAYBACK_SECRET: 'a secret #1' };
    expect(await completeEnvFile(file, plain)).toEqual(['PLAYBACK_SECRET']);
    expect(await completeEnvFile(file, plain)).toEqual([]);
    expect(readFileSync(file, 'utf8')).toMatch(/^# mine\nDOCUMENTS_URL=mongodb:\/\/m\/\nPORT=80\n# .+\nPLAYBACK_SECRET='a secret #1'\n$/);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('refuses a file that says something else', async () => {
    const file = folders.path('deploy.env');
    await writeFile(file, 'PLAYBACK_SECRET=another\n');
    await expect(completeEnvFile(file, { PLAYBACK_SECRET: 'ours' })).rejects.toThrow(/has another PLAYBACK_SECRET/);
    expect(readFileSync(file, 'utf8')).toBe('PLAYBACK_SECRET=another\n');
  });

  it('makes the file from a place', async () => {
    const place = readPlace(
      'to',
      named(undefined, { documents: 'mongodb://m/', bus: 'amqp://u:p@b/v', blobs: 's3://b?endpoint=http://s:1&style=path' }),
      {},
    );
    const settings = settingsOf({ ...place, secrets: { PLAYBACK_SECRET: 'abc', ACCOUNTS_SECRET: undefined } });
    await completeEnvFile(folders.path('moved.env'), settings);
    const back = readPlace('from', named(folders.path('moved.env')), {});
    expect(back).toMatchObject({ urls: place.urls, secrets: { PLAYBACK_SECRET: 'abc' } });
  });
});

describe('readArguments', () => {
  it('takes one mode, numbers within their bounds, and nothing unknown', () => {
    expect(readArguments(['--from', 'a', '--to', 'b', '--finish', '--stopped'])).toMatchObject({
      mode: 'finish',
      isStopped: true,
      waitSeconds: 600,
      concurrency: 8,
    });
    expect(readArguments(['--help'])).toBeUndefined();
    expect(() => readArguments(['--finish', '--verify'])).toThrow('exclude each other');
    expect(() => readArguments(['--stopped'])).toThrow('--stopped goes with --finish');
    expect(() => readArguments(['--concurrency', '0'])).toThrow('--concurrency');
    expect(() => readArguments(['--force'])).toThrow(UsageError);
  });
});

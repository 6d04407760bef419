import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { execFile, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { InvalidBlobKeyError, openBlobs, StorageFullError } from '../src/index.ts';
import { all, blobsConformance } from './conformance.ts';

const writer = join(import.meta.dirname, 'writer-child.ts');
const run = promisify(execFile);
const newFolder = (): Promise<string> => mkdtemp(join(tmpdir(), 'kinora-blobs-'));
let root: string;
let folder: string;

beforeEach(async () => {
  root = await newFolder();
  folder = join(root, 'blobs');
});
afterEach(() => rm(root, { recursive: true, force: true }));

const suiteFolder = await newFolder();
blobsConformance('the file adapter', () => Promise.resolve(openBlobs(`file:${suiteFolder}`)));
afterAll(() => rm(suiteFolder, { recursive: true, force: true }));

const filesBelow = async (path: string): Promise<string[]> =>
  (await readdir(path, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));

describe('openBlobs', () => {
  it.each(['http://host/blobs', 's3:bucket', 'azure://x', '', '/data', 'file:'])('refuses %j with a plain sentence', (url) => {
    expect(() => openBlobs(url)).toThrow(/BLOBS_URL/);
  });

  it('loads the libraries of object stores only for the store that needs them', async () => {
    const child = join(import.meta.dirname, 'libraries-child.ts');
    const connectionString = 'DefaultEndpointsProtocol=http;AccountName=acme;AccountKey=a2V5;BlobEndpoint=http://127.0.0.1:1/acme';
    const env = { ...process.env, AZURE_STORAGE_CONNECTION_STRING: connectionString };
    const loadedBy = async (url: string): Promise<unknown> => JSON.parse((await run(process.execPath, [child, url], { env })).stdout);
    expect(await loadedBy(`file:${folder}`)).toEqual([]);
    expect(await loadedBy('s3://kinora?endpoint=http://127.0.0.1:1')).toEqual(['@aws-sdk/client-s3']);
    expect(await loadedBy('azure://kinora')).toEqual(['@azure/storage-blob']);
    // Three processes that load large libraries.
  });

  it('takes a path with spaces, and the same folder as a file:/// URL', async () => {
    const path = join(root, 'with space');
    await openBlobs(`file:${path}`).put('a', Buffer.from('x'));
    expect((await openBlobs(`file://${path.replace(' ', '%20')}`).read('a')).toString()).toBe('x');
    expect(openBlobs(`file:${path}`).directory).toBe(path);
  });
});

describe('the folder of blobs', () => {
  it('holds each blob as a plain file at its key, where ffmpeg can read it', async () => {
    const blobs = openBlobs(`file:${folder}`);
    await blobs.put('assets/x/v720/1.m4s', Buffer.from('bytes'));
    expect(await blobs.locate('assets/x/v720/1.m4s')).toBe(join(folder, 'assets/x/v720/1.m4s'));
    expect(await readFile(join(folder, 'assets/x/v720/1.m4s'), 'utf8')).toBe('bytes');
  });

  it('takes files that another program wrote into it as blobs, and keeps the folder they lie in', async () => {
    const blobs = openBlobs(`file:${folder}`);
    await mkdir(join(folder, 'uploads'));
    await writeFile(join(folder, 'uploads/abc'), '0123456789');
    const info = await blobs.stat('uploads/abc');
    expect(info?.bytes).toBe(10);
    expect(await all(blobs.list('uploads/'))).toEqual([info]);
    expect((await (await blobs.stream('uploads/abc', { start: 2, end: 5 })).toArray()).join('')).toBe('234');
    await blobs.delete('uploads/abc');
    expect(await blobs.stat('uploads/abc')).toBeUndefined();
    await writeFile(join(folder, 'uploads/next'), 'x');
  });

  it('changes the ETag when a file is appended to', async () => {
    const blobs = openBlobs(`file:${folder}`);
    const before = await blobs.put('a', Buffer.from('x'));
    await writeFile(join(folder, 'a'), 'y', { flag: 'a' });
    expect((await blobs.stat('a'))?.etag).not.toBe(before.etag);
  });

  it('keeps no empty folders below the first level', async () => {
    const blobs = openBlobs(`file:${folder}`);
    for (const key of ['assets/x/v/1', 'assets/x/v/2', 'assets/x/main', 'assets/y/z/1']) await blobs.put(key, Buffer.from('x'));
    await blobs.deletePrefix('assets/x/');
    await blobs.delete('assets/y/z/1');
    expect(await readdir(join(folder, 'assets'))).toEqual([]);
  });

  it('refuses a blob below another blob, and one where blobs lie below', async () => {
    const blobs = openBlobs(`file:${folder}`);
    await blobs.put('a/b', Buffer.from('x'));
    await expect(blobs.put('a/b/c', Buffer.from('y'))).rejects.toThrow(InvalidBlobKeyError);
    await expect(blobs.put('a', Buffer.from('y'))).rejects.toThrow(InvalidBlobKeyError);
    expect(await filesBelow(folder)).toEqual([join(folder, 'a/b')]);
  });

  it('removes what dead writers left when it starts, but not what may still be written', async () => {
    const blobs = openBlobs(`file:${folder}`);
    await blobs.put('a', Buffer.from('x'));
    const temporary = join(folder, '.tmp');
    await writeFile(join(temporary, 'old'), 'x');
    await utimes(join(temporary, 'old'), new Date(), new Date(Date.now() - 2 * 3_600_000));
    await writeFile(join(temporary, 'young'), 'x');
    await openBlobs(`file:${folder}`).ready();
    expect(await readdir(temporary)).toEqual(['young']);
    expect(await all(blobs.list(''))).toHaveLength(1);
  });

  it('is not left by any key or prefix, whatever they are made of', async () => {
    const outside = join(root, 'secret');
    await writeFile(outside, 'secret');
    const blobs = openBlobs(`file:${folder}`);
    const part = fc.constantFrom('..', '.', 'a', '/', '\\', '%2e%2e', '\0', '.tmp', 'secret', root, '~', '', '/../');
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 6 }), fc.constantFrom('', '/'), async (parts, glue) => {
        const key = parts.join(glue);
        await Promise.allSettled([blobs.put(key, Buffer.from('x')), blobs.delete(key), blobs.deletePrefix(`${key}/`), blobs.read(key)]);
      }),
      { numRuns: 300 },
    );
    expect(await readdir(root)).toEqual(['blobs', 'secret']);
    expect(await readFile(outside, 'utf8')).toBe('secret');
  });

  it('is not left through symbolic links', async () => {
    const blobs = openBlobs(`file:${folder}`);
    await mkdir(join(root, 'outside'));
    await writeFile(join(root, 'outside/secret'), 'secret');
    await symlink(join(root, 'outside'), join(folder, 'link'));
    await symlink(join(root, 'outside/secret'), join(folder, 'file'));
    for (const key of ['link/secret', 'link/new', 'link/a/b']) {
      await expect(blobs.put(key, Buffer.from('x'))).rejects.toThrow(InvalidBlobKeyError);
    }
    await expect(blobs.read('link/secret')).rejects.toThrow(InvalidBlobKeyError);
    await expect(blobs.delete('link/secret')).rejects.toThrow(InvalidBlobKeyError);
    expect(await blobs.open('file')).toBeUndefined();
    await blobs.put('file', Buffer.from('a blob'));
    expect((await all(blobs.list(''))).map(({ key }) => key)).toEqual(['file']);
    expect(await filesBelow(join(root, 'outside'))).toEqual([join(root, 'outside/secret')]);
    expect(await readFile(join(root, 'outside/secret'), 'utf8')).toBe('secret');
  });

  it('does not hang on a pipe that lies in it', async () => {
    const blobs = openBlobs(`file:${folder}`);
    await run('mkfifo', [join(folder, 'pipe')]);
    expect(await blobs.open('pipe')).toBeUndefined();
  });
});

/** A file system of 1 MiB at `path`, or false where this process may not mount. */
async function mountSmall(path: string): Promise<boolean> {
  await mkdir(path);
  return run('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', path]).then(
    () => true,
    () => false,
  );
}

describe('a full disk', () => {
  it('is reported as such, with nothing half-written and the old blob whole', async () => {
    const mounted = await mountSmall(folder);
    try {
      const blobs = openBlobs(`file:${folder}`);
      await blobs.put('a/b', Buffer.from('old'));
      // Without the right to mount, the limit on one file (EFBIG) of a child stands for the full disk.
      if (mounted) await expect(blobs.put('a/b', Buffer.alloc(4 << 20))).rejects.toThrow(StorageFullError);
      else
        expect(
          (
            await run('sh', [
              '-c',
              `ulimit -f 1024; exec "$0" "$@"`,
              process.execPath,
              writer,
              `file:${folder}`,
              'a/b',
              String(4 << 20),
            ]).catch(({ stdout }: { stdout: string }) => ({ stdout }))
          ).stdout,
        ).toBe('StorageFullError\n');
      expect((await blobs.read('a/b')).toString()).toBe('old');
      expect(await filesBelow(folder)).toEqual([join(folder, 'a/b')]);
      await blobs.put('a/c', Buffer.alloc(500_000));
    } finally {
      if (mounted) await run('umount', [folder]);
    }
  });

  it('is reported for a limit on the size of files too', async () => {
    const limited = run('sh', ['-c', 'ulimit -f 100; exec "$0" "$@"', process.execPath, writer, `file:${folder}`, 'a/b', String(4 << 20)]);
    await expect(limited).rejects.toMatchObject({ stdout: 'StorageFullError\n' });
    expect(await filesBelow(folder)).toEqual([]);
  });
});

describe('kill -9 of a writer', () => {
  it('leaves the last acknowledged blob or a later one, whole', async () => {
    const bytes = 1_000_000;
    for (let round = 0; round < 6; round++) {
      const child = spawn(process.execPath, [writer, `file:${folder}`, 'a/b', String(bytes)], { stdio: ['ignore', 'pipe', 'inherit'] });
      let acknowledged = 0;
      const over = new Promise((resolve) => child.once('close', resolve));
      for await (const line of child.stdout) {
        acknowledged = Number(String(line).trim().split('\n').at(-1));
        // A different moment of the next put in each round.
        if (acknowledged > round) setTimeout(() => child.kill('SIGKILL'), round * 2);
      }
      await over;
      const stored = await openBlobs(`file:${folder}`).read('a/b');
      expect(stored).toHaveLength(bytes);
      const fill = stored[0] ?? -1;
      expect(stored.equals(Buffer.alloc(bytes, fill))).toBe(true);
      expect([acknowledged % 251, (acknowledged + 1) % 251]).toContain(fill);
    }
  });

  it('leaves no blob when the first one was not finished', async () => {
    const child = spawn(process.execPath, [writer, `file:${folder}`, 'a/b', String(4e9)], { stdio: 'ignore' });
    const over = new Promise((resolve) => child.once('close', resolve));
    const deadline = Date.now() + 60_000;
    while ((await filesBelow(folder).catch(() => [])).length === 0 && Date.now() < deadline)
      await new Promise((resolve) => setImmediate(resolve));
    child.kill('SIGKILL');
    await over;
    const blobs = openBlobs(`file:${folder}`);
    expect(await all(blobs.list(''))).toEqual([]);
    const [left = ''] = await filesBelow(folder);
    expect(left).toContain('.tmp');
    await utimes(left, new Date(0), new Date(0));
    await blobs.ready();
    expect(await filesBelow(folder)).toEqual([]);
  });
});

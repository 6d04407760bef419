import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import type { Collection, IndexSpec } from '@kinora/documents';
import { canonical, digestOf, mirrorCollection, type CollectionOutcome } from '../documents.ts';
import type { AnyDocument } from '../ports.ts';
import { makeFolders, type Folders } from './folders.ts';

let folders: Folders;
beforeEach(async () => void (folders = await makeFolders()));
afterEach(() => folders.remove());

const signal = new AbortController().signal;

function sides(indexes: readonly IndexSpec[] = []): { source: Collection<AnyDocument>; target: Collection<AnyDocument> } {
  const open = (name: string) => folders.place(name).ports.documents('catalog').collection<AnyDocument>('videos', { indexes });
  return { source: open('from'), target: open('to') };
}

const mirror = (source: Collection<AnyDocument>, target: Collection<AnyDocument>, writes = true): Promise<CollectionOutcome> =>
  mirrorCollection({ name: 'catalog.videos', source, target, writes, signal, onDocuments: () => undefined });

async function all(collection: Collection<AnyDocument>): Promise<AnyDocument[]> {
  const found: AnyDocument[] = [];
  for await (const document of collection.scan({})) found.push(document);
  return found;
}

describe('mirrorCollection', () => {
  it('makes the target equal whatever both held, and finds nothing to do the second time', async () => {
    const id = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'ü', '\u{1F3AC}', '\uFFFD');
    // What the port refuses is no document.
    const value = fc.jsonValue({ maxDepth: 2 }).filter((json) => !/"\$|__proto__|_bsontype|\\u0000/.test(JSON.stringify(json)));
    const documents = fc.uniqueArray(fc.record({ _id: id, title: value, 'a.b': value }), { selector: ({ _id }) => _id });
    const { source, target } = sides();
    await fc.assert(
      fc.asyncProperty(documents, documents, async (ours, theirs) => {
        for (const [collection, held] of [
          [source, ours],
          [target, theirs],
        ] as const) {
          await collection.deleteMany({});
          await collection.insertMany(held);
        }
        const first = await mirror(source, target);
        expect(await all(target)).toEqual(await all(source));
        expect(first.source.documents).toBe(ours.length);
        expect(await mirror(source, target)).toMatchObject({ written: 0, deleted: 0, source: first.source, target: first.source });
      }),
      { numRuns: 60 },
    );
  });

  it('lets documents trade what is unique among them', async () => {
    const { source, target } = sides([{ keys: { email: 1 }, unique: true }]);
    await target.insertMany([
      { _id: '1', email: 'x' },
      { _id: '2', email: 'y' },
      { _id: '3', email: 'z' },
    ]);
    await source.insertMany([
      { _id: '0', email: 'z' },
      { _id: '1', email: 'y' },
      { _id: '2', email: 'x' },
    ]);
    expect(await mirror(source, target)).toMatchObject({ written: 3, deleted: 1, refused: 0 });
    expect(await all(target)).toEqual(await all(source));
  });

  it('writes nothing when it only compares, and says what differs', async () => {
    const { source, target } = sides();
    await source.insertMany([{ _id: 'same' }, { _id: 'changed', n: 1 }, { _id: 'missing' }]);
    await target.insertMany([{ _id: 'same' }, { _id: 'changed', n: 2 }, { _id: 'extra' }]);
    const before = await all(target);
    const outcome = await mirror(source, target, false);
    expect(outcome).toMatchObject({ written: 2, deleted: 1, examples: ['changed', 'extra', 'missing'] });
    expect(outcome.source.sha256).not.toBe(outcome.target.sha256);
    expect(await all(target)).toEqual(before);
  });

  it('takes more documents than one batch, and a document of several megabytes', async () => {
    const { source, target } = sides();
    const many = Array.from({ length: 1_234 }, (_, n) => ({ _id: String(n).padStart(5, '0'), title: 'x'.repeat(n) }));
    await source.insertMany([...many, { _id: 'large', text: 'y'.repeat(5_000_000) }]);
    expect(await mirror(source, target)).toMatchObject({ written: 1_235 });
    expect(await digestOf(target)).toEqual(await digestOf(source));
  });
});

describe('canonical', () => {
  it('is the same for the same fields in any order, and for nothing else', () => {
    expect(canonical({ b: [{ d: 1, c: 2 }], a: null })).toBe('{"a":null,"b":[{"c":2,"d":1}]}');
    expect(canonical({ a: [1, 2] })).not.toBe(canonical({ a: [2, 1] }));
  });
});

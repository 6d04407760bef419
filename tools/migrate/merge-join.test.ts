import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { compareKeys, mergeJoin } from './merge-join.ts';

async function* stream(keys: readonly string[]): AsyncGenerator<string> {
  yield* keys;
}
const side = (keys: readonly string[], name = 'the list') => ({ items: stream(keys), keyOf: (key: string) => key, name });
const inOrder = (keys: readonly string[]): string[] => [...new Set(keys)].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}
const text = fc.string({ unit: 'binary' });

describe('compareKeys', () => {
  it('orders as UTF-8 bytes do, astral characters included', () => {
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(Math.sign(compareKeys(a, b))).toBe(Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b))));
      }),
    );
    expect(compareKeys('\u{1F3AC}', '\uFFFD')).toBeGreaterThan(0);
  });
});

describe('mergeJoin', () => {
  it('gives each key once, in order, with the sides that have it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(text), fc.array(text), async (left, right) => {
        const joined = await all(mergeJoin(side(inOrder(left)), side(inOrder(right))));
        expect(joined).toEqual(
          inOrder([...left, ...right]).map((key) => ({
            key,
            left: left.includes(key) ? key : undefined,
            right: right.includes(key) ? key : undefined,
          })),
        );
      }),
    );
  });

  it('refuses a stream that does not ascend, by name', async () => {
    const joined = mergeJoin(side(['a', 'c', 'b'], 'the source'), side([]));
    await expect(all(joined)).rejects.toThrow('the source came out of order: "b" after "c"');
    await expect(all(mergeJoin(side(['a', 'a']), side([])))).rejects.toThrow('out of order');
  });

  it('ends both streams when the consumer stops early', async () => {
    const ended: string[] = [];
    async function* endless(name: string): AsyncGenerator<string> {
      try {
        for (let i = 0; ; i++) yield `key ${String(i).padStart(9, '0')}`;
      } finally {
        ended.push(name);
      }
    }
    const of = (name: string) => ({ items: endless(name), keyOf: (key: string) => key, name });
    for await (const _ of mergeJoin(of('left'), of('right'))) break;
    expect(ended.sort()).toEqual(['left', 'right']);
  });
});

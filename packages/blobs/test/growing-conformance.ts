/** What every adapter promises of a blob that grows. Long because it is one suite over one subject: an adapter runs all of it or none. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { BlobNotFoundError, type Appending, type Blobs, type Growing, type GrowingBlob } from '../src/index.ts';
import { all } from './conformance.ts';

export interface GrowingSubject {
  readonly open: () => Promise<Blobs>;
  /** Bytes at which something changes inside: a part is full. */
  readonly unitBytes: number;
  /** Whether a blob is seen as it grows. */
  readonly isSeenGrowing: boolean;
  /** What lies in the store for `key` beside its blob, asked without our own code. */
  readonly strays: (key: string) => Promise<readonly string[]>;
  /** Frees what a writer that only played dead still holds open. */
  readonly bury?: (appending: Appending) => Promise<unknown>;
}

// Stores on a busy machine take their time for so many bytes.
const pieceOf = 65_536;

class Killed extends Error {}

/** When a writer dies, counted in calls of `record`: before the record is changed, or right after it. */
interface Death {
  readonly atRecord: number;
  readonly moment: 'before' | 'after';
}

/** A growing blob with the record that a caller keeps of it, and what it should hold. */
class Subject {
  readonly key = `growing/${randomUUID()}`;
  readonly growing: Growing;
  readonly bytes: Buffer;
  state = '';
  /** Who may change the record now. */
  writer = 0;

  constructor(growing: Growing, bytes: Buffer) {
    this.growing = growing;
    this.bytes = bytes;
  }

  async create(): Promise<this> {
    this.state = await this.growing.create(this.key, this.bytes.length);
    return this;
  }

  get blob(): GrowingBlob {
    return { key: this.key, lengthBytes: this.bytes.length, state: this.state };
  }

  offset = (): Promise<number | undefined> => this.growing.offset(this.blob);

  /** A writer that takes the right to write from the one before it. */
  append(isWhole: boolean, death?: Death): Promise<Appending> {
    const writer = ++this.writer;
    let records = 0;
    return this.growing.append(this.blob, {
      isWhole,
      record: async (state) => {
        await Promise.resolve();
        if (writer !== this.writer) throw new Killed('another writer has the right');
        const dies = death?.atRecord === ++records;
        if (dies && death.moment === 'before') throw new Killed('before the record');
        this.state = state;
        // A dead process goes no further: nothing after this happens.
        if (dies) await new Promise((_resolve, reject) => this.#onDeath(() => reject(new Killed('after the record'))));
      },
    });
  }

  #burials: (() => void)[] = [];
  #dying = Promise.withResolvers<void>();
  #onDeath(bury: () => void): void {
    this.#burials.push(bury);
    this.#dying.resolve();
  }

  /** Lets the code of dead writers end. */
  buryAll(): void {
    for (const bury of this.#burials) bury();
  }

  /** Writes `[start, end)` and dies as told; false when it did not come to that. */
  async writeAndDie(start: number, end: number, isWhole: boolean, death: Death): Promise<boolean> {
    const living = (async () => {
      const appending = await this.append(isWhole, death);
      await this.send(appending, start, end);
      await appending.keep();
    })();
    const died = await Promise.race([
      living.then(
        () => false,
        () => true,
      ),
      this.#dying.promise.then(() => true),
    ]);
    this.writer++;
    this.#dying = Promise.withResolvers();
    living.catch(() => undefined);
    return died;
  }

  async send(appending: Appending, start: number, end: number, bytes = this.bytes): Promise<void> {
    for (let at = start; at < end; at += 4 * pieceOf) {
      const chunks: Buffer[] = [];
      for (let from = at; from < Math.min(end, at + 4 * pieceOf); from += pieceOf)
        chunks.push(Buffer.from(bytes.subarray(from, Math.min(end, at + 4 * pieceOf, from + pieceOf))));
      await appending.write(chunks);
    }
  }

  async add(end: number, isWhole = false): Promise<void> {
    const start = (await this.offset()) ?? -1;
    const appending = await this.append(isWhole);
    await this.send(appending, start, end);
    expect(await appending.keep()).toBe(end);
  }

  async finish(): Promise<void> {
    await this.add(this.bytes.length);
    await this.growing.finish(this.blob);
  }
}

const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Holds an adapter's growing blobs to growing.ts. */
export function growingConformance(name: string, subject: GrowingSubject): void {
  const { unitBytes } = subject;
  describe(`${name} as a store of growing blobs`, () => {
    let blobs: Blobs;
    const source = randomBytes(3 * unitBytes + 12_345);
    const begun: Subject[] = [];
    const begin = (length: number): Promise<Subject> => {
      const growing = new Subject(blobs.growing, Buffer.from(source.subarray(0, length)));
      begun.push(growing);
      return growing.create();
    };
    afterEach(() => {
      for (const growing of begun.splice(0)) growing.buryAll();
    });
    const expectBlob = async ({ key, bytes }: Subject): Promise<void> => {
      const stored = await blobs.read(key);
      expect([stored.length, digest(stored)]).toEqual([bytes.length, digest(bytes)]);
      expect(await subject.strays(key)).toEqual([]);
    };
    beforeAll(async () => {
      blobs = await subject.open();
      await blobs.ready();
    });
    afterAll(async () => {
      for await (const { key } of blobs.list('')) await blobs.delete(key);
      await blobs.close();
    });
    const given = { subject, begin, expectBlob, blobs: () => blobs };
    describeGrowth(given);
    describeDeaths(given);
    describeRivals(given);
    describeEnds(given);
  });
}

interface Given {
  readonly subject: GrowingSubject;
  readonly begin: (length: number) => Promise<Subject>;
  readonly expectBlob: (growing: Subject) => Promise<void>;
  readonly blobs: () => Blobs;
}

function describeGrowth({ subject: { unitBytes, isSeenGrowing }, begin, expectBlob, blobs }: Given): void {
  it.each([0, 1, 1_000])('makes a blob of %d bytes', async (length) => {
    const growing = await begin(length);
    expect(await growing.offset()).toBe(0);
    await growing.add(length);
    const info = await growing.growing.finish(growing.blob);
    expect(info).toEqual(await blobs().stat(growing.key));
    await expectBlob(growing);
  });

  it.each([
    ['less than a unit', -1],
    ['exactly a unit', 0],
    ['more than a unit', 1],
  ])('makes a blob of %s in one go', async (_what, more) => {
    const growing = await begin(unitBytes + more);
    await growing.finish();
    await expectBlob(growing);
  });

  it('makes a blob of many bodies that end anywhere, and knows every byte of each', async () => {
    const growing = await begin(3 * unitBytes + 12_345);
    const ends = [1, 2, 70_000, unitBytes - 1, unitBytes, unitBytes + 1, 2 * unitBytes + 300_000, 3 * unitBytes];
    for (const end of ends) {
      await growing.add(end, end % 2 === 0);
      expect([end, await growing.offset(), await growing.growing.offset(growing.blob, 'record')]).toEqual([end, end, end]);
    }
    expect((await blobs().stat(growing.key)) !== undefined).toBe(isSeenGrowing);
    expect((await all(blobs().list('growing/'))).some(({ key }) => key === growing.key)).toBe(isSeenGrowing);
    await growing.finish();
    await expectBlob(growing);
  });

  it('counts a body that is to count whole only once it is kept', async () => {
    const growing = await begin(3 * unitBytes);
    await growing.add(1_000);
    const appending = await growing.append(true);
    await growing.send(appending, 1_000, 2 * unitBytes);
    expect(await growing.offset()).toBe(1_000);
    expect(await appending.keep()).toBe(2 * unitBytes);
    expect(await growing.offset()).toBe(2 * unitBytes);
    await growing.finish();
    await expectBlob(growing);
  });

  it.each([false, true])('goes back to where it was when a body is dropped (to count whole: %s)', async (isWhole) => {
    const growing = await begin(3 * unitBytes);
    await growing.add(unitBytes + 1_000);
    const appending = await growing.append(isWhole);
    await growing.send(appending, 0, 2 * unitBytes - 1_000);
    await appending.drop();
    expect(await growing.offset()).toBe(unitBytes + 1_000);
    await growing.finish();
    await expectBlob(growing);
  });
}

function describeDeaths({ subject: { unitBytes, bury }, begin, expectBlob }: Given): void {
  it.each([
    ['before', false],
    ['after', false],
    ['before', true],
    ['after', true],
  ] as const)(
    'goes on after a writer that died %s any change of its record, with what counted by then (to count whole: %s)',
    async (moment, isWhole) => {
      let hasDied = true;
      for (let atRecord = 1; hasDied; atRecord++) {
        const growing = await begin(2 * unitBytes + 5_000);
        await growing.add(1_000);
        hasDied = await growing.writeAndDie(1_000, 2 * unitBytes + 2_000, isWhole, { atRecord, moment });
        const offset = (await growing.offset()) ?? -1;
        expect(offset).toBeGreaterThanOrEqual(1_000);
        if (isWhole && offset !== 1_000) expect(offset).toBe(2 * unitBytes + 2_000);
        await growing.finish();
        await expectBlob(growing);
      }
    },
  );

  it('counts nothing of a body that was to count whole when its writer died without a word', async () => {
    const growing = await begin(3 * unitBytes);
    await growing.add(5_000);
    const abandoned = await growing.append(true);
    await growing.send(abandoned, 0, 2 * unitBytes);
    expect(await growing.offset()).toBe(5_000);
    growing.writer++;
    await bury?.(abandoned);
    const next = await growing.append(true);
    await growing.send(next, 5_000, 6_000);
    expect(await next.keep()).toBe(6_000);
    await growing.finish();
    await expectBlob(growing);
  });

  it('is finished by whoever comes next when a writer died after making the blob and before saying so', async () => {
    const growing = await begin(unitBytes + 1);
    await growing.finish();
    const again = await growing.growing.finish(growing.blob);
    expect(again.bytes).toBe(unitBytes + 1);
    expect(await growing.offset()).toBe(unitBytes + 1);
    await expectBlob(growing);
  });

  it('holds the right bytes whatever the bodies, their ends and the deaths between', async () => {
    const step = fc.record({
      bytes: fc.oneof(fc.integer({ min: 1, max: 3_000 }), fc.integer({ min: 1, max: 2 * unitBytes })),
      isWhole: fc.boolean(),
      end: fc.oneof(
        fc.constantFrom('keep', 'keep', 'drop', 'silence'),
        fc.record({ atRecord: fc.integer({ min: 1, max: 4 }), moment: fc.constantFrom('before', 'after') }),
      ),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 1, max: 3 * unitBytes }),
        async (steps, length) => {
          const growing = await begin(length);
          let least = 0;
          for (const { bytes, isWhole, end } of steps) {
            const start = (await growing.offset()) ?? -1;
            expect(start).toBeGreaterThanOrEqual(least);
            const stop = Math.min(length, start + bytes);
            least = start;
            if (typeof end === 'object') await growing.writeAndDie(start, stop, isWhole, end);
            else {
              const appending = await growing.append(isWhole);
              await growing.send(appending, start, stop);
              if (end === 'drop') await appending.drop();
              if (end === 'keep') least = await appending.keep();
              growing.writer++;
              if (end === 'silence') await bury?.(appending);
            }
          }
          expect(await growing.offset()).toBeGreaterThanOrEqual(least);
          await growing.finish();
          await expectBlob(growing);
        },
      ),
      { numRuns: 12 },
    );
  });
}

function describeRivals({ subject: { unitBytes }, begin, expectBlob, blobs }: Given): void {
  /** Takes the right away from whoever has it. */
  const takeRight = async (growing: Subject): Promise<number> => {
    growing.writer++;
    await blobs().growing.fence(growing.blob);
    return (await growing.offset()) ?? -1;
  };

  it.each([false, true])('is not harmed by a writer that lost the right and goes on (to count whole: %s)', async (isWhole) => {
    const growing = await begin(3 * unitBytes);
    await growing.add(1_000);
    const others = randomBytes(3 * unitBytes);
    const past = await growing.append(isWhole);
    await growing.send(past, 1_000, 1.5 * unitBytes, others);
    const start = await takeRight(growing);
    if (isWhole) expect(start).toBe(1_000);
    // What has become durable of a body that need not be whole counts, whoever sent it.
    others.copy(growing.bytes, 1_000, 1_000, start);
    const present = await growing.append(false);
    await growing.send(present, start, start + unitBytes / 2);
    await growing.send(past, 1.5 * unitBytes, 2.75 * unitBytes, others).catch(() => undefined);
    await growing.send(present, start + unitBytes / 2, start + unitBytes);
    await expect(past.keep()).rejects.toThrow(Killed);
    expect(await present.keep()).toBe(start + unitBytes);
    expect(await growing.offset()).toBe(start + unitBytes);
    await growing.finish();
    await expectBlob(growing);
  });

  it.each([false, true])('loses nothing to a writer that lost the right and drops what it wrote (to count whole: %s)', async (isWhole) => {
    const growing = await begin(3 * unitBytes);
    await growing.add(1_000);
    const past = await growing.append(isWhole);
    await growing.send(past, 1_000, 1.5 * unitBytes);
    await takeRight(growing);
    await growing.add(2 * unitBytes);
    await expect(past.drop()).rejects.toThrow(Killed);
    expect(await growing.offset()).toBe(2 * unitBytes);
    await growing.finish();
    await expectBlob(growing);
  });

  it('lets a writer begin only while it has the right', async () => {
    const growing = await begin(unitBytes);
    await growing.add(1_000);
    const refused = growing.append(false, { atRecord: 1, moment: 'before' });
    const kept = refused.then(async (appending) => {
      await growing.send(appending, 0, 2_000);
      return appending.keep();
    });
    await expect(kept).rejects.toThrow(Killed);
    await growing.finish();
    await expectBlob(growing);
  });
}

function describeEnds({ subject, begin, expectBlob, blobs }: Given): void {
  const { unitBytes } = subject;
  const remains = async (key: string): Promise<readonly boolean[]> => [
    ...new Set(
      (await all(blobs().growing.remains('growing/', Date.now() + 3_600_000)))
        .filter((found) => found.key === key)
        .map(({ isBlob }) => isBlob),
    ),
  ];

  it('refuses to finish while bytes are missing', async () => {
    const growing = await begin(unitBytes + 10);
    await growing.add(unitBytes + 9);
    await expect(growing.growing.finish(growing.blob)).rejects.toThrow(BlobNotFoundError);
    await growing.finish();
    await expectBlob(growing);
  });

  it('removes what lies under a key, however far it has grown, and again without an error', async () => {
    for (const end of [0, 1_000, unitBytes + 1_000, 2 * unitBytes]) {
      const growing = await begin(2 * unitBytes);
      if (end > 0) await growing.add(end);
      if (end === 2 * unitBytes) await growing.growing.finish(growing.blob);
      await blobs().growing.remove(growing.key);
      expect([end, await subject.strays(growing.key), await blobs().stat(growing.key)]).toEqual([end, [], undefined]);
      await blobs().growing.remove(growing.key);
      if (end > unitBytes) expect(await growing.offset()).toBeUndefined();
    }
  });

  it('says that the bytes are gone to who goes on with what was removed', async () => {
    const growing = await begin(2 * unitBytes + 10);
    await growing.add(unitBytes + 1_000);
    await blobs().growing.remove(growing.key);
    const goOn = growing.append(false).then(async (appending) => {
      await growing.send(appending, unitBytes + 1_000, growing.bytes.length);
      await appending.keep();
      return growing.growing.finish(growing.blob);
    });
    await expect(goOn).rejects.toThrow(BlobNotFoundError);
    await blobs().growing.remove(growing.key);
  });

  it('finds what has lain there for long, blob or not', async () => {
    const growing = await begin(unitBytes + 10);
    await growing.add(1_000);
    expect(await remains(growing.key)).toEqual([subject.isSeenGrowing]);
    expect(await all(blobs().growing.remains('growing/', Date.now() - 3_600_000))).toEqual([]);
    await growing.finish();
    expect(await remains(growing.key)).toEqual([true]);
    await blobs().growing.remove(growing.key);
    expect(await remains(growing.key)).toEqual([]);
  });
}

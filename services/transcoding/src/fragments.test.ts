import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { MalformedFragmentError, readBoxes, readTimes, readTrack, retime } from './fragments.ts';

const box = (type: string, ...parts: readonly Buffer[]): Buffer => {
  const body = Buffer.concat(parts);
  const head = Buffer.alloc(8);
  head.writeUInt32BE(body.length + 8, 0);
  head.write(type, 4, 'latin1');
  return Buffer.concat([head, body]);
};
const words = (...values: readonly number[]): Buffer => {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, at) => bytes.writeInt32BE(value | 0, at * 4));
  return bytes;
};
interface Sample {
  readonly ticks: number;
  readonly offset: number;
}
const moofOf = (base: bigint, samples: readonly Sample[]): Buffer => {
  const time = Buffer.alloc(8);
  time.writeBigInt64BE(base);
  const trun = box('trun', words(0x01000901, samples.length, 0, ...samples.flatMap(({ ticks, offset }) => [ticks, offset])));
  return box('moof', box('mfhd', words(0, 1)), box('traf', box('tfhd', words(0x020000, 1)), box('tfdt', words(0x01000000), time), trun));
};
const track = { timescale: 30_000, codecs: 'avc1.64001f', defaultTicks: 1001 };
const samplesOf = fc.array(fc.record({ ticks: fc.integer({ min: 1, max: 5000 }), offset: fc.integer({ min: -3000, max: 9000 }) }), {
  minLength: 1,
  maxLength: 40,
});
async function* inParts(bytes: Buffer, cuts: readonly number[]): AsyncGenerator<Buffer> {
  const places = [0, ...cuts.map((cut) => cut % bytes.length).sort((a, b) => a - b), bytes.length];
  for (const [at, start] of places.slice(0, -1).entries()) yield bytes.subarray(start, places[at + 1]);
}

describe('readBoxes', () => {
  it('finds the same boxes however the stream is cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 50 }), { minLength: 1, maxLength: 6 }),
        fc.array(fc.nat()),
        async (bodies, cuts) => {
          const boxes = bodies.map((body) => box('mdat', Buffer.from(body)));
          const found: Buffer[] = [];
          for await (const { bytes } of readBoxes(inParts(Buffer.concat(boxes), cuts))) found.push(bytes);
          expect(found).toEqual(boxes);
        },
      ),
    );
  });
  it('leaves out a last box that was cut off', async () => {
    const whole = box('moof', words(1));
    const found: string[] = [];
    for await (const { type } of readBoxes(inParts(Buffer.concat([whole, box('mdat', words(1, 2, 3)).subarray(0, 15)]), [])))
      found.push(type);
    expect(found).toEqual(['moof']);
  });
  it('refuses a box with an impossible size', async () => {
    const read = async (): Promise<void> => {
      for await (const _ of readBoxes(inParts(words(3, 0), []))) void _;
    };
    await expect(read()).rejects.toThrow(MalformedFragmentError);
  });
});

describe('readTimes', () => {
  it('sums durations and finds the earliest picture', () => {
    fc.assert(
      fc.property(samplesOf, fc.integer({ min: -100_000, max: 1e9 }), (samples, base) => {
        const shown = samples.map(({ offset }, at) => samples.slice(0, at).reduce((sum, { ticks }) => sum + ticks, 0) + offset);
        expect(readTimes(moofOf(BigInt(base), samples), track)).toEqual({
          baseTicks: base,
          durationTicks: samples.reduce((sum, { ticks }) => sum + ticks, 0),
          firstPictureTicks: Math.min(...shown),
        });
      }),
    );
  });
});

describe('retime', () => {
  it('moves the decode time and nothing else', () => {
    fc.assert(
      fc.property(samplesOf, fc.integer({ min: -5000, max: 5000 }), fc.nat(), (samples, base, wanted) => {
        const moof = moofOf(BigInt(base), samples);
        const before = readTimes(moof, track);
        retime(moof, wanted, 7);
        expect(readTimes(moof, track)).toEqual({ ...before, baseTicks: wanted });
      }),
    );
  });
  it('refuses a time before zero', () => {
    expect(() => retime(moofOf(0n, [{ ticks: 1, offset: 0 }]), -1, 1)).toThrow(MalformedFragmentError);
  });
});

describe('readTrack', () => {
  it('says what is missing in a header that is not one', () => {
    expect(() => readTrack(box('moov', box('mvhd', words(0))))).toThrow('trak/mdia/mdhd is missing');
  });
});

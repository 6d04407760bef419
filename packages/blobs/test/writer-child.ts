// Replaces one blob with ever new bytes until it is killed. Arguments: BLOBS_URL, key, bytes. Prints a line after each put.
import { openBlobs } from '../src/index.ts';

const [url = '', key = '', bytes = ''] = process.argv.slice(2);
const blobs = openBlobs(url);
await blobs.ready();

/** Every byte of one body is the same, so that a mixture shows. */
function* body(fill: number): Generator<Uint8Array> {
  for (let left = Number(bytes); left > 0; left -= 65_536) yield Buffer.alloc(Math.min(left, 65_536), fill);
}

for (let n = 1; ; n++) {
  await blobs
    .put(
      key,
      (async function* () {
        yield* body(n % 251);
      })(),
    )
    .catch((error: unknown) => {
      process.stdout.write(`${error instanceof Error ? error.name : 'unknown'}\n`);
      process.exit(1);
    });
  process.stdout.write(`${n}\n`);
}

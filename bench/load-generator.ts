// Keeps `connections` requests under way over keep-alive connections until `seconds` are over. Reads a LoadPlan as JSON from standard input; prints LoadResult as JSON.
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';

/** What to ask for, on the loopback interface only. */
export interface LoadPlan {
  readonly port: number;
  /** Asked for in turn. */
  readonly paths: readonly string[];
  readonly connections: number;
  readonly seconds: number;
  /** Bytes that each body must have; any number when left out. */
  readonly bodyBytes?: number;
}

export interface LoadResult {
  readonly requests: number;
  readonly bodyBytes: number;
  readonly seconds: number;
}

const headEnd = Buffer.from('\r\n\r\n');

/** Bytes of the body that follows `head`; undefined when this is not the answer that was to come. */
function bodyLength(head: string, { bodyBytes }: LoadPlan): number | undefined {
  const length = /^HTTP\/1\.1 200 [^]*\r\ncontent-length: (\d+)/i.exec(head)?.[1];
  return length === undefined || (bodyBytes !== undefined && Number(length) !== bodyBytes) ? undefined : Number(length);
}

/** One connection: sends the next request when the answer before is complete. */
function keepAsking(plan: LoadPlan, nextRequest: () => string | undefined, onAnswer: (bodyBytes: number) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    let left = -1;
    let expected = 0;
    const send = (): void => {
      const request = nextRequest();
      if (request !== undefined) return void socket.write(request);
      socket.destroy();
      resolve();
    };
    const onBytes = (bytes: Buffer): void => {
      if (left < 0) {
        const end = bytes.indexOf(headEnd);
        const head = bytes.toString('latin1', 0, end);
        const length = bodyLength(head, plan);
        if (length === undefined) return void socket.destroy(new Error(`unexpected answer: ${head.slice(0, 300)}`));
        expected = length;
        left = length - (bytes.length - end - headEnd.length);
      } else left -= bytes.length;
      if (left === 0) {
        left = -1;
        onAnswer(expected);
        send();
      }
    };
    const buffer = Buffer.allocUnsafeSlow(1 << 20);
    // One buffer for all that is read: the generator must not be what limits.
    const socket = connect({
      port: plan.port,
      host: '127.0.0.1',
      onread: {
        buffer,
        callback(count) {
          onBytes(buffer.subarray(0, count));
          return true;
        },
      },
    });
    socket.once('connect', send).once('error', reject);
  });
}

async function generate(plan: LoadPlan): Promise<LoadResult> {
  const requests = plan.paths.map((path) => `GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n`);
  const beganAt = performance.now();
  const endsAt = beganAt + plan.seconds * 1000;
  let asked = 0;
  let answered = 0;
  let bodyBytes = 0;
  const onAnswer = (bytes: number): void => {
    answered++;
    bodyBytes += bytes;
  };
  const nextRequest = (): string | undefined => (performance.now() < endsAt ? requests[asked++ % requests.length] : undefined);
  await Promise.all(Array.from({ length: plan.connections }, () => keepAsking(plan, nextRequest, onAnswer)));
  return { requests: answered, bodyBytes, seconds: (performance.now() - beganAt) / 1000 };
}

process.stdout.write(JSON.stringify(await generate(JSON.parse(await text(process.stdin)) as LoadPlan)));

/** Server-sent events: live progress and news, one connection per open page. */
import type { ServerResponse } from 'node:http';
import type { Envelope } from '@kinora/messaging';
import { Counter, Gauge, type Metrics } from '@kinora/service';
import { formatLine, linesOf, type Audience } from './stream-event.ts';

export interface StreamOptions {
  readonly streamsPerAccount: number;
  readonly streamBufferBytes: number;
}

export interface Stream {
  /** Makes `response` an event stream of `accountId` until either side ends it. */
  add(accountId: string, response: ServerResponse): void;
  publish(envelope: Envelope): void;
  /** Ends every stream; browsers come back by themselves. */
  close(): void;
}

const heartbeatMs = 15_000;

const isFor = (accountId: string, to: Audience): boolean =>
  to === 'everybody' || ('only' in to ? to.only === accountId : to.except !== accountId);

/** The open streams. A client that does not read is dropped, so that it costs no more than its buffer. */
class OpenStreams implements Stream {
  readonly #options: StreamOptions;
  readonly #dropped: Counter;
  readonly #count: Gauge;
  readonly #byAccount = new Map<string, Set<ServerResponse>>();
  readonly #beating = setInterval(() => this.#each((response) => this.#send(response, ':\n\n')), heartbeatMs).unref();

  constructor(options: StreamOptions, registry: Metrics['registry']) {
    this.#options = options;
    const registers = [registry];
    this.#dropped = new Counter({
      name: 'gateway_streams_dropped_total',
      help: 'Event streams closed because the client did not read',
      registers,
    });
    this.#count = new Gauge({ name: 'gateway_streams_open', help: 'Event streams open now', registers });
  }

  add(accountId: string, response: ServerResponse): void {
    const responses = this.#byAccount.get(accountId) ?? new Set();
    this.#byAccount.set(accountId, responses.add(response));
    this.#count.inc();
    response.once('close', () => {
      this.#count.dec();
      responses.delete(response);
      if (responses.size === 0 && this.#byAccount.get(accountId) === responses) this.#byAccount.delete(accountId);
    });
    const [oldest] = responses;
    if (oldest && responses.size > this.#options.streamsPerAccount) {
      oldest.end();
      responses.delete(oldest);
    }
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store', 'x-accel-buffering': 'no' });
    response.write('retry: 3000\n\n');
  }

  publish(envelope: Envelope): void {
    if (this.#byAccount.size === 0) return;
    for (const line of linesOf(envelope)) {
      const text = formatLine(line);
      if (line.to !== 'everybody' && 'only' in line.to)
        this.#byAccount.get(line.to.only)?.forEach((response) => this.#send(response, text));
      else this.#each((response, accountId) => isFor(accountId, line.to) && this.#send(response, text));
    }
  }

  close(): void {
    clearInterval(this.#beating);
    this.#each((response) => response.end());
  }

  #each(work: (response: ServerResponse, accountId: string) => void): void {
    for (const [accountId, responses] of this.#byAccount) for (const response of responses) work(response, accountId);
  }

  #send(response: ServerResponse, text: string): void {
    if (response.destroyed) return;
    if (response.writableLength <= this.#options.streamBufferBytes) return void response.write(text);
    this.#dropped.inc();
    response.destroy();
  }
}

/** Event streams within the limits of `options`. */
export const openStream = (options: StreamOptions, { registry }: Pick<Metrics, 'registry'>): Stream => new OpenStreams(options, registry);

import type { Channel, ConsumeMessage } from 'amqplib';
import type { Envelope } from './port.ts';

/** A message that this process has from the broker and has to settle. */
export interface Receipt {
  readonly channel: Channel;
  readonly message: ConsumeMessage;
}

/** What receipts are for. */
export interface Holder {
  /**
   * Usually one. None when the connection or channel was lost meanwhile: the broker then delivers the message again, here or elsewhere.
   * Several when it has come again.
   */
  receipts: readonly Receipt[];
  /** `interrupted`: a failure after this is not the handler's. `abandoned`: given back, its end is of no account. */
  fate: 'ours' | 'interrupted' | 'abandoned';
}

/** A handler at work. */
export interface Run extends Holder {
  readonly envelope: Envelope;
  readonly attempt: number;
  readonly controller: AbortController;
  /** When the newest receipt came, on the clock of `performance.now`. */
  receivedAt: number;
  /** Resolves when a move to the queue of what is held for long has come to its end. */
  moving: PromiseWithResolvers<void> | undefined;
}

/** Acknowledges all of `receipts`; false when none could be, because the channel is gone. */
export function acknowledge(receipts: readonly Receipt[]): boolean {
  return receipts.map(acknowledgeOne).includes(true);
}

function acknowledgeOne({ channel, message }: Receipt): boolean {
  try {
    channel.ack(message);
    return true;
  } catch {
    return false;
  }
}

/** Ids of messages that were handled while their receipt was lost, so that they are not handled again when they come again; the newest thousand. */
export class Finished {
  readonly #ids = new Set<string>();

  add(id: string): void {
    this.#ids.add(id);
    const [oldest] = this.#ids;
    if (this.#ids.size > 1_000 && oldest !== undefined) this.#ids.delete(oldest);
  }

  /** True once for each id. */
  take(id: string): boolean {
    return this.#ids.delete(id);
  }
}

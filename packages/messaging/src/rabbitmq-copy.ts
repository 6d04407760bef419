import { copyOf, type Notes, notesOf, type Parcel, type Route } from './rabbitmq-message.ts';
import type { Receipt } from './rabbitmq-run.ts';
import { deadQueue, delayRoute } from './rabbitmq-topology.ts';

/** What is published in place of a delivery, before that is acknowledged. */
export interface Copy {
  readonly route: Route;
  readonly notes: Notes;
}

/** Back into `queue`, as if delivery `attempt` had not been. */
export const backAgain = (queue: string, attempt: number): Copy => ({
  route: { exchange: '', key: queue },
  notes: { attempts: attempt - 1 },
});

/** Back into `queue` after a while, delivery `attempt` counted. */
export const laterAgain = (queue: string, attempt: number, delayMs: number, error: string): Copy => ({
  route: delayRoute(queue, delayMs),
  notes: { attempts: attempt, error },
});

/** Into the dead letters of `queue` after `attempts` deliveries. */
export const dead = (queue: string, attempts: number, error: string): Copy => ({
  route: { exchange: '', key: deadQueue(queue) },
  notes: { attempts, error, diedAt: new Date().toISOString() },
});

/** Into `heldQueue`, from where it counts as delivery `attempt` when its process ends. */
export const aside = (heldQueue: string, attempt: number): Copy => ({
  route: { exchange: '', key: heldQueue },
  notes: { attempts: attempt, isHeld: true },
});

/** The message of `receipt` as `copy` says; the error of an earlier delivery stays with it when there is no later one. */
export function parcelOf({ message }: Receipt, { route, notes }: Copy): Parcel {
  const error = notes.error ?? notesOf(message).error;
  return copyOf(message, route, error === undefined ? notes : { ...notes, error });
}

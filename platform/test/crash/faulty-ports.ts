/** Ports that tell of each step they pass, so that a process can be killed at any of them. The steps are those of `steps.ts`. */
import { openBlobs, type Appending, type Blobs, type Growing } from '@kinora/blobs';
import { openDocuments, type Collection, type Documents, type Identified } from '@kinora/documents';
import { openBus, type Bus, type Envelope, type Handler } from '@kinora/messaging';
import type { PortOpeners } from '@kinora/service';
import type { Random } from './random.ts';
import type { Step } from './steps.ts';

/** Called at each step; does not return when the process is to die there. */
export type Pass = (step: Step) => void;

type Around = readonly [before: Step, after: Step];
type Calls<T> = { readonly [K in keyof T]?: Around };

type Call = (...args: readonly unknown[]) => unknown;

/** `port`, with two steps around each call of a method that `calls` names. */
function around<T extends object>(port: T, calls: Calls<T>, pass: Pass): T {
  const get = (target: T, name: string | symbol): unknown => {
    const value: unknown = Reflect.get(target, name, target);
    if (typeof value !== 'function') return value;
    const call = (value as Call).bind(target);
    const steps = calls[name as keyof T];
    if (!steps) return call;
    return async (...args: readonly unknown[]) => {
      pass(steps[0]);
      const result = await call(...args);
      pass(steps[1]);
      return result;
    };
  };
  return new Proxy(port, { get });
}

/** `port` with members of `own` in place of its own. */
function instead<T extends object>(port: T, own: Partial<T>): T {
  const get = (target: T, name: string | symbol): unknown => {
    const value: unknown = Reflect.get(name in own ? own : target, name, name in own ? own : target);
    return typeof value === 'function' ? (value as Call).bind(target) : value;
  };
  return new Proxy(port, { get });
}

const inserted = ['documents.insert:before', 'documents.insert:after'] as const;
const updated = ['documents.update:before', 'documents.update:after'] as const;
const deleted = ['documents.delete:before', 'documents.delete:after'] as const;

const documentCalls: Calls<Collection<Identified>> = {
  insertOne: inserted,
  insertMany: inserted,
  updateOne: updated,
  updateMany: updated,
  findOneAndUpdate: updated,
  deleteOne: deleted,
  deleteMany: deleted,
};

function faultyDocuments(documents: Documents, pass: Pass): Documents {
  const collection: Documents['collection'] = (name, spec) =>
    around(documents.collection(name, spec), documentCalls as Calls<Collection<never>>, pass);
  return instead(documents, { collection });
}

const acknowledgedMs = 3;

const faultyHandler =
  (handler: Handler, pass: Pass): Handler =>
  async (delivery) => {
    pass('handler:before');
    await handler(delivery);
    pass('handler:after');
    setTimeout(pass, acknowledgedMs, 'handler:acknowledged');
  };

/** How often an event goes out twice, and how late it may be: consumers bear doubled events in any order. */
const doubled = 0.2;
const maxDelayMs = 60;

function faultyBus(bus: Bus, pass: Pass, random: Random): Bus {
  const calls: Calls<Bus> = { publish: ['bus.publish:before', 'bus.publish:after'] };
  const unruly: Bus['publish'] = async (envelopes, options = {}) => {
    const list: Envelope[] = [envelopes].flat();
    if (random() < doubled) await bus.publish(list, { ...options, delayMs: (options.delayMs ?? 0) + Math.ceil(random() * maxDelayMs) });
    return bus.publish(envelopes, options);
  };
  const own: Partial<Bus> = {
    publish: unruly,
    subscribe: ({ handler, ...options }) => bus.subscribe({ ...options, handler: faultyHandler(handler, pass) }),
    listen: (types, handler) =>
      bus.listen(types, (envelope) => {
        pass('bus.listen:before');
        handler(envelope);
        pass('bus.listen:after');
      }),
  };
  return around(instead(bus, own), calls, pass);
}

const removed = ['blobs.delete:before', 'blobs.delete:after'] as const;
const read = ['blobs.read:before', 'blobs.read:after'] as const;
const blobCalls: Calls<Blobs> = {
  put: ['blobs.put:before', 'blobs.put:after'],
  delete: removed,
  deletePrefix: removed,
  open: read,
  stream: read,
  read,
  stat: read,
  locate: read,
};
const growingCalls: Calls<Growing> = {
  create: ['growing.create:before', 'growing.create:after'],
  finish: ['growing.finish:before', 'growing.finish:after'],
  remove: ['growing.remove:before', 'growing.remove:after'],
};
const appendingCalls: Calls<Appending> = { keep: ['growing.keep:before', 'growing.keep:after'] };

function faultyBlobs(blobs: Blobs, pass: Pass): Blobs {
  const append: Growing['append'] = async (blob, options) => around(await blobs.growing.append(blob, options), appendingCalls, pass);
  const growing = around(instead(blobs.growing, { append }), growingCalls, pass);
  return around(instead(blobs, { growing }), blobCalls, pass);
}

/** Openers of real ports that call `pass` at each step, and tell events twice or late as `random` has it. */
export const faultyOpeners = (pass: Pass, random: Random): PortOpeners => ({
  openDocuments: (url, database) => faultyDocuments(openDocuments(url, database), pass),
  openBus: (url, options) => faultyBus(openBus(url, options), pass, random),
  openBlobs: (url) => faultyBlobs(openBlobs(url), pass),
});

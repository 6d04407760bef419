import { events, type EventType } from '@kinora/contracts';

type Json = Readonly<Record<string, unknown>>;

const reference = (where: string): Json => ({ $ref: `#/${where}` });

const envelope = {
  type: 'object',
  description: 'CloudEvents 1.0 attribute names.',
  required: ['specversion', 'id', 'source', 'type', 'time', 'data'],
  properties: {
    specversion: { const: '1.0' },
    id: { type: 'string', description: 'Unique per message; a redelivery has the same id' },
    source: { type: 'string', description: 'Emitting service' },
    type: { type: 'string' },
    subject: { type: 'string', description: 'Id of what it is about' },
    time: { type: 'string', format: 'date-time', description: 'Instant of the fact, UTC' },
    requestid: { type: 'string', description: 'Request that caused it' },
    data: { type: 'object' },
  },
};

const message = (type: EventType): Json => ({
  name: type,
  contentType: 'application/json',
  payload: {
    allOf: [reference('components/schemas/envelope'), { type: 'object', properties: { type: { const: type }, data: events[type].schema } }],
  },
});

const channel = (type: EventType): Json => ({
  address: type,
  description: `Emitted by ${events[type].emitter}; one durable queue for each receiver, named <service>.${type}.`,
  messages: { [type]: reference(`components/messages/${type}`) },
});

function operations(type: EventType): [string, Json][] {
  const { emitter, receivers } = events[type];
  const operation = (action: 'send' | 'receive', service: string): [string, Json] => [
    `${service}.${action}.${type}`,
    {
      action,
      channel: reference(`channels/${type}`),
      tags: [{ name: service }],
      messages: [reference(`channels/${type}/messages/${type}`)],
    },
  ];
  return [operation('send', emitter), ...receivers.map((receiver) => operation('receive', receiver))];
}

/** AsyncAPI 3.0 description of every event and command in the contracts, plain JSON. */
export function asyncApi(): Json {
  const types = Object.keys(events) as EventType[];
  const each = <T>(make: (type: EventType) => T): Record<string, T> => Object.fromEntries(types.map((type) => [type, make(type)]));
  const document = {
    asyncapi: '3.0.0',
    info: {
      title: 'Kinora events',
      version: '1',
      description: 'Events (noun.fact) and commands (noun.verb) between the services: delivered at least once, in any order.',
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
    defaultContentType: 'application/json',
    channels: each(channel),
    operations: Object.fromEntries(types.flatMap(operations)),
    components: { schemas: { envelope }, messages: each(message) },
  };
  return JSON.parse(JSON.stringify(document)) as Json;
}

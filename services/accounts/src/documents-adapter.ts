/** better-auth's database adapter on the documents port. Dates are ISO 8601 strings; `id` is `_id`. */
import { createAdapterFactory, type CustomAdapter } from 'better-auth/adapters';
import type { Collection, Filter, FilterOperators, Identified, JsonValue } from '@kinora/documents';

type Row = Identified & Readonly<Record<string, JsonValue | undefined>>;
type Where = NonNullable<Parameters<CustomAdapter['count']>[0]['where']>;
type Rows = Readonly<Record<string, unknown>>;

export interface DocumentsAdapterOptions {
  /** Collection by the name better-auth gives it (`modelName`). */
  readonly collections: Readonly<Record<string, Pick<Collection<never>, 'name' | 'insertOne'>>>;
  /** Inserts a document of a collection that is written through an outbox; such documents count their versions. */
  readonly outboxed: Readonly<Record<string, (document: never) => Promise<void>>>;
}

const escapeRegex = (text: unknown): string => String(text).replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');

function operators({ operator, value, mode }: Where[number]): FilterOperators {
  const fold = mode === 'insensitive' ? { $options: 'i' } : {};
  if (operator === 'contains') return { $regex: escapeRegex(value), ...fold };
  if (operator === 'starts_with') return { $regex: `^${escapeRegex(value)}`, ...fold };
  if (operator === 'ends_with') return { $regex: `${escapeRegex(value)}$`, ...fold };
  const values = (Array.isArray(value) ? value : [value]) as readonly string[];
  if (mode === 'insensitive' && values.every((one) => typeof one === 'string')) {
    const any = { $regex: `^(?:${values.map(escapeRegex).join('|')})$`, $options: 'i' };
    return operator === 'ne' || operator === 'not_in' ? { $not: any } : any;
  }
  if (operator === 'in') return { $in: values };
  if (operator === 'not_in') return { $nin: values };
  return { [`$${operator}`]: value as JsonValue };
}

/** What `where` asks for: every AND clause, and one of the OR clauses if there are any. */
export function filterOf(where: Where = []): Filter {
  const clause = (one: Where[number]): Filter => ({ [one.field]: operators(one) });
  const every = where.filter(({ connector }) => connector !== 'OR').map(clause);
  const any = where.filter(({ connector }) => connector === 'OR').map(clause);
  const parts = any.length > 0 ? [...every, { $or: any }] : every;
  return parts.length === 1 ? (parts[0] ?? {}) : parts.length === 0 ? {} : { $and: parts };
}

type Insert = (model: string, document: Row) => Promise<void>;
type Increment = Readonly<Record<string, number>>;

/** Collections and filters as the operations need them. */
function access({ collections, outboxed }: DocumentsAdapterOptions) {
  return {
    of(model: string): Collection<Row> {
      const collection = collections[model];
      if (!collection) throw new Error(`better-auth asks for ${model}, which accounts does not keep`);
      return collection as unknown as Collection<Row>;
    },
    filter: (model: string, where: Where | undefined): Filter =>
      model in outboxed ? { $and: [filterOf(where), { removedAt: { $exists: false } }] } : filterOf(where),
    changes(model: string, set: Rows, increment: Increment = {}) {
      const all = model in outboxed ? { ...increment, version: 1 } : increment;
      return { ...(Object.keys(set).length > 0 ? { $set: set } : {}), ...(Object.keys(all).length > 0 ? { $inc: all } : {}) };
    },
  };
}

function reads({ of, filter }: ReturnType<typeof access>) {
  return {
    findOne: async ({ model, where }: { model: string; where: Where }) => (await of(model).findOne(filter(model, where))) ?? null,
    findMany: ({ model, where, limit, sortBy, offset }: Parameters<CustomAdapter['findMany']>[0]) =>
      of(model).find(filter(model, where), {
        limit,
        ...(offset === undefined ? {} : { skip: offset }),
        ...(sortBy ? { sort: { [sortBy.field]: sortBy.direction === 'asc' ? 1 : -1 } } : {}),
      }),
    count: ({ model, where }: Parameters<CustomAdapter['count']>[0]) => of(model).countDocuments(filter(model, where)),
  };
}

function writes({ of, filter, changes }: ReturnType<typeof access>, insert: Insert) {
  const update = async (model: string, where: Where, set: Rows, increment?: Increment): Promise<Row | null> =>
    where.length === 0 ? null : ((await of(model).findOneAndUpdate(filter(model, where), changes(model, set, increment))) ?? null);
  return {
    async create({ model, data }: { model: string; data: Record<string, unknown> }) {
      await insert(model, data as Row);
      return data;
    },
    update: ({ model, where, update: set }: { model: string; where: Where; update: unknown }) => update(model, where, set as Rows),
    updateMany: async ({ model, where, update: set }: Parameters<CustomAdapter['updateMany']>[0]) =>
      (await of(model).updateMany(filter(model, where), changes(model, set as Rows))).matchedCount,
    delete: async ({ model, where }: Parameters<CustomAdapter['delete']>[0]) => void (await of(model).deleteOne(filter(model, where))),
    deleteMany: ({ model, where }: Parameters<CustomAdapter['deleteMany']>[0]) => of(model).deleteMany(filter(model, where)),
    async consumeOne({ model, where }: { model: string; where: Where }) {
      const found = await of(model).findOne(filter(model, where));
      return found && (await of(model).deleteOne({ $and: [filter(model, where), { _id: found._id }] })) === 1 ? found : null;
    },
    incrementOne: ({ model, where, increment, set = {} }: { model: string; where: Where; increment: Increment; set?: Rows | undefined }) =>
      update(model, where, set, increment),
  };
}

/** The operations; `insert` decides when a new document is written. better-auth's are generic in a row type that only its caller knows. */
function operationsOn(options: DocumentsAdapterOptions, insert: Insert): CustomAdapter {
  const accessed = access(options);
  return { ...reads(accessed), ...writes(accessed, insert) } as unknown as CustomAdapter;
}

/**
 * The adapter, for better-auth's `database` option. Its transaction writes outboxed documents last, in one go each: the account is what makes
 * a sign-up true, so a crash leaves no account without a password, only credentials of nobody, which the sweep removes.
 */
export function documentsAdapter(options: DocumentsAdapterOptions) {
  const config = {
    adapterId: 'documents',
    supportsJSON: true,
    supportsDates: false,
    supportsBooleans: true,
    supportsArrays: true,
    supportsNumericIds: false,
    mapKeysTransformInput: { id: '_id' },
    mapKeysTransformOutput: { _id: 'id' },
  };
  const insertNow = async (model: string, document: Row): Promise<void> => {
    const throughOutbox = options.outboxed[model];
    if (throughOutbox) await throughOutbox({ ...document, version: 0 } as never);
    else await options.collections[model]?.insertOne(document as never);
  };
  return (betterAuthOptions: Parameters<ReturnType<typeof createAdapterFactory>>[0]) =>
    createAdapterFactory({
      config: {
        ...config,
        async transaction(work) {
          const last: (() => Promise<void>)[] = [];
          const insert = async (model: string, document: Row): Promise<void> => {
            if (model in options.outboxed) last.push(() => insertNow(model, document));
            else await insertNow(model, document);
          };
          const within = createAdapterFactory({ config: { ...config, transaction: false }, adapter: () => operationsOn(options, insert) });
          const result = await work(within(betterAuthOptions));
          for (const write of last) await write();
          return result;
        },
      },
      adapter: () => operationsOn(options, insertNow),
    })(betterAuthOptions);
}

/** Chooses the index for a query and writes its SQL. Every value is bound; names come from declarations and are quoted. */
import type { Condition } from './filter.ts';
import { boundsOf, conjuncts, type Bound, type Edge, type PathBound } from './bounds.ts';
import { NULL_KEY, type Key } from './index-keys.ts';
import type { SortKey } from './sort.ts';
import type { SqliteIndex } from './sqlite-indexes.ts';
import { quoted } from './sqlite-connection.ts';

export interface Plan {
  /** `FROM … WHERE …`, with the document's table as `d`. */
  readonly from: string;
  /** The same without the document's table where an index is enough to count; `e.n` or `d.n` is the document. */
  readonly countFrom: string;
  readonly params: readonly Key[];
  /** `ORDER BY …`, or empty. */
  readonly orderBy: string;
  /** Rows come in the order asked for. */
  readonly isOrdered: boolean;
  /** Every row is a match, and each document comes once. */
  readonly isExact: boolean;
  /** A document may come several times. */
  readonly hasRepeats: boolean;
}

/** What the planner has to know of an index; `_id` is one too. */
interface Source {
  readonly paths: readonly string[];
  readonly columns: readonly string[];
  readonly directions: readonly (1 | -1)[];
  readonly multikey: number;
  readonly sparse: boolean;
  readonly unique: boolean;
  /** Quoted table of an index; undefined for the collection itself. */
  readonly table: string | undefined;
}

const BY_ID: Source = { paths: ['_id'], columns: ['d.id'], directions: [1], multikey: 0, sparse: false, unique: true, table: undefined };
const sources = new WeakMap<SqliteIndex, Source>();

function sourceOf(index: SqliteIndex): Source {
  const known = sources.get(index);
  if (known?.multikey === index.multikey) return known;
  const { directions, multikey, sparse, unique, table } = index;
  const source = {
    ...{ directions, multikey, sparse, unique, table },
    paths: index.paths.map(({ name }) => name),
    columns: index.paths.map((_, i) => `e.k${i}`),
  };
  sources.set(index, source);
  return source;
}

interface Candidate {
  readonly source: Source;
  readonly score: number;
  readonly used: readonly PathBound[];
  readonly isOrdered: boolean;
  readonly sparsePart: number | undefined;
}

/** The plan for a condition and a sort. `mustOrder` leaves out what does not give the order. */
export function planQuery(
  collection: string,
  indexes: readonly SqliteIndex[],
  condition: Condition,
  sort: readonly SortKey[],
  mustOrder = false,
): Plan {
  const parts = conjuncts(condition);
  const bounds = boundsOf(parts);
  let best = candidate(BY_ID, parts, bounds, sort);
  for (const index of indexes) {
    const source = sourceOf(index);
    if (!mayServe(source, bounds, sort)) continue;
    const other = candidate(source, parts, bounds, sort);
    if (!other || (mustOrder && !other.isOrdered)) continue;
    if (!best || other.score > best.score || (other.score === best.score && other.source.paths.length < best.source.paths.length))
      best = other;
  }
  return write(
    collection,
    best ?? { source: BY_ID, score: 0, used: [], isOrdered: sort.length === 0, sparsePart: undefined },
    parts.length,
    sort,
  );
}

/** Tells most indexes apart cheaply: one whose first path is neither asked for nor sorted by is of no use. */
function mayServe({ paths: [first], sparse }: Source, bounds: readonly PathBound[], sort: readonly SortKey[]): boolean {
  return sparse || sort[0]?.path.name === first || bounds.some(({ path }) => path === first);
}

function isMultikey(source: Source, i: number): boolean {
  return (source.multikey & (1 << i)) !== 0;
}

/** What the index can do for the query; undefined when it cannot serve it. */
function candidate(
  source: Source,
  parts: readonly Condition[],
  bounds: readonly PathBound[],
  sort: readonly SortKey[],
): Candidate | undefined {
  const used = usable(source, bounds);
  const sparsePart = source.sparse ? impliesFirst(source, parts, used) : undefined;
  if (source.sparse && sparsePart === undefined) return undefined;
  const isOrdered = givesOrder(source, used, sort);
  const score = prefixScore(source, used) + (sort.length > 0 && isOrdered ? 6 : 0) + (source.sparse ? 5 : 0);
  return { source, score, used, isOrdered, sparsePart };
}

/** Bounds on the index's paths. Several on a multikey path may speak of different elements, so one is taken, of one such path. */
function usable(source: Source, bounds: readonly PathBound[]): readonly PathBound[] {
  const used: PathBound[] = [];
  let hasMultikey = false;
  for (const [i, path] of source.paths.entries()) {
    for (const bound of bounds) {
      if (bound.path !== path || (bound.bound.kind === 'after' && !fits(source, i, bound.bound))) continue;
      if (isMultikey(source, i)) {
        if (hasMultikey) continue;
        hasMultikey = true;
      }
      used.push(bound);
    }
  }
  return used;
}

/** A place in the order of several paths is a range of the index when they are its next keys, in one direction. */
function fits(source: Source, at: number, bound: Extract<Bound, { kind: 'after' }>): boolean {
  return bound.paths.every(
    (path, i) => source.paths[at + i] === path && !isMultikey(source, at + i) && source.directions[at + i] === source.directions[at],
  );
}

/** The part that says the first path exists, -1 when another bound implies it, undefined when nothing does. */
function impliesFirst(source: Source, parts: readonly Condition[], used: readonly PathBound[]): number | undefined {
  const first = source.paths[0];
  const exists = parts.findIndex((part) => part.kind === 'field' && part.path.name === first && part.test.op === 'exists');
  if (exists >= 0) return exists;
  const implied = used.some(({ path, bound }) => path === first && !mayBeNull(bound));
  return implied ? -1 : undefined;
}

function mayBeNull(bound: Bound): boolean {
  return (bound.kind === 'eq' && bound.key === NULL_KEY) || (bound.kind === 'in' && bound.keys.includes(NULL_KEY));
}

function isFixed(used: readonly PathBound[], path: string): boolean {
  return used.some((bound) => bound.path === path && bound.bound.kind === 'eq');
}

function prefixScore(source: Source, used: readonly PathBound[]): number {
  let score = 0;
  for (const path of source.paths) {
    const onPath = used.filter((bound) => bound.path === path);
    if (onPath.some(({ bound }) => bound.kind === 'eq')) score += 10;
    else if (onPath.some(({ bound }) => bound.kind === 'in')) score += 8;
    else return score + (onPath.length > 0 ? 5 : 0);
  }
  return source.unique ? score + 1000 : score;
}

/** Whether the rows come sorted: the sort's keys follow in the index, apart from those fixed to one value, all forward or all backward. */
function givesOrder(source: Source, used: readonly PathBound[], sort: readonly SortKey[]): boolean {
  let at = 0;
  let turn = 0;
  for (const { path, direction } of sort) {
    const fixed = source.paths.indexOf(path.name);
    if (fixed >= 0 && isFixed(used, path.name) && !isMultikey(source, fixed)) continue;
    while (at < source.paths.length && source.paths[at] !== path.name && isFixed(used, source.paths[at] ?? '')) at++;
    if (source.paths[at] !== path.name || isMultikey(source, at)) return false;
    const relative = direction * (source.directions[at] ?? 1);
    if (turn !== 0 && relative !== turn) return false;
    turn = relative;
    at++;
  }
  return true;
}

function write(collection: string, { source, used, isOrdered, sparsePart }: Candidate, partCount: number, sort: readonly SortKey[]): Plan {
  const params: Key[] = [];
  const where = used.map((bound) => boundSql(source, bound, params)).join(' AND ');
  const filter = where === '' ? '' : ` WHERE ${where}`;
  const documents = `${quoted(collection)} d`;
  const exactParts = new Set(used.filter((bound) => isExactBound(source, bound)).map(({ part }) => part));
  if (sparsePart !== undefined && sparsePart >= 0) exactParts.add(sparsePart);
  const hasRepeats = mayRepeat(source, used);
  return {
    from:
      source.table === undefined ? `FROM ${documents}${filter}` : `FROM ${source.table} e CROSS JOIN ${documents} ON d.n = e.n${filter}`,
    countFrom: source.table === undefined ? `FROM ${documents}${filter}` : `FROM ${source.table} e${filter}`,
    params,
    orderBy: isOrdered ? orderSql(source, used, sort) : '',
    isOrdered,
    isExact: exactParts.size === partCount && !hasRepeats,
    hasRepeats,
  };
}

function isExactBound(source: Source, { path, exact }: PathBound): boolean {
  return exact === 'always' || (exact === 'scalar' && !isMultikey(source, source.paths.indexOf(path)));
}

/** A document has several entries in a multikey index; with one path of arrays fixed to one key, only one of them fits. */
function mayRepeat(source: Source, used: readonly PathBound[]): boolean {
  const multikey = source.paths.filter((_, i) => isMultikey(source, i));
  return multikey.some((path) => multikey.length > 1 || !isFixed(used, path));
}

function orderSql(source: Source, used: readonly PathBound[], sort: readonly SortKey[]): string {
  const terms = sort.flatMap(({ path, direction }) => {
    const i = source.paths.indexOf(path.name);
    return i < 0 || isFixed(used, path.name) ? [] : [`${source.columns[i]}${direction === -1 ? ' DESC' : ''}`];
  });
  return terms.length === 0 ? '' : ` ORDER BY ${terms.join(', ')}`;
}

function boundSql(source: Source, { path, bound }: PathBound, params: Key[]): string {
  const at = source.paths.indexOf(path);
  const column = source.columns[at] ?? '';
  switch (bound.kind) {
    case 'eq':
      params.push(bound.key);
      return `${column} = ?`;
    case 'in':
      return inSql(column, bound.keys, params);
    case 'range':
      return `${edgeSql(column, '>', bound.lower, params)} AND ${edgeSql(column, '<', bound.upper, params)}`;
    case 'after': {
      const limit = edgeSql(column, bound.order === '<' ? '>' : '<', bound.limit, params);
      params.push(...bound.keys);
      const columns = bound.keys.map((_, i) => source.columns[at + i]).join(', ');
      return `${limit} AND (${columns}) ${bound.order} (${bound.keys.map(() => '?').join(', ')})`;
    }
  }
}

function edgeSql(column: string, sign: '<' | '>', edge: Edge, params: Key[]): string {
  params.push(edge.key);
  return `${column} ${sign}${edge.inclusive ? '=' : ''} ?`;
}

/** Filled up to a power of two, so that lists of many lengths share prepared statements. */
function inSql(column: string, keys: readonly Key[], params: Key[]): string {
  const last = keys.at(-1);
  if (last === undefined) return '0';
  let size = 1;
  while (size < keys.length) size *= 2;
  params.push(...keys);
  for (let i = keys.length; i < size; i++) params.push(last);
  return `${column} IN (${Array.from({ length: size }, () => '?').join(', ')})`;
}

/** `describe` and `it` of the suite. A server that only stands in for another is excused from promises by name, each with the reason. */
import { format } from 'node:util';
import { describe as group, it as promise } from '@jest/globals';

/** Why a server cannot keep them → the promises, as `<group>: <title>`. */
export type Departures = Readonly<Record<string, readonly string[]>>;

let reasons = new Map<string, string>();
let left = new Set<string>();
let groupName = '';

/** Registers what `define` promises, skipping what is excused. @throws {Error} when that is no promise of the suite */
export function excusing(departures: Departures, define: () => void): void {
  reasons = new Map(Object.entries(departures).flatMap(([reason, promises]) => promises.map((name) => [name, reason])));
  left = new Set(reasons.keys());
  define();
  reasons = new Map();
  if (left.size > 0) throw new Error(`these are no promises of the suite: ${[...left].join('; ')}`);
}

export function describe(name: string, define: () => void): void {
  groupName = name;
  group(name, define);
}

type Check<Row extends readonly unknown[]> = (...row: Row) => Promise<void>;

function it(title: string, check: Check<[]>): void {
  const key = `${groupName}: ${title}`;
  left.delete(key);
  const reason = reasons.get(key);
  if (reason === undefined) promise(title, check);
  else promise.skip(`${title} [${reason}]`, check);
}

function each<Row extends readonly [unknown, ...unknown[]]>(rows: readonly Row[]): (title: string, check: Check<Row>) => void;
function each<Value>(values: readonly Value[]): (title: string, check: Check<[Value]>) => void;
function each(rows: readonly unknown[]): (title: string, check: Check<unknown[]>) => void {
  return (title, check) => {
    for (const row of rows) {
      const values: readonly unknown[] = Array.isArray(row) ? row : [row];
      it(format(title, values[0]), () => check(...values));
    }
  };
}

const asked = Object.assign(it, { each });
export { asked as it };

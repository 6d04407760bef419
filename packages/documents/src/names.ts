/** What may name a collection, in every adapter. */

/** Letters, digits, `_` and `-`, at most 64, a letter first; `sqlite_` and `kinora_` are taken. */
export function isCollectionName(name: string): boolean {
  return /^[A-Za-z][\w-]{0,63}$/.test(name) && !/^(?:sqlite|kinora)_/i.test(name);
}

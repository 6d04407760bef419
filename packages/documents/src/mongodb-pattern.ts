/** Regular expressions of JavaScript (flag `u`) as MongoDB's PCRE2 understands them, so that every adapter finds the same. */

const LINE_ENDS = '\\n\\r\u2028\u2029';
/** What `\s` is in JavaScript; PCRE2 takes it for ASCII only. */
const SPACES = '\\t\\n\\x0b\\f\\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff';
/** Escaped characters by code, other escapes, classes that hold nothing or everything, groups that look ahead or behind, single characters. */
const TOKEN = /\\u\{(?<braced>[0-9A-Fa-f]+)\}|(?<units>(?:\\u[0-9A-Fa-f]{4})+)|\\(?:[pP]\{[^}]*\}|[^])|\[\^?\]|\(\?<?[=!]|[^]/gu;

const EVERYWHERE = new Map([
  ['\\0', '\\x00'],
  ['\0', '\\x00'],
]);
const IN_CLASS = new Map([...EVERYWHERE, ['\\s', SPACES], ['[', '\\[']]);
const OUTSIDE = new Map([...EVERYWHERE, ['\\s', `[${SPACES}]`], ['\\S', `[^${SPACES}]`], ['[]', '(?!)'], ['[^]', '[\\s\\S]']]);
/** PCRE2 lets `$` stand before a last line feed too, and knows no end of line but the line feed. */
const ONE_LINE = new Map([['$', '(?![\\s\\S])']]);
const MANY_LINES = new Map([
  ['^', `(?<![^${LINE_ENDS}])`],
  ['$', `(?![^${LINE_ENDS}])`],
]);

/** `$regex` and `$options` that match the strings which `pattern` matches. */
export function nativePattern(pattern: RegExp): { $regex: string; $options?: string } {
  const outside = new Map([...OUTSIDE, ...(pattern.multiline ? MANY_LINES : ONE_LINE)]);
  if (!pattern.dotAll) outside.set('.', `[^${LINE_ENDS}]`);
  let inClass = false;
  let native = '';
  for (const match of pattern.source.matchAll(TOKEN)) {
    const token = match[0];
    native += codeOf(match) ?? (inClass ? IN_CLASS : outside).get(token) ?? token;
    if (token === '[' || token === ']') inClass = token === '[';
  }
  const options = `${pattern.ignoreCase ? 'i' : ''}${pattern.dotAll ? 's' : ''}`;
  return { $regex: native, ...(options === '' ? {} : { $options: options }) };
}

/** The characters that `\u…` stands for. */
function codeOf({ groups }: RegExpExecArray): string | undefined {
  const { braced, units } = groups ?? {};
  if (braced !== undefined) return literally(String.fromCodePoint(Number.parseInt(braced, 16)));
  if (units === undefined) return undefined;
  return literally(String.fromCharCode(...(units.match(/[0-9A-Fa-f]{4}/g) ?? []).map((unit) => Number.parseInt(unit, 16))));
}

function literally(text: string): string {
  return text.replaceAll('\0', '\\x00').replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}

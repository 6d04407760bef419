const dotSegment = /(?:^|\/)(?:\.|%2e){1,2}(?:\/|$)/i;

/** Path of a request target without its query; undefined for what is no plain path: dot segments, backslashes, control characters, other forms of target. */
export function requestPath(target: string): string | undefined {
  const query = target.indexOf('?');
  const path = query === -1 ? target : target.slice(0, query);
  if (!path.startsWith('/') || path.startsWith('//') || /[\\\0-\x20\x7f]|%5c|%00/i.test(path)) return undefined;
  return (path.includes('.') || path.includes('%2')) && dotSegment.test(path) ? undefined : path;
}

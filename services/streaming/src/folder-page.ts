const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const escape = (text: string): string => text.replace(/[&<>"']/g, (character) => entities[character] ?? '');

const style = `body{font:16px system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem}
figure{margin:0 0 2rem}video{display:block;width:100%;max-height:80vh;background:#000}figcaption{padding:.5rem 0}`;

/** Headers of the page: it may show videos from here and nothing else. */
export const folderPageHeaders = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy':
    "default-src 'none'; media-src 'self'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-cache',
};

const figure = (name: string): string => {
  const address = `/videos/${encodeURIComponent(name)}`;
  return `<figure><video controls preload="metadata" aria-label="${escape(name)}" src="${escape(address)}"></video><figcaption><a href="${escape(address)}">${escape(name)}</a></figcaption></figure>`;
};

/** A page with a player for each of `names`. */
export const folderPage = (names: readonly string[]): string =>
  `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Videos</title><style>${style}</style></head>
<body><h1>Videos</h1>
${names.length > 0 ? names.map(figure).join('\n') : '<p>There are no videos in this folder.</p>'}
</body></html>
`;

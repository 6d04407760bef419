/** Headers that keep browsers from doing with an answer what it is not meant for. */
export type Headers = readonly (readonly [name: string, value: string])[];

const hsts = (publicUrl: string | undefined): Headers =>
  publicUrl?.startsWith('https:') ? [['strict-transport-security', 'max-age=31536000; includeSubDomains']] : [];

/** For what is data and never a page. */
export const apiHeaders = (publicUrl: string | undefined): Headers => [
  ['x-content-type-options', 'nosniff'],
  ['content-security-policy', "default-src 'none'; frame-ancestors 'none'"],
  ['referrer-policy', 'no-referrer'],
  ['cross-origin-resource-policy', 'same-origin'],
  ...hsts(publicUrl),
];

const policy = (changes: Readonly<Record<string, string>> = {}): string =>
  Object.entries({
    'default-src': "'self'",
    'script-src': "'self'",
    'style-src': "'self' 'unsafe-inline'", // media-chrome and base-ui set style attributes.
    'img-src': "'self' data: blob:",
    'font-src': "'self' data:",
    'media-src': "'self' blob:",
    'worker-src': "'self' blob:", // hls.js demuxes in a worker made from a blob.
    'connect-src': "'self'",
    'object-src': "'none'",
    'base-uri': "'none'",
    'form-action': "'self'",
    'frame-ancestors': "'none'",
    ...changes,
  })
    .map(([directive, sources]) => `${directive} ${sources}`)
    .join('; ');

/** For the web app and the API page. */
export const pageHeaders = (publicUrl: string | undefined): Headers => [
  ['x-content-type-options', 'nosniff'],
  ['content-security-policy', policy()],
  ['referrer-policy', 'strict-origin-when-cross-origin'],
  ['cross-origin-opener-policy', 'same-origin'],
  ['cross-origin-resource-policy', 'same-origin'],
  ['permissions-policy', 'camera=(), microphone=(), geolocation=(), payment=(), usb=()'],
  ['x-frame-options', 'DENY'],
  ...hsts(publicUrl),
];

export interface Provenance {
  readonly method: string;
  readonly host: string | undefined;
  readonly origin: string | undefined;
  readonly secFetchSite: string | undefined;
}

const safe = new Set(['GET', 'HEAD', 'OPTIONS']);

const hostOf = (url: string): string | undefined => {
  try {
    return new URL(url).host;
  } catch {
    return undefined;
  }
};

/**
 * True unless a browser says that another site made a request that may change something. As net/http's CrossOriginProtection (Go 1.25):
 * Sec-Fetch-Site decides where it is sent, else Origin against `host` or the host of `publicUrl`. Browsers have sent Origin with every such
 * request since 2020, so one with neither comes from no browser, and the cookie is SameSite=Lax besides.
 */
export function isSameOrigin({ method, host, origin, secFetchSite }: Provenance, publicUrl?: string): boolean {
  if (safe.has(method)) return true;
  if (secFetchSite !== undefined) return secFetchSite === 'same-origin' || secFetchSite === 'none';
  if (origin === undefined) return true;
  const from = hostOf(origin);
  if (from === undefined || from === '') return false;
  return from === normalise(host, origin) || (publicUrl !== undefined && from === hostOf(publicUrl));
}

/** `host` as a URL of the origin's scheme has it: lower case, without the scheme's own port. */
const normalise = (host: string | undefined, origin: string): string | undefined =>
  host === undefined ? undefined : hostOf(`${origin.startsWith('https:') ? 'https' : 'http'}://${host}`);

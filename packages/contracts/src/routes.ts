/** Public path prefix → service that answers it; the longest match wins. The gateway routes by this table and by nothing else. */
export const routes = {
  '/api/auth': 'accounts',
  '/api/me': 'accounts',
  '/api/accounts': 'accounts',
  '/api/setup': 'accounts',
  '/api/videos': 'catalog',
  '/api/uploads': 'uploads',
  '/api/assets': 'transcoding',
  '/media': 'streaming',
} as const;

export type ServiceName = (typeof routes)[keyof typeof routes] | 'gateway';

const prefixes = Object.keys(routes).sort((a, b) => b.length - a.length) as (keyof typeof routes)[];

/** Service that answers `path` (without query), or undefined. A prefix matches whole path segments only. */
export function serviceFor(path: string): ServiceName | undefined {
  const prefix = prefixes.find((candidate) => path === candidate || path.startsWith(`${candidate}/`));
  return prefix && routes[prefix];
}

/** Routes between services; never reachable through the gateway. */
export const internalRoutes = {
  /** POST, accounts: `IdentityRequest`, the cookie or bearer credential of the caller's request → `IdentityAnswer`. */
  identity: '/internal/accounts/identity',
  /** GET, accounts: JWKS that identity tokens are verified with. */
  keys: '/internal/accounts/keys',
} as const;

/** Headers that the gateway sets on what it hands over, after removing any the client sent. */
export const gatewayHeaders = {
  /** Address of the client, for limits per client. */
  clientAddress: 'x-client-address',
  /** To `/api/auth` alone: the client's own `Authorization`, because there `authorization` would have to be an identity token. */
  credential: 'x-credential',
} as const;

import { describe, expect, it } from '@jest/globals';
import { routes, serviceFor } from './routes.ts';

describe('serviceFor', () => {
  it('finds the service of each prefix and of what is below it', () => {
    for (const [prefix, service] of Object.entries(routes)) {
      expect(serviceFor(prefix)).toBe(service);
      expect(serviceFor(`${prefix}/x/y`)).toBe(service);
    }
  });

  it('matches whole segments only and knows nothing of internal paths', () => {
    for (const path of ['/api/videosx', '/api', '/', '/mediax', '/internal/accounts/keys', '/api/../internal'])
      expect(serviceFor(path)).toBeUndefined();
  });
});

import { IdentityAnswer, IdentityRequest, internalRoutes } from '@kinora/contracts';
import type { App } from '@kinora/service';
import { answerIdentity, type IdentityOptions } from '../identity.ts';

/** Routes for other services. */
export const internalRoutesOf =
  (options: IdentityOptions) =>
  (app: App): void => {
    app.post(internalRoutes.identity, { schema: { hide: true, body: IdentityRequest, response: { 200: IdentityAnswer } } }, ({ body }) =>
      answerIdentity(body, options),
    );
    app.get(internalRoutes.keys, { schema: { hide: true } }, () => ({ keys: [options.key.published] }));
  };

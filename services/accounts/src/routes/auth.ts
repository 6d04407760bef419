import { Type } from 'typebox';
import { ChangePassword, Problem, SetUp, SetupState, SignIn, SignUp } from '@kinora/contracts';
import type { App } from '@kinora/service';
import type { Attempts } from '../attempts.ts';
import type { LoadAuth } from '../auth.ts';
import { clientAddress, credentialHeaders, sendAnswer } from '../client.ts';
import type { Config } from '../config.ts';
import type { Setup } from '../setup.ts';

export interface AuthRoutes {
  readonly config: Config;
  readonly loadAuth: LoadAuth;
  readonly setup: Setup;
  readonly attempts: Attempts;
}

const tags = ['accounts'];
const Nothing = Type.Optional(Type.Union([Type.Object({}), Type.Null()]));

/** Sign-up, sign-in, sign-out, session and password, at better-auth's addresses. */
export const authRoutes =
  ({ config, loadAuth, setup, attempts }: AuthRoutes) =>
  (app: App): void => {
    app.post(
      '/api/auth/sign-up/email',
      { schema: { tags, summary: 'Make an account and sign in', body: SignUp } },
      async (request, reply) => {
        if (config.signUp === 'closed') throw new Problem('sign-up-closed');
        attempts.count(clientAddress(request));
        const auth = await loadAuth();
        return sendAnswer(reply, await auth.signUp({ ...request.body, role: config.defaultRole }, credentialHeaders(request)));
      },
    );
    app.post('/api/auth/sign-in/email', { schema: { tags, summary: 'Sign in', body: SignIn } }, async (request, reply) => {
      const auth = await loadAuth();
      const signIn = () => auth.signIn(request.body, credentialHeaders(request));
      return sendAnswer(reply, await attempts.guard(clientAddress(request), request.body.email, signIn));
    });
    app.post('/api/auth/sign-out', { schema: { tags, summary: 'Sign out', body: Nothing } }, async (request, reply) =>
      sendAnswer(reply, await (await loadAuth()).signOut(credentialHeaders(request))),
    );
    app.get('/api/auth/get-session', { schema: { tags, summary: 'The session, or null' } }, async (request, reply) =>
      sendAnswer(reply, await (await loadAuth()).getSession(credentialHeaders(request))),
    );
    app.post(
      '/api/auth/change-password',
      { schema: { tags, summary: 'Change the password and end other sessions', body: ChangePassword } },
      async (request, reply) => {
        const auth = await loadAuth();
        const change = () => auth.changePassword(request.body, credentialHeaders(request));
        return sendAnswer(reply, await attempts.guard(clientAddress(request), undefined, change));
      },
    );
    app.get('/api/setup', { schema: { tags, summary: 'What the first page has to know', response: { 200: SetupState } } }, async () => ({
      needsSetup: await setup.needsSetup(),
      signUpOpen: config.signUp === 'open',
    }));
    app.post('/api/setup', { schema: { tags, summary: 'Make the first admin', body: SetUp } }, async (request, reply) =>
      sendAnswer(reply, await attempts.guard(clientAddress(request), undefined, () => setup.setUp(request.body))),
    );
  };

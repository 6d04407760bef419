import type { Me, SetUp, SetupState } from '@kinora/contracts';
import { queryOptions } from '@tanstack/react-query';
import { call, isProblem } from './client.ts';

/** Whether the installation waits for its first account and whether new accounts are open. */
export const setupQuery = queryOptions({
  queryKey: ['setup'],
  queryFn: ({ signal }) => call<SetupState>('/api/setup', { signal }),
  staleTime: Infinity,
});

/** Who is signed in; null for nobody. */
export const meQuery = queryOptions({
  queryKey: ['me'],
  queryFn: async ({ signal }): Promise<Me | null> => {
    try {
      return await call<Me>('/api/me', { signal });
    } catch (error) {
      if (isProblem(error, 'not-signed-in') || isProblem(error, 'invalid-token')) return null;
      throw error;
    }
  },
  staleTime: 5 * 60_000,
});

/** Makes the first admin and signs in. */
export const setUp = (body: SetUp): Promise<unknown> => call('/api/setup', { method: 'POST', body });

/** Makes an account and signs in. */
export const signUp = (body: { email: string; password: string; name: string }): Promise<unknown> =>
  call('/api/auth/sign-up/email', { method: 'POST', body });

/** Signs in: the answer sets the session cookie. */
export const signIn = (body: { email: string; password: string }): Promise<unknown> =>
  call('/api/auth/sign-in/email', { method: 'POST', body });

/** Ends the session. */
export const signOut = (): Promise<unknown> => call('/api/auth/sign-out', { method: 'POST', body: {} });

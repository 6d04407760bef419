import type { QueryClient } from '@tanstack/react-query';
import { createRootRouteWithContext, createRoute, createRouter, lazyRouteComponent, redirect } from '@tanstack/react-router';
import { meQuery, setupQuery } from './api/accounts.ts';
import { Frame } from './components/Frame.tsx';
import { CrashPage } from './pages/CrashPage.tsx';
import { safePath } from './pages/credentials.ts';
import { HomePage } from './pages/HomePage.tsx';
import { MissingPage } from './pages/MissingPage.tsx';

interface Context {
  readonly client: QueryClient;
}

interface SignInSearch {
  /** Path to go on to. */
  readonly to?: string;
}

const readTo = ({ to }: Record<string, unknown>): SignInSearch => (safePath(to) === '/' ? {} : { to: safePath(to) });

async function requireAccount({
  context,
  location,
}: {
  readonly context: Context;
  readonly location: { readonly href: string };
}): Promise<void> {
  const me = await context.client.ensureQueryData(meQuery);
  if (me === null) throw redirect({ to: '/sign-in', search: { to: location.href }, replace: true });
}

const root = createRootRouteWithContext<Context>()({
  component: Frame,
  errorComponent: CrashPage,
  notFoundComponent: MissingPage,
  beforeLoad: async ({ context, location }) => {
    // A server that does not answer must not keep pages from saying so themselves.
    const setup = await context.client.ensureQueryData(setupQuery).catch(() => undefined);
    if (setup?.needsSetup === true && location.pathname !== '/setup') throw redirect({ to: '/setup', replace: true });
    if (setup?.needsSetup === false && location.pathname === '/setup') throw redirect({ to: '/', replace: true });
  },
});

const home = createRoute({ getParentRoute: () => root, path: '/', component: HomePage });

const setup = createRoute({
  getParentRoute: () => root,
  path: '/setup',
  component: lazyRouteComponent(() => import('./pages/SetupPage.tsx'), 'SetupPage'),
});

const signIn = createRoute({
  getParentRoute: () => root,
  path: '/sign-in',
  validateSearch: readTo,
  component: lazyRouteComponent(() => import('./pages/SignInPage.tsx'), 'SignInPage'),
});

const signUp = createRoute({
  getParentRoute: () => root,
  path: '/sign-up',
  validateSearch: readTo,
  component: lazyRouteComponent(() => import('./pages/SignUpPage.tsx'), 'SignUpPage'),
});

const upload = createRoute({
  getParentRoute: () => root,
  path: '/upload',
  beforeLoad: requireAccount,
  component: lazyRouteComponent(() => import('./pages/UploadPage.tsx'), 'UploadPage'),
});

const myVideos = createRoute({
  getParentRoute: () => root,
  path: '/my-videos',
  beforeLoad: requireAccount,
  component: lazyRouteComponent(() => import('./pages/MyVideosPage.tsx'), 'MyVideosPage'),
});

const watch = createRoute({
  getParentRoute: () => root,
  path: '/watch/$videoId',
  component: lazyRouteComponent(() => import('./pages/WatchPage.tsx'), 'WatchPage'),
});

/** All pages by address. */
export const openRouter = (client: QueryClient) =>
  createRouter({
    routeTree: root.addChildren([home, setup, signIn, signUp, upload, myVideos, watch]),
    context: { client },
    defaultPreload: 'intent',
    defaultErrorComponent: CrashPage,
    defaultNotFoundComponent: MissingPage,
    scrollRestoration: true,
  });

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof openRouter>;
  }
}

import './styles/tokens.css';
import './styles/base.css';
import './styles/fonts.css';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { ApiError } from './api/client.ts';
import { openRouter } from './router.tsx';

/** An answer that will be the same again is not asked for again. */
const isWorthRetrying = (failures: number, error: Error): boolean =>
  failures < 2 && (!(error instanceof ApiError) || error.status === undefined || error.status >= 500);

const client = new QueryClient({ defaultOptions: { queries: { retry: isWorthRetrying, staleTime: 15_000 } } });
const router = openRouter(client);
const place = document.getElementById('app');
if (place) {
  createRoot(place).render(
    <StrictMode>
      <QueryClientProvider client={client}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </StrictMode>,
  );
}

import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';
import { precompress } from './vite-precompress.ts';

const server = process.env['KINORA_URL'] ?? 'http://localhost:3000';
const proxied = { target: server, changeOrigin: false };

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  plugins: [react(), precompress()],
  server: { proxy: { '/api': proxied, '/media': proxied } },
  build: {
    target: 'baseline-widely-available',
    assetsInlineLimit: 0, // every asset is a hashed file, so that the content security policy needs no `data:`
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 900, // hls.js, which only the watch page loads
    rolldownOptions: {
      // Calls of TypeBox build schemas for servers; the browser needs only the types and the problem slugs.
      treeshake: { manualPureFunctions: ['Type'], moduleSideEffects: [{ test: /\/(?:contracts\/src|typebox)\//, sideEffects: false }] },
    },
  },
});

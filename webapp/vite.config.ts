import tailwindcss from '@tailwindcss/vite';
import react from '@vitejs/plugin-react';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

// `npm run dev` against a running stack: API=http://127.0.0.1:8000 (the port given to scripts/run).
const api = process.env.API ?? 'http://127.0.0.1:8000';

export default defineConfig({
  plugins: [react(), tailwindcss()],
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  server: { proxy: { '/api': api, '/auth': api } },
  preview: { proxy: { '/api': api, '/auth': api } },
  build: {
    // The server's CSP forbids data: fonts and scripts; every asset is a file with a hash in its name.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: 'es2023',
    chunkSizeWarningLimit: 600,
  },
  test: { environment: 'node', include: ['src/**/*.test.ts'], restoreMocks: true },
});

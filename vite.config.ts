/** How the page is built and served while developing. scripts/build.mjs adds the service worker, command line and library. */
import { defineConfig } from "vite";

/** With these, browsers let a page share memory between its threads. */
export const ISOLATION_HEADERS = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Cross-Origin-Resource-Policy": "same-origin",
};

export default defineConfig({
  // Relative addresses: the page works below any path.
  base: "./",
  publicDir: false,
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1024,
    reportCompressedSize: false,
  },
  worker: { format: "es" },
  server: { headers: ISOLATION_HEADERS },
});

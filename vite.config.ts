/** How the page is built and served while developing. scripts/build.mjs adds the service worker, command line and library. */
import { readFileSync } from "node:fs";
import { defineConfig, type Plugin } from "vite";

/** With these, browsers let a page share memory between its threads. */
export const ISOLATION_HEADERS = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Cross-Origin-Resource-Policy": "same-origin",
};

const LICENCES = "licences.txt";

/** Our licence and others', beside the page, as plain text: browsers show it, where they would save Markdown as a file. */
function licences(): Plugin {
  const text = (): string => ["LICENSE", "THIRD-PARTY.md"].map((name) => readFileSync(new URL(name, import.meta.url), "utf8")).join("\n\n");
  return {
    name: "licences",
    generateBundle() {
      this.emitFile({ type: "asset", fileName: LICENCES, source: text() });
    },
    configureServer({ middlewares }) {
      middlewares.use(`/${LICENCES}`, (_request, response) => {
        response.setHeader("Content-Type", "text/plain; charset=utf-8");
        response.end(text());
      });
    },
  };
}

export default defineConfig({
  plugins: [licences()],
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

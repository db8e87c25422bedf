import { defineConfig } from "vitest/config";

/** What boots an operating system, builds a package or walks a whole corpus: `npm test` runs it, `npm run test:quick` does not. */
const notQuick = [
  ...["boot", "corpus", "package", "readme", "suites"].map((room) => `tests/${room}/**`),
  ...["determinism/boots", "determinism/disks", "determinism/flips", "guests/real-mirror", "jit/linux", "jit/long", "jit/equality"],
  ...["shadow/debian", "snapshot/debian", "worker/panel-feed"],
].map((path) => (path.startsWith("tests/") ? path : `tests/${path}.spec.ts`));

export default defineConfig({
  test: {
    include: ["tests/**/*.spec.ts"],
    exclude: ["tests/ui/**", "**/node_modules/**", ...(process.env.TEST_TIER === "quick" ? notQuick : [])],
    // Against hanging only: a computer with other work takes many times as long as an idle one.
    testTimeout: 240_000,
    hookTimeout: 300_000,
    pool: "forks",
    maxWorkers: 2,
  },
});

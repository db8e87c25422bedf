import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["tests/**/*.spec.ts"],
    exclude: ["tests/ui/**", "**/node_modules/**"],
    // Against hanging only: a computer with other work takes many times as long as an idle one.
    testTimeout: 240_000,
    hookTimeout: 300_000,
    pool: "forks",
    maxWorkers: 2,
  },
});

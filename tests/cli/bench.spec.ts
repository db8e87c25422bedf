/** `vitrine bench` passes on to the checkout's script, and says where it is to be had. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { main } from "../../web/node/bench-command";
import { FakeEnvironment } from "./fake-environment";

it("runs the checkout's benchmarks with its arguments and ends with their status", async () => {
  const folder = mkdtempSync(join(tmpdir(), "vitrine-bench-"));
  try {
    const script = join(folder, "bench.mjs");
    writeFileSync(script, 'process.exit(process.argv.slice(2).join(" ") === "--quick --json" ? 7 : 1);');
    expect(await main(["--quick", "--json"], new FakeEnvironment(), () => script)).toBe(7);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it("says in one line where the benchmarks are when there is no checkout", async () => {
  const environment = new FakeEnvironment();
  expect(await main([], environment, () => undefined)).toBe(2);
  expect(environment.err).toMatch(/^vitrine bench: [^\n]*npm run bench[^\n]*\n$/);
});

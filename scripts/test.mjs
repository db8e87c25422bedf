/**
 * `npm run test:quick` and `npm test`. One runner for both tiers: builds the core if it is stale, runs vitest, then (full)
 * the page tests, and ends with one line `N passed, N failed, N skipped`.
 *   node scripts/test.mjs quick|full [vitest filters…]
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { ensureTools } from "./lib/tools.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const [tier = "quick", ...filters] = process.argv.slice(2);
if (!["quick", "full"].includes(tier)) {
  console.error("usage: node scripts/test.mjs quick|full [filter…]");
  process.exit(2);
}
const bin = (name) => join(root, "node_modules/.bin", name);
const totals = { passed: 0, failed: 0, skipped: 0 };
const report = join(root, ".cache/test-report");
rmSync(report, { recursive: true, force: true });
mkdirSync(report, { recursive: true });

function run(command, args, extra = {}) {
  return spawnSync(command, args, { cwd: root, stdio: "inherit", env: { ...process.env, TEST_TIER: tier, ...extra } }).status ?? 1;
}

/** The page tests that failed first and then passed, so that nobody overlooks them. */
const flaky = (suites = []) =>
  suites.flatMap((suite) => [
    ...(suite.specs ?? [])
      .filter((spec) => spec.tests.some((test) => test.status === "flaky"))
      .map((spec) => `${spec.file}: ${spec.title}`),
    ...flaky(suite.suites),
  ]);

ensureTools(tier);
if (run(process.execPath, ["scripts/build-core.mjs", "--if-stale"]) !== 0) {
  console.log("0 passed, 1 failed, 0 skipped");
  process.exit(1);
}
if (!filters.length && run(process.execPath, ["scripts/check.mjs"]) !== 0) totals.failed++;
else if (!filters.length) totals.passed++;

const unit = join(report, "unit.json");
const status = run(bin("vitest"), ["run", "--reporter=default", "--reporter=json", `--outputFile.json=${unit}`, ...filters]);
if (existsSync(unit)) {
  const result = JSON.parse(readFileSync(unit, "utf8"));
  totals.passed += result.numPassedTests;
  totals.failed += result.numFailedTests;
  totals.skipped += result.numPendingTests + (result.numTodoTests ?? 0);
  // A suite that failed to load has no failed test of its own.
  if (result.numFailedTests === 0 && status !== 0) totals.failed += Math.max(1, result.numFailedTestSuites ?? 1);
} else totals.failed++;

if (tier === "full" && !filters.length && existsSync(join(root, "playwright.config.ts"))) {
  const page = join(report, "page.json");
  if (run(process.execPath, ["scripts/build.mjs"]) !== 0) totals.failed++;
  const pageStatus = run(bin("playwright"), ["test", "--reporter=list,json"], { PLAYWRIGHT_JSON_OUTPUT_NAME: page });
  if (existsSync(page)) {
    const { stats, suites } = JSON.parse(readFileSync(page, "utf8"));
    for (const title of flaky(suites)) console.log(`flaky: ${title} (passed at the second attempt)`);
    totals.passed += stats.expected + stats.flaky;
    totals.failed += stats.unexpected;
    totals.skipped += stats.skipped;
    if (pageStatus !== 0 && stats.unexpected === 0) totals.failed++;
  } else totals.failed++;
}
if (tier === "quick" && !filters.length) console.log("Left to npm test: boots, suites, whole corpora and the page (vitest.config.ts).");
console.log(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
process.exit(totals.failed ? 1 : 0);

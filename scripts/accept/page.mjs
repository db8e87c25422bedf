/**
 * Lines that are shown in a browser: Playwright tests by their titles. What they measured they print, as lines
 * "subject: figure", which become part of the acceptance line's figure.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "../lib/paths.mjs";
import { verdict } from "./tools.mjs";

const PLAYWRIGHT = join(ROOT, "node_modules/.bin/playwright");
const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

function* testsOf(suite) {
  for (const { title, tests } of suite.specs ?? []) for (const test of tests) yield { title, ...test };
  for (const inner of suite.suites ?? []) yield* testsOf(inner);
}

/** All tests that begin with one of these titles must pass; a title without a test does not hold either. */
export function page(...titles) {
  const folder = mkdtempSync(join(tmpdir(), "vitrine-page-"));
  const report = join(folder, "report.json");
  try {
    spawnSync(PLAYWRIGHT, ["test", "--grep", titles.map(escaped).join("|"), "--reporter=list,json"], {
      cwd: ROOT,
      stdio: ["ignore", 2, 2],
      // Tests that measure are stricter here, where nothing else is to be running.
      env: { ...process.env, REQUIRE_TOOLS: "1", ACCEPTANCE: "1", PLAYWRIGHT_JSON_OUTPUT_NAME: report },
    });
    return read(JSON.parse(readFileSync(report, "utf8")), titles);
  } catch (error) {
    return { passed: false, figure: `the page's tests did not run: ${error.message}` };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function read(report, titles) {
  const tests = [...testsOf(report)];
  const conditions = {};
  for (const title of titles) {
    const own = tests.filter((test) => test.title.startsWith(title));
    conditions[`"${title}"`] = own.length > 0 && own.every(({ status }) => status === "expected");
  }
  const printed = tests.flatMap(({ results }) => results.at(-1)?.stdout ?? []).map(({ text }) => text?.trim() ?? "");
  const figures = printed.filter((text) => /^[a-z ]+: [^\n]+$/.test(text));
  const passed = tests.filter(({ status }) => status === "expected").length;
  return verdict(conditions, [`${passed} of ${tests.length} page tests pass`, ...figures].join("; "));
}

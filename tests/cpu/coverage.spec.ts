/** docs/coverage.md says what is so, and no row is without any evidence unless it is named there. */
import { readFileSync, writeFileSync } from "node:fs";
import { expect, it } from "vitest";
import { coveragePage } from "./coverage";

const PAGE = new URL("../../docs/coverage.md", import.meta.url);

it("the coverage page is up to date", async () => {
  const page = await coveragePage();
  expect(page.split("\n").length).toBeGreaterThan(900);
  if (process.env.UPDATE_COVERAGE) return writeFileSync(PAGE, page);
  expect(readFileSync(PAGE, "utf8") === page, "run it once with UPDATE_COVERAGE=1").toBe(true);
}, 60_000);

/**
 * Other people's test suites: they are read from the folder that VITRINE_SUITES names (docs/oracles.md) and are no part of
 * this repository. Tests of a suite that is not there skip and say so.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";

/** The first of these folders or files below VITRINE_SUITES that exists, or why there is none. */
export function findSuite(...names: readonly string[]): { readonly path: string } | { readonly missing: string } {
  const root = process.env.VITRINE_SUITES;
  if (!root) return { missing: "VITRINE_SUITES is not set" };
  for (const name of names) {
    const path = join(root, name);
    if (existsSync(path)) return { path };
  }
  return { missing: `${names[0]} is not in VITRINE_SUITES` };
}

/**
 * The fuzzer: random cases on our core, in QEMU where it is installed, and through both of our backends. A case that fails is
 * made small and written to a file, which tests/fuzz/fuzz.spec.ts then runs for ever (`npm run fuzz -- --help`).
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { random } from "../tools/core";
import { Backends } from "./backends";
import { describeCase, type FuzzCase, type Regime } from "./case";
import { compareOutcomes, describeDifference } from "./compare";
import { randomCase, randomRegime } from "./generate";
import { minimise } from "./minimise";
import { type BatchRun, runBatch, runBatchInQemu } from "./run";

/** A failing case as it is kept. */
export interface FoundCase {
  readonly seed: number;
  readonly against: "qemu" | "emit";
  readonly difference: string;
  readonly regime: Regime;
  readonly case: FuzzCase;
}

export interface FuzzOptions {
  readonly seed: number;
  /** Stop when this is over, in milliseconds since the start; or after so many cases. */
  readonly milliseconds: number;
  readonly cases: number;
  readonly qemu: boolean;
  /** Where failing cases are written; undefined: nowhere. */
  readonly folder: string | undefined;
  readonly report: (line: string) => void;
}

export interface FuzzResult {
  cases: number;
  /** Cases compared with QEMU, and instructions done by both backends. */
  inQemu: number;
  byBothBackends: number;
  readonly found: FoundCase[];
  /** Rule → cases whose difference it explains. */
  readonly rules: Map<string, number>;
}

const BATCH = 400;
/** A run with so many different failures has one cause. */
const MOST_FOUND = 10;

export async function fuzz(options: FuzzOptions): Promise<FuzzResult> {
  const result: FuzzResult = { cases: 0, inQemu: 0, byBothBackends: 0, found: [], rules: new Map() };
  const started = performance.now();
  const backends = await Backends.create();
  const next = random(options.seed);
  while (result.cases < options.cases && performance.now() - started < options.milliseconds && result.found.length < MOST_FOUND) {
    const regime = randomRegime(next);
    const cases = Array.from({ length: Math.min(BATCH, options.cases - result.cases) }, () => randomCase(next, regime));
    for (const one of cases) {
      const difference = backends.run(regime, one);
      if (difference !== undefined) keep(result, options, { seed: options.seed, against: "emit", difference, regime, case: one });
    }
    if (options.qemu) await againstQemu(result, options, regime, cases);
    result.cases += cases.length;
    result.byBothBackends = backends.compared;
    const seconds = Math.round((performance.now() - started) / 1000);
    const backend = `${result.byBothBackends} instructions by both backends`;
    options.report(`${seconds} s: ${result.cases} cases, ${result.inQemu} in QEMU, ${backend}, ${result.found.length} found`);
  }
  return result;
}

async function againstQemu(result: FuzzResult, options: FuzzOptions, regime: Regime, cases: readonly FuzzCase[]): Promise<void> {
  // A case that takes the machine down takes those behind it along: they are run again without it.
  for (let rest = cases; rest.length > 0; ) {
    const ours = await runBatch(regime, rest);
    const theirs = runBatchInQemu(regime, rest);
    const done = Math.min(reached(ours, rest.length), reached(theirs, rest.length));
    for (let n = 0; n < Math.min(done + 1, rest.length); n++) {
      const differences = compareOutcomes(rest[n]!, ours.outcomes.get(n), theirs.outcomes.get(n), result.rules);
      if (differences.length === 0 || result.found.length >= MOST_FOUND) continue;
      const small = await minimise(rest[n]!, (candidates) => fails(regime, candidates));
      const [a, b] = [await runBatch(regime, [small]), runBatchInQemu(regime, [small])];
      const difference = compareOutcomes(small, a.outcomes.get(0), b.outcomes.get(0)).map(describeDifference).join("; ");
      keep(result, options, { seed: options.seed, against: "qemu", difference, regime, case: small });
    }
    result.inQemu += Math.min(done + 1, rest.length);
    rest = rest.slice(done + 1);
  }
}

/** Index of the first case without a record. */
function reached(run: BatchRun, count: number): number {
  for (let n = 0; n < count; n++) if (!run.outcomes.has(n)) return n;
  return count;
}

/** Which of these cases differ from QEMU; those that no machine reached do not. */
export async function fails(regime: Regime, cases: readonly FuzzCase[]): Promise<boolean[]> {
  const [ours, theirs] = [await runBatch(regime, cases), runBatchInQemu(regime, cases)];
  const done = Math.min(reached(ours, cases.length), reached(theirs, cases.length));
  return cases.map((one, n) => n <= done && compareOutcomes(one, ours.outcomes.get(n), theirs.outcomes.get(n)).length > 0);
}

function keep(result: FuzzResult, options: FuzzOptions, found: FoundCase): void {
  if (result.found.length >= MOST_FOUND) return;
  result.found.push(found);
  options.report(`found: ${found.difference}\n${describeCase(found.case)}`);
  if (options.folder === undefined) return;
  mkdirSync(options.folder, { recursive: true });
  const file = join(options.folder, `seed-${options.seed}-${result.found.length}.json`);
  writeFileSync(file, `${JSON.stringify(found, undefined, 2)}\n`);
  options.report(`kept as ${file}`);
}

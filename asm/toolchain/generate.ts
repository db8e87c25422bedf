/**
 * Reads isa/ and writes every *.generated.ts, each into the room it serves. Run by scripts/build-core.mjs through
 * Vite, so it is plain TypeScript.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { ROWS } from "../isa/index";
import { makePlan } from "./plan";
import { printDecoder } from "./print-decoder";
import { printDispatch, printHandlers } from "./print-dispatch";
import { printEventsForCore, printEventsForHost } from "./print-events";
import { printStateForCore, printStateForHost } from "./print-state";
import { directRows, printDirect } from "./x87-direct";

/** Not rooms of meanings: their exports are vocabulary. */
const VOCABULARY = new Set(["backend.ts", "run.ts", "conditions.ts", "operand.ts", "pure.ts"]);

/** Exported classes and functions of asm/semantics/, by name, with the module path as dispatch imports it. */
function knownMeanings(semantics: string): Map<string, string> {
  const known = new Map<string, string>();
  for (const entry of readdirSync(semantics, { recursive: true }) as string[]) {
    if (!entry.endsWith(".ts") || entry.endsWith(".generated.ts") || VOCABULARY.has(entry)) continue;
    const text = readFileSync(join(semantics, entry), "utf8");
    for (const match of text.matchAll(/^(?:@\w+\s+)*export (?:class|function) ([A-Za-z_]\w*)/gm)) {
      const name = match[1] as string;
      const before = known.get(name);
      const module = `./${entry.replace(/\.ts$/, "").replaceAll("\\", "/")}`;
      if (before && before !== module) throw new Error(`semantics: ${name} is exported by ${before} and ${module}`);
      known.set(name, module);
    }
  }
  return known;
}

export interface GenerateReport {
  readonly written: readonly string[];
  readonly hot: number;
  readonly handlers: number;
  /** Bindings that rows name and asm/semantics lacks: their instructions raise #UD and are counted. */
  readonly missing: readonly string[];
}

export function generate(root: string): GenerateReport {
  const semantics = join(root, "asm/semantics");
  const known = knownMeanings(semantics);
  const plan = makePlan(ROWS, known);
  const outputs: Record<string, string> = {
    "asm/core/cpu-state.generated.ts": printStateForCore(),
    "asm/core/events.generated.ts": printEventsForCore(),
    "asm/decode/tables.generated.ts": printDecoder(ROWS, plan, directRows(ROWS, known)),
    "asm/decode/handlers.generated.ts": printHandlers(plan),
    "asm/semantics/dispatch.generated.ts": printDispatch(plan, known),
    "asm/semantics/direct.generated.ts": printDirect(ROWS, known),
    "web/lib/cpu-state.generated.ts": printStateForHost(),
    "web/lib/events.generated.ts": printEventsForHost(),
  };
  const written: string[] = [];
  for (const [path, text] of Object.entries(outputs)) {
    const file = join(root, path);
    mkdirSync(dirname(file), { recursive: true });
    let old = "";
    try {
      old = readFileSync(file, "utf8");
    } catch {}
    if (old === text) continue;
    writeFileSync(file, text);
    written.push(relative(root, file));
  }
  return {
    written,
    hot: plan.hot.length,
    handlers: plan.hot.length + plan.staged.flat().length + plan.helpers.flat().length,
    missing: plan.missing,
  };
}

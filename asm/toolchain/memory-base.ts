/** Where asc may begin: the end of the fixed areas of asm/core/memory-map.ts, read from its text so that there is one number. */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const text = readFileSync(join(dirname(fileURLToPath(import.meta.url)), "../core/memory-map.ts"), "utf8");
const values = new Map<string, number>();
for (const [, name, expression] of text.matchAll(/^export const (\w+): usize = ([^;]+);/gm)) {
  const numeric = (expression as string).replace(/[A-Z_]+/g, (word) => String(values.get(word)));
  // Only sums and products of numbers remain.
  if (!/^[\d\sxa-fA-F+*]+$/.test(numeric)) throw new Error(`memory-map: cannot evaluate ${name} = ${expression}`);
  values.set(
    name as string,
    numeric.split("+").reduce((sum, term) => sum + term.split("*").reduce((product, factor) => product * Number(factor), 1), 0),
  );
}
export const MEMORY_BASE = values.get("MEMORY_BASE") as number;

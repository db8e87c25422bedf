/** The list in isa/README.md: which classes and helpers the rows bind to, by form and unit. */
import type { Form, Row } from "../isa/row";

const FORMS: readonly Form[] = ["binary", "compare", "unary", "shift", "staged", "vector", "helper"];
const UNITS = [
  ["integer and system", undefined],
  ["x87", "x87"],
  ["x87, non-waiting", "x87-control"],
  ["MMX", "mmx"],
  ["SSE", "sse"],
] as const;

/** Markdown: one paragraph for each form and unit that has bindings, names in alphabetical order. */
export function printBindings(rows: readonly Row[]): string {
  const paragraphs: string[] = [];
  for (const form of FORMS) {
    for (const [title, unit] of UNITS) {
      const names = rows.filter((row) => row.form === form && row.unit === unit).map((row) => row.binding ?? row.mnemonic);
      const unique = [...new Set(names)].sort();
      if (unique.length > 0) paragraphs.push(`**${form}, ${title}** (${unique.length}): ${unique.join(" ")}`);
    }
  }
  return paragraphs.join("\n\n");
}

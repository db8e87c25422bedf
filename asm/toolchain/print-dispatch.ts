/**
 * Prints `semantics/dispatch.generated.ts`: the hot switch (inlined into the interpreter's loop; with B = Emit, the
 * JIT's), and the families behind its default.
 */
import { FIRST_FAMILY, type Handler, type Plan } from "./plan";

const FAMILY = 64;
const comment = "// Generated from asm/isa/ by asm/toolchain/print-dispatch.ts. Do not edit.";

export function printDispatch(plan: Plan, known: ReadonlyMap<string, string>): string {
  const all = [...plan.hot, ...plan.staged.flat(), ...plan.helpers.flat()];
  const names = new Set(all.flatMap((h) => h.imports));
  const byModule = new Map<string, string[]>();
  for (const name of [...names].sort()) {
    const module = known.get(name) as string;
    byModule.set(module, [...(byModule.get(module) ?? []), name]);
  }
  const cases = (list: readonly Handler[], base: number, indent: string): string[] =>
    list.map((h) => `${indent}case ${h.index - base}: ${h.call}; break; // ${h.name}`);
  const lines = [
    comment,
    'import { Insn } from "../decode/insn";',
    'import { AnyOp, MemOp, RegOp } from "./backend";',
    'import * as Cond from "./conditions";',
    ...[...byModule].map(([module, list]) => `import { ${list.join(", ")} } from "${module}";`),
    "",
    "export class Dispatch {",
    "  /** Executes (B = Run) or compiles (B = Emit) one instruction. V: values up to 32 bits; Q: of 64; W: conditions and counts. */",
    "  @inline static hot<B, V, Q, W>(i: Insn): void {",
    "    switch (<i32>i.handler) {",
    ...cases(plan.hot, 0, "      "),
    "      default: Dispatch.cold<B, V, Q, W>(i); break;",
    "    }",
    "  }",
    "",
    "  static cold<B, V, Q, W>(i: Insn): void {",
    `    switch ((<i32>i.handler - ${FIRST_FAMILY}) >> 6) {`,
  ];
  const families = [...plan.helpers, ...plan.staged];
  families.forEach((_, index) => {
    const helper = index < plan.helpers.length;
    lines.push(`      case ${index}: ${helper ? `Dispatch.helper${index}(i)` : `Dispatch.family${index}<B, V, Q, W>(i)`}; break;`);
  });
  lines.push("      default: unreachable();", "    }", "  }");
  families.forEach((family, index) => {
    const helper = index < plan.helpers.length;
    lines.push(
      "",
      helper ? `  static helper${index}(i: Insn): void {` : `  static family${index}<B, V, Q, W>(i: Insn): void {`,
      `    switch ((<i32>i.handler - ${FIRST_FAMILY}) & ${FAMILY - 1}) {`,
      ...cases(family, FIRST_FAMILY + index * FAMILY, "      "),
      "      default: unreachable();",
      "    }",
      "  }",
    );
  });
  lines.push("}", `export const HELPER_FAMILIES: i32 = ${plan.helpers.length};`, "");
  return lines.join("\n");
}

/** Handler numbers that decoder and tools name. */
export function printHandlers(plan: Plan): string {
  const named = plan.helpers.flat().filter((h) => h.call.startsWith("Special."));
  return [
    comment,
    "export namespace Handler {",
    ...named.map((h) => `  export const ${h.name}: u32 = ${h.index};`),
    "}",
    `export const FIRST_FAMILY: u32 = ${FIRST_FAMILY};`,
    "",
  ].join("\n");
}

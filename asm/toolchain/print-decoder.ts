/**
 * Prints `decode/tables.generated.ts`: opcode → row by chained splits (mode, mandatory prefix, mod, reg, rm), and per
 * row what the decoder must do and which handler runs it.
 */
import type { Row } from "../isa/row";
import { FEATURES } from "./features";
import type { Plan } from "./plan";
import { flowOf, hasModrm, immediateKind, operandForms, registerField, rmField, unitOf, widthKind } from "./row-info";
import { inlineOf, shuffles } from "./simd-inline";

/** Kinds of split node; the decoder switches on them. */
const SPLIT = { mode: 4, prefix: 0, mod: 2, reg: 1, rm: 3 } as const;
const PREFIXES = ["none", "66", "F3", "F2"] as const;

/** Rows made by taking an attribute away → the row they came from. */
const origins = new WeakMap<Row, Row>();

export function printDecoder(rows: readonly Row[], plan: Plan, direct: readonly number[]): string {
  const ids = new Map(rows.map((row, id) => [row, id]));
  const nodes: number[] = [];
  const split = (kind: number, sets: Row[][]): number => {
    const at = nodes.length;
    nodes.push(kind, ...sets.map(() => 0));
    sets.forEach((set, index) => {
      nodes[at + 1 + index] = build(set);
    });
    return 0x8000 | at;
  };
  const build = (set: Row[]): number => {
    if (set.length === 0) return 0;
    const by = <K extends keyof Row>(key: K, values: readonly unknown[]): Row[][] =>
      values.map((v) => set.filter((r) => r[key] === undefined || r[key] === v));
    const strip = (sets: Row[][], key: keyof Row): Row[][] => sets.map((s) => s.map((r) => proxies(r, key)));
    if (set.some((r) => r.i64 || r.o64)) {
      return split(SPLIT.mode, strip(strip([set.filter((r) => !r.o64), set.filter((r) => !r.i64)], "i64"), "o64"));
    }
    if (set.some((r) => r.prefix)) return split(SPLIT.prefix, strip(by("prefix", PREFIXES), "prefix"));
    if (set.some((r) => r.mod)) return split(SPLIT.mod, strip(by("mod", ["mem", "reg"]), "mod"));
    if (set.some((r) => r.reg !== undefined)) return split(SPLIT.reg, strip(by("reg", [0, 1, 2, 3, 4, 5, 6, 7]), "reg"));
    if (set.some((r) => r.rm !== undefined)) return split(SPLIT.rm, strip(by("rm", [0, 1, 2, 3, 4, 5, 6, 7]), "rm"));
    const first = set[0] as Row;
    if (set.length > 1) {
      // A row that asks for this mandatory prefix wins over one that lets prefixes keep their ordinary meaning.
      const exact = set.filter((r) => origin(r).prefix);
      if (exact.length === 1) return (ids.get(origin(exact[0] as Row)) as number) + 1;
      throw new Error(
        `isa: ${set.map((r) => `${r.mnemonic} ${r.operands}`).join(" and ")} share opcode ${first.opcode.toString(16)} of map ${first.map}`,
      );
    }
    return (ids.get(origin(first)) as number) + 1;
  };
  const opcodes: number[] = [];
  // A fixed ModRM.rm means a register form.
  const normal = rows.map((row) => {
    if (row.rm === undefined || row.mod !== undefined) return row;
    const copy: Row = { ...row, mod: "reg" };
    origins.set(copy, row);
    return copy;
  });
  for (let map = 1; map <= 4; map++) {
    for (let opcode = 0; opcode < 256; opcode++) opcodes.push(build(normal.filter((r) => r.map === map && r.opcode === opcode)));
  }
  const info = rows.map((row) => {
    const reg = registerField(row);
    const rm = rmField(row);
    return (
      (hasModrm(row) ? 1 : 0) |
      (immediateKind(row) << 1) |
      (widthKind(row) << 5) |
      (reg.kind << 7) |
      (reg.source << 10) |
      (rm.kind << 12) |
      (rm.source << 15) |
      (row.lock ? 1 << 17 : 0) |
      (row.ends ? 1 << 18 : 0) |
      (row.d64 ? 1 << 19 : 0) |
      (row.f64 ? 1 << 20 : 0) |
      (row.cpl0 ? 1 << 21 : 0) |
      (row.protectedOnly ? 1 << 22 : 0) |
      (unitOf(row) << 23) |
      (hasModrm(row) && !operandForms(row).register && row.mod === undefined ? 1 << 25 : 0) |
      (row.operands.some((o) => /^[CD][dqy]?$/.test(o)) ? 1 << 26 : 0) |
      (hasModrm(row) && !operandForms(row).memory && row.mod === undefined && row.rm === undefined ? 1 << 27 : 0)
    );
  });
  const handlers = rows.flatMap((_, id) => plan.handlersOf(id));
  const features = rows.map((row) => (row.feature ? FEATURES.indexOf(row.feature) + 1 : 0));
  const list = (name: string, type: string, values: readonly number[]): string =>
    `export const ${name}: usize = memory.data<${type}>([${values.join(",")}]);`;
  return [
    "// Generated from asm/isa/ by asm/toolchain/print-decoder.ts. Do not edit.",
    "/** Per map and opcode: 0 invalid, row + 1, or 0x8000 | split node. */",
    list("OPCODES", "u16", opcodes),
    "/** Split nodes: kind (0 prefix, 1 reg, 2 mod, 3 rm, 4 mode), then its slots. */",
    list("SPLITS", "u16", nodes.length ? nodes : [0]),
    "/** Per row: bit 0 ModRM, 1-4 immediate, 5-6 width, 7-9 reg kind, 10-11 its source, 12-14 rm kind, 15-16 its source, 17 lock, 18 ends, 19 d64, 20 f64, 21 cpl0, 22 protected only, 23-24 unit, 25 memory only, 26 mod is ignored, 27 register only. */",
    list("ROW_INFO", "u32", info),
    "/** Per row: eight handlers, index = width (0 byte, 1 word, 2 dword, 3 qword) × 2 + register form. */",
    list("ROW_HANDLERS", "u16", handlers),
    "/** Per row: 0, or the number of the CPUID feature it needs, from 1. */",
    list("ROW_FEATURES", "u8", features),
    "/** Per row, for translated code (asm/toolchain/row-info.ts flowOf). */",
    list("ROW_FLOW", "u8", rows.map(flowOf)),
    "/** Per row, for translated code (asm/toolchain/simd-inline.ts), and the byte lanes of its shuffles. */",
    list("ROW_INLINE", "u16", rows.map(inlineOf)),
    list("SHUFFLES", "u8", shuffles),
    "/** The same for x87 (asm/toolchain/x87-direct.ts). */",
    list("ROW_DIRECT", "u16", direct),
    `export const ROW_COUNT: i32 = ${rows.length};`,
    "",
  ].join("\n");
}

function origin(row: Row): Row {
  return origins.get(row) ?? row;
}
function proxies(row: Row, key: keyof Row): Row {
  if (row[key] === undefined) return row;
  const { [key]: _, ...rest } = row;
  const copy = rest as Row;
  origins.set(copy, origin(row));
  return copy;
}

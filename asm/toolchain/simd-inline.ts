/**
 * Which SSE rows translated code does by itself, with what WebAssembly instruction: read off the meaning's own text where
 * that is one operation of the host (semantics/simd/integer.ts, pack.ts), so that there is one meaning. asm/jit/simd.ts
 * writes the forms. SIMD opcodes: WebAssembly Core Specification, "Vector Instructions".
 */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Row } from "../isa/row";

/** Forms, in the high byte of `inlineOf`; the low byte is an opcode or a shuffle's number. As namespace Form in asm/jit/simd.ts. */
const FORM = {
  binary: 1,
  swapped: 2,
  unary: 3,
  shuffle: 4,
  load: 5,
  loadUnaligned: 6,
  store: 7,
  storeUnaligned: 8,
  loadDouble: 9,
  storeDouble: 10,
  loadSingle: 11,
  storeSingle: 12,
  double: 13,
  single: 14,
  shift: 15,
  shuffleDwords: 16,
} as const;

const LANES = ["i8x16", "i16x8", "i32x4", "i64x2"];
/** First opcode of each lane shape's operations, by name; the four shapes lie 32 apart from 0x60 on. */
const OFFSETS: Readonly<Record<string, number>> = {
  abs: 0x00,
  narrow_i16x8_s: 0x05,
  narrow_i16x8_u: 0x06,
  narrow_i32x4_s: 0x05,
  narrow_i32x4_u: 0x06,
  add: 0x0e,
  add_sat_s: 0x0f,
  add_sat_u: 0x10,
  sub: 0x11,
  sub_sat_s: 0x12,
  sub_sat_u: 0x13,
  mul: 0x15,
  min_s: 0x16,
  min_u: 0x17,
  max_s: 0x18,
  max_u: 0x19,
  avgr_u: 0x1b,
};
const COMPARISONS: Readonly<Record<string, number>> = {
  "i8x16.eq": 0x23,
  "i8x16.gt_s": 0x27,
  "i16x8.eq": 0x2d,
  "i16x8.gt_s": 0x31,
  "i32x4.eq": 0x37,
  "i32x4.gt_s": 0x3b,
  "i64x2.eq": 0xd6,
  "i64x2.gt_s": 0xd9,
};
const WHOLE: Readonly<Record<string, number>> = { "v128.and": 0x4e, "v128.andnot": 0x4f, "v128.or": 0x50, "v128.xor": 0x51 };
/** Of 128 bits by a count of lanes' bits: left, right signed, right unsigned. */
const SHIFTS: Readonly<Record<string, number>> = { shl: 0x0b, shr_s: 0x0c, shr_u: 0x0d };

function opcode(name: string): number | undefined {
  if (name in COMPARISONS || name in WHOLE) return COMPARISONS[name] ?? WHOLE[name];
  const [lanes, operation] = name.split(".") as [string, string];
  const offset = OFFSETS[operation];
  return LANES.includes(lanes) && offset !== undefined ? 0x60 + 32 * LANES.indexOf(lanes) + offset : undefined;
}

const folder = join(dirname(fileURLToPath(import.meta.url)), "../semantics/simd");
const text = ["integer.ts", "pack.ts"].map((name) => readFileSync(join(folder, name), "utf8")).join("\n");
/** Class → what its `run` returns. */
const RUNS = new Map(
  [...text.matchAll(/class (\w+) \{\s*@inline run\(x: v128, y: v128\): v128 \{ return (.*); \}\n/g)].map((m) => [m[1]!, m[2]!]),
);

/** Byte lanes of each shuffle that a row needs, 16 apiece. */
export const shuffles: number[] = [];

function ofMeaning(run: string): number {
  const shuffle = /^v128\.shuffle<u(\d+)>\(x, y, ([\d, ]+)\)$/.exec(run);
  if (shuffle) {
    const bytes = Number(shuffle[1]) / 8;
    const lanes = shuffle[2]!.split(",").map(Number);
    shuffles.push(...lanes.flatMap((lane) => Array.from({ length: bytes }, (_, n) => lane * bytes + n)));
    return (FORM.shuffle << 8) | (shuffles.length / 16 - 1);
  }
  const call = /^(\w+\.\w+)\((x, y|y, x|y)\)$/.exec(run);
  const code = call ? opcode(call[1]!) : undefined;
  if (code === undefined) return 0;
  return ((call![2] === "x, y" ? FORM.binary : call![2] === "y" ? FORM.unary : FORM.swapped) << 8) | code;
}

const ARITHMETIC: Readonly<Record<string, number>> = { ADD: 0xa0, SUB: 0xa1, MUL: 0xa2, DIV: 0xa3 };
const MOVES: Readonly<Record<string, number>> = {
  MOVDQ_VW: FORM.load,
  MOVDQU_VW: FORM.loadUnaligned,
  MOVDQ_WV: FORM.store,
  MOVDQU_WV: FORM.storeUnaligned,
  MOVSD_VW: FORM.loadDouble,
  MOVSD_WV: FORM.storeDouble,
  MOVSS_VW: FORM.loadSingle,
  MOVSS_WV: FORM.storeSingle,
};

/** 0, or form << 8 | code. */
export function inlineOf(row: Row): number {
  if (row.unit !== "sse") return 0;
  const binding = row.binding ?? row.mnemonic;
  if (binding === "PSHUFD") return FORM.shuffleDwords << 8;
  const scalar = /^(ADD|SUB|MUL|DIV)S([SD])$/.exec(binding);
  if (scalar) {
    const code = ARITHMETIC[scalar[1]!]!;
    return scalar[2] === "D" ? (FORM.double << 8) | code : (FORM.single << 8) | (code - 14);
  }
  if (binding === "SQRTSD") return (FORM.double << 8) | 0x9f;
  if (binding === "SQRTSS") return (FORM.single << 8) | 0x91;
  const shift = /^(PS[LR][LA][WDQ])_UI$/.exec(binding);
  if (shift) {
    const operation = /(i\d+x\d+)\.(sh\w+)\(x/.exec(RUNS.get(shift[1]!) ?? "");
    return operation ? (FORM.shift << 8) | (0x60 + 32 * LANES.indexOf(operation[1]!) + SHIFTS[operation[2]!]!) : 0;
  }
  const move = MOVES[row.unaligned && /^MOVDQ_/.test(binding) ? binding.replace("MOVDQ", "MOVDQU") : binding];
  if (move !== undefined) return move << 8;
  const run = RUNS.get(binding);
  return row.form === "vector" && run !== undefined && row.operands[0]?.[0] === "V" ? ofMeaning(run) : 0;
}

/**
 * A function body of WebAssembly as text, an instruction a line, as far as the translator writes it (asm/jit/bytes.ts). Names
 * and encodings: WebAssembly Core Specification 2.0, 5.4 "Instructions". What has no name here is told by its opcode.
 */

export interface WasmLine {
  /** How many blocks it is in. */
  readonly depth: number;
  readonly text: string;
}

const WORDS: Readonly<Record<number, string>> = {
  0: "unreachable",
  1: "nop",
  2: "block",
  3: "loop",
  4: "if",
  5: "else",
  11: "end",
  12: "br",
  13: "br_if",
  15: "return",
  16: "call",
  17: "call_indirect",
  18: "return_call",
  19: "return_call_indirect",
  26: "drop",
  27: "select",
  32: "local.get",
  33: "local.set",
  34: "local.tee",
  35: "global.get",
  36: "global.set",
  63: "memory.size",
  64: "memory.grow",
};
/** From 28h on. */
const MEMORY = [
  ..."i32.load i64.load f32.load f64.load i32.load8_s i32.load8_u i32.load16_s i32.load16_u i64.load8_s i64.load8_u".split(" "),
  ..."i64.load16_s i64.load16_u i64.load32_s i64.load32_u i32.store i64.store f32.store f64.store i32.store8 i32.store16".split(" "),
  ..."i64.store8 i64.store16 i64.store32".split(" "),
];
const integer = (type: string): string[] => "eqz eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u".split(" ").map((name) => `${type}.${name}`);
const compared = (type: string): string[] => "eq ne lt gt le ge".split(" ").map((name) => `${type}.${name}`);
const arithmetic = (type: string): string[] =>
  "clz ctz popcnt add sub mul div_s div_u rem_s rem_u and or xor shl shr_s shr_u rotl rotr".split(" ").map((name) => `${type}.${name}`);
const real = (type: string): string[] =>
  "abs neg ceil floor trunc nearest sqrt add sub mul div min max copysign".split(" ").map((name) => `${type}.${name}`);
/** From 45h on. */
const NUMERIC = [
  ...[
    integer("i32"),
    integer("i64"),
    compared("f32"),
    compared("f64"),
    arithmetic("i32"),
    arithmetic("i64"),
    real("f32"),
    real("f64"),
  ].flat(),
  ..."i32.wrap_i64 i32.trunc_f32_s i32.trunc_f32_u i32.trunc_f64_s i32.trunc_f64_u i64.extend_i32_s i64.extend_i32_u".split(" "),
  ..."i64.trunc_f32_s i64.trunc_f32_u i64.trunc_f64_s i64.trunc_f64_u f32.convert_i32_s f32.convert_i32_u".split(" "),
  ..."f32.convert_i64_s f32.convert_i64_u f32.demote_f64 f64.convert_i32_s f64.convert_i32_u f64.convert_i64_s".split(" "),
  ..."f64.convert_i64_u f64.promote_f32 i32.reinterpret_f32 i64.reinterpret_f64 f32.reinterpret_i32 f64.reinterpret_i64".split(" "),
  ..."i32.extend8_s i32.extend16_s i64.extend8_s i64.extend16_s i64.extend32_s".split(" "),
];
const VECTOR: Readonly<Record<number, string>> = {
  0: "v128.load",
  11: "v128.store",
  12: "v128.const",
  13: "i8x16.shuffle",
  77: "v128.not",
  78: "v128.and",
  79: "v128.andnot",
  80: "v128.or",
  81: "v128.xor",
  92: "v128.load32_zero",
  93: "v128.load64_zero",
};
const TYPES: Readonly<Record<number, string>> = { 64: "", 123: " v128", 124: " f64", 125: " f32", 126: " i64", 127: " i32" };

class Cursor {
  at = 0;
  constructor(readonly bytes: Uint8Array) {}
  u8(): number {
    return this.bytes[this.at++] ?? 0;
  }
  leb(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.u8();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80 || this.at > this.bytes.length) return value;
    }
  }
  sleb(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.u8();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80 || this.at > this.bytes.length) return BigInt.asIntN(Number(shift) + 7, value);
    }
  }
  skip(count: number): void {
    this.at += count;
  }
}

/** `body`: locals and instructions, without the size before them. */
export function wasmText(body: Uint8Array): WasmLine[] {
  const cursor = new Cursor(body);
  const locals: string[] = [];
  for (let groups = cursor.leb(); groups > 0; groups--) {
    const count = cursor.leb();
    locals.push(`${count} ×${TYPES[cursor.u8()] ?? " ?"}`);
  }
  const lines: WasmLine[] = [{ depth: 0, text: `(local ${locals.join(", ")})` }];
  let depth = 0;
  while (cursor.at < body.length) {
    const code = cursor.u8();
    if (code === 0x05 || code === 0x0b) depth = Math.max(0, depth - 1);
    lines.push({ depth, text: instruction(cursor, code) });
    if (code >= 0x02 && code <= 0x05) depth++;
  }
  return lines;
}

function memoryArgument(cursor: Cursor): string {
  cursor.leb();
  const offset = cursor.leb();
  return offset === 0 ? "" : ` offset=${offset}`;
}

function instruction(cursor: Cursor, code: number): string {
  const name = WORDS[code] ?? MEMORY[code - 0x28] ?? NUMERIC[code - 0x45] ?? "";
  if (code === 0xfd) return vector(cursor);
  if (code === 0x41 || code === 0x42) return `${code === 0x41 ? "i32" : "i64"}.const ${cursor.sleb()}`;
  if (code === 0x43 || code === 0x44) {
    cursor.skip(code === 0x43 ? 4 : 8);
    return code === 0x43 ? "f32.const" : "f64.const";
  }
  if (code >= 0x28 && code <= 0x3e) return name + memoryArgument(cursor);
  if (code >= 0x02 && code <= 0x04) return name + (TYPES[cursor.u8()] ?? " ?");
  if (code === 0x11 || code === 0x13) {
    const type = cursor.leb();
    cursor.leb();
    return `${name} (type ${type})`;
  }
  if (code === 0x3f || code === 0x40) cursor.skip(1);
  else if ((code >= 0x20 && code <= 0x24) || code === 0x0c || code === 0x0d || code === 0x10 || code === 0x12)
    return `${name} ${cursor.leb()}`;
  return name === "" ? `opcode ${code.toString(16)}h` : name;
}

function vector(cursor: Cursor): string {
  const code = cursor.leb();
  const name = VECTOR[code] ?? `vector opcode ${code.toString(16)}h`;
  if (code <= 0x0b || code === 0x5c || code === 0x5d) return name + memoryArgument(cursor);
  if (code === 0x0c || code === 0x0d) cursor.skip(16);
  else if (code >= 0x54 && code <= 0x5b) return `${name}${memoryArgument(cursor)} lane ${cursor.u8()}`;
  else if (code >= 0x15 && code <= 0x22) return `${name} lane ${cursor.u8()}`;
  return name;
}

/** The body of the function that a module puts at table entry `index`; undefined: none of its. */
export function functionBody(module: Uint8Array, index: number): Uint8Array | undefined {
  const cursor = new Cursor(module);
  cursor.skip(8);
  let nth = -1;
  while (cursor.at < module.length) {
    const id = cursor.u8();
    const size = cursor.leb();
    const next = cursor.at + size;
    if (id === 9) {
      cursor.skip(3);
      const first = Number(cursor.sleb());
      cursor.skip(1);
      if (index < first || index >= first + cursor.leb()) return undefined;
      nth = index - first;
    } else if (id === 10) {
      for (let n = cursor.leb(); n > 0; n--, nth--) {
        const bytes = cursor.leb();
        if (nth === 0) return module.subarray(cursor.at, cursor.at + bytes);
        cursor.skip(bytes);
      }
      return undefined;
    }
    cursor.at = next;
  }
  return undefined;
}

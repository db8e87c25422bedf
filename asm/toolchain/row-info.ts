/**
 * What the decoder must know of a row, derived from its operands: width, which bits make `Insn.reg` and `Insn.rm`,
 * which immediate follows. One place, used by the printers of decoder and dispatch.
 */
import type { Row } from "../isa/row";

/** How the operand size in bytes (`Insn.width`) follows. */
export const enum WidthKind {
  Byte = 0,
  /** 2, 4 or 8 by operand size. */
  V = 1,
  /** 2 or 4. */
  Z = 2,
}
/** How a register field becomes a byte in the Insn. */
export const enum RegisterKind {
  None = 0,
  /** General register of the row's width: byte offset in the state (AH… for bytes). */
  Width = 1,
  Byte = 2,
  /** General register, word or wider: offset 8 × number. */
  Wide = 3,
  /** The bare number (segment, control, debug registers). */
  Number = 4,
  /** Number × 16 (XMM). */
  Vector = 5,
  /** The same for the eight MMX registers, which REX does not extend. */
  Mmx = 6,
  /** Bare number of a segment register, which REX does not extend. */
  Segment = 7,
}
/** Where the field comes from. */
export const enum RegisterSource {
  ModrmReg = 0,
  ModrmRm = 1,
  OpcodeLow = 2,
  Accumulator = 3,
}
export const enum ImmediateKind {
  None = 0,
  Ib = 1,
  Isb = 2,
  Iw = 3,
  Iz = 4,
  Iv = 5,
  /** Far pointer. */
  Ap = 6,
  /** ENTER. */
  IwIb = 7,
  /** Absolute address of address size (moffs). */
  O = 8,
  Jsb = 9,
  Jz = 10,
  /** Two byte immediates (EXTRQ-like); reserved. */
  IbIb = 11,
}

const method = (operand: string): string => operand[0] ?? "";
const FIXED = new Set([
  "AL",
  "CL",
  "DX",
  "AX",
  "EAX",
  "rAX",
  "eAX",
  "rCX",
  "rDX",
  "AH",
  "ES",
  "CS",
  "SS",
  "DS",
  "FS",
  "GS",
  "1",
  "3",
  "Fv",
  "ST0",
  "STi",
  "XMM0",
]);
export const isFixed = (operand: string): boolean => FIXED.has(operand);
const isX87Memory = (operand: string): boolean => /^m\d/.test(operand);
const sizeOf = (operand: string): string => (isFixed(operand) || isX87Memory(operand) ? "" : operand.slice(1));
const coded = (row: Row, letters: string): string | undefined =>
  row.operands.find((o) => !isFixed(o) && !isX87Memory(o) && letters.includes(method(o)));

export function widthKind(row: Row): WidthKind {
  const sizes = row.operands.map(sizeOf);
  if (sizes.some((s) => ["v", "y", "p", "a", "sb"].includes(s)) || row.operands.some((o) => o === "rAX" || o === "Fv")) return WidthKind.V;
  if (sizes.includes("z") && !row.operands.includes("AL"))
    return row.operands.some((o) => "XY".includes(method(o)) && !isFixed(o)) || row.operands.includes("eAX") ? WidthKind.Z : WidthKind.V;
  if (row.operands.includes("eAX")) return WidthKind.Z;
  if (row.operands.some((o) => !isFixed(o) && "EGZXYO".includes(method(o)) && sizeOf(o) === "b") || row.operands.includes("AL"))
    return WidthKind.Byte;
  return WidthKind.V;
}

/** All its sized operands are of type y: dword, or qword with REX.W, whatever the operand size else. */
export const isDwordAtLeast = (row: Row): boolean => {
  const sizes = row.operands.map(sizeOf).filter((size) => size !== "");
  return sizes.length > 0 && sizes.every((size) => size === "y");
};

export function hasModrm(row: Row): boolean {
  return (
    row.reg !== undefined ||
    row.rm !== undefined ||
    row.mod !== undefined ||
    row.operands.some((o) => isX87Memory(o) || o === "STi" || (!isFixed(o) && "CDEGMNPQRSUVW".includes(method(o))))
  );
}

/** Register field of the operand the SDM puts in ModRM.reg, or in the opcode. */
export function registerField(row: Row): { kind: RegisterKind; source: RegisterSource } {
  const g = coded(row, "GSCDPV");
  if (g) return { kind: kindOf(g, row), source: RegisterSource.ModrmReg };
  const z = coded(row, "Z");
  if (z) return { kind: kindOf(z, row), source: RegisterSource.OpcodeLow };
  if (row.operands.some((o) => o === "AL" || o === "rAX" || o === "eAX"))
    return { kind: RegisterKind.Width, source: RegisterSource.Accumulator };
  return { kind: RegisterKind.None, source: RegisterSource.ModrmReg };
}

/** Register field of the E operand (or of the only operand where that is the accumulator or a Z register). */
export function rmField(row: Row): { kind: RegisterKind; source: RegisterSource } {
  const e = coded(row, "ERQWNUM");
  if (e) return { kind: kindOf(e, row), source: RegisterSource.ModrmRm };
  const z = coded(row, "Z");
  if (z) return { kind: kindOf(z, row), source: RegisterSource.OpcodeLow };
  if (row.operands[0] === "AL" || row.operands[0] === "rAX") return { kind: RegisterKind.Width, source: RegisterSource.Accumulator };
  return { kind: RegisterKind.None, source: RegisterSource.ModrmRm };
}

function kindOf(operand: string, row: Row): RegisterKind {
  const m = method(operand);
  if (m === "S") return RegisterKind.Segment;
  if ("CD".includes(m)) return RegisterKind.Number;
  if ("PQN".includes(m)) return RegisterKind.Mmx;
  if ("VWU".includes(m)) return RegisterKind.Vector;
  const size = sizeOf(operand);
  if (size === "b") return widthKind(row) === WidthKind.Byte ? RegisterKind.Width : RegisterKind.Byte;
  if (size === "v" || size === "z" || size === "y") return RegisterKind.Width;
  return RegisterKind.Wide;
}

export function immediateKind(row: Row): ImmediateKind {
  const operands = row.operands as readonly string[];
  if (operands[0] === "Iw" && operands[1] === "Ib") return ImmediateKind.IwIb;
  if (operands.filter((o) => o === "Ib").length === 2) return ImmediateKind.IbIb;
  for (const o of operands) {
    if (isFixed(o)) continue;
    if (o === "Ib") return ImmediateKind.Ib;
    if (o === "Isb") return ImmediateKind.Isb;
    if (o === "Iw") return ImmediateKind.Iw;
    if (o === "Iz") return ImmediateKind.Iz;
    if (o === "Iv") return ImmediateKind.Iv;
    if (o === "Ap") return ImmediateKind.Ap;
    if (o === "Jsb") return ImmediateKind.Jsb;
    if (o === "Jz") return ImmediateKind.Jz;
    if (method(o) === "O") return ImmediateKind.O;
  }
  return ImmediateKind.None;
}

/** Can the E operand be memory / a register? */
export function operandForms(row: Row): { memory: boolean; register: boolean } {
  const e = coded(row, "EMRQWNU") ?? row.operands.find(isX87Memory);
  if (coded(row, "O")) return { memory: true, register: false };
  if (!e) return { memory: false, register: true };
  if (row.mod === "mem" || method(e) === "M" || isX87Memory(e)) return { memory: true, register: false };
  if (row.mod === "reg" || row.rm !== undefined || "RNU".includes(method(e))) return { memory: false, register: true };
  return { memory: true, register: true };
}

/** 0 general, 1 x87 (its helpers check themselves), 2 MMX, 3 SSE: which availability checks decoding makes. */
export function unitOf(row: Row): 0 | 1 | 2 | 3 {
  return row.unit === "sse" ? 3 : row.unit === "mmx" ? 2 : row.unit ? 1 : 0;
}

/** Source width where it differs from the row's width (MOVZX, MOVSX), as an AssemblyScript type; undefined = the same. */
export function sourceType(row: Row): "u8" | "u16" | "u32" | undefined {
  const e = coded(row, "E");
  if (!e || widthKind(row) === WidthKind.Byte) return undefined;
  return ({ b: "u8", w: "u16", d: "u32" } as const)[sizeOf(e) as "b" | "w" | "d"];
}

/** How control leaves a row: bits 0-2 of `flowOf`. */
const FLOW: Readonly<Record<string, number>> = {
  JCC: 1,
  LOOP: 1,
  LOOPE: 1,
  LOOPNE: 1,
  JCXZ: 1,
  JMP: 2,
  CALL: 3,
  JMP_E: 4,
  CALL_E: 4,
  RET: 4,
  RET_I: 4,
};
/** Rows that use the stack without a memory operand. */
const STACK = new Set(["PUSH", "PUSH_I", "PUSH_E", "POP", "LEAVE"]);
const ARITHMETIC_FLAGS = "oszapc";

/**
 * What translated code must know of a row. Bits 0-2: 0 goes on, 1 conditional relative branch, 2 relative jump, 3
 * relative call, 4 near transfer to a computed target. Bit 3: needs no memory but its E operand. Bit 4: reads an
 * arithmetic flag. Bit 5: leaves none of the six as it was. Bit 6: cannot change a general register. Bit 7: touches
 * no arithmetic flag, and of the general registers only those of its address.
 */
export function flowOf(row: Row): number {
  const binding = row.binding ?? row.mnemonic;
  const staged = row.form !== undefined && row.form !== "helper" && row.form !== "vector";
  const flow = staged ? (FLOW[binding] ?? 0) : 0;
  const plain = staged && flow === 0 && !STACK.has(binding);
  const reads = [...(row.reads ?? "")].some((flag) => ARITHMETIC_FLAGS.includes(flag));
  const changed = (row.writes ?? "") + (row.undefined ?? "");
  const whole =
    (row.form === "binary" || row.form === "compare" || binding === "NEG") && [...ARITHMETIC_FLAGS].every((flag) => changed.includes(flag));
  const flags = reads || [...changed].some((flag) => ARITHMETIC_FLAGS.includes(flag));
  // General registers that no operand names: ECX gets an index, DI is an address, EDX:EAX choose what is saved.
  const vector = row.unit !== undefined && !/^(PCMP.STR|MASKMOV|XSAVE|XRSTOR|XGETBV|XSETBV)/.test(binding);
  const isGeneral = (operand: string): boolean => "GER".includes(operand[0] as string) || operand.startsWith("AX");
  const general = row.operands[0] !== undefined && isGeneral(row.operands[0]);
  const quiet = vector && !flags && !row.operands.some(isGeneral);
  return flow | (plain ? 8 : 0) | (reads ? 16 : 0) | (whole ? 32 : 0) | (vector && !general ? 64 : 0) | (quiet ? 128 : 0);
}

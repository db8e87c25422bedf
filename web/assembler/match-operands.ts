/** Does a row take these operands, and what goes where in the encoding? */
import type { Operand, Row } from "../../asm/isa/index";
import { operandBytes, parseOperand } from "../../asm/isa/operand";
import { addressSizeOf, type EncodedAddress, encodeAddress, fits, fitsSignedByte, relativeAddress } from "./address";
import type { Expression, Value } from "./expression";
import type { SourceOperand } from "./operand";
import type { Register } from "./registers";
import { SourceError } from "./source-error";

export interface Context {
  readonly bits: 16 | 32 | 64;
  /** Address of the instruction's first byte. */
  readonly here: bigint;
  evaluate(expression: Expression): Value;
}

export interface Parts {
  reg: number;
  /** Register in ModRM.rm, or -1. */
  rm: number;
  addresses: EncodedAddress[];
  segment: Register | undefined;
  /** Memory bytes as the row sees them, 0 if open; and whether the source says them. */
  memoryBytes: number;
  memorySized: boolean;
  immediates: { bytes: number; value: bigint }[];
  /** Relative branch: bytes of the displacement and where to. */
  branch: { bytes: number; target: bigint; known: boolean } | undefined;
  /** Address size that a moffs operand asks for. */
  offsetSize: 2 | 4 | 8 | 0;
  rex: number;
  rexNeeded: boolean;
  rexForbidden: boolean;
  /** The source says `far`. */
  far: boolean;
}

/** Why a row does not fit: a sentence if it is worth telling, else "". */
export type Mismatch = { readonly mismatch: string };
const NO: Mismatch = { mismatch: "" };

export function matchOperands(
  row: Row,
  codes: readonly Operand[],
  operands: readonly SourceOperand[],
  operandSize: 2 | 4 | 8,
  context: Context,
): Parts | Mismatch {
  const parts: Parts = {
    reg: row.reg ?? 0,
    rm: row.rm ?? -1,
    addresses: [],
    segment: undefined,
    memoryBytes: 0,
    memorySized: false,
    immediates: [],
    branch: undefined,
    offsetSize: 0,
    rex: 0,
    rexNeeded: false,
    rexForbidden: false,
    far: false,
  };
  if (codes.length !== operands.length) return NO;
  for (const [index, code] of codes.entries()) {
    const mismatch = matchOperand(row, code, codes.length, operands[index]!, operandSize, context, parts);
    if (mismatch) return mismatch;
  }
  if (row.mod === "reg" && parts.addresses.length > 0) return NO;
  if (row.mod === "mem" && parts.addresses.length === 0) return NO;
  // LFENCE and the like: a register form whose rm means nothing.
  if (row.mod === "reg" && parts.rm < 0) parts.rm = 0;
  const isFarRow = codes.length === 1 && codes[0] === "Mp";
  if (parts.far !== isFarRow && parts.addresses.length > 0) return NO;
  return parts;
}

function matchOperand(
  row: Row,
  code: Operand,
  count: number,
  operand: SourceOperand,
  operandSize: 2 | 4 | 8,
  context: Context,
  parts: Parts,
): Mismatch | undefined {
  const { method, register: type, memory } = parseOperand(code);
  const general = (bytes: number): Register | undefined =>
    operand.kind === "register" && operand.register.kind === "general" && operand.register.bytes === bytes ? operand.register : undefined;
  const ofKind = (kind: Register["kind"]): Register | undefined =>
    operand.kind === "register" && operand.register.kind === kind ? operand.register : undefined;
  if (operand.kind === "register" && operand.size !== 0 && operand.size !== operand.register.bytes)
    return { mismatch: `${operand.register.name} does not have ${operand.size} bytes` };
  const bytes = operandBytes(type, operandSize);
  switch (method) {
    case "G":
      return putReg(parts, general(bytes));
    case "C":
      return putReg(parts, ofKind("control"));
    case "D":
      return putReg(parts, ofKind("debug"));
    case "S":
      return putReg(parts, ofKind("segment"));
    case "P":
      return putReg(parts, ofKind("mmx"));
    case "V":
      return putReg(parts, ofKind("xmm"));
    case "N":
      return putRm(parts, ofKind("mmx"));
    case "U":
      return putRm(parts, ofKind("xmm"));
    case "R":
      return putRm(parts, general(bytes));
    case "stack":
      return putRm(parts, ofKind("x87"));
    case "Q":
      return operand.kind === "memory" ? putMemory(row, parts, operand, code, memory, operandSize, context) : putRm(parts, ofKind("mmx"));
    case "W":
      return operand.kind === "memory" ? putMemory(row, parts, operand, code, memory, operandSize, context) : putRm(parts, ofKind("xmm"));
    case "E":
      if (operand.kind === "memory") return putMemory(row, parts, operand, code, memory, operandSize, context);
      // A selector is taken from a register of any width.
      return putRm(parts, general(bytes) ?? (type === "w" && row.operands[0] === "Sw" ? general(4) : undefined));
    case "M":
      return operand.kind === "memory" ? putMemory(row, parts, operand, code, memory, operandSize, context) : NO;
    case "O":
      return operand.kind === "memory" ? putOffset(parts, operand, operandSize, type, context) : NO;
    case "Z": {
      const found = general(bytes);
      if (!found || (found.number & 7) !== (row.opcode & 7)) return NO;
      noteRex(parts, found, 1);
      return undefined;
    }
    case "I":
      return operand.kind === "immediate" ? putImmediate(parts, operand, type, operandSize, context, row, count) : NO;
    case "J":
      return operand.kind === "immediate" ? putBranch(parts, operand, type, operandSize, context) : NO;
    case "A":
      return operand.kind === "far" ? putFar(parts, operand, operandSize, context) : NO;
    default:
      return isFixed(type, operand, operandSize, context) ? undefined : NO;
  }
}

function isFixed(name: string, operand: SourceOperand, operandSize: 2 | 4 | 8, context: Context): boolean {
  if (name === "1" || name === "3") {
    if (operand.kind !== "immediate" || operand.size > 1) return false;
    const value = context.evaluate(operand.expression);
    return value.unknown.length === 0 && value.terms.length === 0 && value.constant === BigInt(name);
  }
  if (operand.kind !== "register") return false;
  const { register } = operand;
  if (name === "ST0") return register.kind === "x87" && register.number === 0;
  if (name[0] === "r" || name[0] === "e") {
    const bytes = name[0] === "e" && operandSize === 8 ? 4 : operandSize;
    return register.kind === "general" && register.bytes === bytes && register.number === ["AX", "CX", "DX"].indexOf(name.slice(1));
  }
  return register.name === name.toLowerCase();
}

function noteRex(parts: Parts, register: Register, bit: number): void {
  if (register.number > 7) parts.rex |= bit;
  if (register.rex === "needed") parts.rexNeeded = true;
  if (register.rex === "forbidden") parts.rexForbidden = true;
}

function putReg(parts: Parts, register: Register | undefined): Mismatch | undefined {
  if (!register) return NO;
  parts.reg = register.number & 7;
  noteRex(parts, register, 4);
  return undefined;
}

function putRm(parts: Parts, register: Register | undefined): Mismatch | undefined {
  if (!register) return NO;
  parts.rm = register.number & 7;
  noteRex(parts, register, 1);
  return undefined;
}

type MemoryOperand = Extract<SourceOperand, { kind: "memory" }>;
type ImmediateOperand = Extract<SourceOperand, { kind: "immediate" }>;

function putMemory(
  row: Row,
  parts: Parts,
  operand: MemoryOperand,
  code: Operand,
  type: string,
  operandSize: 2 | 4 | 8,
  context: Context,
): Mismatch | undefined {
  const isFar = type === "p";
  const bytes = isFar ? (code === "Mp" && operand.far ? operandSize : 0) : operandBytes(type, operandSize);
  // MMX PUNPCKL reads 4 bytes, but is customarily written with 8.
  const sizes = code === "Qd" ? [4, 8] : [bytes];
  if (operand.size !== 0 && bytes !== 0 && !sizes.includes(operand.size)) return NO;
  const address = context.evaluate(operand.address);
  // MOV with the accumulator has a form for it.
  if (operand.addressSize === 8 && address.terms.length === 0 && row.mnemonic === "MOV" && !fits(address.constant, 4)) return NO;
  parts.addresses = operand.relative
    ? [relativeAddress(address, operand.addressSize, context.bits)]
    : encodeAddress(address, operand.addressSize, context.bits);
  parts.segment = operand.segment;
  parts.memoryBytes = isFar ? 0 : bytes;
  parts.memorySized = operand.size !== 0;
  parts.far = operand.far;
  return undefined;
}

function putOffset(parts: Parts, operand: MemoryOperand, operandSize: 2 | 4 | 8, type: string, context: Context): Mismatch | undefined {
  const value = context.evaluate(operand.address);
  const bytes = operandBytes(type, operandSize);
  if (operand.relative || value.terms.length > 0 || (operand.size !== 0 && operand.size !== bytes) || operand.far) return NO;
  const addressSize = addressSizeOf(value, operand.addressSize, context.bits);
  if (!fits(value.constant, addressSize)) return { mismatch: doesNotFit(value.constant, addressSize) };
  // A 64-bit offset is only worth its bytes when it is asked for.
  if (addressSize === 8 && operand.addressSize !== 8) return NO;
  parts.offsetSize = addressSize;
  parts.segment = operand.segment;
  parts.memoryBytes = bytes;
  parts.memorySized = operand.size !== 0;
  parts.immediates.push({ bytes: addressSize, value: value.constant });
  return undefined;
}

/** A plain number: no registers in it. */
export function constantOf(expression: Expression, context: Context): Value {
  const value = context.evaluate(expression);
  if (value.terms.length > 0) throw new SourceError(`an expression with ${value.terms[0]!.register.name} needs brackets: it is an address`);
  return value;
}

const SIZE_NAMES: Readonly<Record<number, string>> = { 1: "a byte", 2: "a word", 4: "a doubleword", 8: "a quadword" };
export const doesNotFit = (value: bigint, bytes: number): string => `${value} does not fit in ${SIZE_NAMES[bytes] ?? `${bytes} bytes`}`;

function putImmediate(
  parts: Parts,
  operand: ImmediateOperand,
  type: string,
  operandSize: 2 | 4 | 8,
  context: Context,
  row: Row,
  count: number,
): Mismatch | undefined {
  if (operand.distance !== undefined || operand.far) return NO;
  const { constant } = constantOf(operand.expression, context);
  const bytes = operandBytes(type, operandSize);
  if (type === "sb") {
    // PUSH has no other operand to say the size: its size word does.
    const stated = count === 1 && operand.size > 1 ? operandSize === operand.size : operand.size <= 1 || operand.size === operandSize;
    if (!stated || (operand.strict && operand.size !== 1)) return NO;
    if (!fitsSignedByte(constant, operandSize)) return operand.size === 1 ? { mismatch: `${constant} does not fit in a signed byte` } : NO;
    parts.immediates.push({ bytes: 1, value: constant });
    return undefined;
  }
  const meant = type === "z" || type === "v" ? operandSize : bytes;
  if (operand.size !== 0 && operand.size !== meant) return NO;
  // Four bytes that are extended with their sign to 64 bits.
  const extended = row.operands.includes("Iz") && operandSize === 8;
  const value = extended && fits(constant, 8) ? BigInt.asIntN(64, constant) : constant;
  if (extended ? value < -(1n << 31n) || value >= 1n << 31n : !fits(value, bytes)) return { mismatch: doesNotFit(constant, bytes) };
  parts.immediates.push({ bytes, value });
  return undefined;
}

function putBranch(parts: Parts, operand: ImmediateOperand, type: string, operandSize: 2 | 4 | 8, context: Context): Mismatch | undefined {
  if (operand.far) return { mismatch: "a far jump or call is written selector:offset" };
  const isShort = type === "sb";
  if (operand.distance !== undefined && (operand.distance === "short") !== isShort) return NO;
  if (operand.size !== 0 && (isShort || operand.size !== operandSize)) return NO;
  const value = constantOf(operand.expression, context);
  const bytes = isShort ? 1 : operandSize === 2 ? 2 : 4;
  parts.branch = { bytes, target: value.constant, known: value.unknown.length === 0 };
  return undefined;
}

function putFar(
  parts: Parts,
  operand: Extract<SourceOperand, { kind: "far" }>,
  operandSize: 2 | 4 | 8,
  context: Context,
): Mismatch | undefined {
  if (operand.size !== 0 && operand.size !== operandSize) return NO;
  const offset = constantOf(operand.offset, context).constant;
  const selector = constantOf(operand.selector, context).constant;
  if (!fits(offset, operandSize))
    return { mismatch: `${doesNotFit(offset, operandSize)}: write dword selector:offset for a 32-bit offset` };
  if (!fits(selector, 2)) return { mismatch: doesNotFit(selector, 2) };
  parts.immediates.push({ bytes: operandSize, value: offset }, { bytes: 2, value: selector });
  return undefined;
}

/**
 * The core's own decoder, as the disassembler uses it: code bytes in, DecodedInstruction out. Reads the Insn record of
 * asm/decode/insn.ts; only the positions of ModRM and SIB are found again in the bytes.
 */
import { ROWS, type Row } from "../../asm/isa/index";
import { hasModrm, ignoresMod, parseOperand } from "../../asm/isa/operand";
import type { DecodedInstruction } from "./decoded";

/** The exports that decoding needs (asm/decode/exports.ts), of any instance of the core. */
export interface DecodingCore {
  readonly memory: WebAssembly.Memory;
  toolBytesAddress(): number;
  decodeBytes(available: number, bits: number): number;
}

/** Default sizes of code. */
export type CodeBits = 16 | 32 | 64;
export type Decode = (code: Uint8Array, bits: CodeBits) => DecodedInstruction | undefined;

/** Offsets in the Insn record, which lies RECORD bytes before the code bytes. */
const RECORD = 0x100;
const AT = { row: 8, length: 10, disp: 16, imm: 20, imm2: 24, segment: 28, prefixes: 29, addressSize: 31 } as const;
const PREFIX = { lock: 1, rep: 2, repne: 4, operandSize: 8, addressSize: 16, segment: 32 } as const;
const PREFIX_BYTES: ReadonlySet<number> = new Set([0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3]);
const ESCAPE_BYTES: Readonly<Record<number, number>> = { 1: 0, 2: 1, 3: 2, 4: 2 };
const isRex = (byte: number): boolean => (byte & 0xf0) === 0x40;
const REX_W = 8;
const MAX_LENGTH = 15;
const NO_ROW = 0xffff;

/** A decode function over a core instance. It answers undefined where the bytes end within the instruction. */
export function createDecoder(core: DecodingCore): Decode {
  return (code, bits) => {
    const bytes = code.subarray(0, MAX_LENGTH);
    const address = core.toolBytesAddress();
    new Uint8Array(core.memory.buffer).set(bytes, address);
    const length = core.decodeBytes(bytes.length, bits);
    if (length === 0) return undefined;
    return readRecord(new DataView(core.memory.buffer, address - RECORD, RECORD), bytes.slice(0, length), bits);
  };
}

/** Sizes that the prefixes give, in the default of the code. SDM 2D A.2.5 (d64, f64), SDM Vol 1 Table "Effective Operand- and Address-Size Attributes in 64-Bit Mode". */
export function operandSizeOf(row: Row | undefined, bits: CodeBits, has66: boolean, rex: number): 2 | 4 | 8 {
  if (bits !== 64) return (bits === 16) === has66 ? 4 : 2;
  if (rex & REX_W || row?.f64) return 8;
  return has66 ? 2 : row?.d64 ? 8 : 4;
}

function readRecord(record: DataView, bytes: Uint8Array, bits: CodeBits): DecodedInstruction {
  const id = record.getUint16(AT.row, true);
  const row = id === NO_ROW ? undefined : ROWS[id];
  const prefixes = record.getUint8(AT.prefixes);
  const opcodeAt = bytes.findIndex((byte) => !PREFIX_BYTES.has(byte) && !(bits === 64 && isRex(byte)));
  const rex = bits === 64 && opcodeAt > 0 && isRex(bytes[opcodeAt - 1]!) ? bytes[opcodeAt - 1]! : 0;
  const operandSize = operandSizeOf(row, bits, (prefixes & PREFIX.operandSize) !== 0, rex);
  let modrm = -1;
  let sib = -1;
  const addressSize = record.getUint8(AT.addressSize) as 2 | 4 | 8;
  if (row && hasModrm(row)) {
    const at = opcodeAt + ESCAPE_BYTES[row.map]! + 1;
    modrm = bytes[at]!;
    if (addressSize !== 2 && modrm < 0xc0 && (modrm & 7) === 4 && !ignoresMod(row)) sib = bytes[at + 1]!;
  }
  // What the record holds beside an operand's own bytes (signs, x87 opcodes) is not for display.
  const methods = row?.operands.map((operand) => parseOperand(operand).method) ?? [];
  const absolute = methods.includes("O");
  const hasImmediate = methods.includes("I") || methods.includes("A");
  const hasSecond = methods.includes("A") || methods.filter((method) => method === "I").length === 2;
  const high = BigInt(record.getUint32(AT.imm2, true)) << 32n;
  const displacement = absolute
    ? BigInt(record.getUint32(AT.disp, true)) | (addressSize === 8 ? high : 0n)
    : BigInt(record.getInt32(AT.disp, true));
  const signed = row?.operands.some((operand) => operand === "Isb" || (operand === "Iz" && operandSize === 8)) ?? false;
  const isWide = operandSize === 8 && (row?.operands.includes("Iv") ?? false);
  const immediate = BigInt(signed ? record.getInt32(AT.imm, true) : record.getUint32(AT.imm, true)) | (isWide ? high : 0n);
  return {
    row: row ? id : -1,
    length: bytes.length,
    prefixes: {
      lock: (prefixes & PREFIX.lock) !== 0,
      rep: (prefixes & PREFIX.rep) !== 0,
      repne: (prefixes & PREFIX.repne) !== 0,
      operandSize: (prefixes & PREFIX.operandSize) !== 0,
      addressSize: (prefixes & PREFIX.addressSize) !== 0,
    },
    segment: prefixes & PREFIX.segment ? record.getUint8(AT.segment) : null,
    operandSize,
    addressSize,
    modrm,
    sib,
    rex,
    displacement,
    immediate: hasImmediate ? immediate : 0n,
    immediate2: hasSecond ? record.getUint32(AT.imm2, true) : 0,
    bytes,
  };
}

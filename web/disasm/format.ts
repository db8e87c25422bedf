/**
 * Decoded instruction → text in NASM's Intel syntax. Sizes are shown by a register, a size word or a prefix: whatever
 * differs from the default can be read off the text, and the assembler gives the same meaning back.
 */
import { type Operand, ROWS, type Row } from "../../asm/isa/index";
import { ignoresMod, operandBytes, parseOperand } from "../../asm/isa/operand";
import type { DecodedInstruction } from "./decoded";
import type { CodeBits } from "./decoder";
import { isStringRow, mnemonicOf, showsAddressSize, showsOperandSize } from "./mnemonics";
import { ADDRESS16, generalRegister, SEGMENTS } from "./registers";

const SIZE_WORD: Readonly<Record<number, string>> = { 1: "byte", 2: "word", 4: "dword", 8: "qword", 10: "tword", 16: "oword" };

export const hexNumber = (value: bigint): string => (value < 0n ? `-0x${(-value).toString(16)}` : `0x${value.toString(16)}`);

/** The destination does not tell the size of the source. */
const SOURCE_SIZES: ReadonlySet<string> = new Set(["MOVZX", "MOVSX", "MOVSXD", "CRC32"]);

const REX_W = 8;
/** REX.W means something that the operands do not show. */
const WIDE_MATTERS: ReadonlySet<string> = new Set([
  "FXSAVE",
  "FXRSTOR",
  "XSAVE",
  "XRSTOR",
  "SYSRET",
  "SYSEXIT",
  "RETF",
  "CALLF",
  "JMPF",
  "LSS",
  "LFS",
  "LGS",
]);

/** What the text has already shown, so that no prefix need be written for it. */
interface Shown {
  operandSize: boolean;
  addressSize: boolean;
  segment: boolean;
}

/**
 * The text of one instruction. `address` is the offset in its code segment (relative branches and RIP-relative operands
 * print their target). Bytes that are no instruction print as `db 0x…`.
 */
export function format(decoded: DecodedInstruction, address = 0n, bits: CodeBits = 32): string {
  const row = ROWS[decoded.row];
  if (row === undefined) return `db ${Array.from(decoded.bytes, (byte) => hexNumber(BigInt(byte))).join(",")}`;
  const shown: Shown = { operandSize: row.prefix === "66" || showsOperandSize(row), addressSize: showsAddressSize(row), segment: false };
  const natural = bits === 64 ? (row.d64 || row.f64 ? 8 : 4) : decoded.prefixes.operandSize === (decoded.operandSize === 2) ? 4 : 2;
  // What 64-bit code forces, no prefix changes.
  if (bits === 64 && row.f64) shown.operandSize = true;
  const defaultSize = natural;
  const mnemonic = mnemonicOf(row, decoded.operandSize, decoded.addressSize, defaultSize);
  // String instructions and PUSHF name their operands in the mnemonic.
  const operands = isStringRow(row) ? [] : row.operands.filter((operand) => operand !== "Fv");
  // XCHG is symmetric; the register of ModRM.reg is customarily written first.
  if (row.mnemonic === "XCHG" && decoded.modrm >= 0) operands.reverse();
  const texts = operands.map((operand) => formatOperand(operand, row, decoded, shown, address, bits));
  return `${prefixText(row, decoded, shown)}${mnemonic}${texts.length > 0 ? ` ${texts.join(",")}` : ""}`;
}

function prefixText(row: Row, decoded: DecodedInstruction, shown: Shown): string {
  const { prefixes } = decoded;
  const words: string[] = [];
  if (prefixes.lock) words.push("lock");
  if (prefixes.rep && row.prefix !== "F3") words.push(row.rep === "repz" ? "repe" : "rep");
  if (prefixes.repne && row.prefix !== "F2") words.push("repne");
  if ((prefixes.operandSize || (decoded.rex & REX_W && WIDE_MATTERS.has(row.mnemonic))) && !shown.operandSize)
    words.push(`o${decoded.operandSize * 8}`);
  if (prefixes.addressSize && !shown.addressSize) words.push(`a${decoded.addressSize * 8}`);
  if (decoded.segment !== null && !shown.segment) words.push(SEGMENTS[decoded.segment]!);
  return words.map((word) => `${word} `).join("");
}

function formatOperand(operand: Operand, row: Row, decoded: DecodedInstruction, shown: Shown, address: bigint, bits: CodeBits): string {
  const { method, register, memory } = parseOperand(operand);
  const { modrm, rex, operandSize } = decoded;
  const reg = ((modrm >> 3) & 7) | ((rex & 4) << 1);
  const rm = (modrm & 7) | ((rex & 1) << 3);
  const general = (n: number, size: string): string => {
    if (size === "v" || size === "z") shown.operandSize = true;
    return generalRegister(n, operandBytes(size, operandSize), rex !== 0);
  };
  switch (method) {
    case "G":
      return general(reg, register);
    case "R":
      return general(rm, register);
    case "Z":
      return general((row.opcode & 7) | ((rex & 1) << 3), register);
    case "C":
      return `cr${reg}`;
    case "D":
      return `dr${reg}`;
    case "S":
      return SEGMENTS[reg & 7] ?? `seg${reg & 7}`;
    case "P":
      return `mm${reg & 7}`;
    case "N":
      return `mm${rm & 7}`;
    case "V":
      return `xmm${reg}`;
    case "U":
      return `xmm${rm}`;
    case "stack":
      return `st${rm & 7}`;
    case "E":
    case "Q":
    case "W":
    case "M":
      if (modrm >= 0xc0 || ignoresMod(row)) return method === "Q" ? `mm${rm & 7}` : method === "W" ? `xmm${rm}` : general(rm, register);
      return `${sizeWord(operand, memory, row, decoded, shown, bits)}${memoryText(decoded, shown, address, bits)}`;
    case "O":
      shown.addressSize = true;
      return `[${segmentText(decoded, shown)}${bits === 64 ? `${SIZE_WORD[decoded.addressSize]} ` : addressWord(decoded)}${hexNumber(decoded.displacement)}]`;
    case "I":
      return immediateText(register, row, decoded, shown, operand);
    case "J":
      return branchText(register, row, decoded, shown, address, bits);
    case "A": {
      const size = decoded.prefixes.operandSize ? `${SIZE_WORD[operandSize]} ` : "";
      shown.operandSize = true;
      return `${size}${hexNumber(BigInt(decoded.immediate2))}:${hexNumber(decoded.immediate)}`;
    }
    default:
      return fixedText(register, operandSize, shown);
  }
}

function fixedText(name: string, operandSize: 2 | 4 | 8, shown: Shown): string {
  if (name[0] === "r" || name[0] === "e") {
    shown.operandSize = true;
    const bytes = name[0] === "e" && operandSize === 8 ? 4 : operandSize;
    return generalRegister(["AX", "CX", "DX"].indexOf(name.slice(1)), bytes);
  }
  return name.toLowerCase();
}

/** A size word where nothing else in the text tells the size of the memory operand. */
function sizeWord(operand: Operand, memory: string, row: Row, decoded: DecodedInstruction, shown: Shown, bits: CodeBits): string {
  if (memory === "p" && row.operands.length === 1) {
    const size = decoded.prefixes.operandSize || decoded.operandSize === 8 ? `${SIZE_WORD[decoded.operandSize]} ` : "";
    shown.operandSize = true;
    return `${size}far `;
  }
  const bytes = operandBytes(memory, decoded.operandSize);
  if (bytes === 0 || operand === "m16" || operand === "Qd") return "";
  if (memory === "v" || memory === "z") shown.operandSize = true;
  if (memory === "y" && bits === 64 && !row.operands.includes("Gy")) return `${SIZE_WORD[bytes]} `;
  if (SOURCE_SIZES.has(row.mnemonic)) return `${SIZE_WORD[bytes]} `;
  const others = row.operands.filter((other) => other !== operand).map(parseOperand);
  if (others.some((other) => "GPVSCD".includes(other.method) && operandBytes(other.register, decoded.operandSize) === bytes)) return "";
  if (others.some((other) => other.register === "AL" || other.register === "rAX")) return "";
  if (operand[0] === "M" && !["v", "z"].includes(memory)) return "";
  return `${SIZE_WORD[bytes]} `;
}

function segmentText(decoded: DecodedInstruction, shown: Shown): string {
  shown.segment = true;
  return decoded.segment === null ? "" : `${SEGMENTS[decoded.segment]}:`;
}

/** With no register in the address, its size must be said where it is not the default. */
const addressWord = (decoded: DecodedInstruction): string => (decoded.prefixes.addressSize ? `${SIZE_WORD[decoded.addressSize]} ` : "");

function memoryText(decoded: DecodedInstruction, shown: Shown, address: bigint, bits: CodeBits): string {
  const { modrm, sib, rex, addressSize, displacement } = decoded;
  const mod = modrm >> 6;
  const rm = modrm & 7;
  shown.addressSize = true;
  const segment = segmentText(decoded, shown);
  const parts: string[] = [];
  if (addressSize === 2) {
    if (mod !== 0 || rm !== 6) parts.push(ADDRESS16[rm]!);
  } else {
    const base = sib < 0 ? rm : sib & 7;
    if (mod === 0 && rm === 5 && bits === 64) {
      const target = BigInt.asUintN(addressSize * 8, address + BigInt(decoded.length) + displacement);
      return `[${segment}rel ${addressWord(decoded)}${hexNumber(target)}]`;
    }
    if (mod !== 0 || base !== 5) parts.push(generalRegister(base | ((rex & 1) << 3), addressSize));
    const index = ((sib >> 3) & 7) | ((rex & 2) << 2);
    if (sib >= 0 && index !== 4) {
      const scale = 1 << (sib >> 6);
      parts.push(`${generalRegister(index, addressSize)}${scale === 1 && parts.length > 0 ? "" : `*${scale}`}`);
    }
  }
  if (parts.length === 0) return `[${segment}${addressWord(decoded)}${hexNumber(BigInt.asUintN(addressSize * 8, displacement))}]`;
  return `[${segment}${parts.join("+")}${displacementText(mod, addressSize, displacement)}]`;
}

/** Small displacements with their sign; large ones (addresses) unsigned. */
function displacementText(mod: number, addressSize: number, displacement: bigint): string {
  if (mod === 0 && displacement === 0n) return "";
  const near = mod === 1 || (addressSize !== 2 && displacement > -0x1000_0000n && displacement < 0n);
  const value = near ? displacement : BigInt.asUintN(addressSize * 8, displacement);
  return value < 0n ? hexNumber(value) : `+${hexNumber(value)}`;
}

function immediateText(size: string, row: Row, decoded: DecodedInstruction, shown: Shown, operand: Operand): string {
  if (row.operands.indexOf(operand) > 0 && row.operands[0]![0] === "I") return hexNumber(BigInt(decoded.immediate2));
  if (size === "sb") {
    const word = row.operands.length === 1 && decoded.prefixes.operandSize ? `${SIZE_WORD[decoded.operandSize]} ` : "";
    if (word !== "") shown.operandSize = true;
    return `${word}${hexNumber(BigInt.asIntN(8, decoded.immediate))}`;
  }
  const bytes = operandBytes(size, decoded.operandSize);
  // Four bytes in the code are extended with their sign.
  const extended = size === "z" && decoded.operandSize === 8;
  const value = hexNumber(BigInt.asUintN(extended ? 64 : bytes * 8, decoded.immediate));
  if ((size === "z" || size === "v") && row.operands.length === 1) {
    shown.operandSize = true;
    return `${SIZE_WORD[extended ? 8 : bytes]} ${value}`;
  }
  return size === "v" && decoded.operandSize === 8 ? `qword ${value}` : value;
}

function branchText(size: string, row: Row, decoded: DecodedInstruction, shown: Shown, address: bigint, bits: CodeBits): string {
  const target = BigInt.asUintN(decoded.operandSize * 8, address + BigInt(decoded.length) + decoded.displacement);
  let words = "";
  if (size === "sb") words = row.mnemonic === "JMP" ? "short " : "";
  else {
    if (row.map === 2) words = "near ";
    if (decoded.prefixes.operandSize && bits !== 64) words += `${SIZE_WORD[decoded.operandSize]} `;
    shown.operandSize = true;
  }
  return `${words}${hexNumber(target)}`;
}

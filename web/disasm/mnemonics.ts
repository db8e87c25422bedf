/**
 * How a row's mnemonic is written: conditions by their usual names (JAE, not JNB), size suffixes of string
 * instructions, far forms, and the other spellings that the assembler accepts.
 */
import type { Row } from "../../asm/isa/index";

/** Other names of the sixteen conditions, SDM Vol 1 appendix B.1. The first is what the disassembler prints. */
export const CONDITION_NAMES: Readonly<Record<string, readonly string[]>> = {
  O: ["o"],
  NO: ["no"],
  B: ["b", "c", "nae"],
  NB: ["ae", "nb", "nc"],
  Z: ["z", "e"],
  NZ: ["nz", "ne"],
  BE: ["be", "na"],
  NBE: ["a", "nbe"],
  S: ["s"],
  NS: ["ns"],
  P: ["p", "pe"],
  NP: ["np", "po"],
  L: ["l", "nge"],
  NL: ["ge", "nl"],
  LE: ["le", "ng"],
  NLE: ["g", "nle"],
};

const CONDITIONAL = /^(J|SET|CMOV)(O|NO|B|NB|Z|NZ|BE|NBE|S|NS|P|NP|L|NL|LE|NLE)$/;
/** Written with a suffix for the operand size: b w d q. */
const STRING: ReadonlySet<string> = new Set(["MOVS", "CMPS", "STOS", "LODS", "SCAS", "INS", "OUTS"]);
const SPELLING: Readonly<Record<string, string>> = { CALLF: "call", JMPF: "jmp", XLAT: "xlatb" };
/** Names that mean "16 bits" in the rows and "the default size" in assembly: a `w` says 16 bits where that is not the default. */
const BY_SIZE: ReadonlySet<string> = new Set(["PUSHA", "POPA", "PUSHF", "POPF", "IRET"]);
const SUFFIX: Readonly<Record<number, string>> = { 1: "b", 2: "w", 4: "d", 8: "q" };

export const isStringRow = (row: Row): boolean =>
  STRING.has(row.mnemonic) && row.operands.some((operand) => operand[0] === "X" || operand[0] === "Y");

/** Bytes of a string row's elements. */
export function stringBytes(row: Row, operandSize: 2 | 4 | 8): number {
  const element = row.operands.find((operand) => operand[0] === "X" || operand[0] === "Y")!;
  if (element[1] === "b") return 1;
  return element[1] === "z" && operandSize === 8 ? 4 : operandSize;
}

/** The mnemonic for given effective sizes; `defaultSize` is the operand size without prefixes. */
export function mnemonicOf(row: Row, operandSize: 2 | 4 | 8, addressSize: 2 | 4 | 8, defaultSize: 2 | 4 | 8): string {
  if (isStringRow(row)) return `${row.mnemonic.toLowerCase()}${SUFFIX[stringBytes(row, operandSize)]}`;
  if (row.names) {
    const size = row.namesByAddress ? addressSize : operandSize;
    const name = row.names[size === 2 ? 0 : size === 4 ? 1 : 2].toLowerCase();
    return BY_SIZE.has(row.mnemonic) && size === 2 && defaultSize !== 2 ? `${name}w` : name;
  }
  const conditional = CONDITIONAL.exec(row.mnemonic);
  if (conditional) return `${conditional[1]!.toLowerCase()}${CONDITION_NAMES[conditional[2]!]![0]}`;
  return SPELLING[row.mnemonic] ?? row.mnemonic.toLowerCase();
}

/** The mnemonic itself tells the operand size. */
export const showsOperandSize = (row: Row): boolean =>
  (isStringRow(row) && !row.operands.some((operand) => operand[1] === "b")) ||
  (row.names !== undefined && !row.namesByAddress && row.names[0] !== row.names[1]);
/** The mnemonic itself tells the address size. */
export const showsAddressSize = (row: Row): boolean => row.namesByAddress === true;

/** Every spelling under which the assembler knows a row, lower case; size-dependent ones are resolved in assembler/. */
export function spellings(row: Row): string[] {
  if (isStringRow(row))
    return row.operands.some((operand) => operand[1] === "b")
      ? [`${row.mnemonic.toLowerCase()}b`]
      : ["w", "d", "q"].map((s) => `${row.mnemonic.toLowerCase()}${s}`);
  if (row.names) {
    const names = row.names.map((name) => name.toLowerCase());
    return [...new Set(BY_SIZE.has(row.mnemonic) ? [...names, `${names[0]}w`] : names)];
  }
  const conditional = CONDITIONAL.exec(row.mnemonic);
  if (conditional) return CONDITION_NAMES[conditional[2]!]!.map((name) => `${conditional[1]!.toLowerCase()}${name}`);
  return [SPELLING[row.mnemonic] ?? row.mnemonic.toLowerCase(), ...(OTHER[row.mnemonic] ?? [])];
}

const OTHER: Readonly<Record<string, readonly string[]>> = {
  SHL: ["sal"],
  XLAT: ["xlat"],
  LOOPE: ["loopz"],
  LOOPNE: ["loopnz"],
  WAIT: ["fwait"],
  INT1: ["icebp", "int01"],
  INT3: ["int03"],
  RET: ["retn"],
  UD2: ["ud2a"],
  UD1: ["ud2b"],
};

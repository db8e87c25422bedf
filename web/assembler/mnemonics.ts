/** Which rows each mnemonic can mean. Built from the rows once; aliases among the rows are left to the disassembler. */
import { ROWS, type Row } from "../../asm/isa/index";
import { isStringRow, spellings } from "../disasm/mnemonics";

export interface Meaning {
  readonly row: Row;
  /** The mnemonic fixes the operand size (MOVSD, IRETD, CWDE), or the address size (JECXZ). */
  readonly operandSize?: 2 | 4 | 8;
  readonly addressSize?: 2 | 4 | 8;
  /** Bytes that stand before the instruction (WAIT in FSTCW). */
  readonly before?: number;
  /** An immediate that the mnemonic implies (CMPEQPS, AAM). */
  readonly implied?: bigint;
}

const SIZES = [2, 4, 8] as const;
const SUFFIX: Readonly<Record<string, 2 | 4 | 8>> = { w: 2, d: 4, q: 8 };
/** x87 instructions with and without WAIT before them: FSTCW is WAIT, FNSTCW. */
const WAITING: ReadonlySet<string> = new Set(["fnclex", "fninit", "fnsave", "fnstcw", "fnstenv", "fnstsw"]);
const BY_DEFAULT: ReadonlySet<string> = new Set(["pusha", "popa", "pushf", "popf", "iret"]);
const COMPARES = ["eq", "lt", "le", "unord", "neq", "nlt", "nle", "ord"] as const;

function meaningsOf(row: Row, spelling: string): Meaning[] {
  if (isStringRow(row) && !row.operands.some((operand) => operand[1] === "b")) return [{ row, operandSize: SUFFIX[spelling.at(-1)!]! }];
  if (!row.names) return [{ row }];
  const names = row.names.map((name) => name.toLowerCase());
  // PUSHA is the default size, PUSHAW 16 bits; CBW is 16 bits.
  if (spelling === `${names[0]}w`) return [{ row, operandSize: 2 }];
  const size = SIZES[names.indexOf(spelling)]!;
  // One name for several sizes (MOVD, CMPXCHG8B), or a name that means the default.
  if (size === 2 && (names[1] === spelling || BY_DEFAULT.has(spelling))) return [{ row }];
  return [row.namesByAddress ? { row, addressSize: size } : { row, operandSize: size }];
}

function build(): Map<string, Meaning[]> {
  const meanings = new Map<string, Meaning[]>();
  const add = (spelling: string, meaning: Meaning): void => {
    meanings.set(spelling, [...(meanings.get(spelling) ?? []), meaning]);
  };
  for (const row of ROWS) {
    if (row.alias) continue;
    for (const spelling of spellings(row)) {
      for (const meaning of meaningsOf(row, spelling)) add(spelling, meaning);
      if (WAITING.has(spelling)) add(`f${spelling.slice(2)}`, { row, before: 0x9b });
    }
    if (row.mnemonic === "AAM" || row.mnemonic === "AAD") add(row.mnemonic.toLowerCase(), { row, implied: 10n });
    const compare = /^CMP(PS|PD|SS|SD)$/.exec(row.mnemonic);
    if (compare && row.map === 2)
      for (const [code, name] of COMPARES.entries()) add(`cmp${name}${compare[1]!.toLowerCase()}`, { row, implied: BigInt(code) });
  }
  return meanings;
}

/** By lower-case spelling. */
export const MNEMONICS: ReadonlyMap<string, readonly Meaning[]> = build();

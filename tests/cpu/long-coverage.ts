/** Which rows of the instruction tables a set of 64-bit recordings holds, and why it need not hold the others. */
import { readFileSync } from "node:fs";
import { ROWS, type Row } from "../../asm/isa/index";
import { expand, readLongVectors } from "../../web/node/vector-file";
import { bytesOf, decoder, opcodeText } from "./evidence";

/** Rows that a user process cannot record, or that differ by machine, maker or kernel: by mnemonic, the reason. */
export const UNRECORDED: Readonly<Record<string, string>> = {
  INT3: "ends every recording",
  SLDT: "the kernel's table, or its emulation under UMIP",
  STR: "the kernel's task, or its emulation under UMIP",
  SGDT: "the kernel's table, or its emulation under UMIP",
  SIDT: "the kernel's table, or its emulation under UMIP",
  SMSW: "the kernel's CR0, or its emulation under UMIP",
  XGETBV: "the components that the machine has",
  XSETBV: "the components that the machine has",
  XSAVE: "the components that the machine has",
  XRSTOR: "the components that the machine has",
  FXSAVE: "MXCSR_MASK and reserved bytes are the maker's",
  RDTSC: "the time",
  RDTSCP: "the time and the processor's number",
  RDPMC: "counts events",
  RDRAND: "random; no model has it",
  CPUID: "the model",
  SYSCALL: "enters the kernel",
  SYSENTER: "enters the kernel",
  DPPS: "makers differ in which of several NaNs they keep",
  DPPD: "makers differ in which of several NaNs they keep",
};

export interface LongCoverage {
  /** Rows valid in 64-bit mode, and how many of them are recorded. */
  readonly rows: number;
  readonly recorded: number;
  /** Not recorded, with a reason. */
  readonly elsewhere: number;
  /** Neither: opcode and mnemonic. */
  readonly missing: readonly string[];
  readonly vectors: number;
  /** Vectors that end in an exception. */
  readonly faults: number;
}

const isLongRow = (row: Row): boolean => !row.i64 && !row.alias;

export async function longCoverage(files: readonly string[]): Promise<LongCoverage> {
  const decode = await decoder();
  const seen = new Set<number>();
  let vectors = 0;
  let faults = 0;
  for (const file of files)
    for (const { vector } of readLongVectors(file, expand(file, readFileSync(file)))) {
      const row = decode(bytesOf(vector.c), 64)?.row;
      if (row !== undefined) seen.add(row);
      vectors++;
      if (vector.sig !== undefined) faults++;
    }
  const rows = ROWS.flatMap((row, n) => (isLongRow(row) ? [{ row, recorded: seen.has(n) }] : []));
  const without = rows.filter(({ recorded }) => !recorded).map(({ row }) => row);
  const missing = without.filter(({ mnemonic }) => UNRECORDED[mnemonic] === undefined);
  return {
    rows: rows.length,
    recorded: rows.length - without.length,
    elsewhere: without.length - missing.length,
    missing: missing.map((row) => `${opcodeText(row)} ${row.mnemonic} ${row.operands.join(",")}`.trim()),
    vectors,
    faults,
  };
}

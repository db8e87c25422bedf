/** Which rows the fuzzer draws from, for a comparison with QEMU (integer and system) or between our backends (all). */
import { ROWS, type Row } from "../../asm/isa/index";

/** Not for cases: they end or stop the machine, leave the case for good, or differ by nature (time, identity). */
const NEVER: ReadonlySet<string> = new Set([
  ...["HLT", "CPUID", "RDTSC", "RDTSCP", "RDPMC", "RDRAND", "MONITOR", "MWAIT", "XSAVE", "XRSTOR", "XGETBV", "XSETBV", "INVPCID", "RSM"],
  ...["SYSENTER", "SYSEXIT", "SYSCALL", "SYSRET", "IRET", "RET", "RETF", "INT1", "SWAPGS", "FXSAVE", "FXRSTOR"],
]);
/** At CPL 0 they would take the runtime away. At CPL 3 they are refused, which is worth a test. */
const ONLY_AT_3: ReadonlySet<string> = new Set([
  ...["LGDT", "LIDT", "LLDT", "LTR", "LMSW", "WRMSR", "RDMSR", "IN", "OUT", "INS", "OUTS", "INVD", "WBINVD"],
  ...["ENTER", "LEAVE", "LSS"],
]);
const CONTROL_OR_DEBUG = new Set(["MOV_RC", "MOV_RD", "MOV_CR", "MOV_DR"]);
/** CPUID features that `max` and QEMU's `max` share. */
const SHARED: ReadonlySet<string> = new Set([
  "486",
  "586",
  "cx8",
  "cmov",
  "popcnt",
  "movbe",
  "nopl",
  "clfsh",
  "sse4_2",
  "sse2",
  "sse",
  "pse",
]);

/** Left out because the SDM or QEMU leaves them open; each was looked at. */
const OPEN: readonly { readonly reason: string; is(row: Row, operandSize: 2 | 4, bits: 16 | 32): boolean }[] = [
  { reason: "QEMU touches no memory for CLFLUSH; processors raise its page fault", is: (row) => row.mnemonic === "CLFLUSH" },
  { reason: "the SDM leaves BSWAP of 16 bits undefined", is: (row, size) => row.mnemonic === "BSWAP" && size === 2 },
  {
    reason: "a 32-bit PUSH of a segment register writes 16 bits on processors of today, 32 in QEMU",
    is: (row, size) => row.binding === "PUSH_S" && size === 4,
  },
  {
    reason: "QEMU looks at the prefix and not at the code segment for the operand size of MOVBE and CRC32",
    is: (row, _, bits) => /^(MOVBE|CRC32)$/.test(row.mnemonic) && bits === 16,
  },
  {
    reason: "SGDT and SIDT with a 16-bit operand store 24 bits of the base in QEMU, 32 on processors",
    is: (row, size) => /^S[GI]DT$/.test(row.mnemonic) && size === 2,
  },
  { reason: "QEMU wants the destination of ARPL writable in any case", is: (row) => row.mnemonic === "ARPL" },
  { reason: "QEMU's ENTER has pushed when it faults", is: (row) => row.mnemonic === "ENTER" },
  { reason: "QEMU leaves garbage in the flags after CMPXCHG8B behind some instructions", is: (row) => row.mnemonic === "CMPXCHG8B" },
  { reason: "LAR gives bits 16 to 19 of the descriptor's upper half too on processors", is: (row) => row.mnemonic === "LAR" },
];
export const isOpen = (row: Row, operandSize: 2 | 4, bits: 16 | 32): boolean => OPEN.some(({ is }) => is(row, operandSize, bits));

function isFar(row: Row): boolean {
  return row.operands.some((operand) => operand === "Ap" || operand === "Mp") && /^(CALL|JMP)/.test(row.mnemonic);
}
/** Near jumps and calls to a place that a register or memory names. */
function isIndirect(row: Row): boolean {
  return /^(CALL|JMP)$/.test(row.mnemonic) && row.operands.some((operand) => operand.startsWith("E"));
}
export const isRelative = (row: Row): boolean => row.operands.some((operand) => operand.startsWith("J"));

function usable(row: Row, cpl: 0 | 3): boolean {
  if (row.o64 || row.alias || NEVER.has(row.mnemonic) || isFar(row) || isIndirect(row)) return false;
  if (cpl === 3) return true;
  if (ONLY_AT_3.has(row.mnemonic) || CONTROL_OR_DEBUG.has(row.binding ?? "")) return false;
  // The stack pointer must stay good at CPL 0: exceptions push there.
  if (row.mnemonic === "POP" && row.operands.some((operand) => operand === "SS" || operand.startsWith("E"))) return false;
  return !/^(POPA|POPAD|CLTS)$/.test(row.mnemonic);
}

export const isInteger = (row: Row): boolean => row.unit === undefined && (row.feature === undefined || SHARED.has(row.feature));

export const ROWS_FOR: Readonly<Record<0 | 3, readonly Row[]>> = {
  0: ROWS.filter((row) => usable(row, 0) && isInteger(row)),
  3: ROWS.filter((row) => usable(row, 3) && isInteger(row)),
};

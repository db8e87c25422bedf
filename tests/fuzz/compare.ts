/** Compares what a case left on our core and in QEMU. Differences in which QEMU is known not to be right are rules, with reasons. */
import { type FuzzCase, isVirtual8086, Place, VM } from "./case";
import { ARITHMETIC } from "./flags";
import { FIELDS, type Field, type Outcome } from "./image";

const RF = 0x10000;
const W = 2;
/** Instructions that QEMU does in several steps, of which some are done when the last one faults. */
const IN_STEPS = /^(RCL|RCR|ROL|ROR|SET\w+)$/;
const REGISTERS: readonly Field[] = ["eax", "ecx", "edx", "ebx", "ebp", "esi", "edi"];
/** Where QEMU pushed garbage for EFLAGS with VM in it, the runtime looks for them in the frame. */
const SELECTORS_IN_FRAME: readonly Field[] = ["ds", "es", "fs", "gs", "esp", "ss"];
/** Those that read and write one operand, which is a write to the page walk. */
const READ_MODIFY_WRITE =
  /^(ADD|OR|ADC|SBB|AND|SUB|XOR|INC|DEC|NOT|NEG|RO[LR]|RC[LR]|SH[LR]D?|SA[LR]|XCHG|XADD|CMPXCHG(8B)?|BT[SRC]|ARPL)$/;
const PAGE_FAULT = 14;
const SECOND_CODE_PAGE = Place.code + 0x1000;

export interface Difference {
  readonly field: Field | "outcome";
  readonly ours: number | undefined;
  readonly theirs: number | undefined;
}

interface Rule {
  readonly name: string;
  readonly reason: string;
  /** Fields that this rule explains, in this case. */
  explains(one: FuzzCase, ours: Outcome, theirs: Outcome): readonly Field[];
}

/** The instruction that the case ended in, by its EIP; undefined after the last. */
export function endedIn(one: FuzzCase, eip: number): number | undefined {
  let at = Place.code + one.offset;
  for (let n = 0; n < one.instructions.length; n++) {
    if (eip === at) return n;
    at += one.instructions[n]!.bytes.length / 2;
  }
  return undefined;
}

export const RULES: readonly Rule[] = [
  {
    name: "RMW",
    reason: "QEMU reads both pages of a read-modify-write first and reports that; processors report the write, from its first page on",
    explains: (one, ours, theirs) => {
      if (!READ_MODIFY_WRITE.test(endedMnemonic(one, ours))) return [];
      if (ours.vector !== PAGE_FAULT || theirs.vector !== PAGE_FAULT || !(ours.error & W) || theirs.error & W) return [];
      if (theirs.cr2 === (ours.cr2 | 0xfff) + 1) return ["error", "cr2"];
      return (ours.error ^ theirs.error) === W ? ["error"] : [];
    },
  },
  {
    name: "flags before the store",
    reason: "in QEMU rotates have changed the flags, and SETcc lost them, when the store of their result faults",
    explains: (one, ours, theirs) =>
      ours.vector === PAGE_FAULT && theirs.vector === PAGE_FAULT && IN_STEPS.test(endedMnemonic(one, ours))
        ? ["eflags", "error", ...(theirs.eflags & VM ? SELECTORS_IN_FRAME : [])]
        : [],
  },
  {
    name: "CMPS",
    reason: "where both operands of CMPS fault, QEMU reports the one at EDI, processors the one at ESI",
    explains: (one, ours, theirs) =>
      ours.vector === PAGE_FAULT && theirs.vector === PAGE_FAULT && endedMnemonic(one, ours) === "CMPS" ? ["cr2", "error"] : [],
  },
  {
    name: "SGDT",
    reason: "where the second page of what SGDT and SIDT store faults, QEMU has stored the limit already",
    explains: (one, ours, theirs) =>
      ours.vector === PAGE_FAULT && theirs.vector === PAGE_FAULT && /^S[GI]DT$/.test(endedMnemonic(one, ours)) ? ["data"] : [],
  },
  {
    name: "null segment",
    reason: "QEMU does not refuse accesses through a null segment",
    explains: (one, ours, theirs) =>
      !isVirtual8086(one) &&
      ours.vector === 13 &&
      ours.error === 0 &&
      (theirs.vector !== 13 || theirs.eip !== ours.eip) &&
      [ours.ds, ours.es, ours.fs, ours.gs].some((selector) => (selector & ~3) === 0)
        ? FIELDS
        : [],
  },
  {
    name: "limit",
    reason: "QEMU checks no limits: in virtual-8086 mode every segment ends at FFFFh",
    explains: (one, ours, theirs) =>
      isVirtual8086(one) &&
      (ours.vector === 13 || ours.vector === 12) &&
      ours.error === 0 &&
      (theirs.vector !== ours.vector || theirs.eip !== ours.eip)
        ? FIELDS
        : [],
  },
  {
    name: "segment",
    reason: "QEMU checks neither the limit nor the type of a segment that the program has loaded: no #GP for a store into code",
    explains: (one, ours, theirs) =>
      !isVirtual8086(one) &&
      ours.vector === 13 &&
      ours.error === 0 &&
      (theirs.vector !== 13 || theirs.eip !== ours.eip) &&
      [ours.ds, ours.es, ours.fs, ours.gs].some((selector) => !one.segments.includes(selector))
        ? FIELDS
        : [],
  },
  {
    name: "step",
    reason: "QEMU takes no single-step trap after STI, PAUSE and LSS (SDM 3A: of what loads SS only MOV and POP hold it back)",
    explains: (one, ours) => {
      const before = (endedIn(one, ours.eip) ?? one.instructions.length) - 1;
      return ours.vector === 1 && before >= 0 && /^(STI|PAUSE|LSS)/.test(one.instructions[before]!.text) ? FIELDS : [];
    },
  },
  {
    name: "PUSHA",
    reason:
      "QEMU's PUSHA and POPA begin at the lowest address, processors store and load in the order of the SDM; registers that its POPA has loaded stay so when a later one faults",
    explains: (one, ours, theirs) =>
      ours.vector === PAGE_FAULT && theirs.vector === PAGE_FAULT && /^(PUSHA|POPA)$/.test(endedMnemonic(one, ours))
        ? ["cr2", "data", "error", ...REGISTERS]
        : [],
  },
  {
    name: "accessed bit",
    reason: "QEMU sets a descriptor's accessed bit by writing its upper half, we by writing its byte; the SDM does not say which",
    explains: (_, ours, theirs) => (ours.vector === PAGE_FAULT && (ours.cr2 & 7) === 5 && theirs.cr2 === ours.cr2 - 1 ? ["cr2"] : []),
  },
  {
    name: "fetch",
    reason: "QEMU refuses an instruction before it has fetched all of it; processors take the page fault of its last bytes first",
    explains: (_, ours, theirs) =>
      ours.vector === PAGE_FAULT &&
      ours.cr2 === SECOND_CODE_PAGE &&
      ours.eip < SECOND_CODE_PAGE &&
      ours.eip === theirs.eip &&
      [6, 13].includes(theirs.vector)
        ? FIELDS
        : [],
  },
  {
    name: "RSVD",
    reason: "QEMU reports a reserved bit of a present entry without P in the error code",
    explains: (_, ours, theirs) =>
      ours.vector === PAGE_FAULT && theirs.vector === PAGE_FAULT && ours.error & 8 && ((ours.error ^ theirs.error) & ~W) === 1
        ? ["error"]
        : [],
  },
];

/** Mnemonic of the instruction that the case ended in. */
function endedMnemonic(one: FuzzCase, outcome: Outcome): string {
  const n = endedIn(one, outcome.eip);
  return n === undefined ? "" : (one.instructions[n]!.text.split(" ")[0] ?? "");
}

/** Flags that mean nothing where the case ended: of the instruction it ended in, or the last, or any before it that left them so. */
function openFlags(one: FuzzCase, outcome: Outcome): number {
  const n = endedIn(one, outcome.eip);
  const last = one.instructions.at(-1)?.undefinedFlags ?? 0;
  if (n === undefined) return last | one.instructions.reduce((mask, each) => mask | each.undefinedFlags, 0);
  return (n > 0 ? one.instructions[n - 1]!.undefinedFlags : 0) | one.instructions[n]!.undefinedFlags;
}

/** What differs and no rule explains; `rules` counts those that did. */
export function compareOutcomes(
  one: FuzzCase,
  ours: Outcome | undefined,
  theirs: Outcome | undefined,
  rules: Map<string, number> = new Map(),
): Difference[] {
  if (!ours || !theirs) return ours === theirs ? [] : [{ field: "outcome", ours: ours?.vector, theirs: theirs?.vector }];
  const open = openFlags(one, ours);
  const differences = FIELDS.filter((field) => {
    if (field === "eflags") return ((ours.eflags ^ theirs.eflags) & ~(RF | (open & ARITHMETIC))) !== 0;
    if (field === "cr2") return ours.vector === PAGE_FAULT && ours.cr2 !== theirs.cr2;
    return ours[field] !== theirs[field];
  });
  if (differences.length === 0) return [];
  for (const rule of RULES) {
    const explained = rule.explains(one, ours, theirs);
    if (explained.length > 0 && differences.every((field) => explained.includes(field))) {
      rules.set(rule.name, (rules.get(rule.name) ?? 0) + 1);
      return [];
    }
  }
  return differences.map((field) => ({ field, ours: ours[field], theirs: theirs[field] }));
}

export const describeDifference = ({ field, ours, theirs }: Difference): string =>
  `${field} ${ours === undefined ? "(none)" : ours.toString(16)}, QEMU ${theirs === undefined ? "(none)" : theirs.toString(16)}`;

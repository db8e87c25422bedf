/**
 * Where a 386 and later rightly differ from the 80286 that MOO captures were made on, as data: flags that are undefined, and
 * rules by which a failing test is skipped. References: SDM 2 (instruction pages), SDM 3B "Architecture Compatibility".
 */
import type { MooRegister, MooTest } from "./moo-file";

const Flag = { CF: 1, PF: 4, AF: 0x10, ZF: 0x40, SF: 0x80, OF: 0x800 } as const;
const { CF, PF, AF, ZF, SF, OF } = Flag;

/** A test's instruction, taken apart as far as the rules need it. */
export interface MooInstruction {
  readonly prefixes: readonly number[];
  readonly opcode: number;
  /** What follows the opcode: ModR/M where it has one. */
  readonly modrm: number;
  /** The reg field of `modrm`. */
  readonly extension: number;
  /** Bytes after prefixes and opcode. */
  readonly rest: Uint8Array;
  /** In bytes, without the HLT behind it. */
  readonly length: number;
}

const PREFIXES = new Set([0x26, 0x2e, 0x36, 0x3e, 0xf0, 0xf2, 0xf3]);
const LOCK = 0xf0;

export function takeApart({ bytes }: MooTest): MooInstruction {
  let at = 0;
  while (PREFIXES.has(bytes[at] as number)) at++;
  const rest = bytes.subarray(at + 1, bytes.length - 1);
  const modrm = rest[0] ?? 0;
  return {
    prefixes: [...bytes.subarray(0, at)],
    opcode: bytes[at] as number,
    modrm,
    extension: (modrm >> 3) & 7,
    rest,
    length: bytes.length - 1,
  };
}

const between = (value: number, low: number, high: number): boolean => value >= low && value <= high;
/** Rows of the one-byte map in which six opcodes, AL and AX forms included, are one operation. */
const ALU_OR = 1;
const ALU_AND = 4;
const ALU_XOR = 6;

/** Flags that the SDM's instruction page calls undefined after this test's instruction; 0 for none. */
export function undefinedFlags(test: MooTest): number {
  const { opcode, extension, rest } = takeApart(test);
  const logic = (operation: number): number => ([ALU_OR, ALU_AND, ALU_XOR].includes(operation) ? AF : 0);
  if (opcode < 0x40 && (opcode & 7) < 6) return logic(opcode >> 3);
  if (between(opcode, 0x80, 0x83)) return logic(extension);
  switch (opcode) {
    case 0x27: // DAA
    case 0x2f: // DAS
      return OF;
    case 0x37: // AAA
    case 0x3f: // AAS
      return OF | SF | ZF | PF;
    case 0x69: // IMUL
    case 0x6b:
      return SF | ZF | AF | PF;
    case 0x84: // TEST
    case 0x85:
    case 0xa8:
    case 0xa9:
      return AF;
    case 0xc0:
    case 0xc1:
      return shiftFlags(extension, rest[rest.length - 1] as number, opcode & 1 ? 16 : 8);
    case 0xd0:
    case 0xd1:
      return shiftFlags(extension, 1, opcode & 1 ? 16 : 8);
    case 0xd2:
    case 0xd3:
      return shiftFlags(extension, test.initial.registers.cx & 0xff, opcode & 1 ? 16 : 8);
    case 0xd4: // AAM
    case 0xd5: // AAD
      return OF | AF | CF;
    case 0xf6:
    case 0xf7:
      if (extension < 2) return AF; // TEST
      if (extension < 4) return 0; // NOT, NEG
      return extension < 6 ? SF | ZF | AF | PF : OF | SF | ZF | AF | PF | CF; // MUL, IMUL; DIV, IDIV
    default:
      return 0;
  }
}

/** SDM 2 "RCL/RCR/ROL/ROR", "SAL/SAR/SHL/SHR"; `count` before masking, `width` in bits. */
function shiftFlags(operation: number, count: number, width: number): number {
  const masked = count & 0x1f;
  if (masked === 0) return 0;
  const overflow = masked === 1 ? 0 : OF;
  if (operation < 4) return overflow;
  return AF | overflow | (operation !== 7 && masked >= width ? CF : 0);
}

/** Address of the FLAGS that an exception pushed, by SS:SP: captures give an odd one rounded down. NaN without an exception. */
export function pushedFlags({ exception, initial, final }: MooTest): number {
  if (!exception) return Number.NaN;
  const { ss, sp } = { ...initial.registers, ...final.registers };
  return (ss << 4) + ((sp + 4) & 0xffff);
}

/** How sentences and rules name the byte at a physical address. */
export const memoryName = (address: number): string => `memory ${address.toString(16).padStart(6, "0")}`;

/** What the core did with a test that fails. */
export interface MooResult {
  /** Vector of an exception for which the capture has no handler. */
  readonly exception?: number;
  readonly registers: Readonly<Record<MooRegister, number>>;
  /** Registers that differ, and bytes by `memoryName`. */
  readonly differing: ReadonlySet<string>;
}

export interface MooRule {
  readonly name: string;
  /** What differs, and where the manual says so. */
  readonly reason: string;
  /** Whether this test has the difference, and the core did as a later processor does. */
  applies(instruction: MooInstruction, test: MooTest, result: MooResult): boolean;
}

const Vector = { DivideError: 0, InvalidOpcode: 6, StackFault: 12, GeneralProtection: 13 } as const;
const isRegister = (modrm: number): boolean => modrm >= 0xc0;

/** SDM 2 "LOCK": the instructions that may be locked, and only with a memory destination. */
function mayBeLocked({ opcode, modrm, extension }: MooInstruction): boolean {
  if (isRegister(modrm)) return false;
  if (opcode < 0x38) return (opcode & 7) < 2;
  if (between(opcode, 0x80, 0x83)) return extension !== 7;
  if (opcode === 0xf6 || opcode === 0xf7) return extension === 2 || extension === 3;
  if (opcode === 0xfe || opcode === 0xff) return extension < 2;
  return opcode === 0x86 || opcode === 0x87;
}

/** POP ES, POP DS, RET, LEAVE, RETF: instructions that fault on the stack's last byte in these captures. */
const POPS = [0x07, 0x1f, 0xc3, 0xc9, 0xcb];
/** Opcodes below that have a ModR/M byte, as far as these captures have one that faults. */
const hasModrm = (opcode: number): boolean =>
  (opcode < 0x40 && (opcode & 7) < 4) || between(opcode, 0x80, 0x8f) || between(opcode, 0xc0, 0xc1) || opcode >= 0xc4;

/** SDM 1 "Segment registers": stack operations, and addresses with BP unless a prefix says otherwise. */
function usesStackSegment({ opcode, modrm, prefixes }: MooInstruction): boolean {
  if (POPS.includes(opcode)) return true;
  if (!hasModrm(opcode) || isRegister(modrm)) return false;
  const override = prefixes.findLast((prefix) => [0x26, 0x2e, 0x36, 0x3e].includes(prefix));
  if (override !== undefined) return override === 0x36;
  const base = modrm & 7;
  return base === 2 || base === 3 || (base === 6 && modrm >= 0x40);
}

/** Opcodes with a word that SI, DI or both point to. */
const WORD_STRINGS: Readonly<Record<number, readonly ("si" | "di")[]>> = {
  109: ["di"], // INSW
  111: ["si"], // OUTSW
  165: ["si", "di"], // MOVSW
  167: ["si", "di"], // CMPSW
  171: ["di"], // STOSW
  173: ["si"], // LODSW
  175: ["di"], // SCASW
};
const LAST_BYTE = 0xffff;
const DF = 0x400;

/** Whether CX, SI and DI stand where the iteration that faults began, and it does fault. */
function isBeforeIteration({ opcode, prefixes }: MooInstruction, test: MooTest, { registers }: MooResult): boolean {
  const pointers = WORD_STRINGS[opcode] ?? [];
  const before = test.initial.registers;
  const repeated = prefixes.some((prefix) => prefix === 0xf2 || prefix === 0xf3);
  const done = (before.cx - registers.cx) & 0xffff;
  if (!repeated && done !== 0) return false;
  const step = before.flags & DF ? -2 : 2;
  const moved = (["si", "di"] as const).every(
    (name) => registers[name] === ((before[name] + (pointers.includes(name) ? done * step : 0)) & 0xffff),
  );
  return moved && pointers.some((name) => registers[name] === LAST_BYTE);
}

const LONGEST_OF_80286 = 10;
/** Status flags and DF; the rest an exception changes, or an 80286 lacks. */
const KEPT_FLAGS = CF | PF | AF | ZF | SF | OF | DF;

export const MOO_RULES: readonly MooRule[] = [
  {
    name: "LOCK",
    reason: "LOCK where it is not allowed is #UD from the 386 on; an 80286 executes the instruction (SDM 2 LOCK)",
    applies: (instruction, _test, { exception }) =>
      exception === Vector.InvalidOpcode && instruction.prefixes.includes(LOCK) && !mayBeLocked(instruction),
  },
  {
    name: "stack fault",
    reason: "a word across the end of the stack segment is #SS from the 386 on; an 80286 has only vector 13 (SDM 3A Interrupt 12)",
    applies: (instruction, test, { exception }) =>
      exception === Vector.StackFault && test.exception?.vector === Vector.GeneralProtection && usesStackSegment(instruction),
  },
  {
    name: "string restart",
    reason:
      "a string instruction that faults leaves CX, SI, DI as before that iteration; an 80286 has moved them (SDM 3A Program or Task Restart)",
    applies: (instruction, test, result) =>
      test.exception?.vector === Vector.GeneralProtection &&
      [...result.differing].every((name) => ["cx", "si", "di"].includes(name)) &&
      isBeforeIteration(instruction, test, result),
  },
  {
    name: "AAM 0",
    reason: "a divide error leaves the flags as before; an 80286 has set some of them (SDM 3A Interrupt 0, Program or Task Restart)",
    applies: ({ opcode, rest }, test, { registers, differing }) => {
      const pushed = pushedFlags(test);
      return (
        opcode === 0xd4 &&
        rest[0] === 0 &&
        test.exception?.vector === Vector.DivideError &&
        [...differing].every((name) => ["flags", memoryName(pushed), memoryName(pushed + 1)].includes(name)) &&
        ((registers.flags ^ test.initial.registers.flags) & KEPT_FLAGS) === 0
      );
    },
  },
  {
    name: "instruction length",
    reason: "an instruction may have 15 bytes from the 386 on; an 80286 has vector 13 after 10 (SDM 3A Interrupt 13)",
    applies: ({ length }, test, { exception }) =>
      length > LONGEST_OF_80286 && length <= 15 && test.exception?.vector === Vector.GeneralProtection && exception === undefined,
  },
  {
    name: "FS and GS",
    reason: "MOV of FS and GS exists from the 386 on; it is vector 6 on an 80286 (SDM 3A Instructions Supported in Real-Address Mode)",
    applies: ({ opcode, extension }, test, { exception }) =>
      (opcode === 0x8c || opcode === 0x8e) &&
      (extension === 4 || extension === 5) &&
      test.exception?.vector === Vector.InvalidOpcode &&
      exception === undefined,
  },
];

/** The rule by which a failing test counts as skipped. */
export function ruleFor(test: MooTest, result: MooResult): MooRule | undefined {
  const instruction = takeApart(test);
  return MOO_RULES.find((rule) => rule.applies(instruction, test, result));
}

/**
 * A decoded instruction: 32 bytes, position independent (offsets are from its block's start). Written once by the
 * decoder, read by the interpreter each time, by the JIT when it compiles, and by nothing else.
 */
import { INSN_BYTES, INSN_SEGMENT, INSN_START } from "../core/exits";

@unmanaged @final export class Insn {
  /** +0 index in the dispatch (semantics/dispatch.generated.ts). */
  handler: u16;
  /** +2 byte offset in the CPU state of the G (or opcode-low-bits Z) register operand; for S, C, D its number; for P, V its number × 16. */
  reg: u8;
  /** +3 the same for the E operand when it is a register. */
  rm: u8;
  /** +4 byte offsets of base and index registers (`zero` when absent), shift of the index. */
  base: u8;
  index: u8;
  scale: u8;
  /** +7 how the effective address is formed: Ea bits; 0 is the hot case, flat segment and 32-bit address. */
  ea: u8;
  /** +8 row number in isa/ (disassembly, coverage, unimplemented). */
  row: u16;
  /** +10 bytes of code. */
  length: u8;
  /** +11 operand size in bytes: 1, 2, 4, 8 (16 for XMM, 10 for x87 rows that need none). */
  width: u8;
  /** +12 offset of the first byte and of the byte after the last, from the block's start. */
  start: u16;
  end: u16;
  /** +16 displacement, sign-extended; moffs address; relative branch displacement. */
  disp: i32;
  /** +20 immediate, sign- or zero-extended to 32 bits as the row says; far pointer offset. */
  imm: u32;
  /** +24 high half of a 64-bit immediate (its sign otherwise); far pointer selector; second immediate of ENTER. */
  imm2: u32;
  /** +28 effective segment of the memory operand: a register number (Seg). */
  segment: u8;
  /** +29 Prefix bits. */
  prefixes: u8;
  /** +30 ModRM byte, or the last opcode byte where the row has none (condition code, register number). */
  modrm: u8;
  /** +31 address size in bytes. */
  addressSize: u8;

  /**
   * The displacement's bits. Not `<u32>disp`: widened to 64 bits straight from memory, that comes out sign-extended (asc 0.28 marks
   * the load as signed, and its optimizer merges the zero extension into it).
   */
  @inline get dispBits(): u32 {
    return load<u32>(changetype<usize>(this), offsetof<Insn>("disp"));
  }
  /** The memory form of an E operand? (A host-side fact: staged bodies may branch on it.) */
  @inline get isMemory(): bool {
    return this.modrm < 0xc0;
  }
}

export namespace Ea {
  /** Segment base or limit matter; in 64-bit code the base of FS or GS. */
  export const Segmented: u32 = 1;
  /** 16-bit effective address: wraps at 64 KB. */
  export const Address16: u32 = 2;
  /** 64-bit code: linear addresses have 64 bits. The following three only with it. */
  export const Long: u32 = 4;
  /** Address-size prefix: the effective address is cut to 32 bits. */
  export const Address32: u32 = 8;
  /** disp counts from the next instruction. SDM 2A "RIP-Relative Addressing". */
  export const Rip: u32 = 0x10;
  /** imm2:disp is the whole address (moffs). */
  export const Absolute: u32 = 0x20;
}

export namespace Prefix {
  export const Lock: u32 = 1;
  export const Rep: u32 = 2; // F3
  export const Repne: u32 = 4; // F2
  export const OperandSize: u32 = 8; // 66
  export const AddressSize: u32 = 16; // 67
  export const Segment: u32 = 32; // an override was given
  export const Rex: u32 = 64;
}

/** INSN_BYTES and INSN_START live in core/ so that lower rooms can count; this is where they are made true. */
export function checkInsnLayout(): bool {
  return offsetof<Insn>() == INSN_BYTES && offsetof<Insn>("start") == INSN_START && offsetof<Insn>("segment") == INSN_SEGMENT;
}

/**
 * A decoded instruction as the disassembler takes it: what the core's decoder found (decoder.ts fills it), with the
 * raw ModRM and SIB bytes, so that formatting needs no second decoder.
 */

export interface DecodedInstruction {
  /** Position in ROWS (asm/isa/index.ts); -1 where the bytes are no instruction. */
  readonly row: number;
  /** Bytes of code, 1 to 15. */
  readonly length: number;
  readonly prefixes: {
    readonly lock: boolean;
    /** F3 and F2; of several the last one counts. */
    readonly rep: boolean;
    readonly repne: boolean;
    /** 66 and 67 are present. */
    readonly operandSize: boolean;
    readonly addressSize: boolean;
  };
  /** The segment override prefix, as a segment register number (ES CS SS DS FS GS), or null. */
  readonly segment: number | null;
  /** Effective sizes in bytes. */
  readonly operandSize: 2 | 4 | 8;
  readonly addressSize: 2 | 4 | 8;
  /** The ModRM and SIB bytes, -1 where there is none. REX.R, X and B are given as `rex`. */
  readonly modrm: number;
  readonly sib: number;
  /** REX prefix byte, 0 without. */
  readonly rex: number;
  /** Displacement of a memory operand, moffs address, or relative branch displacement; sign-extended (moffs: unsigned). */
  readonly displacement: bigint;
  /** First immediate (sign-extended as the row says), or a far pointer's offset. */
  readonly immediate: bigint;
  /** ENTER's second immediate, or a far pointer's selector. */
  readonly immediate2: number;
  readonly bytes: Uint8Array;
}

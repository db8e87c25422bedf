/**
 * `cpu.stop`: the one word the interpreter's inner loop tests after each instruction. Any set bit ends the running
 * block after that instruction; `interpreter/loop.ts` then looks at each cause in the order of SDM 3A "Priority
 * Among Concurrent Events".
 */
export namespace Stop {
  /** A trap is pending (core/pending-trap.ts): the instruction had no effect, unless the trap says otherwise. */
  export const Fault: u32 = 1;
  /** INTR, NMI or IF changed: look for an interrupt. Cleared by that look; whatever lifts an inhibition sets it again. */
  export const Event: u32 = 2;
  /** The host asked to return (`stop()`, a lowered limit). */
  export const Host: u32 = 4;
  /** The running block was invalidated, or the mapping it was fetched through changed. */
  export const Code: u32 = 8;
  /** HLT was executed. */
  export const Halt: u32 = 16;
  /** Triple fault. */
  export const Shutdown: u32 = 32;
  /** A data breakpoint of the guest was hit: the debug trap follows the instruction (core/breakpoints.ts). */
  export const Step: u32 = 64;
  /** A REP stopped between iterations: the instruction is not retired and runs again from its start. */
  export const Repeat: u32 = 128;
  /** Translated code left before an instruction that the interpreter must do (asm/jit/slow.ts). */
  export const Leave: u32 = 256;
}

/** The SSE control and status register, SDM Vol 1 "MXCSR Control and Status Register": LDMXCSR, STMXCSR. */
import { cpu } from "../../core/cpu";
import { Vector as Exception, faulted, raiseError } from "../../core/pending-trap";
import { Insn } from "../../decode/insn";
import { Operand } from "../operand";

/** MXCSR_MASK: the bits that exist; setting another one is #GP(0). DAZ included, and bit 17, AMD's misaligned exception mask, as the recorded processor says. */
export const MXCSR_MASK: u32 = 0x2ffff;

export function LDMXCSR(i: Insn): void {
  const value = Operand.readAt<u32>(i, 0);
  if (faulted()) return;
  if (value & ~MXCSR_MASK) raiseError(Exception.GP, 0);
  else cpu.mxcsr = value;
}
export function STMXCSR(i: Insn): void {
  Operand.writeAt<u32>(i, 0, cpu.mxcsr);
}

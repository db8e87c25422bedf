/**
 * SIMD floating-point exceptions, SDM Vol 1 "Handling SIMD Floating-Point Exceptions". An instruction computes all its elements,
 * collecting flags in `Simd.flags`, and asks `Simd.settle()` before it writes: masked exceptions become sticky MXCSR bits,
 * an unmasked one is #XM (#UD without CR4.OSXMMEXCPT) and leaves the destination as it was.
 */
import { Cr4 } from "../../core/control-registers";
import { cpu } from "../../core/cpu";
import { Vector, raise } from "../../core/pending-trap";

/** MXCSR, SDM Vol 1 Figure "MXCSR Control/Status Register". Flag bits 0-5 stand where the x87 status word has them. */
export namespace Mxcsr {
  export const IE: u32 = 1;
  export const DE: u32 = 2;
  export const ZE: u32 = 4;
  export const OE: u32 = 8;
  export const UE: u32 = 0x10;
  export const PE: u32 = 0x20;
  export const DAZ: u32 = 0x40;
  export const UM: u32 = 0x800;
  export const PM: u32 = 0x1000;
  export const RC: u32 = 0x6000;
  export const Nearest: u32 = 0;
  export const Down: u32 = 0x2000;
  export const Up: u32 = 0x4000;
  export const Zero: u32 = 0x6000;
  export const FZ: u32 = 0x8000;
  /** From a flag to its mask. */
  export const MaskShift: u32 = 7;
  /** Found before the operation: an unmasked one of any element hides what rounding would have raised. */
  export const BeforeOperation: u32 = IE | DE | ZE;
}

export class Simd {
  /** Exceptions of the elements computed so far; 0 between instructions. */
  static flags: u32 = 0;

  /** May the result be written? Flags go to MXCSR; false: #XM or #UD is pending. */
  @inline static settle(): bool {
    return Simd.flags == 0 || Simd.report();
  }
  static report(): bool {
    let flags = Simd.flags;
    Simd.flags = 0;
    const unmasked = flags & ~(cpu.mxcsr >> Mxcsr.MaskShift);
    if (unmasked & Mxcsr.BeforeOperation) flags &= Mxcsr.BeforeOperation;
    cpu.mxcsr |= flags;
    if (!unmasked) return true;
    raise(cpu.cr4 & Cr4.OSXMMEXCPT ? Vector.XM : Vector.UD);
    return false;
  }
}

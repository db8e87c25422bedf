/**
 * XSAVE and XRSTOR in the standard form, XGETBV and XSETBV: SDM Vol 1 "Managing State Using the XSAVE Feature Set". The
 * components are x87 and SSE. No init optimization: a component that is asked for is always written.
 */
import { Cr0, Cr4 } from "../../core/control-registers";
import { cpu } from "../../core/cpu";
import { Vector, faulted, raise, raiseError } from "../../core/pending-trap";
import { Insn } from "../../decode/insn";
import { Linear } from "../../mmu/access";
import { Operand } from "../operand";
import { MXCSR_MASK } from "../simd/control";
import { Fpu } from "./fpu";
import { Offset, clearXmm, loadX87, loadXmm, storeMxcsr, storeX87, storeXmm } from "./fxsave";
import { Image } from "./image";

namespace Component {
  export const X87: u64 = 1;
  export const SSE: u64 = 2;
  export const All: u64 = 3;
}
/** Behind the legacy area of 512 bytes: XSTATE_BV, XCOMP_BV, and 48 bytes that must be 0 as far as XRSTOR looks. */
const HEADER: u32 = 512;
const AREA_BYTES: u32 = 576;
const MXCSR_RESET: u32 = 0x1f80;

/** CR4.OSXSAVE makes the four instructions defined. */
function enabled(): bool {
  if (cpu.cr4 & Cr4.OSXSAVE) return true;
  raise(Vector.UD);
  return false;
}

/** Address of the area, or a pending #UD, #NM, #GP (64-byte alignment) or memory fault. */
function begin(i: Insn, bytes: u32, write: bool): u64 {
  if (!enabled()) return 0;
  if (cpu.cr0 & Cr0.TS) {
    raise(Vector.NM);
    return 0;
  }
  const linear = Operand.linear(i, bytes, write);
  if (faulted()) return 0;
  if (linear & 63) {
    raiseError(Vector.GP, 0);
    return 0;
  }
  Image.probe(linear + (bytes - 1), write);
  if (!faulted()) Image.probe(linear, write);
  return linear;
}
/** The components that EDX:EAX asks for, of those that XCR0 has. */
function requested(): u64 {
  return cpu.xcr0 & ((cpu.rdx << 32) | (cpu.rax & 0xffffffff));
}

export function XSAVE(i: Insn): void {
  const linear = begin(i, HEADER + 8, true);
  if (faulted()) return;
  const wanted = requested();
  if (wanted & Component.X87) storeX87(i, linear);
  if (wanted & Component.SSE) {
    storeMxcsr(linear);
    storeXmm(linear);
  }
  Linear.store<u64>(linear + HEADER, (Linear.load<u64>(linear + HEADER) & ~wanted) | wanted);
}

export function XRSTOR(i: Insn): void {
  const linear = begin(i, AREA_BYTES, false);
  if (faulted()) return;
  const present = Linear.load<u64>(linear + HEADER);
  // No compacted form: XCOMP_BV is 0, as are the following eight bytes.
  let bad = (present & ~cpu.xcr0) != 0 || Linear.load<u64>(linear + HEADER + 8) != 0 || Linear.load<u64>(linear + HEADER + 16) != 0;
  const wanted = requested();
  const mxcsr = Linear.load<u32>(linear + Offset.MXCSR);
  if (wanted & Component.SSE && mxcsr & ~MXCSR_MASK) bad = true;
  if (bad) {
    raiseError(Vector.GP, 0);
    return;
  }
  if (wanted & Component.X87) {
    if (present & Component.X87) loadX87(i, linear);
    else Fpu.initialize();
  }
  if (wanted & Component.SSE) {
    // MXCSR comes from the area also where its registers do not.
    cpu.mxcsr = mxcsr;
    if (present & Component.SSE) loadXmm(linear);
    else clearXmm();
  }
  if (wanted & Component.X87) Fpu.summarize();
}

export function XGETBV(i: Insn): void {
  if (!enabled()) return;
  if (<u32>cpu.rcx != 0) {
    raiseError(Vector.GP, 0);
    return;
  }
  cpu.rax = cpu.xcr0 & 0xffffffff;
  cpu.rdx = cpu.xcr0 >> 32;
}
/** CPL is looked at here and not by the decoder: without CR4.OSXSAVE the instruction is undefined at every CPL. */
export function XSETBV(i: Insn): void {
  if (!enabled()) return;
  const value = (cpu.rdx << 32) | (cpu.rax & 0xffffffff);
  if (cpu.cpl != 0 || <u32>cpu.rcx != 0 || !(value & Component.X87) || value & ~Component.All) {
    raiseError(Vector.GP, 0);
    return;
  }
  cpu.xcr0 = value;
}

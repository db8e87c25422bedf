/** FXSAVE and FXRSTOR: SDM Vol 1 "FXSAVE and FXRSTOR Instructions", the 512-byte layouts: with REX.W pointers of 64 bits. */
import { Cr0, Cr4 } from "../../core/control-registers";
import { cpu } from "../../core/cpu";
import { XMM } from "../../core/cpu-state.generated";
import { CPU } from "../../core/memory-map";
import { Mode } from "../../core/mode";
import { Vector, faulted, raise, raiseError } from "../../core/pending-trap";
import { Insn } from "../../decode/insn";
import { Linear } from "../../mmu/access";
import { Operand } from "../operand";
import { MXCSR_MASK } from "../simd/control";
import { CONTROL_FIXED, CONTROL_WRITABLE, Fpu } from "./fpu";
import { Image } from "./image";

const IMAGE_BYTES: u32 = 512;
/** XMM8-15 exist in 64-bit code only. */
// @ts-ignore: decorator
@inline function xmmCount(): u32 {
  return cpu.modeKey & Mode.Code64 ? 16 : 8;
}

export namespace Offset {
  export const FCW: u32 = 0;
  export const FSW: u32 = 2;
  export const FTW: u32 = 4;
  export const FOP: u32 = 6;
  export const FIP: u32 = 8;
  export const FCS: u32 = 12;
  export const FDP: u32 = 16;
  export const FDS: u32 = 20;
  export const MXCSR: u32 = 24;
  export const MXCSR_MASK: u32 = 28;
  export const ST: u32 = 32;
  export const XMM: u32 = 160;
}

/** Address of the image, or a pending #UD, #NM, #GP (alignment), or memory fault. */
function begin(i: Insn, write: bool): u64 {
  if (cpu.cr0 & Cr0.EM) raise(Vector.UD);
  else if (cpu.cr0 & Cr0.TS) raise(Vector.NM);
  if (faulted()) return 0;
  const linear = Operand.linear(i, IMAGE_BYTES, write);
  if (faulted()) return 0;
  if (linear & 15) {
    raiseError(Vector.GP, 0);
    return 0;
  }
  // Hardware tries the last byte first, as CR2 shows.
  Image.probe(linear + (IMAGE_BYTES - 1), write);
  if (!faulted()) Image.probe(linear, write);
  return linear;
}

/** x87 registers and pointers into the 512-byte area. */
export function storeX87(i: Insn, linear: u64): void {
  let tags: u32 = 0;
  for (let n: u32 = 0; n < 8; n++) {
    if (((<u32>cpu.fpuTag >> (n << 1)) & 3) != 3) tags |= 1 << n;
  }
  Linear.store<u16>(linear + Offset.FCW, cpu.fpuControl);
  Linear.store<u16>(linear + Offset.FSW, cpu.fpuStatus);
  Linear.store<u16>(linear + Offset.FTW, <u16>tags);
  Linear.store<u16>(linear + Offset.FOP, cpu.fpuOpcode);
  if (i.width == 8) {
    Linear.store<u64>(linear + Offset.FIP, cpu.fpuIp);
    Linear.store<u64>(linear + Offset.FDP, cpu.fpuDp);
  } else {
    Linear.store<u32>(linear + Offset.FIP, <u32>cpu.fpuIp);
    Linear.store<u32>(linear + Offset.FCS, <u32>cpu.fpuCs);
    Linear.store<u32>(linear + Offset.FDP, <u32>cpu.fpuDp);
    Linear.store<u32>(linear + Offset.FDS, <u32>cpu.fpuDs);
  }
  for (let n: u32 = 0; n < 8; n++) {
    Linear.store<u64>(linear + Offset.ST + (n << 4), Fpu.low(n));
    Linear.store<u64>(linear + Offset.ST + (n << 4) + 8, <u64>Fpu.high(n));
  }
}
export function storeMxcsr(linear: u64): void {
  Linear.store<u32>(linear + Offset.MXCSR, cpu.mxcsr);
  Linear.store<u32>(linear + Offset.MXCSR_MASK, MXCSR_MASK);
}
export function storeXmm(linear: u64): void {
  for (let n: u32 = 0; n < xmmCount(); n++) {
    const from = CPU + XMM + <usize>(n << 4);
    Linear.store<u64>(linear + Offset.XMM + (n << 4), load<u64>(from));
    Linear.store<u64>(linear + Offset.XMM + (n << 4) + 8, load<u64>(from, 8));
  }
}

export function loadX87(i: Insn, linear: u64): void {
  cpu.fpuControl = <u16>((<u32>Linear.load<u16>(linear + Offset.FCW) & CONTROL_WRITABLE) | CONTROL_FIXED);
  cpu.fpuStatus = Linear.load<u16>(linear + Offset.FSW);
  const tags = <u32>Linear.load<u8>(linear + Offset.FTW);
  let full: u32 = 0;
  for (let n: u32 = 0; n < 8; n++) {
    if (!((tags >> n) & 1)) full |= 3 << (n << 1);
  }
  cpu.fpuTag = <u16>full;
  cpu.fpuOpcode = <u16>(<u32>Linear.load<u16>(linear + Offset.FOP) & 0x7ff);
  const wide = i.width == 8;
  cpu.fpuIp = wide ? Linear.load<u64>(linear + Offset.FIP) : <u64>Linear.load<u32>(linear + Offset.FIP);
  cpu.fpuCs = wide ? 0 : Linear.load<u16>(linear + Offset.FCS);
  cpu.fpuDp = wide ? Linear.load<u64>(linear + Offset.FDP) : <u64>Linear.load<u32>(linear + Offset.FDP);
  cpu.fpuDs = wide ? 0 : Linear.load<u16>(linear + Offset.FDS);
  for (let n: u32 = 0; n < 8; n++) {
    const at = Fpu.at(n);
    store<u64>(at, Linear.load<u64>(linear + Offset.ST + (n << 4)));
    store<u64>(at, <u64>Linear.load<u16>(linear + Offset.ST + (n << 4) + 8), 8);
  }
}
export function loadXmm(linear: u64): void {
  for (let n: u32 = 0; n < xmmCount(); n++) {
    const to = CPU + XMM + <usize>(n << 4);
    store<u64>(to, Linear.load<u64>(linear + Offset.XMM + (n << 4)));
    store<u64>(to, Linear.load<u64>(linear + Offset.XMM + (n << 4) + 8), 8);
  }
}
/** XMM registers that the present mode has become 0. */
export function clearXmm(): void {
  memory.fill(CPU + XMM, 0, <usize>xmmCount() << 4);
}

/** Does not wait for a pending #MF. */
export function FXSAVE(i: Insn): void {
  const linear = begin(i, true);
  if (faulted()) return;
  storeX87(i, linear);
  storeMxcsr(linear);
  // Departure: the reserved area from byte 288 on is left alone, as hardware does outside 64-bit mode.
  if (cpu.cr4 & Cr4.OSFXSR) storeXmm(linear);
}

export function FXRSTOR(i: Insn): void {
  const linear = begin(i, false);
  if (faulted()) return;
  const mxcsr = Linear.load<u32>(linear + Offset.MXCSR);
  if (cpu.cr4 & Cr4.OSFXSR && mxcsr & ~MXCSR_MASK) {
    raiseError(Vector.GP, 0);
    return;
  }
  loadX87(i, linear);
  if (cpu.cr4 & Cr4.OSFXSR) {
    cpu.mxcsr = mxcsr;
    loadXmm(linear);
  }
  Fpu.summarize();
}

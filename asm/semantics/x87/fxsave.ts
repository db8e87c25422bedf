/** FXSAVE and FXRSTOR: SDM Vol 1 "FXSAVE and FXRSTOR Instructions", the 512-byte non-64-bit layout. */
import { Cr0, Cr4 } from "../../core/control-registers";
import { cpu } from "../../core/cpu";
import { XMM } from "../../core/cpu-state.generated";
import { CPU } from "../../core/memory-map";
import { Vector, faulted, raise, raiseError } from "../../core/pending-trap";
import { Insn } from "../../decode/insn";
import { Access } from "../../mmu/access";
import { Operand } from "../operand";
import { MXCSR_MASK } from "../simd/control";
import { CONTROL_FIXED, CONTROL_WRITABLE, Fpu } from "./fpu";
import { Image } from "./image";

const IMAGE_BYTES: u32 = 512;
const XMM_COUNT: u32 = 8;

namespace Offset {
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
function begin(i: Insn, write: bool): u32 {
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

/** Does not wait for a pending #MF. */
export function FXSAVE(i: Insn): void {
  const linear = begin(i, true);
  if (faulted()) return;
  let tags: u32 = 0;
  for (let n: u32 = 0; n < 8; n++) {
    if (((<u32>cpu.fpuTag >> (n << 1)) & 3) != 3) tags |= 1 << n;
  }
  Access.store<u16>(linear + Offset.FCW, cpu.fpuControl);
  Access.store<u16>(linear + Offset.FSW, cpu.fpuStatus);
  Access.store<u16>(linear + Offset.FTW, <u16>tags);
  Access.store<u16>(linear + Offset.FOP, cpu.fpuOpcode);
  Access.store<u32>(linear + Offset.FIP, <u32>cpu.fpuIp);
  Access.store<u32>(linear + Offset.FCS, <u32>cpu.fpuCs);
  Access.store<u32>(linear + Offset.FDP, <u32>cpu.fpuDp);
  Access.store<u32>(linear + Offset.FDS, <u32>cpu.fpuDs);
  Access.store<u32>(linear + Offset.MXCSR, cpu.mxcsr);
  Access.store<u32>(linear + Offset.MXCSR_MASK, MXCSR_MASK);
  for (let n: u32 = 0; n < 8; n++) {
    Access.store<u64>(linear + Offset.ST + (n << 4), Fpu.low(n));
    Access.store<u64>(linear + Offset.ST + (n << 4) + 8, <u64>Fpu.high(n));
  }
  // Departure: the reserved area from byte 288 on is left alone, as hardware does outside 64-bit mode.
  if (!(cpu.cr4 & Cr4.OSFXSR)) return;
  for (let n: u32 = 0; n < XMM_COUNT; n++) {
    const from = CPU + XMM + <usize>(n << 4);
    Access.store<u64>(linear + Offset.XMM + (n << 4), load<u64>(from));
    Access.store<u64>(linear + Offset.XMM + (n << 4) + 8, load<u64>(from, 8));
  }
}

export function FXRSTOR(i: Insn): void {
  const linear = begin(i, false);
  if (faulted()) return;
  const mxcsr = Access.load<u32>(linear + Offset.MXCSR);
  if (cpu.cr4 & Cr4.OSFXSR && mxcsr & ~MXCSR_MASK) {
    raiseError(Vector.GP, 0);
    return;
  }
  cpu.fpuControl = <u16>((<u32>Access.load<u16>(linear + Offset.FCW) & CONTROL_WRITABLE) | CONTROL_FIXED);
  cpu.fpuStatus = Access.load<u16>(linear + Offset.FSW);
  const tags = <u32>Access.load<u8>(linear + Offset.FTW);
  let full: u32 = 0;
  for (let n: u32 = 0; n < 8; n++) {
    if (!((tags >> n) & 1)) full |= 3 << (n << 1);
  }
  cpu.fpuTag = <u16>full;
  cpu.fpuOpcode = <u16>(<u32>Access.load<u16>(linear + Offset.FOP) & 0x7ff);
  cpu.fpuIp = <u64>Access.load<u32>(linear + Offset.FIP);
  cpu.fpuCs = Access.load<u16>(linear + Offset.FCS);
  cpu.fpuDp = <u64>Access.load<u32>(linear + Offset.FDP);
  cpu.fpuDs = Access.load<u16>(linear + Offset.FDS);
  for (let n: u32 = 0; n < 8; n++) {
    const at = Fpu.at(n);
    store<u64>(at, Access.load<u64>(linear + Offset.ST + (n << 4)));
    store<u64>(at, <u64>Access.load<u16>(linear + Offset.ST + (n << 4) + 8), 8);
  }
  if (cpu.cr4 & Cr4.OSFXSR) {
    cpu.mxcsr = mxcsr;
    for (let n: u32 = 0; n < XMM_COUNT; n++) {
      const to = CPU + XMM + <usize>(n << 4);
      store<u64>(to, Access.load<u64>(linear + Offset.XMM + (n << 4)));
      store<u64>(to, Access.load<u64>(linear + Offset.XMM + (n << 4) + 8), 8);
    }
  }
  Fpu.summarize();
}

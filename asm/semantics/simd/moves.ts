/** SSE and MMX data movement, SDM Vol 2: MOVAPS … MOVQ2DQ, moves of halves and scalars, masks. */
import { cpu } from "../../core/cpu";
import { RDI } from "../../core/cpu-state.generated";
import { faulted } from "../../core/pending-trap";
import { Insn } from "../../decode/insn";
import { Linear } from "../../mmu/access";
import { probeAlignment } from "../../mmu/slow-access";
import { Operand } from "../operand";
import { StringRegister, StringSegment } from "../string";
import { Mmx, Xmm } from "./registers";

/** All aligned 16-byte loads and stores. */
export function MOVDQ_VW(i: Insn): void {
  const v = i.isMemory ? Xmm.load(i) : Xmm.get(i.rm);
  if (!faulted()) Xmm.set(i.reg, v);
}
export function MOVDQU_VW(i: Insn): void {
  const v = i.isMemory ? Xmm.loadUnaligned(i) : Xmm.get(i.rm);
  if (!faulted()) Xmm.set(i.reg, v);
}
export function MOVDQ_WV(i: Insn): void {
  if (i.isMemory) Xmm.store(i, Xmm.get(i.reg), true);
  else Xmm.set(i.rm, Xmm.get(i.reg));
}
export function MOVDQU_WV(i: Insn): void {
  if (i.isMemory) Xmm.store(i, Xmm.get(i.reg), false);
  else Xmm.set(i.rm, Xmm.get(i.reg));
}
/** A load from memory clears what lies above the scalar; a register move does not. */
export function MOVSS_VW(i: Insn): void {
  const v = Xmm.operand32(i);
  if (faulted()) return;
  if (i.isMemory) Xmm.set(i.reg, i32x4.replace_lane(i64x2.splat(0), 0, v));
  else Xmm.set32(i.reg, v);
}
export function MOVSS_WV(i: Insn): void {
  const v = <u32>Xmm.low(i.reg);
  if (i.isMemory) Operand.writeAt<u32>(i, 0, v);
  else Xmm.set32(i.rm, v);
}
export function MOVSD_VW(i: Insn): void {
  const v = Xmm.operand64(i);
  if (faulted()) return;
  Xmm.setLow(i.reg, v);
  if (i.isMemory) Xmm.setHigh(i.reg, 0);
}
export function MOVSD_WV(i: Insn): void {
  if (i.isMemory) Operand.writeAt<u64>(i, 0, Xmm.low(i.reg));
  else Xmm.setLow(i.rm, Xmm.low(i.reg));
}
export function MOVLP_VM(i: Insn): void {
  const v = Operand.readAt<u64>(i, 0);
  if (!faulted()) Xmm.setLow(i.reg, v);
}
export function MOVLP_MV(i: Insn): void {
  Operand.writeAt<u64>(i, 0, Xmm.low(i.reg));
}
export function MOVHP_VM(i: Insn): void {
  const v = Operand.readAt<u64>(i, 0);
  if (!faulted()) Xmm.setHigh(i.reg, v);
}
export function MOVHP_MV(i: Insn): void {
  Operand.writeAt<u64>(i, 0, Xmm.high(i.reg));
}
export function MOVHLPS(i: Insn): void {
  Xmm.setLow(i.reg, Xmm.high(i.rm));
}
export function MOVLHPS(i: Insn): void {
  Xmm.setHigh(i.reg, Xmm.low(i.rm));
}
export function MOVDDUP(i: Insn): void {
  const v = Xmm.operand64(i);
  if (faulted()) return;
  Xmm.setLow(i.reg, v);
  Xmm.setHigh(i.reg, v);
}
/** XMM low quadword; the high one is cleared, also for registers. */
export function MOVQ_VW(i: Insn): void {
  const v = Xmm.operand64(i);
  if (faulted()) return;
  Xmm.setLow(i.reg, v);
  Xmm.setHigh(i.reg, 0);
}
export function MOVQ_WV(i: Insn): void {
  const v = Xmm.low(i.reg);
  if (i.isMemory) Operand.writeAt<u64>(i, 0, v);
  else {
    Xmm.setLow(i.rm, v);
    Xmm.setHigh(i.rm, 0);
  }
}
/** Ey: 64 bits with REX.W. */
export function dwordOrQuadword(i: Insn): u64 {
  return i.width == 8 ? Operand.read<u64>(i) : <u64>Operand.read<u32>(i);
}
function writeDwordOrQuadword(i: Insn, value: u64): void {
  if (i.width == 8) Operand.write<u64>(i, value);
  else Operand.write<u32>(i, <u32>value);
}
export function MOVD_VE(i: Insn): void {
  const v = dwordOrQuadword(i);
  if (faulted()) return;
  Xmm.setLow(i.reg, v);
  Xmm.setHigh(i.reg, 0);
}
export function MOVD_EV(i: Insn): void {
  writeDwordOrQuadword(i, Xmm.low(i.reg));
}
export function MOVD_PE(i: Insn): void {
  if (!Mmx.ready()) return;
  const v = dwordOrQuadword(i);
  if (faulted()) return;
  Mmx.enter();
  Mmx.set(i.reg, v);
}
export function MOVD_EP(i: Insn): void {
  if (!Mmx.ready()) return;
  writeDwordOrQuadword(i, Mmx.get(i.reg));
  if (!faulted()) Mmx.enter();
}
export function MOVQ_PQ(i: Insn): void {
  if (!Mmx.ready()) return;
  const v = Mmx.operand(i);
  if (faulted()) return;
  Mmx.enter();
  Mmx.set(i.reg, v);
}
export function MOVQ_QP(i: Insn): void {
  if (!Mmx.ready()) return;
  const v = Mmx.get(i.reg);
  if (i.isMemory) {
    Operand.writeAt<u64>(i, 0, v);
    if (faulted()) return;
    Mmx.enter();
  } else {
    Mmx.enter();
    Mmx.set(i.rm, v);
  }
}
export function MOVQ2DQ(i: Insn): void {
  if (!Mmx.ready()) return;
  Mmx.enter();
  Xmm.setLow(i.reg, Mmx.get(i.rm));
  Xmm.setHigh(i.reg, 0);
}
export function MOVDQ2Q(i: Insn): void {
  if (!Mmx.ready()) return;
  Mmx.enter();
  Mmx.set(i.reg, Xmm.low(i.rm));
}
export function EMMS(i: Insn): void {
  if (!Mmx.ready()) return;
  cpu.fpuTag = 0xffff;
}
export function MOVMSKPS(i: Insn): void {
  Operand.setRegister<u32>(i.reg, i32x4.bitmask(Xmm.get(i.rm)));
}
export function MOVMSKPD(i: Insn): void {
  Operand.setRegister<u32>(i.reg, i64x2.bitmask(Xmm.get(i.rm)));
}
export function PMOVMSKB_GU(i: Insn): void {
  Operand.setRegister<u32>(i.reg, i8x16.bitmask(Xmm.get(i.rm)));
}
export function PMOVMSKB_GN(i: Insn): void {
  if (!Mmx.ready()) return;
  Mmx.enter();
  Operand.setRegister<u32>(i.reg, i8x16.bitmask(Mmx.wide(Mmx.get(i.rm))));
}

/** Bytes whose mask byte has bit 7 set go to DS:[rDI]; a byte that is not stored cannot fault. */
function maskedStore(i: Insn, value: v128, mask: v128, bytes: u32): void {
  const base = StringRegister.get(RDI, i);
  const bits = <u32>i8x16.bitmask(mask) & ((1 << bytes) - 1);
  v128.store(MASK_SCRATCH, value);
  // Alignment is that of 8 bytes, also for 16, and whatever the mask (measured on Intel).
  probeAlignment(StringSegment.linear(i.segment, base, 1, true), 8);
  if (faulted()) return;
  // Every byte is probed before the first is written.
  for (let pass = 0; pass < 2; pass++) {
    for (let n: u32 = 0; n < bytes; n++) {
      if (!(bits & (1 << n))) continue;
      const linear = StringSegment.linear(i.segment, (base + <u64>n) & StringRegister.mask(i), 1, true);
      if (faulted()) return;
      if (pass == 0) Linear.loadForWrite<u8>(linear);
      else Linear.store<u8>(linear, load<u8>(MASK_SCRATCH + <usize>n));
      if (faulted()) return;
    }
  }
}
const MASK_SCRATCH: usize = memory.data(16, 16);
export function MASKMOVDQU(i: Insn): void {
  maskedStore(i, Xmm.get(i.reg), Xmm.get(i.rm), 16);
}
export function MASKMOVQ(i: Insn): void {
  if (!Mmx.ready()) return;
  maskedStore(i, Mmx.wide(Mmx.get(i.reg)), Mmx.wide(Mmx.get(i.rm)), 8);
  if (!faulted()) Mmx.enter();
}

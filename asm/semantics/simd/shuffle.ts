/**
 * Shuffles and shifts with an immediate, word insert and extract, SDM Vol 2: PSHUFD … PALIGNR, PSLLW_UI …, PINSRW, PEXTRW,
 * SHUFPS. Lane numbers come from the immediate, so these are helpers.
 */
import { faulted } from "../../core/pending-trap";
import { Insn } from "../../decode/insn";
import { Operand } from "../operand";
import { PSLLD, PSLLQ, PSLLW, PSRAD, PSRAW, PSRLD, PSRLQ, PSRLW } from "./pack";
import { Nil } from "../backend";
import { Mmx, Xmm } from "./registers";

/** x's lanes chosen by the four 2-bit fields of `order`. */
function shuffle32(x: v128, order: u32): v128 {
  v128.store(LANES, x);
  let r = i32x4.splat(load<i32>(LANES + <usize>((order & 3) << 2)));
  r = i32x4.replace_lane(r, 1, load<i32>(LANES + <usize>(((order >> 2) & 3) << 2)));
  r = i32x4.replace_lane(r, 2, load<i32>(LANES + <usize>(((order >> 4) & 3) << 2)));
  return i32x4.replace_lane(r, 3, load<i32>(LANES + <usize>(((order >> 6) & 3) << 2)));
}
const LANES: usize = memory.data(48, 16);

/** Four words of a quadword in the order of the immediate. */
function shuffle16(x: u64, order: u32): u64 {
  let r: u64 = 0;
  for (let n: u32 = 0; n < 4; n++) r |= ((x >> (((order >> (2 * n)) & 3) << 4)) & 0xffff) << (n << 4);
  return r;
}

export function PSHUFD(i: Insn): void {
  const y = Xmm.operand(i);
  if (!faulted()) Xmm.set(i.reg, shuffle32(y, i.imm));
}
export function PSHUFLW(i: Insn): void {
  const y = Xmm.operand(i);
  if (!faulted()) Xmm.set(i.reg, i64x2.replace_lane(y, 0, shuffle16(i64x2.extract_lane(y, 0), i.imm)));
}
export function PSHUFHW(i: Insn): void {
  const y = Xmm.operand(i);
  if (!faulted()) Xmm.set(i.reg, i64x2.replace_lane(y, 1, shuffle16(i64x2.extract_lane(y, 1), i.imm)));
}
export function PSHUFW(i: Insn): void {
  if (!Mmx.ready()) return;
  const y = Mmx.operand(i);
  if (faulted()) return;
  Mmx.enter();
  Mmx.set(i.reg, shuffle16(y, i.imm));
}
/** Two lanes of V, then two of W. */
export function SHUFPS(i: Insn): void {
  const y = Xmm.operand(i);
  if (faulted()) return;
  const low = shuffle32(Xmm.get(i.reg), i.imm);
  const high = shuffle32(y, i.imm);
  Xmm.set(i.reg, v128.shuffle<u64>(low, high, 0, 3));
}
export function SHUFPD(i: Insn): void {
  const y = Xmm.operand(i);
  if (faulted()) return;
  const x = Xmm.get(i.reg);
  const low = i.imm & 1 ? i64x2.extract_lane(x, 1) : i64x2.extract_lane(x, 0);
  const high = i.imm & 2 ? i64x2.extract_lane(y, 1) : i64x2.extract_lane(y, 0);
  Xmm.setLow(i.reg, low);
  Xmm.setHigh(i.reg, high);
}
/** Bytes imm … imm+15 of V:W. */
export function PALIGNR_VW(i: Insn): void {
  const y = Xmm.operand(i);
  if (faulted()) return;
  v128.store(LANES, y);
  v128.store(LANES + 16, Xmm.get(i.reg));
  const n = i.imm & 0xff;
  v128.store(LANES + 32, i64x2.splat(0));
  Xmm.set(i.reg, n >= 32 ? i64x2.splat(0) : v128.load(LANES + <usize>n));
}
export function PALIGNR_PQ(i: Insn): void {
  if (!Mmx.ready()) return;
  const y = Mmx.operand(i);
  if (faulted()) return;
  Mmx.enter();
  store<u64>(LANES, y);
  store<u64>(LANES + 8, Mmx.get(i.reg));
  store<u64>(LANES + 16, 0);
  const n = i.imm & 0xff;
  Mmx.set(i.reg, n >= 16 ? 0 : load<u64>(LANES + <usize>n));
}
export function PSLLDQ(i: Insn): void {
  v128.store(LANES, i64x2.splat(0));
  v128.store(LANES + 16, Xmm.get(i.rm));
  Xmm.set(i.rm, i.imm > 15 ? i64x2.splat(0) : v128.load(LANES + 16 - <usize>i.imm));
}
export function PSRLDQ(i: Insn): void {
  v128.store(LANES, Xmm.get(i.rm));
  v128.store(LANES + 16, i64x2.splat(0));
  Xmm.set(i.rm, i.imm > 15 ? i64x2.splat(0) : v128.load(LANES + <usize>i.imm));
}
export function PINSRW_VE(i: Insn): void {
  const v = i.isMemory ? Operand.readAt<u16>(i, 0) : Operand.register<u16>(i.rm);
  if (faulted()) return;
  v128.store(LANES, Xmm.get(i.reg));
  store<u16>(LANES + <usize>((i.imm & 7) << 1), v);
  Xmm.set(i.reg, v128.load(LANES));
}
export function PINSRW_PE(i: Insn): void {
  if (!Mmx.ready()) return;
  const v = i.isMemory ? Operand.readAt<u16>(i, 0) : Operand.register<u16>(i.rm);
  if (faulted()) return;
  Mmx.enter();
  const shift = <u64>(i.imm & 3) << 4;
  Mmx.set(i.reg, (Mmx.get(i.reg) & ~(<u64>0xffff << shift)) | (<u64>v << shift));
}
export function PEXTRW_GU(i: Insn): void {
  v128.store(LANES, Xmm.get(i.rm));
  Operand.setRegister<u32>(i.reg, load<u16>(LANES + <usize>((i.imm & 7) << 1)));
}
export function PEXTRW_GN(i: Insn): void {
  if (!Mmx.ready()) return;
  Mmx.enter();
  Operand.setRegister<u32>(i.reg, <u32>(Mmx.get(i.rm) >> (<u64>(i.imm & 3) << 4)) & 0xffff);
}

/** Shifts by an immediate are shifts by a register that holds it. */
class ByImmediate {
  @inline static U<I>(i: Insn): void {
    Xmm.set(i.rm, Nil.of<I>().run(Xmm.get(i.rm), Mmx.wide(<u64>i.imm)));
  }
  @inline static N<I>(i: Insn): void {
    if (!Mmx.ready()) return;
    Mmx.enter();
    Mmx.set(i.rm, i64x2.extract_lane(Nil.of<I>().run64(Mmx.wide(Mmx.get(i.rm)), Mmx.wide(<u64>i.imm)), 0));
  }
}
export function PSLLW_UI(i: Insn): void {
  ByImmediate.U<PSLLW>(i);
}
export function PSLLW_NI(i: Insn): void {
  ByImmediate.N<PSLLW>(i);
}
export function PSLLD_UI(i: Insn): void {
  ByImmediate.U<PSLLD>(i);
}
export function PSLLD_NI(i: Insn): void {
  ByImmediate.N<PSLLD>(i);
}
export function PSLLQ_UI(i: Insn): void {
  ByImmediate.U<PSLLQ>(i);
}
export function PSLLQ_NI(i: Insn): void {
  ByImmediate.N<PSLLQ>(i);
}
export function PSRLW_UI(i: Insn): void {
  ByImmediate.U<PSRLW>(i);
}
export function PSRLW_NI(i: Insn): void {
  ByImmediate.N<PSRLW>(i);
}
export function PSRLD_UI(i: Insn): void {
  ByImmediate.U<PSRLD>(i);
}
export function PSRLD_NI(i: Insn): void {
  ByImmediate.N<PSRLD>(i);
}
export function PSRLQ_UI(i: Insn): void {
  ByImmediate.U<PSRLQ>(i);
}
export function PSRLQ_NI(i: Insn): void {
  ByImmediate.N<PSRLQ>(i);
}
export function PSRAW_UI(i: Insn): void {
  ByImmediate.U<PSRAW>(i);
}
export function PSRAW_NI(i: Insn): void {
  ByImmediate.N<PSRAW>(i);
}
export function PSRAD_UI(i: Insn): void {
  ByImmediate.U<PSRAD>(i);
}
export function PSRAD_NI(i: Insn): void {
  ByImmediate.N<PSRAD>(i);
}

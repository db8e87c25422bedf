/** SSE4.1 element insertion and extraction, tests and byte sums: SDM Vol 2 "PINSRB", "PEXTRD", "INSERTPS", "PTEST", "MPSADBW", "PHMINPOSUW". */
import { setArithmetic } from "../../core/eflags";
import { faulted } from "../../core/pending-trap";
import { Insn } from "../../decode/insn";
import { Operand } from "../operand";
import { dwordOrQuadword } from "./moves";
import { Xmm } from "./registers";

const LANES: usize = memory.data(32, 16);

export function PINSRB(i: Insn): void {
  const value = i.isMemory ? Operand.readAt<u8>(i, 0) : Operand.register<u8>(i.rm);
  if (faulted()) return;
  v128.store(LANES, Xmm.get(i.reg));
  store<u8>(LANES + <usize>(i.imm & 15), value);
  Xmm.set(i.reg, v128.load(LANES));
}
export function PINSRD(i: Insn): void {
  const value = dwordOrQuadword(i);
  if (faulted()) return;
  v128.store(LANES, Xmm.get(i.reg));
  if (i.width == 8) store<u64>(LANES + <usize>((i.imm & 1) << 3), value);
  else store<u32>(LANES + <usize>((i.imm & 3) << 2), <u32>value);
  Xmm.set(i.reg, v128.load(LANES));
}
/** A register destination is written whole, zero-extended. */
export function PEXTRB(i: Insn): void {
  v128.store(LANES, Xmm.get(i.reg));
  const value = load<u8>(LANES + <usize>(i.imm & 15));
  if (i.isMemory) Operand.writeAt<u8>(i, 0, value);
  else Operand.setRegister<u32>(i.rm, value);
}
export function PEXTRW_EV(i: Insn): void {
  v128.store(LANES, Xmm.get(i.reg));
  const value = load<u16>(LANES + <usize>((i.imm & 7) << 1));
  if (i.isMemory) Operand.writeAt<u16>(i, 0, value);
  else Operand.setRegister<u32>(i.rm, value);
}
export function PEXTRD(i: Insn): void {
  v128.store(LANES, Xmm.get(i.reg));
  if (i.width == 8) Operand.write<u64>(i, load<u64>(LANES + <usize>((i.imm & 1) << 3)));
  else Operand.write<u32>(i, load<u32>(LANES + <usize>((i.imm & 3) << 2)));
}
/** REX.W changes nothing but that a register is written whole, as with any 32-bit result. */
export function EXTRACTPS(i: Insn): void {
  v128.store(LANES, Xmm.get(i.reg));
  Operand.write<u32>(i, load<u32>(LANES + <usize>((i.imm & 3) << 2)));
}
/** Immediate: bits 6-7 source lane (registers only), 4-5 destination lane, 0-3 lanes cleared afterwards. */
export function INSERTPS(i: Insn): void {
  let value: u32;
  if (i.isMemory) {
    value = Operand.readAt<u32>(i, 0);
    if (faulted()) return;
  } else {
    v128.store(LANES, Xmm.get(i.rm));
    value = load<u32>(LANES + <usize>(((i.imm >> 6) & 3) << 2));
  }
  v128.store(LANES, Xmm.get(i.reg));
  store<u32>(LANES + <usize>(((i.imm >> 4) & 3) << 2), value);
  const weights = i32x4(1, 2, 4, 8);
  const cleared = i32x4.eq(v128.and(i32x4.splat(i.imm), weights), weights);
  Xmm.set(i.reg, v128.andnot(v128.load(LANES), cleared));
}

/** ZF: no common bits; CF: no bits of W outside V; the other four 0. */
export function PTEST(i: Insn): void {
  const y = Xmm.operand(i);
  if (i.isMemory && faulted()) return;
  const x = Xmm.get(i.reg);
  setArithmetic((v128.any_true(v128.and(x, y)) ? 0 : 0x40) | (v128.any_true(v128.andnot(y, x)) ? 0 : 1));
}

/** Eight sums of four absolute byte differences: V's window slides from 4 × imm[2], W's block at 4 × imm[1:0] stays. */
export function MPSADBW(i: Insn): void {
  const y = Xmm.operand(i);
  if (i.isMemory && faulted()) return;
  v128.store(LANES, Xmm.get(i.reg));
  const window = v128.load(LANES + <usize>(i.imm & 4));
  v128.store(LANES, y);
  const block = i32x4.splat(load<u32>(LANES + <usize>((i.imm & 3) << 2)));
  const first = differencesOfFour(v128.shuffle<u8>(window, window, 0, 1, 2, 3, 1, 2, 3, 4, 2, 3, 4, 5, 3, 4, 5, 6), block);
  const second = differencesOfFour(v128.shuffle<u8>(window, window, 4, 5, 6, 7, 5, 6, 7, 8, 6, 7, 8, 9, 7, 8, 9, 10), block);
  Xmm.set(i.reg, i16x8.narrow_i32x4_u(first, second));
}
/** Sums of |x − y| over the four bytes of each dword. */
function differencesOfFour(x: v128, y: v128): v128 {
  return i32x4.extadd_pairwise_i16x8_u(i16x8.extadd_pairwise_i8x16_u(v128.or(i8x16.sub_sat_u(x, y), i8x16.sub_sat_u(y, x))));
}

/** The smallest unsigned word of W to word 0 of V and its (lowest) index to word 1; the rest is cleared. */
export function PHMINPOSUW(i: Insn): void {
  const y = Xmm.operand(i);
  if (i.isMemory && faulted()) return;
  v128.store(LANES, y);
  let smallest: u32 = 0x10000;
  let index: u32 = 0;
  for (let n: u32 = 0; n < 8; n++) {
    const word = <u32>load<u16>(LANES + <usize>(n << 1));
    if (word < smallest) {
      smallest = word;
      index = n;
    }
  }
  Xmm.setLow(i.reg, smallest | (index << 16));
  Xmm.setHigh(i.reg, 0);
}

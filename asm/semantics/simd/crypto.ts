/**
 * AES rounds and carry-less multiplication: SDM Vol 2 "AESENC" … "AESKEYGENASSIST", "PCLMULQDQ"; FIPS 197. A state is 16
 * bytes, byte r of column c at 4c + r.
 */
import { faulted } from "../../core/pending-trap";
import { Insn } from "../../decode/insn";
import { INVERSE_SBOX, SBOX } from "./aes-tables";
import { Xmm } from "./registers";

const STATE: usize = memory.data(16, 16);

/** Every byte through a table. */
function substitute(x: v128, box: usize): v128 {
  v128.store(STATE, x);
  for (let at = STATE; at < STATE + 16; at += 4) {
    store<u8>(at, load<u8>(box + <usize>load<u8>(at)));
    store<u8>(at, load<u8>(box + <usize>load<u8>(at, 1)), 1);
    store<u8>(at, load<u8>(box + <usize>load<u8>(at, 2)), 2);
    store<u8>(at, load<u8>(box + <usize>load<u8>(at, 3)), 3);
  }
  return v128.load(STATE);
}
// @ts-ignore: decorator
@inline function shiftRows(x: v128): v128 {
  return v128.shuffle<u8>(x, x, 0, 5, 10, 15, 4, 9, 14, 3, 8, 13, 2, 7, 12, 1, 6, 11);
}
// @ts-ignore: decorator
@inline function inverseShiftRows(x: v128): v128 {
  return v128.shuffle<u8>(x, x, 0, 13, 10, 7, 4, 1, 14, 11, 8, 5, 2, 15, 12, 9, 6, 3);
}
/** Bytes times 2 in GF(2^8). */
// @ts-ignore: decorator
@inline function double(x: v128): v128 {
  return v128.xor(i8x16.shl(x, 1), v128.and(i8x16.shr_s(x, 7), i8x16.splat(0x1b)));
}
/** Columns rotated by one and two bytes: byte r becomes byte r + 1, r + 2. */
// @ts-ignore: decorator
@inline function rotate1(x: v128): v128 {
  return v128.shuffle<u8>(x, x, 1, 2, 3, 0, 5, 6, 7, 4, 9, 10, 11, 8, 13, 14, 15, 12);
}
// @ts-ignore: decorator
@inline function rotate2(x: v128): v128 {
  return v128.shuffle<u16>(x, x, 1, 0, 3, 2, 5, 4, 7, 6);
}
/** 2a₀ + 3a₁ + a₂ + a₃ for every byte of a column. */
function mixColumns(x: v128): v128 {
  const next = rotate1(x);
  const pairs = v128.xor(x, next);
  return v128.xor(v128.xor(double(pairs), next), rotate2(pairs));
}
/** 14a₀ + 11a₁ + 13a₂ + 9a₃: the columns times 5 + 4x², then mixed. */
function inverseMixColumns(x: v128): v128 {
  return mixColumns(v128.xor(x, double(double(v128.xor(x, rotate2(x))))));
}

export function AESENC(i: Insn): void {
  const key = Xmm.operand(i);
  if (i.isMemory && faulted()) return;
  Xmm.set(i.reg, v128.xor(mixColumns(substitute(shiftRows(Xmm.get(i.reg)), SBOX)), key));
}
export function AESENCLAST(i: Insn): void {
  const key = Xmm.operand(i);
  if (i.isMemory && faulted()) return;
  Xmm.set(i.reg, v128.xor(substitute(shiftRows(Xmm.get(i.reg)), SBOX), key));
}
export function AESDEC(i: Insn): void {
  const key = Xmm.operand(i);
  if (i.isMemory && faulted()) return;
  Xmm.set(i.reg, v128.xor(inverseMixColumns(substitute(inverseShiftRows(Xmm.get(i.reg)), INVERSE_SBOX)), key));
}
export function AESDECLAST(i: Insn): void {
  const key = Xmm.operand(i);
  if (i.isMemory && faulted()) return;
  Xmm.set(i.reg, v128.xor(substitute(inverseShiftRows(Xmm.get(i.reg)), INVERSE_SBOX), key));
}
export function AESIMC(i: Insn): void {
  const y = Xmm.operand(i);
  if (i.isMemory && faulted()) return;
  Xmm.set(i.reg, inverseMixColumns(y));
}
/** Dwords 1 and 3 through the S-box, each also rotated and XORed with the round constant. */
export function AESKEYGENASSIST(i: Insn): void {
  const y = Xmm.operand(i);
  if (i.isMemory && faulted()) return;
  const words = substitute(y, SBOX);
  const low = <u32>i32x4.extract_lane(words, 1);
  const high = <u32>i32x4.extract_lane(words, 3);
  const constant = <u64>(i.imm & 0xff) << 32;
  Xmm.setLow(i.reg, (<u64>low | (<u64>rotr<u32>(low, 8) << 32)) ^ constant);
  Xmm.setHigh(i.reg, (<u64>high | (<u64>rotr<u32>(high, 8) << 32)) ^ constant);
}

/** Every fourth bit, so that up to 15 summed bits cannot reach the next one that counts. */
const SPARSE: u64 = 0x1111111111111111;

/** 32 × 32 bits without carries, by integer products of operands with three gaps between bits. */
function carryless(x: u64, y: u64): u64 {
  let product: u64 = 0;
  for (let k: u64 = 0; k < 4; k++) {
    const a = x & (SPARSE << k);
    product ^= a * (y & SPARSE) & (SPARSE << k);
    product ^= a * (y & (SPARSE << 1)) & (SPARSE << ((k + 1) & 3));
    product ^= a * (y & (SPARSE << 2)) & (SPARSE << ((k + 2) & 3));
    product ^= a * (y & (SPARSE << 3)) & (SPARSE << ((k + 3) & 3));
  }
  return product;
}
/** Quadwords chosen by immediate bits 0 (V) and 4 (W) multiplied without carries; Karatsuba over dwords. */
export function PCLMULQDQ(i: Insn): void {
  const y = Xmm.operand(i);
  if (i.isMemory && faulted()) return;
  const a: u64 = i.imm & 1 ? Xmm.high(i.reg) : Xmm.low(i.reg);
  const b: u64 = i.imm & 16 ? i64x2.extract_lane(y, 1) : i64x2.extract_lane(y, 0);
  const low = carryless(a & 0xffffffff, b & 0xffffffff);
  const high = carryless(a >> 32, b >> 32);
  const middle = carryless((a ^ (a >> 32)) & 0xffffffff, (b ^ (b >> 32)) & 0xffffffff) ^ low ^ high;
  Xmm.setLow(i.reg, low ^ (middle << 32));
  Xmm.setHigh(i.reg, high ^ (middle >> 32));
}

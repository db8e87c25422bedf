/**
 * Packed integer arithmetic, SDM Vol 2 "PADDB" … "PSADBW". Each class is one meaning: `run` over 128 bits (XMM), `run64`
 * over the low 64 (MMX). Pure functions of two values, so that translated code can be the operation itself or a call.
 */

@final @unmanaged export class PADDB {
  @inline run(x: v128, y: v128): v128 { return i8x16.add(x, y); }
  @inline run64(x: v128, y: v128): v128 { return i8x16.add(x, y); }
}
@final @unmanaged export class PSUBB {
  @inline run(x: v128, y: v128): v128 { return i8x16.sub(x, y); }
  @inline run64(x: v128, y: v128): v128 { return i8x16.sub(x, y); }
}
@final @unmanaged export class PADDW {
  @inline run(x: v128, y: v128): v128 { return i16x8.add(x, y); }
  @inline run64(x: v128, y: v128): v128 { return i16x8.add(x, y); }
}
@final @unmanaged export class PSUBW {
  @inline run(x: v128, y: v128): v128 { return i16x8.sub(x, y); }
  @inline run64(x: v128, y: v128): v128 { return i16x8.sub(x, y); }
}
@final @unmanaged export class PADDD {
  @inline run(x: v128, y: v128): v128 { return i32x4.add(x, y); }
  @inline run64(x: v128, y: v128): v128 { return i32x4.add(x, y); }
}
@final @unmanaged export class PSUBD {
  @inline run(x: v128, y: v128): v128 { return i32x4.sub(x, y); }
  @inline run64(x: v128, y: v128): v128 { return i32x4.sub(x, y); }
}
@final @unmanaged export class PADDQ {
  @inline run(x: v128, y: v128): v128 { return i64x2.add(x, y); }
  @inline run64(x: v128, y: v128): v128 { return i64x2.add(x, y); }
}
@final @unmanaged export class PSUBQ {
  @inline run(x: v128, y: v128): v128 { return i64x2.sub(x, y); }
  @inline run64(x: v128, y: v128): v128 { return i64x2.sub(x, y); }
}
@final @unmanaged export class PADDSB {
  @inline run(x: v128, y: v128): v128 { return i8x16.add_sat_s(x, y); }
  @inline run64(x: v128, y: v128): v128 { return i8x16.add_sat_s(x, y); }
}
@final @unmanaged export class PADDUSB {
  @inline run(x: v128, y: v128): v128 { return i8x16.add_sat_u(x, y); }
  @inline run64(x: v128, y: v128): v128 { return i8x16.add_sat_u(x, y); }
}
@final @unmanaged export class PSUBSB {
  @inline run(x: v128, y: v128): v128 { return i8x16.sub_sat_s(x, y); }
  @inline run64(x: v128, y: v128): v128 { return i8x16.sub_sat_s(x, y); }
}
@final @unmanaged export class PSUBUSB {
  @inline run(x: v128, y: v128): v128 { return i8x16.sub_sat_u(x, y); }
  @inline run64(x: v128, y: v128): v128 { return i8x16.sub_sat_u(x, y); }
}
@final @unmanaged export class PAVGB {
  @inline run(x: v128, y: v128): v128 { return i8x16.avgr_u(x, y); }
  @inline run64(x: v128, y: v128): v128 { return i8x16.avgr_u(x, y); }
}
@final @unmanaged export class PADDSW {
  @inline run(x: v128, y: v128): v128 { return i16x8.add_sat_s(x, y); }
  @inline run64(x: v128, y: v128): v128 { return i16x8.add_sat_s(x, y); }
}
@final @unmanaged export class PADDUSW {
  @inline run(x: v128, y: v128): v128 { return i16x8.add_sat_u(x, y); }
  @inline run64(x: v128, y: v128): v128 { return i16x8.add_sat_u(x, y); }
}
@final @unmanaged export class PSUBSW {
  @inline run(x: v128, y: v128): v128 { return i16x8.sub_sat_s(x, y); }
  @inline run64(x: v128, y: v128): v128 { return i16x8.sub_sat_s(x, y); }
}
@final @unmanaged export class PSUBUSW {
  @inline run(x: v128, y: v128): v128 { return i16x8.sub_sat_u(x, y); }
  @inline run64(x: v128, y: v128): v128 { return i16x8.sub_sat_u(x, y); }
}
@final @unmanaged export class PAVGW {
  @inline run(x: v128, y: v128): v128 { return i16x8.avgr_u(x, y); }
  @inline run64(x: v128, y: v128): v128 { return i16x8.avgr_u(x, y); }
}
@final @unmanaged export class PMAXSB {
  @inline run(x: v128, y: v128): v128 { return i8x16.max_s(x, y); }
  @inline run64(x: v128, y: v128): v128 { return i8x16.max_s(x, y); }
}
@final @unmanaged export class PMAXUB {
  @inline run(x: v128, y: v128): v128 { return i8x16.max_u(x, y); }
  @inline run64(x: v128, y: v128): v128 { return i8x16.max_u(x, y); }
}
@final @unmanaged export class PMINSB {
  @inline run(x: v128, y: v128): v128 { return i8x16.min_s(x, y); }
  @inline run64(x: v128, y: v128): v128 { return i8x16.min_s(x, y); }
}
@final @unmanaged export class PMINUB {
  @inline run(x: v128, y: v128): v128 { return i8x16.min_u(x, y); }
  @inline run64(x: v128, y: v128): v128 { return i8x16.min_u(x, y); }
}
@final @unmanaged export class PCMPEQB {
  @inline run(x: v128, y: v128): v128 { return i8x16.eq(x, y); }
  @inline run64(x: v128, y: v128): v128 { return i8x16.eq(x, y); }
}
@final @unmanaged export class PCMPGTB {
  @inline run(x: v128, y: v128): v128 { return i8x16.gt_s(x, y); }
  @inline run64(x: v128, y: v128): v128 { return i8x16.gt_s(x, y); }
}
@final @unmanaged export class PABSB {
  @inline run(x: v128, y: v128): v128 { return i8x16.abs(y); }
  @inline run64(x: v128, y: v128): v128 { return i8x16.abs(y); }
}
@final @unmanaged export class PMAXSW {
  @inline run(x: v128, y: v128): v128 { return i16x8.max_s(x, y); }
  @inline run64(x: v128, y: v128): v128 { return i16x8.max_s(x, y); }
}
@final @unmanaged export class PMAXUW {
  @inline run(x: v128, y: v128): v128 { return i16x8.max_u(x, y); }
  @inline run64(x: v128, y: v128): v128 { return i16x8.max_u(x, y); }
}
@final @unmanaged export class PMINSW {
  @inline run(x: v128, y: v128): v128 { return i16x8.min_s(x, y); }
  @inline run64(x: v128, y: v128): v128 { return i16x8.min_s(x, y); }
}
@final @unmanaged export class PMINUW {
  @inline run(x: v128, y: v128): v128 { return i16x8.min_u(x, y); }
  @inline run64(x: v128, y: v128): v128 { return i16x8.min_u(x, y); }
}
@final @unmanaged export class PCMPEQW {
  @inline run(x: v128, y: v128): v128 { return i16x8.eq(x, y); }
  @inline run64(x: v128, y: v128): v128 { return i16x8.eq(x, y); }
}
@final @unmanaged export class PCMPGTW {
  @inline run(x: v128, y: v128): v128 { return i16x8.gt_s(x, y); }
  @inline run64(x: v128, y: v128): v128 { return i16x8.gt_s(x, y); }
}
@final @unmanaged export class PABSW {
  @inline run(x: v128, y: v128): v128 { return i16x8.abs(y); }
  @inline run64(x: v128, y: v128): v128 { return i16x8.abs(y); }
}
@final @unmanaged export class PMAXSD {
  @inline run(x: v128, y: v128): v128 { return i32x4.max_s(x, y); }
  @inline run64(x: v128, y: v128): v128 { return i32x4.max_s(x, y); }
}
@final @unmanaged export class PMAXUD {
  @inline run(x: v128, y: v128): v128 { return i32x4.max_u(x, y); }
  @inline run64(x: v128, y: v128): v128 { return i32x4.max_u(x, y); }
}
@final @unmanaged export class PMINSD {
  @inline run(x: v128, y: v128): v128 { return i32x4.min_s(x, y); }
  @inline run64(x: v128, y: v128): v128 { return i32x4.min_s(x, y); }
}
@final @unmanaged export class PMINUD {
  @inline run(x: v128, y: v128): v128 { return i32x4.min_u(x, y); }
  @inline run64(x: v128, y: v128): v128 { return i32x4.min_u(x, y); }
}
@final @unmanaged export class PCMPEQD {
  @inline run(x: v128, y: v128): v128 { return i32x4.eq(x, y); }
  @inline run64(x: v128, y: v128): v128 { return i32x4.eq(x, y); }
}
@final @unmanaged export class PCMPGTD {
  @inline run(x: v128, y: v128): v128 { return i32x4.gt_s(x, y); }
  @inline run64(x: v128, y: v128): v128 { return i32x4.gt_s(x, y); }
}
@final @unmanaged export class PABSD {
  @inline run(x: v128, y: v128): v128 { return i32x4.abs(y); }
  @inline run64(x: v128, y: v128): v128 { return i32x4.abs(y); }
}
@final @unmanaged export class PCMPEQQ {
  @inline run(x: v128, y: v128): v128 { return i64x2.eq(x, y); }
  @inline run64(x: v128, y: v128): v128 { return i64x2.eq(x, y); }
}
@final @unmanaged export class PCMPGTQ {
  @inline run(x: v128, y: v128): v128 { return i64x2.gt_s(x, y); }
  @inline run64(x: v128, y: v128): v128 { return i64x2.gt_s(x, y); }
}
@final @unmanaged export class PAND {
  @inline run(x: v128, y: v128): v128 { return v128.and(x, y); }
  @inline run64(x: v128, y: v128): v128 { return v128.and(x, y); }
}
@final @unmanaged export class POR {
  @inline run(x: v128, y: v128): v128 { return v128.or(x, y); }
  @inline run64(x: v128, y: v128): v128 { return v128.or(x, y); }
}
@final @unmanaged export class PXOR {
  @inline run(x: v128, y: v128): v128 { return v128.xor(x, y); }
  @inline run64(x: v128, y: v128): v128 { return v128.xor(x, y); }
}
@final @unmanaged export class PANDN {
  @inline run(x: v128, y: v128): v128 { return v128.andnot(y, x); }
  @inline run64(x: v128, y: v128): v128 { return v128.andnot(y, x); }
}
@final @unmanaged export class PMULLW {
  @inline run(x: v128, y: v128): v128 { return i16x8.mul(x, y); }
  @inline run64(x: v128, y: v128): v128 { return i16x8.mul(x, y); }
}
@final @unmanaged export class PMULLD {
  @inline run(x: v128, y: v128): v128 { return i32x4.mul(x, y); }
  @inline run64(x: v128, y: v128): v128 { return i32x4.mul(x, y); }
}
@final @unmanaged export class PMADDWD {
  @inline run(x: v128, y: v128): v128 { return i32x4.dot_i16x8_s(x, y); }
  @inline run64(x: v128, y: v128): v128 { return i32x4.dot_i16x8_s(x, y); }
}

/** High halves of 16 × 16 bit products. */
@final @unmanaged export class PMULHW {
  @inline run(x: v128, y: v128): v128 { return highHalves(i32x4.extmul_low_i16x8_s(x, y), i32x4.extmul_high_i16x8_s(x, y)); }
  @inline run64(x: v128, y: v128): v128 { return highHalves(i32x4.extmul_low_i16x8_s(x, y), i32x4.extmul_high_i16x8_s(x, y)); }
}
@final @unmanaged export class PMULHUW {
  @inline run(x: v128, y: v128): v128 { return highHalves(i32x4.extmul_low_i16x8_u(x, y), i32x4.extmul_high_i16x8_u(x, y)); }
  @inline run64(x: v128, y: v128): v128 { return highHalves(i32x4.extmul_low_i16x8_u(x, y), i32x4.extmul_high_i16x8_u(x, y)); }
}
function highHalves(low: v128, high: v128): v128 {
  return v128.shuffle<u16>(low, high, 1, 3, 5, 7, 9, 11, 13, 15);
}
/** (x × y + 4000h) >> 15, rounded products. */
@final @unmanaged export class PMULHRSW {
  @inline run(x: v128, y: v128): v128 { return roundedProducts(x, y); }
  @inline run64(x: v128, y: v128): v128 { return roundedProducts(x, y); }
}
function roundedProducts(x: v128, y: v128): v128 {
  const half = i32x4.splat(0x4000);
  const low = i32x4.shr_s(i32x4.add(i32x4.extmul_low_i16x8_s(x, y), half), 15);
  const high = i32x4.shr_s(i32x4.add(i32x4.extmul_high_i16x8_s(x, y), half), 15);
  // 8000h × 8000h gives 8000h, not a saturated 7FFFh: take the low halves.
  return v128.shuffle<u16>(low, high, 0, 2, 4, 6, 8, 10, 12, 14);
}
/** Even dwords multiplied to qwords. */
@final @unmanaged export class PMULUDQ {
  @inline run(x: v128, y: v128): v128 { return i64x2.extmul_low_i32x4_u(v128.shuffle<u32>(x, x, 0, 2, 0, 2), v128.shuffle<u32>(y, y, 0, 2, 0, 2)); }
  @inline run64(x: v128, y: v128): v128 { return i64x2.extmul_low_i32x4_u(v128.shuffle<u32>(x, x, 0, 2, 0, 2), v128.shuffle<u32>(y, y, 0, 2, 0, 2)); }
}
@final @unmanaged export class PMULDQ {
  @inline run(x: v128, y: v128): v128 { return i64x2.extmul_low_i32x4_s(v128.shuffle<u32>(x, x, 0, 2, 0, 2), v128.shuffle<u32>(y, y, 0, 2, 0, 2)); }
  @inline run64(x: v128, y: v128): v128 { return this.run(x, y); }
}
/** Unsigned bytes of x times signed bytes of y, neighbours added with signed saturation. */
@final @unmanaged export class PMADDUBSW {
  @inline run(x: v128, y: v128): v128 { return multiplyAddBytes(x, y); }
  @inline run64(x: v128, y: v128): v128 { return multiplyAddBytes(x, y); }
}
function multiplyAddBytes(x: v128, y: v128): v128 {
  const even = i16x8.mul(i16x8.shr_u(i16x8.shl(x, 8), 8), i16x8.shr_s(i16x8.shl(y, 8), 8));
  const odd = i16x8.mul(i16x8.shr_u(x, 8), i16x8.shr_s(y, 8));
  return i16x8.add_sat_s(even, odd);
}
/** Sums of absolute byte differences, one 16-bit sum a quadword. */
@final @unmanaged export class PSADBW {
  @inline run(x: v128, y: v128): v128 { return absoluteDifferences(x, y); }
  @inline run64(x: v128, y: v128): v128 { return absoluteDifferences(x, y); }
}
function absoluteDifferences(x: v128, y: v128): v128 {
  const difference = v128.or(i8x16.sub_sat_u(x, y), i8x16.sub_sat_u(y, x));
  const pairs = i16x8.extadd_pairwise_i8x16_u(difference);
  const quads = i32x4.extadd_pairwise_i16x8_u(pairs);
  // Two dwords a quadword: add the odd one to the even one.
  return v128.and(i64x2.add(quads, i64x2.shr_u(quads, 32)), i64x2.splat(0xffffffff));
}
/** Sign of y applied to x: negated, zero, kept. */
@final @unmanaged export class PSIGNB {
  @inline run(x: v128, y: v128): v128 { const n = i8x16.shr_s(y, 7); return v128.and(i8x16.sub(v128.xor(x, n), n), i8x16.ne(y, i8x16.splat(0))); }
  @inline run64(x: v128, y: v128): v128 { return this.run(x, y); }
}
@final @unmanaged export class PSIGNW {
  @inline run(x: v128, y: v128): v128 { const n = i16x8.shr_s(y, 15); return v128.and(i16x8.sub(v128.xor(x, n), n), i16x8.ne(y, i16x8.splat(0))); }
  @inline run64(x: v128, y: v128): v128 { return this.run(x, y); }
}
@final @unmanaged export class PSIGND {
  @inline run(x: v128, y: v128): v128 { const n = i32x4.shr_s(y, 31); return v128.and(i32x4.sub(v128.xor(x, n), n), i32x4.ne(y, i32x4.splat(0))); }
  @inline run64(x: v128, y: v128): v128 { return this.run(x, y); }
}
/** Neighbours added, x's then y's. */
@final @unmanaged export class PHADDW {
  @inline run(x: v128, y: v128): v128 { return i16x8.add(v128.shuffle<u16>(x, y, 0, 2, 4, 6, 8, 10, 12, 14), v128.shuffle<u16>(x, y, 1, 3, 5, 7, 9, 11, 13, 15)); }
  @inline run64(x: v128, y: v128): v128 { return i16x8.add(v128.shuffle<u16>(x, y, 0, 2, 8, 10, 0, 2, 8, 10), v128.shuffle<u16>(x, y, 1, 3, 9, 11, 1, 3, 9, 11)); }
}
/** Neighbours subtracted, the higher from the lower, x's then y's. */
@final @unmanaged export class PHSUBW {
  @inline run(x: v128, y: v128): v128 { return i16x8.sub(v128.shuffle<u16>(x, y, 0, 2, 4, 6, 8, 10, 12, 14), v128.shuffle<u16>(x, y, 1, 3, 5, 7, 9, 11, 13, 15)); }
  @inline run64(x: v128, y: v128): v128 { return i16x8.sub(v128.shuffle<u16>(x, y, 0, 2, 8, 10, 0, 2, 8, 10), v128.shuffle<u16>(x, y, 1, 3, 9, 11, 1, 3, 9, 11)); }
}
/** Neighbours added with saturation, x's then y's. */
@final @unmanaged export class PHADDSW {
  @inline run(x: v128, y: v128): v128 { return i16x8.add_sat_s(v128.shuffle<u16>(x, y, 0, 2, 4, 6, 8, 10, 12, 14), v128.shuffle<u16>(x, y, 1, 3, 5, 7, 9, 11, 13, 15)); }
  @inline run64(x: v128, y: v128): v128 { return i16x8.add_sat_s(v128.shuffle<u16>(x, y, 0, 2, 8, 10, 0, 2, 8, 10), v128.shuffle<u16>(x, y, 1, 3, 9, 11, 1, 3, 9, 11)); }
}
/** Neighbours subtracted, the higher from the lower with saturation, x's then y's. */
@final @unmanaged export class PHSUBSW {
  @inline run(x: v128, y: v128): v128 { return i16x8.sub_sat_s(v128.shuffle<u16>(x, y, 0, 2, 4, 6, 8, 10, 12, 14), v128.shuffle<u16>(x, y, 1, 3, 5, 7, 9, 11, 13, 15)); }
  @inline run64(x: v128, y: v128): v128 { return i16x8.sub_sat_s(v128.shuffle<u16>(x, y, 0, 2, 8, 10, 0, 2, 8, 10), v128.shuffle<u16>(x, y, 1, 3, 9, 11, 1, 3, 9, 11)); }
}
/** Neighbours added, x's then y's. */
@final @unmanaged export class PHADDD {
  @inline run(x: v128, y: v128): v128 { return i32x4.add(v128.shuffle<u32>(x, y, 0, 2, 4, 6), v128.shuffle<u32>(x, y, 1, 3, 5, 7)); }
  @inline run64(x: v128, y: v128): v128 { return i32x4.add(v128.shuffle<u32>(x, y, 0, 4, 0, 4), v128.shuffle<u32>(x, y, 1, 5, 1, 5)); }
}
/** Neighbours subtracted, the higher from the lower, x's then y's. */
@final @unmanaged export class PHSUBD {
  @inline run(x: v128, y: v128): v128 { return i32x4.sub(v128.shuffle<u32>(x, y, 0, 2, 4, 6), v128.shuffle<u32>(x, y, 1, 3, 5, 7)); }
  @inline run64(x: v128, y: v128): v128 { return i32x4.sub(v128.shuffle<u32>(x, y, 0, 4, 0, 4), v128.shuffle<u32>(x, y, 1, 5, 1, 5)); }
}

/**
 * Packed single and double arithmetic by the host's own operation where that is provably the same, else by soft-float.ts.
 *
 * Proved: rounding is to nearest, every operand is normal or zero, every result is normal and larger than the smallest
 * normal, or a zero that is exact. Then no exception but #P is possible, and DAZ and FTZ change nothing. #P is tested only
 * while its flag is still clear or its mask is.
 */
import { cpu } from "../../core/cpu";
import { Nil } from "../backend";
import { Mxcsr, Simd } from "./exceptions";
import { Soft, soft32, soft64 } from "./soft-float";

// @ts-ignore: decorator
@inline export function magnitude32(v: v128): v128 {
  return v128.and(v, i32x4.splat(0x7fffffff));
}
// @ts-ignore: decorator
@inline export function magnitude64(v: v128): v128 {
  return v128.and(v, i64x2.splat(0x7fffffffffffffff));
}
/** Lanes with a normal number or zero. */
// @ts-ignore: decorator
@inline export function plain32(v: v128): v128 {
  const m = magnitude32(v);
  return v128.or(v128.and(i32x4.gt_s(m, i32x4.splat(0x7fffff)), i32x4.lt_s(m, i32x4.splat(0x7f800000))), i32x4.eq(m, i32x4.splat(0)));
}
// @ts-ignore: decorator
@inline export function plain64(v: v128): v128 {
  const m = magnitude64(v);
  return v128.or(v128.and(i64x2.gt_s(m, i64x2.splat(0xfffffffffffff)), i64x2.lt_s(m, i64x2.splat(0x7ff0000000000000))), i64x2.eq(m, i64x2.splat(0)));
}
/** Lanes with neither a NaN nor a denormal: any comparison of them is the host's, without exceptions. */
// @ts-ignore: decorator
@inline export function ordered32(v: v128): v128 {
  const m = magnitude32(v);
  return v128.or(v128.and(i32x4.gt_s(m, i32x4.splat(0x7fffff)), i32x4.le_s(m, i32x4.splat(0x7f800000))), i32x4.eq(m, i32x4.splat(0)));
}
// @ts-ignore: decorator
@inline export function ordered64(v: v128): v128 {
  const m = magnitude64(v);
  return v128.or(v128.and(i64x2.gt_s(m, i64x2.splat(0xfffffffffffff)), i64x2.le_s(m, i64x2.splat(0x7ff0000000000000))), i64x2.eq(m, i64x2.splat(0)));
}
/** Lanes with a finite number above the smallest normal: that one may have been tiny before it was rounded. */
// @ts-ignore: decorator
@inline export function large32(v: v128): v128 {
  const m = magnitude32(v);
  return v128.and(i32x4.gt_s(m, i32x4.splat(0x800000)), i32x4.lt_s(m, i32x4.splat(0x7f800000)));
}
// @ts-ignore: decorator
@inline export function large64(v: v128): v128 {
  const m = magnitude64(v);
  return v128.and(i64x2.gt_s(m, i64x2.splat(0x10000000000000)), i64x2.lt_s(m, i64x2.splat(0x7ff0000000000000)));
}
// @ts-ignore: decorator
@inline export function zero32(v: v128): v128 {
  return i32x4.eq(magnitude32(v), i32x4.splat(0));
}
// @ts-ignore: decorator
@inline export function zero64(v: v128): v128 {
  return i64x2.eq(magnitude64(v), i64x2.splat(0));
}

/**
 * One operation: the host's, which lanes of operands giving a zero give an exact one, which lanes are exact (asked for lanes that
 * passed), and its code in soft-float.ts.
 */
@unmanaged export abstract class FloatOperation {
  get code(): u32 { return 0; }
  single(x: v128, y: v128): v128 { return unreachable(); }
  double(x: v128, y: v128): v128 { return unreachable(); }
  zeroSingle(x: v128, y: v128): v128 { return unreachable(); }
  zeroDouble(x: v128, y: v128): v128 { return unreachable(); }
  exactSingle(x: v128, y: v128, r: v128): v128 { return unreachable(); }
  exactDouble(x: v128, y: v128, r: v128): v128 { return unreachable(); }
}

/** x + y = r exactly ⇔ r − x = y and r − y = x: taking away the larger operand is always exact. */
@final @unmanaged export class AddOperation extends FloatOperation {
  @inline get code(): u32 { return Soft.Add; }
  @inline single(x: v128, y: v128): v128 { return f32x4.add(x, y); }
  @inline double(x: v128, y: v128): v128 { return f64x2.add(x, y); }
  @inline zeroSingle(x: v128, y: v128): v128 { return i64x2.splat(-1); }
  @inline zeroDouble(x: v128, y: v128): v128 { return i64x2.splat(-1); }
  @inline exactSingle(x: v128, y: v128, r: v128): v128 { return v128.and(f32x4.eq(f32x4.sub(r, x), y), f32x4.eq(f32x4.sub(r, y), x)); }
  @inline exactDouble(x: v128, y: v128, r: v128): v128 { return v128.and(f64x2.eq(f64x2.sub(r, x), y), f64x2.eq(f64x2.sub(r, y), x)); }
}
@final @unmanaged export class SubOperation extends FloatOperation {
  @inline get code(): u32 { return Soft.Sub; }
  @inline single(x: v128, y: v128): v128 { return f32x4.sub(x, y); }
  @inline double(x: v128, y: v128): v128 { return f64x2.sub(x, y); }
  @inline zeroSingle(x: v128, y: v128): v128 { return i64x2.splat(-1); }
  @inline zeroDouble(x: v128, y: v128): v128 { return i64x2.splat(-1); }
  @inline exactSingle(x: v128, y: v128, r: v128): v128 { return v128.and(f32x4.eq(f32x4.add(r, y), x), f32x4.eq(f32x4.sub(x, r), y)); }
  @inline exactDouble(x: v128, y: v128, r: v128): v128 { return v128.and(f64x2.eq(f64x2.add(r, y), x), f64x2.eq(f64x2.sub(x, r), y)); }
}
@final @unmanaged export class MulOperation extends FloatOperation {
  @inline get code(): u32 { return Soft.Mul; }
  @inline single(x: v128, y: v128): v128 { return f32x4.mul(x, y); }
  @inline double(x: v128, y: v128): v128 { return f64x2.mul(x, y); }
  @inline zeroSingle(x: v128, y: v128): v128 { return v128.or(zero32(x), zero32(y)); }
  @inline zeroDouble(x: v128, y: v128): v128 { return v128.or(zero64(x), zero64(y)); }
  @inline exactSingle(x: v128, y: v128, r: v128): v128 { return isProduct32(x, y, r); }
  @inline exactDouble(x: v128, y: v128, r: v128): v128 { return isProduct64(x, y, r); }
}
/** x ÷ y = r exactly ⇔ r × y = x exactly. */
@final @unmanaged export class DivOperation extends FloatOperation {
  @inline get code(): u32 { return Soft.Div; }
  @inline single(x: v128, y: v128): v128 { return f32x4.div(x, y); }
  @inline double(x: v128, y: v128): v128 { return f64x2.div(x, y); }
  @inline zeroSingle(x: v128, y: v128): v128 { return zero32(x); }
  @inline zeroDouble(x: v128, y: v128): v128 { return zero64(x); }
  @inline exactSingle(x: v128, y: v128, r: v128): v128 { return isProduct32(r, y, x); }
  @inline exactDouble(x: v128, y: v128, r: v128): v128 { return v128.and(f64x2.eq(f64x2.mul(r, y), x), isProduct64(r, y, x)); }
}
@final @unmanaged export class SqrtOperation extends FloatOperation {
  @inline get code(): u32 { return Soft.Sqrt; }
  @inline single(x: v128, y: v128): v128 { return f32x4.sqrt(y); }
  @inline double(x: v128, y: v128): v128 { return f64x2.sqrt(y); }
  @inline zeroSingle(x: v128, y: v128): v128 { return i64x2.splat(-1); }
  @inline zeroDouble(x: v128, y: v128): v128 { return i64x2.splat(-1); }
  @inline exactSingle(x: v128, y: v128, r: v128): v128 { return isProduct32(r, r, y); }
  @inline exactDouble(x: v128, y: v128, r: v128): v128 { return v128.and(f64x2.eq(f64x2.mul(r, r), y), isProduct64(r, r, y)); }
}

/** Lanes where x × y is r exactly: a product of two singles is a double. */
function isProduct32(x: v128, y: v128, r: v128): v128 {
  const low = f64x2.eq(f64x2.mul(f64x2.promote_low_f32x4(x), f64x2.promote_low_f32x4(y)), f64x2.promote_low_f32x4(r));
  x = v128.shuffle<u64>(x, x, 1, 1);
  y = v128.shuffle<u64>(y, y, 1, 1);
  r = v128.shuffle<u64>(r, r, 1, 1);
  const high = f64x2.eq(f64x2.mul(f64x2.promote_low_f32x4(x), f64x2.promote_low_f32x4(y)), f64x2.promote_low_f32x4(r));
  return v128.shuffle<u32>(low, high, 0, 2, 4, 6);
}
/** Lanes where r, the rounded x × y, is the product itself. */
function isProduct64(x: v128, y: v128, r: v128): v128 {
  const low = fitsProduct(i64x2.extract_lane(x, 0), i64x2.extract_lane(y, 0), i64x2.extract_lane(r, 0));
  const high = fitsProduct(i64x2.extract_lane(x, 1), i64x2.extract_lane(y, 1), i64x2.extract_lane(r, 1));
  return i64x2.replace_lane(i64x2.splat(low), 1, high);
}
/** The product of significands of m and n bits (ending in a one) has m + n − 1 bits, one more if the exponent shows a carry: all ones if 53 hold it. */
function fitsProduct(x: u64, y: u64, r: u64): i64 {
  if (((x << 1) == 0) || ((y << 1) == 0)) return -1;
  const m = 53 - <i32>ctz(x | 0x10000000000000);
  const n = 53 - <i32>ctz(y | 0x10000000000000);
  const carry = exponent64(r) - exponent64(x) - exponent64(y) + 1023;
  return m + n - 1 + carry <= 53 ? -1 : 0;
}
// @ts-ignore: decorator
@inline function exponent64(x: u64): i32 {
  return <i32>(x >> 52) & 0x7ff;
}

const LANES: usize = memory.data(32, 16);

/** The four shapes of an operation I; they collect `Simd.flags` and write nothing. */
export class Float {
  static PS<I extends FloatOperation>(x: v128, y: v128): v128 {
    const mxcsr = cpu.mxcsr;
    if (!(mxcsr & Mxcsr.RC)) {
      const op = Nil.of<I>();
      const r = op.single(x, y);
      const proved = v128.and(v128.and(plain32(x), plain32(y)), v128.or(large32(r), v128.and(zero32(r), op.zeroSingle(x, y))));
      if (i32x4.all_true(proved)) {
        if ((mxcsr & (Mxcsr.PE | Mxcsr.PM)) == (Mxcsr.PE | Mxcsr.PM)) return r;
        if (!i32x4.all_true(op.exactSingle(x, y, r))) Simd.flags |= Mxcsr.PE;
        return r;
      }
    }
    return Float.softSingles(Nil.of<I>().code, x, y);
  }
  static PD<I extends FloatOperation>(x: v128, y: v128): v128 {
    const mxcsr = cpu.mxcsr;
    if (!(mxcsr & Mxcsr.RC)) {
      const op = Nil.of<I>();
      const r = op.double(x, y);
      const proved = v128.and(v128.and(plain64(x), plain64(y)), v128.or(large64(r), v128.and(zero64(r), op.zeroDouble(x, y))));
      if (i64x2.all_true(proved)) {
        if ((mxcsr & (Mxcsr.PE | Mxcsr.PM)) == (Mxcsr.PE | Mxcsr.PM)) return r;
        if (!i64x2.all_true(op.exactDouble(x, y, r))) Simd.flags |= Mxcsr.PE;
        return r;
      }
    }
    return Float.softDoubles(Nil.of<I>().code, x, y);
  }
  static SS<I extends FloatOperation>(xBits: u32, yBits: u32): u32 {
    const mxcsr = cpu.mxcsr;
    if (!(mxcsr & Mxcsr.RC)) {
      const op = Nil.of<I>();
      const x = i32x4.splat(xBits);
      const y = i32x4.splat(yBits);
      const r = op.single(x, y);
      const proved = v128.and(v128.and(plain32(x), plain32(y)), v128.or(large32(r), v128.and(zero32(r), op.zeroSingle(x, y))));
      if (i32x4.extract_lane(proved, 0)) {
        if ((mxcsr & (Mxcsr.PE | Mxcsr.PM)) != (Mxcsr.PE | Mxcsr.PM) && !i32x4.extract_lane(op.exactSingle(x, y, r), 0)) Simd.flags |= Mxcsr.PE;
        return i32x4.extract_lane(r, 0);
      }
    }
    return soft32(Nil.of<I>().code, xBits, yBits);
  }
  static SD<I extends FloatOperation>(xBits: u64, yBits: u64): u64 {
    const mxcsr = cpu.mxcsr;
    if (!(mxcsr & Mxcsr.RC)) {
      const op = Nil.of<I>();
      const x = i64x2.splat(xBits);
      const y = i64x2.splat(yBits);
      const r = op.double(x, y);
      const proved = v128.and(v128.and(plain64(x), plain64(y)), v128.or(large64(r), v128.and(zero64(r), op.zeroDouble(x, y))));
      if (i64x2.extract_lane(proved, 0)) {
        if ((mxcsr & (Mxcsr.PE | Mxcsr.PM)) != (Mxcsr.PE | Mxcsr.PM) && !i64x2.extract_lane(op.exactDouble(x, y, r), 0)) Simd.flags |= Mxcsr.PE;
        return i64x2.extract_lane(r, 0);
      }
    }
    return soft64(Nil.of<I>().code, xBits, yBits);
  }

  /** soft32 over four lanes, lane 0 first. */
  static softSingles(code: u32, x: v128, y: v128): v128 {
    v128.store(LANES, x);
    v128.store(LANES + 16, y);
    for (let at = LANES; at < LANES + 16; at += 4) store<u32>(at, soft32(code, load<u32>(at), load<u32>(at, 16)));
    return v128.load(LANES);
  }
  static softDoubles(code: u32, x: v128, y: v128): v128 {
    v128.store(LANES, x);
    v128.store(LANES + 16, y);
    for (let at = LANES; at < LANES + 16; at += 8) store<u64>(at, soft64(code, load<u64>(at), load<u64>(at, 16)));
    return v128.load(LANES);
  }
}

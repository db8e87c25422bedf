/**
 * Packing, unpacking, byte shuffles and shifts by a register, SDM Vol 2. `run` over 128 bits, `run64` over 64 (MMX): here the
 * two differ.
 */

/** Words to bytes, signed saturation. */
@final @unmanaged export class PACKSSWB {
  @inline run(x: v128, y: v128): v128 { return i8x16.narrow_i16x8_s(x, y); }
  @inline run64(x: v128, y: v128): v128 { return i8x16.narrow_i16x8_s(v128.shuffle<u64>(x, y, 0, 2), v128.shuffle<u64>(x, y, 0, 2)); }
}
/** Words to bytes, unsigned saturation. */
@final @unmanaged export class PACKUSWB {
  @inline run(x: v128, y: v128): v128 { return i8x16.narrow_i16x8_u(x, y); }
  @inline run64(x: v128, y: v128): v128 { return i8x16.narrow_i16x8_u(v128.shuffle<u64>(x, y, 0, 2), v128.shuffle<u64>(x, y, 0, 2)); }
}
/** Dwords to words, signed saturation. */
@final @unmanaged export class PACKSSDW {
  @inline run(x: v128, y: v128): v128 { return i16x8.narrow_i32x4_s(x, y); }
  @inline run64(x: v128, y: v128): v128 { return i16x8.narrow_i32x4_s(v128.shuffle<u64>(x, y, 0, 2), v128.shuffle<u64>(x, y, 0, 2)); }
}
/** Dwords to words, unsigned saturation. */
@final @unmanaged export class PACKUSDW {
  @inline run(x: v128, y: v128): v128 { return i16x8.narrow_i32x4_u(x, y); }
  @inline run64(x: v128, y: v128): v128 { return i16x8.narrow_i32x4_u(v128.shuffle<u64>(x, y, 0, 2), v128.shuffle<u64>(x, y, 0, 2)); }
}
/** Low halves interleaved. */
@final @unmanaged export class PUNPCKLBW {
  @inline run(x: v128, y: v128): v128 { return v128.shuffle<u8>(x, y, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23); }
  @inline run64(x: v128, y: v128): v128 { return v128.shuffle<u8>(x, y, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23); }
}
/** High halves interleaved. */
@final @unmanaged export class PUNPCKHBW {
  @inline run(x: v128, y: v128): v128 { return v128.shuffle<u8>(x, y, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31); }
  @inline run64(x: v128, y: v128): v128 { return v128.shuffle<u8>(x, y, 4, 20, 5, 21, 6, 22, 7, 23, 4, 20, 5, 21, 6, 22, 7, 23); }
}
/** Low halves interleaved. */
@final @unmanaged export class PUNPCKLWD {
  @inline run(x: v128, y: v128): v128 { return v128.shuffle<u16>(x, y, 0, 8, 1, 9, 2, 10, 3, 11); }
  @inline run64(x: v128, y: v128): v128 { return v128.shuffle<u16>(x, y, 0, 8, 1, 9, 2, 10, 3, 11); }
}
/** High halves interleaved. */
@final @unmanaged export class PUNPCKHWD {
  @inline run(x: v128, y: v128): v128 { return v128.shuffle<u16>(x, y, 4, 12, 5, 13, 6, 14, 7, 15); }
  @inline run64(x: v128, y: v128): v128 { return v128.shuffle<u16>(x, y, 2, 10, 3, 11, 2, 10, 3, 11); }
}
/** Low halves interleaved. */
@final @unmanaged export class PUNPCKLDQ {
  @inline run(x: v128, y: v128): v128 { return v128.shuffle<u32>(x, y, 0, 4, 1, 5); }
  @inline run64(x: v128, y: v128): v128 { return v128.shuffle<u32>(x, y, 0, 4, 1, 5); }
}
/** High halves interleaved. */
@final @unmanaged export class PUNPCKHDQ {
  @inline run(x: v128, y: v128): v128 { return v128.shuffle<u32>(x, y, 2, 6, 3, 7); }
  @inline run64(x: v128, y: v128): v128 { return v128.shuffle<u32>(x, y, 1, 5, 1, 5); }
}
/** Low halves interleaved. */
@final @unmanaged export class PUNPCKLQDQ {
  @inline run(x: v128, y: v128): v128 { return v128.shuffle<u64>(x, y, 0, 2); }
  @inline run64(x: v128, y: v128): v128 { return v128.shuffle<u64>(x, y, 0, 2); }
}
/** High halves interleaved. */
@final @unmanaged export class PUNPCKHQDQ {
  @inline run(x: v128, y: v128): v128 { return v128.shuffle<u64>(x, y, 1, 3); }
  @inline run64(x: v128, y: v128): v128 { return v128.shuffle<u64>(x, y, 0, 2); }
}
/** Bytes of x chosen by y; bit 7 set gives 0. */
@final @unmanaged export class PSHUFB {
  @inline run(x: v128, y: v128): v128 { return i8x16.swizzle(x, v128.and(y, i8x16.splat(0x8f as i8))); }
  @inline run64(x: v128, y: v128): v128 { return i8x16.swizzle(x, v128.and(y, i8x16.splat(0x87 as i8))); }
}
/** Even floats doubled. */
@final @unmanaged export class MOVSLDUP {
  @inline run(x: v128, y: v128): v128 { return v128.shuffle<u32>(y, y, 0, 0, 2, 2); }
  @inline run64(x: v128, y: v128): v128 { return y; }
}
/** Odd floats doubled. */
@final @unmanaged export class MOVSHDUP {
  @inline run(x: v128, y: v128): v128 { return v128.shuffle<u32>(y, y, 1, 1, 3, 3); }
  @inline run64(x: v128, y: v128): v128 { return y; }
}
/** Shift by the low 64 bits of y; a count of 16 or more gives 0. */
@final @unmanaged export class PSLLW {
  @inline run(x: v128, y: v128): v128 { return Count.of(y) < 16 ? i16x8.shl(x, <i32>Count.of(y)) : i64x2.splat(0); }
  @inline run64(x: v128, y: v128): v128 { return Count.of(y) < 16 ? i16x8.shl(x, <i32>Count.of(y)) : i64x2.splat(0); }
}
/** Shift by the low 64 bits of y; a count of 32 or more gives 0. */
@final @unmanaged export class PSLLD {
  @inline run(x: v128, y: v128): v128 { return Count.of(y) < 32 ? i32x4.shl(x, <i32>Count.of(y)) : i64x2.splat(0); }
  @inline run64(x: v128, y: v128): v128 { return Count.of(y) < 32 ? i32x4.shl(x, <i32>Count.of(y)) : i64x2.splat(0); }
}
/** Shift by the low 64 bits of y; a count of 64 or more gives 0. */
@final @unmanaged export class PSLLQ {
  @inline run(x: v128, y: v128): v128 { return Count.of(y) < 64 ? i64x2.shl(x, <i32>Count.of(y)) : i64x2.splat(0); }
  @inline run64(x: v128, y: v128): v128 { return Count.of(y) < 64 ? i64x2.shl(x, <i32>Count.of(y)) : i64x2.splat(0); }
}
/** Shift by the low 64 bits of y; a count of 16 or more gives 0. */
@final @unmanaged export class PSRLW {
  @inline run(x: v128, y: v128): v128 { return Count.of(y) < 16 ? i16x8.shr_u(x, <i32>Count.of(y)) : i64x2.splat(0); }
  @inline run64(x: v128, y: v128): v128 { return Count.of(y) < 16 ? i16x8.shr_u(x, <i32>Count.of(y)) : i64x2.splat(0); }
}
/** Shift by the low 64 bits of y; a count of 32 or more gives 0. */
@final @unmanaged export class PSRLD {
  @inline run(x: v128, y: v128): v128 { return Count.of(y) < 32 ? i32x4.shr_u(x, <i32>Count.of(y)) : i64x2.splat(0); }
  @inline run64(x: v128, y: v128): v128 { return Count.of(y) < 32 ? i32x4.shr_u(x, <i32>Count.of(y)) : i64x2.splat(0); }
}
/** Shift by the low 64 bits of y; a count of 64 or more gives 0. */
@final @unmanaged export class PSRLQ {
  @inline run(x: v128, y: v128): v128 { return Count.of(y) < 64 ? i64x2.shr_u(x, <i32>Count.of(y)) : i64x2.splat(0); }
  @inline run64(x: v128, y: v128): v128 { return Count.of(y) < 64 ? i64x2.shr_u(x, <i32>Count.of(y)) : i64x2.splat(0); }
}
/** Arithmetic shift by the low 64 bits of y; a count of 16 or more fills with the sign. */
@final @unmanaged export class PSRAW {
  @inline run(x: v128, y: v128): v128 { return i16x8.shr_s(x, Count.of(y) < 16 ? <i32>Count.of(y) : 15); }
  @inline run64(x: v128, y: v128): v128 { return i16x8.shr_s(x, Count.of(y) < 16 ? <i32>Count.of(y) : 15); }
}
/** Arithmetic shift by the low 64 bits of y; a count of 32 or more fills with the sign. */
@final @unmanaged export class PSRAD {
  @inline run(x: v128, y: v128): v128 { return i32x4.shr_s(x, Count.of(y) < 32 ? <i32>Count.of(y) : 31); }
  @inline run64(x: v128, y: v128): v128 { return i32x4.shr_s(x, Count.of(y) < 32 ? <i32>Count.of(y) : 31); }
}

/** The shift count is 64 bits wide: a large one is large. */
class Count {
  @inline static of(y: v128): u64 {
    return i64x2.extract_lane(y, 0);
  }
}

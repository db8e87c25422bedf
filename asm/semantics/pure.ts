/**
 * Bit arithmetic too long to write inline: pure functions of numbers, called by both backends. Values are
 * zero-extended to 64 bits; T is the guest width; counts are already masked to 5 or 6 bits.
 */
export class Pure {
  @inline static signed<T>(x: u64): i64 {
    if (sizeof<T>() == 1) return <i64>(<i8>x);
    if (sizeof<T>() == 2) return <i64>(<i16>x);
    if (sizeof<T>() == 4) return <i64>(<i32>x);
    return <i64>x;
  }
  @inline static mask<T>(): u64 {
    return sizeof<T>() == 8 ? <u64>-1 : ((<u64>1 << (sizeof<T>() * 8)) - 1);
  }
  /** Rotation count of RCL/RCR: modulo width + 1 (SDM 2B "RCL/RCR/ROL/ROR": only 8 and 16-bit operands can exceed it). */
  @inline static through<T>(count: u32): u32 {
    return sizeof<T>() <= 2 ? count % <u32>(sizeof<T>() * 8 + 1) : count;
  }
  static rcl<T>(x: u64, count: u32, carry: u32): u64 {
    const n = Pure.through<T>(count);
    const bits: u32 = sizeof<T>() * 8;
    if (n == 0) return x;
    const high = n == bits ? 0 : (x << n) & Pure.mask<T>();
    const low = n == 1 ? 0 : x >> (bits + 1 - n);
    return high | (<u64>carry << (n - 1)) | low;
  }
  static rclOut<T>(x: u64, count: u32, carry: u32): u32 {
    const n = Pure.through<T>(count);
    return n == 0 ? carry : <u32>(x >> (<u32>(sizeof<T>() * 8) - n)) & 1;
  }
  static rcr<T>(x: u64, count: u32, carry: u32): u64 {
    const n = Pure.through<T>(count);
    const bits: u32 = sizeof<T>() * 8;
    if (n == 0) return x;
    const low = n == bits ? 0 : x >> n;
    const high = n == 1 ? 0 : (x << (bits + 1 - n)) & Pure.mask<T>();
    return low | (<u64>carry << (bits - n)) | high;
  }
  static rcrOut<T>(x: u64, count: u32, carry: u32): u32 {
    const n = Pure.through<T>(count);
    return n == 0 ? carry : <u32>(x >> (n - 1)) & 1;
  }
  /** 16-bit double shifts act on dest:src:dest, so that counts above 16 rotate the destination back in. */
  static shld<T>(x: u64, y: u64, count: u32): u64 {
    const bits: u32 = sizeof<T>() * 8;
    if (sizeof<T>() == 8) return count == 0 ? x : (x << count) | (y >> (64 - count));
    if (sizeof<T>() == 4) return (((x << 32) | y) >> (32 - count)) & 0xffffffff;
    return (((x << 32) | (y << 16) | x) >> (32 - count)) & 0xffff;
  }
  static shldOut<T>(x: u64, y: u64, count: u32): u32 {
    if (sizeof<T>() == 2 && count > 16) return <u32>(y >> (32 - count)) & 1;
    return <u32>(x >> (<u32>(sizeof<T>() * 8) - count)) & 1;
  }
  static shrd<T>(x: u64, y: u64, count: u32): u64 {
    if (sizeof<T>() == 8) return count == 0 ? x : (x >> count) | (y << (64 - count));
    if (sizeof<T>() == 4) return (((y << 32) | x) >> count) & 0xffffffff;
    return (((x << 32) | (y << 16) | x) >> count) & 0xffff;
  }
  static mulHigh(x: u64, y: u64): u64 {
    const xl = x & 0xffffffff, xh = x >> 32, yl = y & 0xffffffff, yh = y >> 32;
    const middle = xh * yl + ((xl * yl) >> 32);
    const other = xl * yh + (middle & 0xffffffff);
    return xh * yh + (middle >> 32) + (other >> 32);
  }
  static mulHighSigned(x: i64, y: i64): u64 {
    return Pure.mulHigh(<u64>x, <u64>y) - (x < 0 ? <u64>y : 0) - (y < 0 ? <u64>x : 0);
  }
}

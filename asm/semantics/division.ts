/** DIV and IDIV. SDM 2A: #DE when the divisor is 0 or the quotient does not fit; the flags are undefined and stay. */
import { cpu } from "../core/cpu";
import { RAX, RDX } from "../core/cpu-state.generated";
import { CPU } from "../core/memory-map";
import { Vector, faulted, raise } from "../core/pending-trap";
import { Insn } from "../decode/insn";
import { Operand } from "./operand";

/** Quotient and remainder to their places. T is the operand's unsigned type. */
function put<T>(quotient: u64, remainder: u64): void {
  if (sizeof<T>() == 1) {
    store<u8>(CPU + RAX, <u8>quotient);
    store<u8>(CPU + RAX + 1, <u8>remainder);
  } else if (sizeof<T>() == 2) {
    store<u16>(CPU + RAX, <u16>quotient);
    store<u16>(CPU + RDX, <u16>remainder);
  } else if (sizeof<T>() == 4) {
    cpu.rax = <u64>(<u32>quotient);
    cpu.rdx = <u64>(<u32>remainder);
  } else {
    cpu.rax = quotient;
    cpu.rdx = remainder;
  }
}

/** Dividend of up to 64 bits: AX, DX:AX, EDX:EAX. */
function dividend<T>(): u64 {
  if (sizeof<T>() == 1) return <u64>load<u16>(CPU + RAX);
  if (sizeof<T>() == 2) return <u64>load<u16>(CPU + RAX) | (<u64>load<u16>(CPU + RDX) << 16);
  return <u64>load<u32>(CPU + RAX) | (<u64>load<u32>(CPU + RDX) << 32);
}

function divide<T>(i: Insn): void {
  const divisor = <u64>Operand.read<T>(i);
  if (faulted()) return;
  if (divisor == 0) {
    raise(Vector.DE);
    return;
  }
  const value = dividend<T>();
  const quotient = value / divisor;
  if (quotient >> (sizeof<T>() * 8)) {
    raise(Vector.DE);
    return;
  }
  put<T>(quotient, value % divisor);
}

/** S is the operand's signed type. */
function divideSigned<T, S>(i: Insn): void {
  const divisor = <i64>(<S>Operand.read<T>(i));
  if (faulted()) return;
  const raw = dividend<T>();
  const value = sizeof<T>() == 1 ? <i64>(<i16>raw) : sizeof<T>() == 2 ? <i64>(<i32>raw) : <i64>raw;
  // The most negative dividend by -1 does not fit any quotient, and wasm traps on it.
  if (divisor == 0 || (divisor == -1 && value == i64.MIN_VALUE)) {
    raise(Vector.DE);
    return;
  }
  const quotient = value / divisor;
  if (quotient != <i64>(<S>quotient)) {
    raise(Vector.DE);
    return;
  }
  put<T>(<u64>quotient, <u64>(value % divisor));
}

/** high:low / divisor by shift and subtract; high < divisor. The remainder is left in `remainder`. */
let remainder: u64 = 0;
function divideWide(high: u64, low: u64, divisor: u64): u64 {
  let rest = high;
  let quotient: u64 = low;
  for (let n = 0; n < 64; n++) {
    const carry = rest >> 63;
    rest = (rest << 1) | (quotient >> 63);
    quotient <<= 1;
    if (carry || rest >= divisor) {
      rest -= divisor;
      quotient |= 1;
    }
  }
  remainder = rest;
  return quotient;
}
function divide64(i: Insn): void {
  const divisor = Operand.read<u64>(i);
  if (faulted()) return;
  if (cpu.rdx >= divisor) {
    raise(Vector.DE);
    return;
  }
  const quotient = divideWide(cpu.rdx, cpu.rax, divisor);
  put<u64>(quotient, remainder);
}
function divideSigned64(i: Insn): void {
  const divisor = Operand.read<u64>(i);
  if (faulted()) return;
  const negative = <i64>cpu.rdx < 0;
  const opposite = negative != <i64>divisor < 0;
  const magnitude = <i64>divisor < 0 ? 0 - divisor : divisor;
  const low = negative ? 0 - cpu.rax : cpu.rax;
  const high = negative ? ~cpu.rdx + <u64>(cpu.rax == 0) : cpu.rdx;
  if (high >= magnitude) {
    raise(Vector.DE);
    return;
  }
  const quotient = divideWide(high, low, magnitude);
  const most: u64 = (<u64>1 << 63) - (opposite ? 0 : 1);
  if (quotient > most) {
    raise(Vector.DE);
    return;
  }
  put<u64>(opposite ? 0 - quotient : quotient, negative ? 0 - remainder : remainder);
}

export function DIV(i: Insn): void {
  switch (<i32>i.width) {
    case 1: divide<u8>(i); break;
    case 2: divide<u16>(i); break;
    case 4: divide<u32>(i); break;
    default: divide64(i); break;
  }
}
export function IDIV(i: Insn): void {
  switch (<i32>i.width) {
    case 1: divideSigned<u8, i8>(i); break;
    case 2: divideSigned<u16, i16>(i); break;
    case 4: divideSigned<u32, i32>(i); break;
    default: divideSigned64(i); break;
  }
}

/**
 * SSE4.2 string comparison: SDM Vol 1 "SSE4.2 String Processing Instructions", Vol 2 "Imm8 Control Byte Operation for
 * PCMPESTRI / PCMPESTRM / PCMPISTRI / PCMPISTRM". The memory operand need not be aligned.
 */
import { cpu } from "../../core/cpu";
import { RCX, XMM } from "../../core/cpu-state.generated";
import { setArithmetic } from "../../core/eflags";
import { CPU } from "../../core/memory-map";
import { faulted } from "../../core/pending-trap";
import { Insn } from "../../decode/insn";
import { Operand } from "../operand";
import { Xmm } from "./registers";

const FIRST: usize = memory.data(16, 16);

/** Elements before the first zero. */
function implicitLength(string: v128, words: bool, count: u32): u32 {
  const zero = i64x2.splat(0);
  return ctz<u32>((words ? i16x8.bitmask(i16x8.eq(string, zero)) : i8x16.bitmask(i8x16.eq(string, zero))) | (1 << count));
}
/** Magnitude of EAX or EDX (RAX, RDX with REX.W), at most `count`. */
function explicitLength(i: Insn, value: u64, count: u32): u32 {
  const signed = i.width == 8 ? <i64>value : <i64>(<i32>value);
  const magnitude = <u64>(signed < 0 ? 0 - signed : signed);
  return magnitude < <u64>count ? <u32>magnitude : count;
}

/** Element n of the string at FIRST in every lane. */
// @ts-ignore: decorator
@inline function element(n: u32, words: bool): v128 {
  return words ? v128.load16_splat(FIRST + <usize>(n << 1)) : v128.load8_splat(FIRST + <usize>n);
}
/** One bit a lane: x = y, and x > y as signed numbers. */
function equals(x: v128, y: v128, words: bool): u32 {
  return words ? i16x8.bitmask(i16x8.eq(x, y)) : i8x16.bitmask(i8x16.eq(x, y));
}
function exceeds(x: v128, y: v128, words: bool): u32 {
  return words ? i16x8.bitmask(i16x8.gt_s(x, y)) : i8x16.bitmask(i8x16.gt_s(x, y));
}

/**
 * IntRes1: one bit an element of the second string (Vol 2 Tables "Aggregation Operation", "Comparison Result for Each Element
 * Pair"). Each step compares one element of the first with all of the second.
 */
function aggregate(imm: u32, first: v128, second: v128, lengthA: u32, lengthB: u32): u32 {
  const words = (imm & 1) != 0;
  const all: u32 = words ? 0xff : 0xffff;
  const insideA: u32 = (1 << lengthA) - 1;
  const insideB: u32 = (1 << lengthB) - 1;
  let result: u32 = 0;
  switch ((imm >> 2) & 3) {
    case 0: // equal any: the element is in the set
      v128.store(FIRST, first);
      for (let n: u32 = 0; n < lengthA; n++) result |= equals(element(n, words), second, words);
      return result & insideB;
    case 1: { // ranges: pairs of bounds; one without its partner does not count
      if (!(imm & 2)) {
        // Unsigned numbers compare as signed ones with the top bit turned.
        const top = words ? i16x8.splat(<i16>0x8000) : i8x16.splat(<i8>0x80);
        first = v128.xor(first, top);
        second = v128.xor(second, top);
      }
      v128.store(FIRST, first);
      for (let n: u32 = 0; n + 1 < lengthA; n += 2) result |= ~(exceeds(element(n, words), second, words) | exceeds(second, element(n + 1, words), words));
      return result & insideB;
    }
    case 2: // equal each: past both ends counts as equal, past one end does not
      return ((equals(first, second, words) & insideA & insideB) | ~(insideA | insideB)) & all;
    default: // equal ordered: the first string begins here, as far as the register reaches
      v128.store(FIRST, first);
      result = all;
      for (let n: u32 = 0; n < lengthA; n++) result &= ((equals(element(n, words), second, words) & insideB) | ~all) >> n;
      return result;
  }
}

/** Compares V (first) and W (second) and sets the flags; returns IntRes2. A fault is left pending. */
function compareStrings(i: Insn, explicit: bool): u32 {
  const y = i.isMemory ? Xmm.loadUnaligned(i) : Xmm.get(i.rm);
  if (faulted()) return 0;
  const x = Xmm.get(i.reg);
  const words = (i.imm & 1) != 0;
  const count: u32 = words ? 8 : 16;
  const lengthA = explicit ? explicitLength(i, cpu.rax, count) : implicitLength(x, words, count);
  const lengthB = explicit ? explicitLength(i, cpu.rdx, count) : implicitLength(y, words, count);
  let result = aggregate(i.imm, x, y, lengthA, lengthB);
  const all: u32 = (1 << count) - 1;
  // Polarity: negate all, or only what lies inside the second string.
  if ((i.imm & 0x30) == 0x10) result ^= all;
  else if ((i.imm & 0x30) == 0x30) result ^= (1 << lengthB) - 1;
  setArithmetic(<u32>(result != 0) | (lengthB < count ? 0x40 : 0) | (lengthA < count ? 0x80 : 0) | ((result & 1) << 11));
  return result;
}
/** ECX: the lowest or (immediate bit 6) highest set element, else the number of elements. */
function storeIndex(i: Insn, explicit: bool): void {
  const result = compareStrings(i, explicit);
  if (faulted()) return;
  const count: u32 = i.imm & 1 ? 8 : 16;
  Operand.setRegister<u32>(<u32>RCX, result == 0 ? count : i.imm & 0x40 ? 31 - clz<u32>(result) : ctz<u32>(result));
}
/** XMM0: the bits as they are, or (immediate bit 6) each widened to its element. */
function storeMask(i: Insn, explicit: bool): void {
  const result = compareStrings(i, explicit);
  if (faulted()) return;
  let mask: v128;
  if (!(i.imm & 0x40)) mask = i32x4.replace_lane(i64x2.splat(0), 0, result);
  else if (i.imm & 1) {
    const weights = i16x8(1, 2, 4, 8, 16, 32, 64, 128);
    mask = i16x8.eq(v128.and(i16x8.splat(<i16>result), weights), weights);
  } else {
    const weights = i8x16(1, 2, 4, 8, 16, 32, 64, -128, 1, 2, 4, 8, 16, 32, 64, -128);
    const bytes = i16x8.splat(<i16>result);
    mask = i8x16.eq(v128.and(v128.shuffle<u8>(bytes, bytes, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1), weights), weights);
  }
  v128.store(CPU + XMM, mask);
}
export function PCMPESTRI(i: Insn): void {
  storeIndex(i, true);
}
export function PCMPESTRM(i: Insn): void {
  storeMask(i, true);
}
export function PCMPISTRI(i: Insn): void {
  storeIndex(i, false);
}
export function PCMPISTRM(i: Insn): void {
  storeMask(i, false);
}

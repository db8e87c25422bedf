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

const FIRST: usize = memory.data(32, 16);
const SECOND: usize = FIRST + 16;

/** Element n of a string as the immediate's format (bit 0 words, bit 1 signed) has it. */
function element(string: usize, n: u32, format: u32): i32 {
  if (format & 1) {
    const at = string + <usize>(n << 1);
    return format & 2 ? <i32>load<i16>(at) : <i32>load<u16>(at);
  }
  const at = string + <usize>n;
  return format & 2 ? <i32>load<i8>(at) : <i32>load<u8>(at);
}
/** Elements before the first zero. */
function implicitLength(string: usize, format: u32, count: u32): u32 {
  let n: u32 = 0;
  while (n < count && element(string, n, format) != 0) n++;
  return n;
}
/** Absolute value of a register, at most all elements. */
function explicitLength(register: u32, count: u32): u32 {
  const magnitude: u32 = <i32>register < 0 ? <u32>0 - register : register;
  return magnitude < count ? magnitude : count;
}

/** IntRes1: one bit an element of the second string, for lengths of both (Vol 2 Tables "Aggregation Operation", "Comparison Result for Each Element Pair"). */
function aggregate(imm: u32, count: u32, lengthA: u32, lengthB: u32): u32 {
  const format = imm & 3;
  let result: u32 = 0;
  switch ((imm >> 2) & 3) {
    case 0: // equal any: B's element is in the set A
      for (let n: u32 = 0; n < lengthB; n++) {
        const b = element(SECOND, n, format);
        for (let m: u32 = 0; m < lengthA; m++) {
          if (element(FIRST, m, format) == b) {
            result |= 1 << n;
            break;
          }
        }
      }
      return result;
    case 1: // ranges: A holds pairs of bounds; one without its partner does not count
      for (let n: u32 = 0; n < lengthB; n++) {
        const b = element(SECOND, n, format);
        for (let m: u32 = 0; m + 1 < lengthA; m += 2) {
          if (element(FIRST, m, format) <= b && b <= element(FIRST, m + 1, format)) {
            result |= 1 << n;
            break;
          }
        }
      }
      return result;
    case 2: // equal each: past both ends counts as equal, past one end does not
      for (let n: u32 = 0; n < count; n++) {
        const inA = n < lengthA;
        const inB = n < lengthB;
        if (inA && inB ? element(FIRST, n, format) == element(SECOND, n, format) : inA == inB) result |= 1 << n;
      }
      return result;
    default: // equal ordered: A is found in B from element n on, as far as B's register reaches
      for (let n: u32 = 0; n < count; n++) {
        let found = true;
        for (let m: u32 = 0; m < lengthA && n + m < count; m++) {
          if (n + m >= lengthB || element(FIRST, m, format) != element(SECOND, n + m, format)) {
            found = false;
            break;
          }
        }
        if (found) result |= 1 << n;
      }
      return result;
  }
}

/** Compares V (first) and W (second) and sets the flags; returns IntRes2. A fault is left pending. */
function compareStrings(i: Insn, explicit: bool): u32 {
  const y = i.isMemory ? Xmm.loadUnaligned(i) : Xmm.get(i.rm);
  if (faulted()) return 0;
  v128.store(FIRST, Xmm.get(i.reg));
  v128.store(SECOND, y);
  const format = i.imm & 3;
  const count: u32 = format & 1 ? 8 : 16;
  const lengthA = explicit ? explicitLength(<u32>cpu.rax, count) : implicitLength(FIRST, format, count);
  const lengthB = explicit ? explicitLength(<u32>cpu.rdx, count) : implicitLength(SECOND, format, count);
  let result = aggregate(i.imm, count, lengthA, lengthB);
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

/**
 * Instructions on more than one operand-sized unit, or outside the operand: BT families with a register index and a
 * memory bit string, CMPXCHG8B, CRC32. SDM Vol 2.
 */
import { cpu } from "../core/cpu";
import { Flag, arithmetic, setArithmetic } from "../core/eflags";
import { faulted, raise, raiseError, Vector } from "../core/pending-trap";
import { hasFeature } from "../decode/features";
import { Insn } from "../decode/insn";
import { Access, Linear } from "../mmu/access";
import { Operand } from "./operand";

/** Number of "cx16" in asm/toolchain/features.ts, from 1. */
const CX16_FEATURE: u32 = 26;

/** 0 BT, 1 BTS, 2 BTR, 3 BTC. The index is signed and moves the address in steps of the operand size. */
function bitString<T>(i: Insn, kind: u32): void {
  const index = sizeof<T>() == 2 ? <i64>Operand.register<i16>(i.reg) : sizeof<T>() == 4 ? <i64>Operand.register<i32>(i.reg) : Operand.register<i64>(i.reg);
  const shift: i64 = sizeof<T>() == 2 ? 4 : sizeof<T>() == 4 ? 5 : 6;
  const delta = (index >> shift) * <i64>sizeof<T>();
  const bit = <T>1 << <T>(index & (sizeof<T>() * 8 - 1));
  const linear = Operand.linearFar(i, delta, sizeof<T>(), kind != 0);
  if (faulted()) return;
  const value = kind == 0 ? Linear.load<T>(linear) : Linear.loadForWrite<T>(linear);
  if (faulted()) return;
  if (kind == 1) Access.storeBack<T>(value | bit);
  else if (kind == 2) Access.storeBack<T>(value & ~bit);
  else if (kind == 3) Access.storeBack<T>(value ^ bit);
  Flag.setCarry(<u32>((value & bit) != 0));
}
export function BT_MG(i: Insn): void {
  if (i.width == 2) bitString<u16>(i, 0);
  else if (i.width == 4) bitString<u32>(i, 0);
  else bitString<u64>(i, 0);
}
export function BTS_MG(i: Insn): void {
  if (i.width == 2) bitString<u16>(i, 1);
  else if (i.width == 4) bitString<u32>(i, 1);
  else bitString<u64>(i, 1);
}
export function BTR_MG(i: Insn): void {
  if (i.width == 2) bitString<u16>(i, 2);
  else if (i.width == 4) bitString<u32>(i, 2);
  else bitString<u64>(i, 2);
}
export function BTC_MG(i: Insn): void {
  if (i.width == 2) bitString<u16>(i, 3);
  else if (i.width == 4) bitString<u32>(i, 3);
  else bitString<u64>(i, 3);
}

/** Compares EDX:EAX with m64: equal → m64 := ECX:EBX, ZF = 1; else EDX:EAX := m64, ZF = 0. The destination is written in either case. */
export function CMPXCHG8B(i: Insn): void {
  if (!i.isMemory) {
    raise(Vector.UD);
    return;
  }
  if (i.width == 8) {
    exchange16(i);
    return;
  }
  const linear = Operand.linear(i, 8, true);
  if (faulted()) return;
  const value = Linear.loadForWrite<u64>(linear);
  if (faulted()) return;
  const wanted = (<u64>(<u32>cpu.rdx) << 32) | <u64>(<u32>cpu.rax);
  const equal = value == wanted;
  Access.storeBack<u64>(equal ? (<u64>(<u32>cpu.rcx) << 32) | <u64>(<u32>cpu.rbx) : value);
  if (!equal) {
    cpu.rax = value & 0xffffffff;
    cpu.rdx = value >> 32;
  }
  setArithmetic((arithmetic() & ~<u32>0x40) | (<u32>equal << 6));
}

/** CMPXCHG16B: the same with RDX:RAX, RCX:RBX and m128, which must be aligned. */
function exchange16(i: Insn): void {
  if (!hasFeature(CX16_FEATURE)) {
    raise(Vector.UD);
    return;
  }
  const linear = Operand.linear(i, 16, true);
  if (linear & 15) {
    raiseError(Vector.GP, 0);
    return;
  }
  const value = Linear.loadForWrite<v128>(linear);
  if (faulted()) return;
  const low = i64x2.extract_lane(value, 0);
  const high = i64x2.extract_lane(value, 1);
  const equal = low == cpu.rax && high == cpu.rdx;
  Access.storeBack<v128>(equal ? i64x2.replace_lane(i64x2.splat(cpu.rbx), 1, cpu.rcx) : value);
  if (!equal) {
    cpu.rax = low;
    cpu.rdx = high;
  }
  setArithmetic((arithmetic() & ~<u32>0x40) | (<u32>equal << 6));
}

/** CRC-32C (polynomial 11EDC6F41, bit-reflected) of the old G and the E operand. */
function crc32(i: Insn, value: u64, bits: u32): void {
  let crc = Operand.register<u32>(i.reg);
  for (let n: u32 = 0; n < bits; n += 8) {
    crc ^= <u32>(value >> <u64>n) & 0xff;
    for (let k = 0; k < 8; k++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  Operand.setRegister<u32>(i.reg, crc);
}
export function CRC32_B(i: Insn): void {
  const value = Operand.read<u8>(i);
  if (!faulted()) crc32(i, value, 8);
}
export function CRC32_V(i: Insn): void {
  const value = i.width == 2 ? <u64>Operand.read<u16>(i) : i.width == 4 ? <u64>Operand.read<u32>(i) : Operand.read<u64>(i);
  if (!faulted()) crc32(i, value, <u32>i.width << 3);
}
/** UD0, UD1, UD2: #UD by architecture. */
export function UD(i: Insn): void {
  raise(Vector.UD);
}
/** LFENCE, MFENCE, SFENCE: one processor in program order has nothing to wait for. */
export function FENCE(i: Insn): void {}

/**
 * XMM and MMX registers and their memory operands. MMX register n is the significand of physical x87 register n; every
 * MMX instruction but EMMS sets TOP to 0 and all tags to valid, and one that writes a register sets its sign and exponent
 * to ones (SDM Vol 1 "Effect of MMX Instructions on the x87 FPU State").
 */
import { cpu } from "../../core/cpu";
import { ST, XMM } from "../../core/cpu-state.generated";
import { CPU } from "../../core/memory-map";
import { Vector as Exception, faulted, raiseError } from "../../core/pending-trap";
import { Insn } from "../../decode/insn";
import { Linear } from "../../mmu/access";
import { Operand } from "../operand";
import { Sw } from "../x87/float80";
import { Fpu } from "../x87/fpu";

/** MXCSR.MM, misaligned exception mask (AMD). */
const MISALIGNED_MASK: u32 = 0x20000;

export class Xmm {
  /** Register by its offset (number × 16), as the decoder leaves it. */
  @inline static get(slot: u32): v128 {
    return v128.load(CPU + XMM + <usize>slot);
  }
  @inline static set(slot: u32, value: v128): void {
    v128.store(CPU + XMM + <usize>slot, value);
  }
  /** 16 bytes at the memory operand of a move; not aligned: #GP(0). */
  static load(i: Insn): v128 {
    const linear = Operand.linear(i, 16, false);
    if (faulted()) return i64x2.splat(0);
    if (linear & 15) {
      raiseError(Exception.GP, 0);
      return i64x2.splat(0);
    }
    return Linear.load<v128>(linear);
  }
  /** As `load`, for an instruction that computes: MXCSR.MM lifts the alignment rule. AMD APM Vol 1 "MXCSR Register". */
  static loadOperand(i: Insn): v128 {
    return cpu.mxcsr & MISALIGNED_MASK ? Xmm.loadUnaligned(i) : Xmm.load(i);
  }
  static loadUnaligned(i: Insn): v128 {
    const linear = Operand.linear(i, 16, false);
    if (faulted()) return i64x2.splat(0);
    return Linear.load<v128>(linear);
  }
  static store(i: Insn, value: v128, aligned: bool): void {
    const linear = Operand.linear(i, 16, true);
    if (faulted()) return;
    if (aligned && linear & 15) raiseError(Exception.GP, 0);
    else Linear.store<v128>(linear, value);
  }
  /** W operand, register or aligned memory. */
  @inline static operand(i: Insn): v128 {
    return i.isMemory ? Xmm.loadOperand(i) : Xmm.get(i.rm);
  }
  /** W operand of 8, 4, 2 bytes: the register's low part or memory, as a number. */
  static operand64(i: Insn): u64 {
    return i.isMemory ? Operand.readAt<u64>(i, 0) : load<u64>(CPU + XMM + <usize>i.rm);
  }
  static operand32(i: Insn): u32 {
    return i.isMemory ? Operand.readAt<u32>(i, 0) : load<u32>(CPU + XMM + <usize>i.rm);
  }
  @inline static low(slot: u32): u64 {
    return load<u64>(CPU + XMM + <usize>slot);
  }
  @inline static high(slot: u32): u64 {
    return load<u64>(CPU + XMM + <usize>slot + 8);
  }
  @inline static setLow(slot: u32, value: u64): void {
    store<u64>(CPU + XMM + <usize>slot, value);
  }
  @inline static setHigh(slot: u32, value: u64): void {
    store<u64>(CPU + XMM + <usize>slot + 8, value);
  }
  @inline static set32(slot: u32, value: u32): void {
    store<u32>(CPU + XMM + <usize>slot, value);
  }
}

export class Mmx {
  /** May an MMX instruction begin? False while an x87 exception waits: #MF is pending, or FERR# is answered. */
  @inline static ready(): bool {
    return !(<u32>cpu.fpuStatus & Sw.ES) || Fpu.pendingError();
  }
  /** The state change of every MMX instruction, made when it can no longer fault. */
  @inline static enter(): void {
    cpu.fpuStatus = cpu.fpuStatus & ~(<u16>0x3800);
    cpu.fpuTag = 0;
  }
  @inline static get(slot: u32): u64 {
    return load<u64>(CPU + ST + <usize>slot);
  }
  @inline static set(slot: u32, value: u64): void {
    store<u64>(CPU + ST + <usize>slot, value);
    store<u16>(CPU + ST + <usize>slot + 8, 0xffff);
  }
  /** Q operand. */
  static operand(i: Insn): u64 {
    return i.isMemory ? Operand.readAt<u64>(i, 0) : Mmx.get(i.rm);
  }
  /** As the low half of a 128-bit value. */
  @inline static wide(value: u64): v128 {
    return i64x2.replace_lane(i64x2.splat(0), 0, value);
  }
}

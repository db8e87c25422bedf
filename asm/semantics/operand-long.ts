/**
 * Operands of 64-bit code: effective addresses without limits, FS and GS bases, RIP-relative addressing, the 64-bit
 * stack. SDM Vol 1 "64-Bit Mode Addressing", SDM 3A "Segmentation in IA-32e Mode".
 */
import { cpu } from "../core/cpu";
import { CPU } from "../core/memory-map";
import { faulted } from "../core/pending-trap";
import { Segment } from "../core/segment";
import { Ea, Insn } from "../decode/insn";
import { Access } from "../mmu/access";
import { stackFault } from "../mmu/translate";

export class LongOperand {
  /** Effective address, before the base of FS or GS. */
  static offset(i: Insn): u64 {
    const ea = <u32>i.ea;
    if (ea & Ea.Absolute) {
      const address = (<u64>i.imm2 << 32) | <u64>i.dispBits;
      return ea & Ea.Address32 ? address & 0xffffffff : address;
    }
    let offset = load<u64>(CPU + <usize>i.base) + (load<u64>(CPU + <usize>i.index) << <u64>i.scale) + <u64>(<i64>i.disp);
    if (ea & Ea.Rip) offset += cpu.blockRip + <u64>i.end;
    return ea & Ea.Address32 ? offset & 0xffffffff : offset;
  }
  /** Linear address of the memory operand, or of the byte `delta` past its start. */
  @inline static linear(i: Insn, delta: u32 = 0): u64 {
    return LongOperand.based(i, LongOperand.offset(i) + <u64>delta);
  }
  @inline static based(i: Insn, offset: u64): u64 {
    return <u32>i.ea & Ea.Segmented ? offset + Segment.of(i.segment).base : offset;
  }
}

/** SS is flat, and the stack pointer is RSP. */
export class LongStack {
  static push<T>(value: T): void {
    const linear = cpu.rsp - sizeof<T>();
    Access.storeLong<T>(linear, value);
    if (faulted()) stackFault(linear, sizeof<T>());
    else cpu.rsp = linear;
  }
  static peek<T>(delta: u32): T {
    return LongStack.read<T>(cpu.rsp + <u64>delta);
  }
  /** Reads T at linear address `linear` of the stack. */
  static read<T>(linear: u64): T {
    const value = Access.loadLong<T>(linear);
    if (faulted()) stackFault(linear, sizeof<T>());
    return value;
  }
}

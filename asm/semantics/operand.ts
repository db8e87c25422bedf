/**
 * Operands for helpers (ordinary functions, not staged): effective addresses with segment checks, reads and writes
 * of E operands, and the stack, in every mode (64-bit code: operand-long.ts). Every function leaves a pending trap when it faults; ask `faulted()`.
 */
import { cpu } from "../core/cpu";
import { RSP } from "../core/cpu-state.generated";
import { CPU } from "../core/memory-map";
import { Mode } from "../core/mode";
import { Vector, faulted, raiseError } from "../core/pending-trap";
import { Attr, Seg, Segment } from "../core/segment";
import { Ea, Insn } from "../decode/insn";
import { Access } from "../mmu/access";
import { LongOperand, LongStack } from "./operand-long";

/** `offset` of an access of `size` bytes against the limits and type of segment register `n`; raises #GP(0) or #SS(0). SDM 3A "Limit Checking", "Type Checking". */
export function segmentLinear(n: u32, offset: u32, size: u32, write: bool): u32 {
  const s = Segment.of(n);
  const a = <u32>s.attributes;
  const last = offset + (size - 1);
  let ok: bool;
  if (cpu.modeKey & Mode.Protected) {
    if (a & (Attr.Unusable)) ok = false;
    else if (a & Attr.Code) ok = !write && (a & Attr.Readable) != 0 && last >= offset && last <= s.limit;
    else if (write && !(a & Attr.Writable)) ok = false;
    else if (a & Attr.ExpandDown) {
      const top: u32 = a & Attr.DB ? 0xffffffff : 0xffff;
      ok = offset > s.limit && last >= offset && last <= top;
    } else ok = last >= offset && last <= s.limit;
  } else ok = last >= offset && last <= s.limit;
  // A flat 4 GB segment wraps: an access across FFFFFFFF is allowed by the limit (real chips let it wrap).
  if (!ok && s.limit == 0xffffffff && last < offset && !(a & (Attr.Unusable | Attr.ExpandDown))) ok = !write || !(cpu.modeKey & Mode.Protected) || (a & (Attr.Code | Attr.Writable)) == Attr.Writable;
  if (!ok) {
    raiseError(n == Seg.SS ? Vector.SS : Vector.GP, 0);
    return 0;
  }
  return <u32>s.base + offset;
}

/** What a faulting read gives. */
const NOTHING: usize = memory.data(16, 16);

export class Operand {
  /** Effective address (offset) of a memory operand outside 64-bit code, before the segment. */
  @inline static offset(i: Insn): u32 {
    const offset = load<u32>(CPU + <usize>i.base) + (load<u32>(CPU + <usize>i.index) << i.scale) + <u32>i.disp;
    return i.ea & Ea.Address16 ? offset & 0xffff : offset;
  }
  /** Linear address of the memory operand for an access of `size` bytes; raises #GP/#SS. */
  static linear(i: Insn, size: u32, write: bool): u64 {
    return Operand.linearAt(i, 0, size, write);
  }
  /** Linear address of `delta` bytes past the memory operand's start (multi-part operands: far pointers, FSAVE …). */
  static linearAt(i: Insn, delta: u32, size: u32, write: bool): u64 {
    if (i.ea & Ea.Long) return LongOperand.linear(i, delta);
    return <u64>Operand.legacyAt(i, delta, size, write);
  }
  /** The same for a byte that may lie anywhere before or after (bit strings). */
  static linearFar(i: Insn, delta: i64, size: u32, write: bool): u64 {
    if (!(i.ea & Ea.Long)) return <u64>Operand.legacyAt(i, <u32>delta, size, write);
    const offset = LongOperand.offset(i) + <u64>delta;
    return LongOperand.based(i, <u32>i.ea & Ea.Address32 ? offset & 0xffffffff : offset);
  }
  private static legacyAt(i: Insn, delta: u32, size: u32, write: bool): u32 {
    let offset = Operand.offset(i) + delta;
    if (i.ea & Ea.Address16) offset &= 0xffff;
    if (!(i.ea & Ea.Segmented)) return offset;
    return segmentLinear(i.segment, offset, size, write);
  }
  /** Reads the memory operand. */
  static load<T>(i: Insn): T {
    return Operand.readAt<T>(i, 0);
  }
  static store<T>(i: Insn, value: T): void {
    Operand.writeAt<T>(i, 0, value);
  }
  /** Reads the memory operand for a read-modify-write; `Access.storeBack` completes it. */
  static loadForWrite<T>(i: Insn): T {
    if (i.ea & Ea.Long) return Access.loadForWriteLong<T>(LongOperand.linear(i));
    const linear = Operand.legacyAt(i, 0, sizeof<T>(), true);
    if (faulted()) return load<T>(NOTHING);
    return Access.loadForWrite<T>(linear);
  }
  /** Reads the E operand, register or memory. */
  static read<T>(i: Insn): T {
    return i.isMemory ? Operand.readAt<T>(i, 0) : load<T>(CPU + <usize>i.rm);
  }
  /** Writes the E operand; a 32-bit register write clears the upper half of its slot. */
  static write<T>(i: Insn, value: T): void {
    if (i.isMemory) Operand.writeAt<T>(i, 0, value);
    else Operand.setRegister<T>(i.rm, value);
  }
  /** Reads memory at the M operand + delta. */
  static readAt<T>(i: Insn, delta: u32): T {
    if (i.ea & Ea.Long) return Access.loadLong<T>(LongOperand.linear(i, delta));
    const linear = Operand.legacyAt(i, delta, sizeof<T>(), false);
    if (faulted()) return load<T>(NOTHING);
    return Access.load<T>(linear);
  }
  static writeAt<T>(i: Insn, delta: u32, value: T): void {
    if (i.ea & Ea.Long) {
      Access.storeLong<T>(LongOperand.linear(i, delta), value);
      return;
    }
    const linear = Operand.legacyAt(i, delta, sizeof<T>(), true);
    if (!faulted()) Access.store<T>(linear, value);
  }
  /** General register by its slot (byte offset, `Insn.reg`/`Insn.rm`). */
  @inline static register<T>(slot: u32): T {
    return load<T>(CPU + <usize>slot);
  }
  @inline static setRegister<T>(slot: u32, value: T): void {
    if (sizeof<T>() == 4) store<u64>(CPU + <usize>slot, <u64>(<u32>value));
    else store<T>(CPU + <usize>slot, value);
  }
}

/** The stack, SDM Vol 1 "Procedure Stack": SS:SP or SS:ESP by SS.B, RSP in 64-bit code. Pushes probe before they change it. */
export class Stack {
  @inline static mask(): u64 {
    return cpu.modeKey & (Mode.Stack32 | Mode.Code64) ? (cpu.modeKey & Mode.Code64 ? ~(<u64>0) : 0xffffffff) : 0xffff;
  }
  @inline static pointer(): u64 {
    return cpu.rsp & Stack.mask();
  }
  /** Sets SP, ESP or RSP, leaving the upper half of ESP alone with a 16-bit stack. */
  static setPointer(value: u64): void {
    if (cpu.modeKey & (Mode.Stack32 | Mode.Code64)) cpu.rsp = value;
    else store<u16>(CPU + RSP, <u16>value);
  }
  /** Linear address of stack offset `offset` (already masked) for `size` bytes. */
  static linear(offset: u64, size: u32, write: bool): u64 {
    if (cpu.modeKey & (Mode.FlatSS | Mode.Code64)) return offset;
    return <u64>segmentLinear(Seg.SS, <u32>offset, size, write);
  }
  /** Pushes one value; the pointer changes only if the store succeeded. */
  static push<T>(value: T): void {
    if (cpu.modeKey & Mode.Code64) {
      LongStack.push<T>(value);
      return;
    }
    const offset = (cpu.rsp - sizeof<T>()) & Stack.mask();
    const linear = <u32>Stack.linear(offset, sizeof<T>(), true);
    if (faulted()) return;
    Access.store<T>(linear, value);
    if (!faulted()) Stack.setPointer(offset);
  }
  /** Reads the value `delta` bytes above the top of the stack; the pointer is not changed. */
  static peek<T>(delta: u32): T {
    return Stack.read<T>((cpu.rsp + <u64>delta) & Stack.mask());
  }
  /** Reads at stack offset `offset` (already masked). */
  static read<T>(offset: u64): T {
    if (cpu.modeKey & Mode.Code64) return LongStack.read<T>(offset);
    const linear = <u32>Stack.linear(offset, sizeof<T>(), false);
    if (faulted()) return <T>0;
    return Access.load<T>(linear);
  }
  /** Adds `bytes` to the stack pointer. */
  static release(bytes: u32): void {
    Stack.setPointer((cpu.rsp + <u64>bytes) & Stack.mask());
  }
}

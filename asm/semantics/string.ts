/**
 * String instructions, SDM Vol 2 "REP/REPE/REPNE", "MOVS", "CMPS", "STOS", "LODS", "SCAS". Registers are updated after
 * every iteration that completed, so that a fault or an interrupt leaves a restartable state. A REP counts one
 * instruction and one tick an iteration; it stops at the exact iteration when the budget ends or an event comes.
 * Whole runs inside plain RAM pages are done with memory.copy / fill.
 */
import { cpu } from "../core/cpu";
import { RAX, RBX, RCX, RDI, RSI } from "../core/cpu-state.generated";
import { Eflags, Flag } from "../core/eflags";
import { ticksNow } from "../core/exits";
import { CPU } from "../core/memory-map";
import { Mode } from "../core/mode";
import { faulted } from "../core/pending-trap";
import { Seg, Segment } from "../core/segment";
import { Stop } from "../core/stop";
import { MAX_INSNS } from "../decode/block-cache";
import { Insn, Prefix } from "../decode/insn";
import { Linear } from "../mmu/access";
import { hostForRead, hostForWrite } from "../mmu/slow-access";
import { segmentLinear } from "./operand";

/** Index and count registers by address size. */
export class StringRegister {
  /** All ones of the address size. */
  @inline static mask(i: Insn): u64 {
    return i.addressSize == 4 ? 0xffffffff : i.addressSize == 2 ? 0xffff : ~(<u64>0);
  }
  @inline static get(slot: usize, i: Insn): u64 {
    return load<u64>(CPU + slot) & StringRegister.mask(i);
  }
  @inline static set(slot: usize, i: Insn, value: u64): void {
    if (i.addressSize == 2) store<u16>(CPU + slot, <u16>value);
    else store<u64>(CPU + slot, value & StringRegister.mask(i));
  }
  @inline static step(size: u32): u64 {
    return cpu.eflags & Eflags.DF ? 0 - <u64>size : <u64>size;
  }
}

/** Bookkeeping of one REP execution. */
export class Repeat {
  /** Has the row's REP prefix. */
  @inline static prefixed(i: Insn): bool {
    return (<u32>i.prefixes & (Prefix.Rep | Prefix.Repne)) != 0;
  }
  /** Iterations the budget allows now; at least one, so that time always moves. Under TF exactly one: #DB follows each (SDM 3A "Single-Step Exception Condition"). */
  static allowed(): u32 {
    if (cpu.eflags & Eflags.TF) return 1;
    const now = ticksNow();
    if (cpu.limit <= now) return 1;
    const left = cpu.limit - now;
    return left > 0xffffffff ? 0xffffffff : <u32>left;
  }
  /** `done` iterations were made and more remain: run again from the start. */
  static again(done: u32): void {
    cpu.tickOffset += <u64>done;
    // An interrupt between iterations pushes RF = 1 (SDM 3A "Resume Flag").
    cpu.eflags |= Eflags.RF;
    cpu.stop |= Stop.Repeat;
  }
  /** A fault after `done` complete iterations. */
  static faultedAfter(done: u32): void {
    cpu.tickOffset += <u64>done;
  }
  /** Complete; `done` iterations in this execution. */
  static complete(done: u32): void {
    if (done <= 1) return;
    cpu.tickOffset += <u64>(done - 1);
    Repeat.cutAnew();
  }
  /**
   * More ticks than one have passed in this instruction. The running block was cut to the budget at one tick an
   * instruction: near the budget's end it is left, so that what follows is cut anew.
   */
  static cutAnew(): void {
    if (ticksNow() + <u64>MAX_INSNS >= cpu.limit) cpu.stop |= Stop.Event;
  }
}

function flatSource(i: Insn): bool {
  const s = <u32>i.segment;
  return (s == Seg.DS && (cpu.modeKey & Mode.FlatDS) != 0) || (s == Seg.ES && (cpu.modeKey & Mode.FlatES) != 0) || (s == Seg.SS && (cpu.modeKey & Mode.FlatSS) != 0);
}
/** Linear address of `size` bytes at `offset` of the source segment (in 64-bit code only FS and GS have a base). */
// @ts-ignore: decorator
@inline function sourceLinear(i: Insn, offset: u64, size: u32): u64 {
  return flatSource(i) ? offset : StringSegment.linear(i.segment, offset, size, false);
}
// @ts-ignore: decorator
@inline function destinationLinear(offset: u64, size: u32, write: bool): u64 {
  return cpu.modeKey & Mode.FlatES ? offset : <u64>segmentLinear(Seg.ES, <u32>offset, size, write);
}
export class StringSegment {
  static linear(n: u32, offset: u64, size: u32, write: bool): u64 {
    if (cpu.modeKey & Mode.Code64) return n >= Seg.FS ? Segment.of(n).base + offset : offset;
    return <u64>segmentLinear(n, <u32>offset, size, write);
  }
}

/** Elements of `size` bytes from `linear` to the end of its page, at most `count`. */
// @ts-ignore: decorator
@inline function untilPageEnd(linear: u64, size: u32, count: u32): u32 {
  const n: u32 = (0x1000 - (<u32>linear & 0xfff)) / size;
  return n < count ? n : count;
}
// @ts-ignore: decorator
@inline function atMost(count: u64, left: u32): u32 {
  return count < <u64>left ? <u32>count : left;
}

/** 01 in every byte of T. */
// @ts-ignore: decorator
@inline function everyByte<T>(): u64 {
  return 0x0101010101010101 >> <u64>(64 - sizeof<T>() * 8);
}

class Str {
  /** One MOVS element; false if it faulted. */
  @inline static moveOne<T>(i: Insn): bool {
    const from = sourceLinear(i, StringRegister.get(RSI, i), sizeof<T>());
    if (faulted()) return false;
    const to = destinationLinear(StringRegister.get(RDI, i), sizeof<T>(), true);
    if (faulted()) return false;
    const value = Linear.load<T>(from);
    if (faulted()) return false;
    Linear.store<T>(to, value);
    if (faulted()) return false;
    Str.advance(i, RSI, sizeof<T>());
    Str.advance(i, RDI, sizeof<T>());
    return true;
  }
  @inline static advance(i: Insn, slot: usize, size: u32): void {
    StringRegister.set(slot, i, StringRegister.get(slot, i) + StringRegister.step(size));
  }

  static movs<T>(i: Insn): void {
    if (!Repeat.prefixed(i)) {
      Str.moveOne<T>(i);
      return;
    }
    let count = StringRegister.get(RCX, i);
    let left = Repeat.allowed();
    let done: u32 = 0;
    const bulk = i.addressSize != 2 && !(cpu.eflags & Eflags.DF) && flatSource(i) && (cpu.modeKey & Mode.FlatES) != 0;
    while (count != 0) {
      if (done != 0 && (left == 0 || cpu.stop != 0)) {
        Repeat.again(done);
        return;
      }
      let n: u32 = 0;
      if (bulk) {
        const from = StringRegister.get(RSI, i);
        const to = StringRegister.get(RDI, i);
        n = untilPageEnd(to, sizeof<T>(), untilPageEnd(from, sizeof<T>(), atMost(count, left)));
        if (n > 1) {
          const target = hostForWrite(to);
          const source = target ? hostForRead(from) : 0;
          const length = n * sizeof<T>();
          // A destination that begins inside the source repeats what it wrote: only element order is right then.
          if (source && (target <= source || target >= source + length)) {
            memory.copy(target, source, length);
            StringRegister.set(RSI, i, from + <u64>length);
            StringRegister.set(RDI, i, to + <u64>length);
          } else n = 0;
        } else n = 0;
      }
      if (n == 0) {
        if (!Str.moveOne<T>(i)) {
          Repeat.faultedAfter(done);
          return;
        }
        n = 1;
      }
      count -= <u64>n;
      left -= n;
      done += n;
      StringRegister.set(RCX, i, count);
    }
    Repeat.complete(done);
  }

  @inline static storeOne<T>(i: Insn): bool {
    const to = destinationLinear(StringRegister.get(RDI, i), sizeof<T>(), true);
    if (faulted()) return false;
    Linear.store<T>(to, load<T>(CPU + RAX));
    if (faulted()) return false;
    Str.advance(i, RDI, sizeof<T>());
    return true;
  }

  static stos<T>(i: Insn): void {
    if (!Repeat.prefixed(i)) {
      Str.storeOne<T>(i);
      return;
    }
    let count = StringRegister.get(RCX, i);
    let left = Repeat.allowed();
    let done: u32 = 0;
    const value = load<T>(CPU + RAX);
    const bulk = i.addressSize != 2 && !(cpu.eflags & Eflags.DF) && (cpu.modeKey & Mode.FlatES) != 0;
    const oneByte = <u64>value == (<u64>value & 0xff) * everyByte<T>();
    while (count != 0) {
      if (done != 0 && (left == 0 || cpu.stop != 0)) {
        Repeat.again(done);
        return;
      }
      let n: u32 = 0;
      if (bulk) {
        const to = StringRegister.get(RDI, i);
        n = untilPageEnd(to, sizeof<T>(), atMost(count, left));
        const target = n > 1 ? hostForWrite(to) : 0;
        if (target) {
          if (oneByte) memory.fill(target, <u8>value, n * sizeof<T>());
          else for (let k: u32 = 0; k < n; k++) store<T>(target + <usize>(k * sizeof<T>()), value);
          StringRegister.set(RDI, i, to + <u64>(n * sizeof<T>()));
        } else n = 0;
      }
      if (n == 0) {
        if (!Str.storeOne<T>(i)) {
          Repeat.faultedAfter(done);
          return;
        }
        n = 1;
      }
      count -= <u64>n;
      left -= n;
      done += n;
      StringRegister.set(RCX, i, count);
    }
    Repeat.complete(done);
  }

  @inline static loadOne<T>(i: Insn): bool {
    const from = sourceLinear(i, StringRegister.get(RSI, i), sizeof<T>());
    if (faulted()) return false;
    const value = Linear.load<T>(from);
    if (faulted()) return false;
    if (sizeof<T>() >= 4) cpu.rax = <u64>value;
    else store<T>(CPU + RAX, value);
    Str.advance(i, RSI, sizeof<T>());
    return true;
  }
  @inline static compareOne<T>(i: Insn): bool {
    const from = sourceLinear(i, StringRegister.get(RSI, i), sizeof<T>());
    if (faulted()) return false;
    const to = destinationLinear(StringRegister.get(RDI, i), sizeof<T>(), false);
    if (faulted()) return false;
    const x = <u64>Linear.load<T>(from);
    if (faulted()) return false;
    const y = <u64>Linear.load<T>(to);
    if (faulted()) return false;
    const r = <u64>(<T>(x - y));
    Flag.keep<T, u64>(r, Flag.carriesSub<u64>(x, y, r));
    Str.advance(i, RSI, sizeof<T>());
    Str.advance(i, RDI, sizeof<T>());
    return true;
  }
  @inline static scanOne<T>(i: Insn): bool {
    const to = destinationLinear(StringRegister.get(RDI, i), sizeof<T>(), false);
    if (faulted()) return false;
    const x = <u64>load<T>(CPU + RAX);
    const y = <u64>Linear.load<T>(to);
    if (faulted()) return false;
    const r = <u64>(<T>(x - y));
    Flag.keep<T, u64>(r, Flag.carriesSub<u64>(x, y, r));
    Str.advance(i, RDI, sizeof<T>());
    return true;
  }

  /** The element-wise ones. kind 0 LODS, 1 CMPS, 2 SCAS; the last two end when ZF is not what the prefix wants. */
  static each<T>(i: Insn, kind: u32): void {
    if (!Repeat.prefixed(i)) {
      Str.one<T>(i, kind);
      return;
    }
    let count = StringRegister.get(RCX, i);
    let left = Repeat.allowed();
    let done: u32 = 0;
    const wanted: u32 = <u32>i.prefixes & Prefix.Repne ? 0 : 1;
    while (count != 0) {
      if (done != 0 && (left == 0 || cpu.stop != 0)) {
        Repeat.again(done);
        return;
      }
      if (!Str.one<T>(i, kind)) {
        Repeat.faultedAfter(done);
        return;
      }
      count--;
      left--;
      done++;
      StringRegister.set(RCX, i, count);
      if (kind != 0 && Flag.zf() != wanted) break;
    }
    Repeat.complete(done);
  }
  @inline static one<T>(i: Insn, kind: u32): bool {
    if (kind == 0) return Str.loadOne<T>(i);
    if (kind == 1) return Str.compareOne<T>(i);
    return Str.scanOne<T>(i);
  }
}

export function MOVS(i: Insn): void {
  if (i.width == 1) Str.movs<u8>(i);
  else if (i.width == 2) Str.movs<u16>(i);
  else if (i.width == 4) Str.movs<u32>(i);
  else Str.movs<u64>(i);
}
export function STOS(i: Insn): void {
  if (i.width == 1) Str.stos<u8>(i);
  else if (i.width == 2) Str.stos<u16>(i);
  else if (i.width == 4) Str.stos<u32>(i);
  else Str.stos<u64>(i);
}
export function LODS(i: Insn): void {
  if (i.width == 1) Str.each<u8>(i, 0);
  else if (i.width == 2) Str.each<u16>(i, 0);
  else if (i.width == 4) Str.each<u32>(i, 0);
  else Str.each<u64>(i, 0);
}
export function CMPS(i: Insn): void {
  if (i.width == 1) Str.each<u8>(i, 1);
  else if (i.width == 2) Str.each<u16>(i, 1);
  else if (i.width == 4) Str.each<u32>(i, 1);
  else Str.each<u64>(i, 1);
}
export function SCAS(i: Insn): void {
  if (i.width == 1) Str.each<u8>(i, 2);
  else if (i.width == 2) Str.each<u16>(i, 2);
  else if (i.width == 4) Str.each<u32>(i, 2);
  else Str.each<u64>(i, 2);
}

/** AL := [rBX + AL] in the effective segment. */
export function XLAT(i: Insn): void {
  const offset = (load<u64>(CPU + RBX) + <u64>load<u8>(CPU + RAX)) & StringRegister.mask(i);
  const linear = sourceLinear(i, offset, 1);
  if (faulted()) return;
  const value = Linear.load<u8>(linear);
  if (!faulted()) store<u8>(CPU + RAX, value);
}

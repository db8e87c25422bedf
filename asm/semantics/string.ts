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
import { Seg } from "../core/segment";
import { Stop } from "../core/stop";
import { MAX_INSNS } from "../decode/block-cache";
import { Insn, Prefix } from "../decode/insn";
import { Access } from "../mmu/access";
import { hostForRead, hostForWrite } from "../mmu/slow-access";
import { segmentLinear } from "./operand";

/** Index and count registers by address size. */
export class StringRegister {
  @inline static get(slot: usize, i: Insn): u32 {
    return i.addressSize == 2 ? <u32>load<u16>(CPU + slot) : load<u32>(CPU + slot);
  }
  @inline static set(slot: usize, i: Insn, value: u32): void {
    if (i.addressSize == 2) store<u16>(CPU + slot, <u16>value);
    else store<u64>(CPU + slot, <u64>value);
  }
  @inline static step(size: u32): u32 {
    return cpu.eflags & Eflags.DF ? 0 - size : size;
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
// @ts-ignore: decorator
@inline function sourceLinear(i: Insn, offset: u32, size: u32): u32 {
  return flatSource(i) ? offset : segmentLinear(i.segment, offset, size, false);
}
// @ts-ignore: decorator
@inline function destinationLinear(offset: u32, size: u32, write: bool): u32 {
  return cpu.modeKey & Mode.FlatES ? offset : segmentLinear(Seg.ES, offset, size, write);
}

/** Elements of `size` bytes from `linear` to the end of its page, at most `count`. */
// @ts-ignore: decorator
@inline function untilPageEnd(linear: u32, size: u32, count: u32): u32 {
  const n: u32 = (0x1000 - (linear & 0xfff)) / size;
  return n < count ? n : count;
}

class Str {
  /** One MOVS element; false if it faulted. */
  @inline static moveOne<T>(i: Insn): bool {
    const from = sourceLinear(i, StringRegister.get(RSI, i), sizeof<T>());
    if (faulted()) return false;
    const to = destinationLinear(StringRegister.get(RDI, i), sizeof<T>(), true);
    if (faulted()) return false;
    const value = Access.load<T>(from);
    if (faulted()) return false;
    Access.store<T>(to, value);
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
    const bulk = i.addressSize == 4 && !(cpu.eflags & Eflags.DF) && flatSource(i) && (cpu.modeKey & Mode.FlatES) != 0;
    while (count != 0) {
      if (done != 0 && (left == 0 || cpu.stop != 0)) {
        Repeat.again(done);
        return;
      }
      let n: u32 = 0;
      if (bulk) {
        const from = <u32>cpu.rsi;
        const to = <u32>cpu.rdi;
        n = untilPageEnd(to, sizeof<T>(), untilPageEnd(from, sizeof<T>(), count < left ? count : left));
        if (n > 1) {
          const target = hostForWrite(to);
          const source = target ? hostForRead(from) : 0;
          const length = n * sizeof<T>();
          // A destination that begins inside the source repeats what it wrote: only element order is right then.
          if (source && (target <= source || target >= source + length)) {
            memory.copy(target, source, length);
            cpu.rsi = <u64>(from + length);
            cpu.rdi = <u64>(to + length);
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
      count -= n;
      left -= n;
      done += n;
      StringRegister.set(RCX, i, count);
    }
    Repeat.complete(done);
  }

  @inline static storeOne<T>(i: Insn): bool {
    const to = destinationLinear(StringRegister.get(RDI, i), sizeof<T>(), true);
    if (faulted()) return false;
    Access.store<T>(to, load<T>(CPU + RAX));
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
    const bulk = i.addressSize == 4 && !(cpu.eflags & Eflags.DF) && (cpu.modeKey & Mode.FlatES) != 0;
    const oneByte = sizeof<T>() == 1 || <u32>value == (<u32>value & 0xff) * (sizeof<T>() == 2 ? 0x101 : 0x1010101);
    while (count != 0) {
      if (done != 0 && (left == 0 || cpu.stop != 0)) {
        Repeat.again(done);
        return;
      }
      let n: u32 = 0;
      if (bulk) {
        const to = <u32>cpu.rdi;
        n = untilPageEnd(to, sizeof<T>(), count < left ? count : left);
        const target = n > 1 ? hostForWrite(to) : 0;
        if (target) {
          if (oneByte) memory.fill(target, <u8>value, n * sizeof<T>());
          else for (let k: u32 = 0; k < n; k++) store<T>(target + <usize>(k * sizeof<T>()), value);
          cpu.rdi = <u64>(to + n * sizeof<T>());
        } else n = 0;
      }
      if (n == 0) {
        if (!Str.storeOne<T>(i)) {
          Repeat.faultedAfter(done);
          return;
        }
        n = 1;
      }
      count -= n;
      left -= n;
      done += n;
      StringRegister.set(RCX, i, count);
    }
    Repeat.complete(done);
  }

  @inline static loadOne<T>(i: Insn): bool {
    const from = sourceLinear(i, StringRegister.get(RSI, i), sizeof<T>());
    if (faulted()) return false;
    const value = Access.load<T>(from);
    if (faulted()) return false;
    if (sizeof<T>() == 4) cpu.rax = <u64>(<u32>value);
    else store<T>(CPU + RAX, value);
    Str.advance(i, RSI, sizeof<T>());
    return true;
  }
  @inline static compareOne<T>(i: Insn): bool {
    const from = sourceLinear(i, StringRegister.get(RSI, i), sizeof<T>());
    if (faulted()) return false;
    const to = destinationLinear(StringRegister.get(RDI, i), sizeof<T>(), false);
    if (faulted()) return false;
    const x = <u32>Access.load<T>(from);
    if (faulted()) return false;
    const y = <u32>Access.load<T>(to);
    if (faulted()) return false;
    const r = <u32>(<T>(x - y));
    Flag.keep<T, u32>(r, Flag.carriesSub<u32>(x, y, r));
    Str.advance(i, RSI, sizeof<T>());
    Str.advance(i, RDI, sizeof<T>());
    return true;
  }
  @inline static scanOne<T>(i: Insn): bool {
    const to = destinationLinear(StringRegister.get(RDI, i), sizeof<T>(), false);
    if (faulted()) return false;
    const x = <u32>load<T>(CPU + RAX);
    const y = <u32>Access.load<T>(to);
    if (faulted()) return false;
    const r = <u32>(<T>(x - y));
    Flag.keep<T, u32>(r, Flag.carriesSub<u32>(x, y, r));
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
  else Str.movs<u32>(i);
}
export function STOS(i: Insn): void {
  if (i.width == 1) Str.stos<u8>(i);
  else if (i.width == 2) Str.stos<u16>(i);
  else Str.stos<u32>(i);
}
export function LODS(i: Insn): void {
  if (i.width == 1) Str.each<u8>(i, 0);
  else if (i.width == 2) Str.each<u16>(i, 0);
  else Str.each<u32>(i, 0);
}
export function CMPS(i: Insn): void {
  if (i.width == 1) Str.each<u8>(i, 1);
  else if (i.width == 2) Str.each<u16>(i, 1);
  else Str.each<u32>(i, 1);
}
export function SCAS(i: Insn): void {
  if (i.width == 1) Str.each<u8>(i, 2);
  else if (i.width == 2) Str.each<u16>(i, 2);
  else Str.each<u32>(i, 2);
}

/** AL := [rBX + AL] in the effective segment. */
export function XLAT(i: Insn): void {
  let offset = <u32>load<u32>(CPU + RBX) + <u32>load<u8>(CPU + RAX);
  if (i.addressSize == 2) offset &= 0xffff;
  const linear = sourceLinear(i, offset, 1);
  if (faulted()) return;
  const value = Access.load<u8>(linear);
  if (!faulted()) store<u8>(CPU + RAX, value);
}

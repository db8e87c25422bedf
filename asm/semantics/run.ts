/**
 * Backend 1: do it now. A value is the number itself: V = u32 for T = u8, u16, u32; u64 for u64. The hot case of an access
 * is a flat segment with a 32-bit address, inlined; every other one, 64-bit code included, is a call (operand.ts).
 */
import { cpu } from "../core/cpu";
import { Flag, arithmetic, setArithmetic } from "../core/eflags";
import { CPU } from "../core/memory-map";
import { Mode } from "../core/mode";
import { Vector, faulted, raiseError } from "../core/pending-trap";
import { Seg, Segment } from "../core/segment";
import { Ea, Insn } from "../decode/insn";
import { Access } from "../mmu/access";
import { canonical } from "../mmu/translate";
import { Backend, Nil } from "./backend";
import { Operand, Stack } from "./operand";
import { LongOperand } from "./operand-long";
import { Pure } from "./pure";

/** Near-jump target of 64-bit code: #GP(0) unless it is canonical. */
// @ts-ignore: decorator
@inline function insideSpace(target: u64): bool {
  if (canonical(target)) return true;
  raiseError(Vector.GP, 0);
  return false;
}
/** Near-jump target outside a CS that is not flat: #GP(0). SDM 2A "JMP". */
function outsideCode(target: u32): bool {
  if (target <= Segment.of(Seg.CS).limit) return false;
  raiseError(Vector.GP, 0);
  return true;
}

/** Linear address of a memory operand in the hot case: flat segment, 32-bit address. */
// @ts-ignore: decorator
@inline function flat(i: Insn): u32 {
  return load<u32>(CPU + <usize>i.base) + (load<u32>(CPU + <usize>i.index) << i.scale) + <u32>i.disp;
}

@final @unmanaged export class Run extends Backend {
  @inline imm<T, V>(x: u64): V { return <V>(<T>x); }
  @inline reg<T, V>(slot: u32): V { return <V>load<T>(CPU + <usize>slot); }
  @inline setReg<T, V>(slot: u32, v: V): void {
    if (sizeof<T>() == 4) store<u64>(CPU + <usize>slot, <u64>(<u32>v));
    else store<T>(CPU + <usize>slot, <T>v);
  }

  @inline load<T, V>(i: Insn): V {
    return i.ea == 0 ? <V>Access.load<T>(flat(i)) : <V>Operand.load<T>(i);
  }
  @inline store<T, V>(i: Insn, v: V): void {
    if (i.ea == 0) Access.store<T>(flat(i), <T>v);
    else Operand.store<T>(i, <T>v);
  }
  @inline loadForWrite<T, V>(i: Insn): V {
    return i.ea == 0 ? <V>Access.loadForWrite<T>(flat(i)) : <V>Operand.loadForWrite<T>(i);
  }
  @inline storeBack<T, V>(v: V): void { Access.storeBack<T>(<T>v); }
  @inline faulted(): bool { return faulted(); }
  @inline offset<T, V>(i: Insn): V {
    return i.ea & Ea.Long ? <V>(<T>LongOperand.offset(i)) : <V>(<T>Operand.offset(i));
  }

  @inline push<T, V>(v: V): void {
    if ((cpu.modeKey & (Mode.FlatSS | Mode.Stack32)) == (Mode.FlatSS | Mode.Stack32)) {
      const linear = <u32>cpu.rsp - sizeof<T>();
      Access.store<T>(linear, <T>v);
      if (!faulted()) cpu.rsp = <u64>linear;
    } else Stack.push<T>(<T>v);
  }
  @inline peek<T, V>(): V {
    if ((cpu.modeKey & (Mode.FlatSS | Mode.Stack32)) == (Mode.FlatSS | Mode.Stack32)) return <V>Access.load<T>(<u32>cpu.rsp);
    return <V>Stack.peek<T>(0);
  }
  @inline release(bytes: u32): void {
    if (cpu.modeKey & Mode.Stack32) cpu.rsp = <u64>(<u32>cpu.rsp + bytes);
    else Stack.release(bytes);
  }
  peekFrame<T, V>(): V {
    const frame = cpu.rbp & Stack.mask();
    const v = Stack.read<T>(frame);
    if (!faulted()) Stack.setPointer((frame + sizeof<T>()) & Stack.mask());
    return <V>v;
  }

  @inline add<T, V>(x: V, y: V): V { return <V>(<T>(x + y)); }
  @inline sub<T, V>(x: V, y: V): V { return <V>(<T>(x - y)); }
  @inline and<T, V>(x: V, y: V): V { return (x & y) as V; }
  @inline or<T, V>(x: V, y: V): V { return (x | y) as V; }
  @inline xor<T, V>(x: V, y: V): V { return (x ^ y) as V; }
  @inline not<T, V>(x: V): V { return <V>(<T>~x); }
  @inline adc<T, V, W>(x: V, y: V, carry: W): V { return <V>(<T>(x + y + <V>carry)); }
  @inline sbb<T, V, W>(x: V, y: V, borrow: W): V { return <V>(<T>(x - y - <V>borrow)); }
  @inline shl<T, V, W>(x: V, count: W): V { return <V>(<T>(x << <V>count)); }
  @inline shr<T, V, W>(x: V, count: W): V { return (x >> <V>count) as V; }
  @inline sar<T, V, W>(x: V, count: W): V {
    if (sizeof<T>() == 1) return <V>(<u8>(<i32>(<i8>x) >> <i32>count));
    if (sizeof<T>() == 2) return <V>(<u16>(<i32>(<i16>x) >> <i32>count));
    if (sizeof<T>() == 4) return <V>(<u32>(<i32>x >> <i32>count));
    return <V>(<u64>(<i64>x >> <i64>count));
  }
  @inline shlOut<T, V, W>(x: V, count: W): W {
    // Narrow widths: the bit lands at the width's place of a 32-bit shift.
    if (sizeof<T>() < 4) return <W>(((<u32>x << <u32>count) >>> <u32>(sizeof<T>() * 8)) & 1);
    return <W>((x >> <V>(<u32>(sizeof<T>() * 8) - <u32>count)) & <V>1);
  }
  @inline shrOut<T, V, W>(x: V, count: W): W { return <W>((x >> <V>(<u32>count - 1)) & <V>1); }
  @inline sarOut<T, V, W>(x: V, count: W): W {
    if (sizeof<T>() == 8) return <W>((<i64>x >> <i64>(<u32>count - 1)) & 1);
    const extended = sizeof<T>() == 1 ? <i32>(<i8>x) : sizeof<T>() == 2 ? <i32>(<i16>x) : <i32>x;
    return <W>((extended >> <i32>(<u32>count - 1)) & 1);
  }
  @inline rol<T, V, W>(x: V, count: W): V { return <V>rotl<T>(<T>x, <T>count); }
  @inline ror<T, V, W>(x: V, count: W): V { return <V>rotr<T>(<T>x, <T>count); }
  rcl<T, V, W>(x: V, count: W, carry: W): V { return <V>Pure.rcl<T>(<u64>x, <u32>count, <u32>carry); }
  rclOut<T, V, W>(x: V, count: W, carry: W): W { return <W>Pure.rclOut<T>(<u64>x, <u32>count, <u32>carry); }
  rcr<T, V, W>(x: V, count: W, carry: W): V { return <V>Pure.rcr<T>(<u64>x, <u32>count, <u32>carry); }
  rcrOut<T, V, W>(x: V, count: W, carry: W): W { return <W>Pure.rcrOut<T>(<u64>x, <u32>count, <u32>carry); }
  shld<T, V, W>(x: V, y: V, count: W): V { return <V>Pure.shld<T>(<u64>x, <u64>y, <u32>count); }
  shldOut<T, V, W>(x: V, y: V, count: W): W { return <W>Pure.shldOut<T>(<u64>x, <u64>y, <u32>count); }
  shrd<T, V, W>(x: V, y: V, count: W): V { return <V>Pure.shrd<T>(<u64>x, <u64>y, <u32>count); }
  @inline top<T, V, W>(x: V): W { return <W>((x >> <V>(sizeof<T>() * 8 - 1)) & <V>1); }
  @inline second<T, V, W>(x: V): W { return <W>((x >> <V>(sizeof<T>() * 8 - 2)) & <V>1); }
  @inline bottom<T, V, W>(x: V): W { return <W>(x & <V>1); }
  @inline mulLow<T, V>(x: V, y: V): V { return <V>(<T>(x * y)); }
  @inline mulHigh<T, V>(x: V, y: V): V {
    if (sizeof<T>() == 8) return <V>Pure.mulHigh(<u64>x, <u64>y);
    return <V>(<T>((<u64>x * <u64>y) >> (sizeof<T>() * 8)));
  }
  @inline mulHighSigned<T, V>(x: V, y: V): V {
    if (sizeof<T>() == 8) return <V>Pure.mulHighSigned(<i64>x, <i64>y);
    return <V>(<T>((Pure.signed<T>(<u64>x) * Pure.signed<T>(<u64>y)) >> (sizeof<T>() * 8)));
  }
  @inline equal<T, V, W>(x: V, y: V): W { return <W>(<u32>(x == y)); }
  @inline isNotZero<T, V, W>(x: V): W { return <W>(<u32>(x != <V>0)); }
  @inline byteSwap<T, V>(x: V): V { return <V>bswap<T>(<T>x); }
  @inline lowestBit<T, V>(x: V): V { return <V>ctz<V>(x); }
  @inline highestBit<T, V>(x: V): V { return <V>((<V>(sizeof<V>() * 8 - 1) - clz<V>(x)) as V); }
  @inline bitCount<T, V>(x: V): V { return <V>popcnt<V>(x); }
  setZero<W>(z: W): void { Flag.setZero(<u32>z); }
  @inline lowFlags<W>(): W { return <W>(arithmetic() & 0xd5 | 2); }
  setLowFlags<W>(image: W): void { setArithmetic((<u32>image & 0xd5) | (Flag.of() << 11)); }
  @inline signExtend<S, T, V>(x: V): V {
    if (sizeof<S>() == 1) return <V>(<T>(<i8>x));
    if (sizeof<S>() == 2) return <V>(<T>(<i16>x));
    return <V>(<T>(<i32>x));
  }
  @inline toW<T, V, W>(x: V): W { return <W>x; }
  @inline fromW<T, V, W>(x: W): V { return <V>x; }

  @inline flagsAdd<T, V>(x: V, y: V, r: V): void { Flag.keep<T, V>(r, Flag.carriesAdd<V>(x, y, r)); }
  @inline flagsSub<T, V>(x: V, y: V, r: V): void { Flag.keep<T, V>(r, Flag.carriesSub<V>(x, y, r)); }
  @inline flagsLogic<T, V>(r: V): void { Flag.keep<T, V>(r, <V>0); }
  @inline flagsInc<T, V>(x: V, r: V): void {
    const c = Flag.cf();
    Flag.keep<T, V>(r, (x & ~r) as V); // carries of x + 1
    Flag.setCarry(c);
  }
  @inline flagsDec<T, V>(x: V, r: V): void {
    const c = Flag.cf();
    Flag.keep<T, V>(r, (~x & r) as V); // borrows of x - 1
    Flag.setCarry(c);
  }
  @inline flagsCarryOverflow<W>(c: W, o: W): void {
    cpu.flagAux = (cpu.flagAux & 0x3fffffff) | (<u32>c << 31) | (<u32>(c ^ o) << 30);
  }
  @inline flagsShift<T, V, W>(r: V, c: W, o: W): void {
    Flag.keep<T, V>(r, <V>0);
    Flag.setCarryOverflow(<u32>c, <u32>o);
  }
  @inline carry<W>(): W { return <W>Flag.cf(); }
  @inline setCarry<W>(c: W): void { Flag.setCarry(<u32>c); }
  @inline condition<C, W>(): W { return <W>Nil.of<C>().test(); }

  @inline when<W>(c: W): bool { return c != 0; }
  @inline otherwise<W>(c: W): bool { return c == 0; }
  @inline end(): void {}

  @inline jump<T, V>(target: V): void {
    if (sizeof<T>() == 8) {
      if (!insideSpace(<u64>target)) return;
      cpu.rip = <u64>target;
      return;
    }
    if (!(cpu.modeKey & Mode.FlatCS) && outsideCode(<u32>target)) return;
    cpu.rip = <u64>(<u32>target);
  }
  @inline jumpIf<T, W>(c: W, i: Insn): void {
    if (sizeof<T>() == 8) {
      const target = cpu.blockRip + <u64>i.end + (<u64>(<i64>i.disp) & (0 - <u64>c));
      if (!insideSpace(target)) return;
      cpu.rip = target;
      return;
    }
    const next = <u32>cpu.blockRip + <u32>i.end;
    let target = next + (<u32>i.disp & (0 - <u32>c));
    if (sizeof<T>() == 2) target = c ? target & 0xffff : next;
    if (!(cpu.modeKey & Mode.FlatCS) && outsideCode(target)) return;
    cpu.rip = <u64>target;
  }
  @inline jumpRelative<T>(i: Insn): void {
    if (sizeof<T>() == 8) {
      const target = cpu.blockRip + <u64>i.end + <u64>(<i64>i.disp);
      if (!insideSpace(target)) return;
      cpu.rip = target;
      return;
    }
    let target = <u32>cpu.blockRip + <u32>i.end + <u32>i.disp;
    if (sizeof<T>() == 2) target &= 0xffff;
    if (!(cpu.modeKey & Mode.FlatCS) && outsideCode(target)) return;
    cpu.rip = <u64>target;
  }
  @inline nextRip<T, V>(i: Insn): V {
    return sizeof<T>() == 8 ? <V>(cpu.blockRip + <u64>i.end) : <V>(<T>(<u32>cpu.blockRip + <u32>i.end));
  }
}

/**
 * The vocabulary in which instruction meanings are written. A meaning is generic over
 *   B  the backend: `Run` does it now, `Emit` writes WebAssembly that will do it;
 *   M  where the E operand is: RegOp, MemOp or (cold code) AnyOp;
 *   T  the guest width: u8 u16 u32 u64 v128;  S  the width of the source where it differs (MOVZX);
 *   V  a value of width T: u32 (u64, v128) in Run, `Local` in Emit;  W  a 32-bit value or condition.
 * In Emit a value is an unmanaged class: `+` on a guest value does not compile there, `==` and `if` would compare indexes
 * of locals (tests/isa looks for them). Bodies use the verbs below, and branch only with `when … otherwise … end`. Values
 * narrower than V are zero-extended.
 *
 * Order in a body (makes every instruction restartable): read operands → checks → loadForWrite → compute → store →
 * registers → flags → RIP. After each access that can fault: `if (b.faulted()) return;`.
 */
import { Insn } from "../decode/insn";

/** A type used as a module: `Nil.of<B>().add(…)`. */
export class Nil {
  @inline static of<C>(): C {
    return changetype<C>(0);
  }
}

@unmanaged export abstract class Backend {
  /** A constant of width T. */
  imm<T, V>(x: u64): V { return unreachable(); }
  /** General register by state offset; a snapshot, not the live register. */
  reg<T, V>(slot: u32): V { return unreachable(); }
  /** Writes a general register; width 32 clears the upper half of the slot (SDM Vol 1 "General-Purpose Registers in 64-Bit Mode"). */
  setReg<T, V>(slot: u32, v: V): void { unreachable(); }

  /** Reads T at the instruction's memory operand. */
  load<T, V>(i: Insn): V { return unreachable(); }
  store<T, V>(i: Insn, v: V): void { unreachable(); }
  /** Read-modify-write: takes the write fault now; `storeBack` then cannot fault. */
  loadForWrite<T, V>(i: Insn): V { return unreachable(); }
  storeBack<T, V>(v: V): void { unreachable(); }
  /** A trap is pending: leave without effect. In Emit a constant false (the emitted access branches out itself). */
  faulted(): bool { return unreachable(); }
  /** Effective address (offset), truncated to the address size, as a value of width T (LEA). */
  offset<T, V>(i: Insn): V { return unreachable(); }

  /** Pushes T; no effect if it faults. */
  push<T, V>(v: V): void { unreachable(); }
  /** The value at the top of the stack; the pointer is not changed. */
  peek<T, V>(): V { return unreachable(); }
  /** Adds to the stack pointer (SP or ESP by SS.B). */
  release(bytes: u32): void { unreachable(); }
  /** Reads T at SS:[rBP] and sets the stack pointer to rBP + size: the core of LEAVE. */
  peekFrame<T, V>(): V { return unreachable(); }

  add<T, V>(x: V, y: V): V { return unreachable(); }
  sub<T, V>(x: V, y: V): V { return unreachable(); }
  and<T, V>(x: V, y: V): V { return unreachable(); }
  or<T, V>(x: V, y: V): V { return unreachable(); }
  xor<T, V>(x: V, y: V): V { return unreachable(); }
  not<T, V>(x: V): V { return unreachable(); }
  /** x + y + carry. */
  adc<T, V, W>(x: V, y: V, carry: W): V { return unreachable(); }
  sbb<T, V, W>(x: V, y: V, borrow: W): V { return unreachable(); }
  /** Shifts by a count below the width. */
  shl<T, V, W>(x: V, count: W): V { return unreachable(); }
  shr<T, V, W>(x: V, count: W): V { return unreachable(); }
  sar<T, V, W>(x: V, count: W): V { return unreachable(); }
  /** The last bit shifted out (count ≥ 1, up to 31 or 63 whatever the width). */
  shlOut<T, V, W>(x: V, count: W): W { return unreachable(); }
  shrOut<T, V, W>(x: V, count: W): W { return unreachable(); }
  sarOut<T, V, W>(x: V, count: W): W { return unreachable(); }
  rol<T, V, W>(x: V, count: W): V { return unreachable(); }
  ror<T, V, W>(x: V, count: W): V { return unreachable(); }
  /** Rotates through carry and the new carry. */
  rcl<T, V, W>(x: V, count: W, carry: W): V { return unreachable(); }
  rclOut<T, V, W>(x: V, count: W, carry: W): W { return unreachable(); }
  rcr<T, V, W>(x: V, count: W, carry: W): V { return unreachable(); }
  rcrOut<T, V, W>(x: V, count: W, carry: W): W { return unreachable(); }
  /** x shifted, filled from y. */
  shld<T, V, W>(x: V, y: V, count: W): V { return unreachable(); }
  shldOut<T, V, W>(x: V, y: V, count: W): W { return unreachable(); }
  shrd<T, V, W>(x: V, y: V, count: W): V { return unreachable(); }
  /** Top, second and bottom bit of a value of width T. */
  top<T, V, W>(x: V): W { return unreachable(); }
  second<T, V, W>(x: V): W { return unreachable(); }
  bottom<T, V, W>(x: V): W { return unreachable(); }
  /** Low and high half of the product, and whether the high half is more than the extension of the low half. */
  mulLow<T, V>(x: V, y: V): V { return unreachable(); }
  mulHigh<T, V>(x: V, y: V): V { return unreachable(); }
  mulHighSigned<T, V>(x: V, y: V): V { return unreachable(); }
  /** Comparisons as 0 or 1. */
  equal<T, V, W>(x: V, y: V): W { return unreachable(); }
  /** x != 0 as 0 or 1. */
  isNotZero<T, V, W>(x: V): W { return unreachable(); }
  /** Byte order reversed (BSWAP); index of lowest / highest set bit of a non-zero value; number of set bits. */
  byteSwap<T, V>(x: V): V { return unreachable(); }
  lowestBit<T, V>(x: V): V { return unreachable(); }
  highestBit<T, V>(x: V): V { return unreachable(); }
  bitCount<T, V>(x: V): V { return unreachable(); }
  /** ZF := z, the other arithmetic flags kept. */
  setZero<W>(z: W): void { unreachable(); }
  /** Flag image of LAHF / SAHF: SF ZF AF PF CF in their places. */
  lowFlags<W>(): W { return unreachable(); }
  setLowFlags<W>(image: W): void { unreachable(); }

  /** Sign- or zero-extends a value of width S to width T. */
  signExtend<S, T, V>(x: V): V { return unreachable(); }
  /** Low 32 bits or a narrower value as W, and back. */
  toW<T, V, W>(x: V): W { return unreachable(); }
  fromW<T, V, W>(x: W): V { return unreachable(); }

  /** Flags of x + y (+ carry) = r; x - y (- borrow) = r; a logic result (CF = OF = 0, AF = 0). */
  flagsAdd<T, V>(x: V, y: V, r: V): void { unreachable(); }
  flagsSub<T, V>(x: V, y: V, r: V): void { unreachable(); }
  flagsLogic<T, V>(r: V): void { unreachable(); }
  /** As flagsAdd / flagsSub with y = 1, CF kept. */
  flagsInc<T, V>(x: V, r: V): void { unreachable(); }
  flagsDec<T, V>(x: V, r: V): void { unreachable(); }
  /** CF and OF only (rotates, multiplications keep or define the others themselves). */
  flagsCarryOverflow<W>(c: W, o: W): void { unreachable(); }
  /** ZF SF PF of r, AF = 0, CF = c, OF = o (shifts, multiplications). */
  flagsShift<T, V, W>(r: V, c: W, o: W): void { unreachable(); }
  carry<W>(): W { return unreachable(); }
  setCarry<W>(c: W): void { unreachable(); }
  /** Condition class C (semantics/conditions.ts) as 0 or 1. */
  condition<C, W>(): W { return unreachable(); }

  /** Opens a block executed when c is not 0; `otherwise(c)` begins the other case; `end()` closes. */
  when<W>(c: W): bool { return unreachable(); }
  otherwise<W>(c: W): bool { return unreachable(); }
  end(): void { unreachable(); }

  /** Near jump to a value of width T: truncated, checked against CS. No effect but a pending #GP if it is outside. */
  jump<T, V>(target: V): void { unreachable(); }
  /** Relative jump by i.disp when c, else on to the next instruction. */
  jumpIf<T, W>(c: W, i: Insn): void { unreachable(); }
  jumpRelative<T>(i: Insn): void { unreachable(); }
  /** RIP of the next instruction, as a value of width T. */
  nextRip<T, V>(i: Insn): V { return unreachable(); }
}

/** E operand in a register. */
@final @unmanaged export class RegOp {
  /** Asked after read or readForWrite. */
  @inline faulted<B>(): bool { return false; }
  @inline read<B, T, V>(i: Insn): V { return Nil.of<B>().reg<T, V>(i.rm); }
  @inline readForWrite<B, T, V>(i: Insn): V { return Nil.of<B>().reg<T, V>(i.rm); }
  @inline writeBack<B, T, V>(i: Insn, v: V): void { Nil.of<B>().setReg<T, V>(i.rm, v); }
  /** Stores what was read: memory sees a write; a register is left alone, its upper half too. */
  @inline putBack<B, T, V>(i: Insn, v: V): void {}
  @inline write<B, T, V>(i: Insn, v: V): void { Nil.of<B>().setReg<T, V>(i.rm, v); }
}

/** E operand in memory. */
@final @unmanaged export class MemOp {
  @inline faulted<B>(): bool { return Nil.of<B>().faulted(); }
  @inline read<B, T, V>(i: Insn): V { return Nil.of<B>().load<T, V>(i); }
  @inline readForWrite<B, T, V>(i: Insn): V { return Nil.of<B>().loadForWrite<T, V>(i); }
  @inline writeBack<B, T, V>(i: Insn, v: V): void { Nil.of<B>().storeBack<T, V>(v); }
  @inline putBack<B, T, V>(i: Insn, v: V): void { Nil.of<B>().storeBack<T, V>(v); }
  @inline write<B, T, V>(i: Insn, v: V): void { Nil.of<B>().store<T, V>(i, v); }
}

/** Register or memory, decided when it is run or emitted. */
@final @unmanaged export class AnyOp {
  @inline faulted<B>(): bool { return Nil.of<B>().faulted(); }
  @inline read<B, T, V>(i: Insn): V {
    return i.isMemory ? Nil.of<B>().load<T, V>(i) : Nil.of<B>().reg<T, V>(i.rm);
  }
  @inline readForWrite<B, T, V>(i: Insn): V {
    return i.isMemory ? Nil.of<B>().loadForWrite<T, V>(i) : Nil.of<B>().reg<T, V>(i.rm);
  }
  @inline writeBack<B, T, V>(i: Insn, v: V): void {
    if (i.isMemory) Nil.of<B>().storeBack<T, V>(v);
    else Nil.of<B>().setReg<T, V>(i.rm, v);
  }
  @inline putBack<B, T, V>(i: Insn, v: V): void {
    if (i.isMemory) Nil.of<B>().storeBack<T, V>(v);
  }
  @inline write<B, T, V>(i: Insn, v: V): void {
    if (i.isMemory) Nil.of<B>().store<T, V>(i, v);
    else Nil.of<B>().setReg<T, V>(i.rm, v);
  }
}

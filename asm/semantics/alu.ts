/**
 * Integer arithmetic and logic, SDM Vol 2 "ADD" … "XOR". One class per instruction, `apply` its whole meaning; the
 * operand forms below say where x and y come from and where the result goes.
 */
import { Insn } from "../decode/insn";
import { Nil } from "./backend";

@final @unmanaged export class ADD {
  @inline apply<B, T, V, W>(b: B, x: V, y: V): V { const r = b.add<T, V>(x, y); b.flagsAdd<T, V>(x, y, r); return r; }
}
@final @unmanaged export class ADC {
  @inline apply<B, T, V, W>(b: B, x: V, y: V): V { const r = b.adc<T, V, W>(x, y, b.carry<W>()); b.flagsAdd<T, V>(x, y, r); return r; }
}
@final @unmanaged export class SUB {
  @inline apply<B, T, V, W>(b: B, x: V, y: V): V { const r = b.sub<T, V>(x, y); b.flagsSub<T, V>(x, y, r); return r; }
}
@final @unmanaged export class SBB {
  @inline apply<B, T, V, W>(b: B, x: V, y: V): V { const r = b.sbb<T, V, W>(x, y, b.carry<W>()); b.flagsSub<T, V>(x, y, r); return r; }
}
@final @unmanaged export class AND {
  @inline apply<B, T, V, W>(b: B, x: V, y: V): V { const r = b.and<T, V>(x, y); b.flagsLogic<T, V>(r); return r; }
}
@final @unmanaged export class OR {
  @inline apply<B, T, V, W>(b: B, x: V, y: V): V { const r = b.or<T, V>(x, y); b.flagsLogic<T, V>(r); return r; }
}
@final @unmanaged export class XOR {
  @inline apply<B, T, V, W>(b: B, x: V, y: V): V { const r = b.xor<T, V>(x, y); b.flagsLogic<T, V>(r); return r; }
}
@final @unmanaged export class CMP {
  @inline apply<B, T, V, W>(b: B, x: V, y: V): void { b.flagsSub<T, V>(x, y, b.sub<T, V>(x, y)); }
}
@final @unmanaged export class TEST {
  @inline apply<B, T, V, W>(b: B, x: V, y: V): void { b.flagsLogic<T, V>(b.and<T, V>(x, y)); }
}
@final @unmanaged export class INC {
  @inline apply<B, T, V, W>(b: B, x: V): V { const r = b.add<T, V>(x, b.imm<T, V>(1)); b.flagsInc<T, V>(x, r); return r; }
}
@final @unmanaged export class DEC {
  @inline apply<B, T, V, W>(b: B, x: V): V { const r = b.sub<T, V>(x, b.imm<T, V>(1)); b.flagsDec<T, V>(x, r); return r; }
}
@final @unmanaged export class NEG {
  @inline apply<B, T, V, W>(b: B, x: V): V { const zero = b.imm<T, V>(0); const r = b.sub<T, V>(zero, x); b.flagsSub<T, V>(zero, x, r); return r; }
}
@final @unmanaged export class NOT {
  @inline apply<B, T, V, W>(b: B, x: V): V { return b.not<T, V>(x); }
}

/**
 * Flags are set after the last access that can fault: `apply` may set them before `writeBack`, because `readForWrite`
 * has already taken every fault the store could raise.
 */
export class Binary {
  /** E op= G. */
  @inline static EG<B, M, I, T, V, W>(i: Insn): void {
    const b = Nil.of<B>();
    const x = Nil.of<M>().readForWrite<B, T, V>(i);
    if (Nil.of<M>().faulted<B>()) return;
    Nil.of<M>().writeBack<B, T, V>(i, Nil.of<I>().apply<B, T, V, W>(b, x, b.reg<T, V>(i.reg)));
  }
  /** G op= E. */
  @inline static GE<B, M, I, T, V, W>(i: Insn): void {
    const b = Nil.of<B>();
    const y = Nil.of<M>().read<B, T, V>(i);
    if (Nil.of<M>().faulted<B>()) return;
    b.setReg<T, V>(i.reg, Nil.of<I>().apply<B, T, V, W>(b, b.reg<T, V>(i.reg), y));
  }
  /** E op= immediate. */
  @inline static EI<B, M, I, T, V, W>(i: Insn): void {
    const b = Nil.of<B>();
    const x = Nil.of<M>().readForWrite<B, T, V>(i);
    if (Nil.of<M>().faulted<B>()) return;
    Nil.of<M>().writeBack<B, T, V>(i, Nil.of<I>().apply<B, T, V, W>(b, x, b.imm<T, V>(Imm.of<T>(i))));
  }
}

export class Compare {
  @inline static EG<B, M, I, T, V, W>(i: Insn): void {
    const b = Nil.of<B>();
    const x = Nil.of<M>().read<B, T, V>(i);
    if (Nil.of<M>().faulted<B>()) return;
    Nil.of<I>().apply<B, T, V, W>(b, x, b.reg<T, V>(i.reg));
  }
  @inline static GE<B, M, I, T, V, W>(i: Insn): void {
    const b = Nil.of<B>();
    const y = Nil.of<M>().read<B, T, V>(i);
    if (Nil.of<M>().faulted<B>()) return;
    Nil.of<I>().apply<B, T, V, W>(b, b.reg<T, V>(i.reg), y);
  }
  @inline static EI<B, M, I, T, V, W>(i: Insn): void {
    const b = Nil.of<B>();
    const x = Nil.of<M>().read<B, T, V>(i);
    if (Nil.of<M>().faulted<B>()) return;
    Nil.of<I>().apply<B, T, V, W>(b, x, b.imm<T, V>(Imm.of<T>(i)));
  }
}

export class Unary {
  @inline static E<B, M, I, T, V, W>(i: Insn): void {
    const b = Nil.of<B>();
    const x = Nil.of<M>().readForWrite<B, T, V>(i);
    if (Nil.of<M>().faulted<B>()) return;
    Nil.of<M>().writeBack<B, T, V>(i, Nil.of<I>().apply<B, T, V, W>(b, x));
  }
}

/** The immediate as a number: sign-extended to 64 bits where the operand is 64-bit. */
export class Imm {
  @inline static of<T>(i: Insn): u64 {
    return sizeof<T>() == 8 ? (<u64>i.imm2 << 32) | <u64>i.imm : <u64>i.imm;
  }
}

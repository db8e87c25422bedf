/**
 * Shifts and rotates, SDM Vol 2 "SAL/SAR/SHL/SHR", "RCL/RCR/ROL/ROR", "SHLD", "SHRD". The count is masked to 5 bits
 * (6 for 64-bit operands); a masked count of 0 changes nothing, flags included. OF is defined for a count of 1 only;
 * for other counts we compute it by the same formula, which is what current processors do.
 */
import { RCX } from "../core/cpu-state.generated";
import { Insn } from "../decode/insn";
import { Nil } from "./backend";

@final @unmanaged export class SHL {
  @inline apply<B, T, V, W>(b: B, x: V, count: W): V {
    const r = b.shl<T, V, W>(x, count);
    const c = b.shlOut<T, V, W>(x, count);
    b.flagsShift<T, V, W>(r, c, b.xor<u32, W>(c, b.top<T, V, W>(r)));
    return r;
  }
}
@final @unmanaged export class SHR {
  @inline apply<B, T, V, W>(b: B, x: V, count: W): V {
    const r = b.shr<T, V, W>(x, count);
    const c = b.shrOut<T, V, W>(x, count);
    // OF is the operand's top bit for a count of 1: the result's second bit.
    b.flagsShift<T, V, W>(r, c, b.second<T, V, W>(r));
    return r;
  }
}
@final @unmanaged export class SAR {
  @inline apply<B, T, V, W>(b: B, x: V, count: W): V {
    const r = b.sar<T, V, W>(x, count);
    const c = b.sarOut<T, V, W>(x, count);
    b.flagsShift<T, V, W>(r, c, b.imm<u32, W>(0));
    return r;
  }
}
@final @unmanaged export class ROL {
  @inline apply<B, T, V, W>(b: B, x: V, count: W): V {
    const r = b.rol<T, V, W>(x, count);
    const c = b.bottom<T, V, W>(r);
    b.flagsCarryOverflow<W>(c, b.xor<u32, W>(c, b.top<T, V, W>(r)));
    return r;
  }
}
@final @unmanaged export class ROR {
  @inline apply<B, T, V, W>(b: B, x: V, count: W): V {
    const r = b.ror<T, V, W>(x, count);
    const c = b.top<T, V, W>(r);
    b.flagsCarryOverflow<W>(c, b.xor<u32, W>(c, b.second<T, V, W>(r)));
    return r;
  }
}
/** Through carry: a rotation of width + 1 bits. A count that is a multiple of that leaves operand and CF alone. */
@final @unmanaged export class RCL {
  @inline apply<B, T, V, W>(b: B, x: V, count: W): V {
    const carry = b.carry<W>();
    const r = b.rcl<T, V, W>(x, count, carry);
    const c = b.rclOut<T, V, W>(x, count, carry);
    b.flagsCarryOverflow<W>(c, b.xor<u32, W>(c, b.top<T, V, W>(r)));
    return r;
  }
}
@final @unmanaged export class RCR {
  @inline apply<B, T, V, W>(b: B, x: V, count: W): V {
    const carry = b.carry<W>();
    const r = b.rcr<T, V, W>(x, count, carry);
    const c = b.rcrOut<T, V, W>(x, count, carry);
    b.flagsCarryOverflow<W>(c, b.xor<u32, W>(b.top<T, V, W>(r), b.second<T, V, W>(r)));
    return r;
  }
}

/** Forms: E by 1, by an immediate, by CL. A memory operand is read and written even when the count is 0. */
export class Shift {
  @inline static E1<B, M, I, T, V, W>(i: Insn): void {
    const b = Nil.of<B>();
    const x = Nil.of<M>().readForWrite<B, T, V>(i);
    if (Nil.of<M>().faulted<B>()) return;
    Nil.of<M>().writeBack<B, T, V>(i, Nil.of<I>().apply<B, T, V, W>(b, x, b.imm<u32, W>(1)));
  }
  @inline static EI<B, M, I, T, V, W>(i: Insn): void {
    const b = Nil.of<B>();
    const x = Nil.of<M>().readForWrite<B, T, V>(i);
    if (Nil.of<M>().faulted<B>()) return;
    const count = i.imm & (sizeof<T>() == 8 ? 63 : 31);
    // The count is a host-side fact here, so a plain branch is right.
    if (count != 0) Nil.of<M>().writeBack<B, T, V>(i, Nil.of<I>().apply<B, T, V, W>(b, x, b.imm<u32, W>(count)));
    else Nil.of<M>().writeBack<B, T, V>(i, x);
  }
  @inline static EC<B, M, I, T, V, W>(i: Insn): void {
    const b = Nil.of<B>();
    const x = Nil.of<M>().readForWrite<B, T, V>(i);
    if (Nil.of<M>().faulted<B>()) return;
    const count = b.and<u32, W>(b.reg<u8, W>(<u32>RCX), b.imm<u32, W>(sizeof<T>() == 8 ? 63 : 31));
    if (b.when<W>(count)) {
      Nil.of<M>().writeBack<B, T, V>(i, Nil.of<I>().apply<B, T, V, W>(b, x, count));
    }
    if (b.otherwise<W>(count)) {
      Nil.of<M>().writeBack<B, T, V>(i, x);
    }
    b.end();
  }
}

/** Double shifts: E takes its new bits from G. Counts above the operand size (16-bit only) have an undefined result. */
@final @unmanaged class Left {
  @inline apply<B, T, V, W>(b: B, x: V, y: V, count: W): V {
    const r = b.shld<T, V, W>(x, y, count);
    b.flagsShift<T, V, W>(r, b.shldOut<T, V, W>(x, y, count), b.xor<u32, W>(b.top<T, V, W>(r), b.top<T, V, W>(x)));
    return r;
  }
}
@final @unmanaged class Right {
  @inline apply<B, T, V, W>(b: B, x: V, y: V, count: W): V {
    const r = b.shrd<T, V, W>(x, y, count);
    b.flagsShift<T, V, W>(r, shiftedOut<B, T, V, W>(b, x, y, count), b.xor<u32, W>(b.top<T, V, W>(r), b.top<T, V, W>(x)));
    return r;
  }
}
/** Last bit that SHRD shifted out. With 16 bits and a count above 16, where the SDM leaves it open, processors have it from `y`. */
// @ts-ignore: decorator
@inline function shiftedOut<B, T, V, W>(b: B, x: V, y: V, count: W): W {
  if (sizeof<T>() > 2) return b.shrOut<T, V, W>(x, count);
  return b.bottom<T, V, W>(b.shrd<T, V, W>(x, y, b.sub<u32, W>(count, b.imm<u32, W>(1))));
}
class DoubleShift {
  @inline static EGI<B, M, I, T, V, W>(i: Insn): void {
    const b = Nil.of<B>();
    const x = Nil.of<M>().readForWrite<B, T, V>(i);
    if (Nil.of<M>().faulted<B>()) return;
    const count = i.imm & (sizeof<T>() == 8 ? 63 : 31);
    if (count != 0) Nil.of<M>().writeBack<B, T, V>(i, Nil.of<I>().apply<B, T, V, W>(b, x, b.reg<T, V>(i.reg), b.imm<u32, W>(count)));
    else Nil.of<M>().writeBack<B, T, V>(i, x);
  }
  @inline static EGC<B, M, I, T, V, W>(i: Insn): void {
    const b = Nil.of<B>();
    const x = Nil.of<M>().readForWrite<B, T, V>(i);
    if (Nil.of<M>().faulted<B>()) return;
    const count = b.and<u32, W>(b.reg<u8, W>(<u32>RCX), b.imm<u32, W>(sizeof<T>() == 8 ? 63 : 31));
    if (b.when<W>(count)) {
      Nil.of<M>().writeBack<B, T, V>(i, Nil.of<I>().apply<B, T, V, W>(b, x, b.reg<T, V>(i.reg), count));
    }
    if (b.otherwise<W>(count)) {
      Nil.of<M>().writeBack<B, T, V>(i, x);
    }
    b.end();
  }
}
export class SHLD {
  @inline static exec<B, M, T, S, V, W>(i: Insn): void {
    DoubleShift.EGI<B, M, Left, T, V, W>(i);
  }
}
export class SHLD_CL {
  @inline static exec<B, M, T, S, V, W>(i: Insn): void {
    DoubleShift.EGC<B, M, Left, T, V, W>(i);
  }
}
export class SHRD {
  @inline static exec<B, M, T, S, V, W>(i: Insn): void {
    DoubleShift.EGI<B, M, Right, T, V, W>(i);
  }
}
export class SHRD_CL {
  @inline static exec<B, M, T, S, V, W>(i: Insn): void {
    DoubleShift.EGC<B, M, Right, T, V, W>(i);
  }
}

/** Multiplication, SDM Vol 2 "MUL", "IMUL". CF = OF = the high half says more than the low half; the other flags are undefined (ours: as after a shift). */
import { RAX, RDX } from "../core/cpu-state.generated";
import { Insn } from "../decode/insn";
import { Nil } from "./backend";

/** AX := AL × E8; rDX:rAX := rAX × E. */
class Widening {
  @inline static put<B, T, V, W>(b: B, low: V, high: V, overflow: W): void {
    if (sizeof<T>() == 1) b.setReg<u16, W>(<u32>RAX, b.or<u32, W>(b.toW<T, V, W>(low), b.shl<u32, W, W>(b.toW<T, V, W>(high), b.imm<u32, W>(8))));
    else {
      b.setReg<T, V>(<u32>RAX, low);
      b.setReg<T, V>(<u32>RDX, high);
    }
    b.flagsShift<T, V, W>(low, overflow, overflow);
  }
}

export class MUL {
  @inline static exec<B, M, T, S, V, W>(i: Insn): void {
    const b = Nil.of<B>();
    const y = Nil.of<M>().read<B, T, V>(i);
    if (Nil.of<M>().faulted<B>()) return;
    const x = b.reg<T, V>(<u32>RAX);
    const high = b.mulHigh<T, V>(x, y);
    Widening.put<B, T, V, W>(b, b.mulLow<T, V>(x, y), high, b.isNotZero<T, V, W>(high));
  }
}

export class IMUL1 {
  @inline static exec<B, M, T, S, V, W>(i: Insn): void {
    const b = Nil.of<B>();
    const y = Nil.of<M>().read<B, T, V>(i);
    if (Nil.of<M>().faulted<B>()) return;
    const x = b.reg<T, V>(<u32>RAX);
    const low = b.mulLow<T, V>(x, y);
    const high = b.mulHighSigned<T, V>(x, y);
    Widening.put<B, T, V, W>(b, low, high, Truncated.of<B, T, V, W>(b, low, high));
  }
}

/** Does high:low differ from the sign extension of low? */
class Truncated {
  @inline static of<B, T, V, W>(b: B, low: V, high: V): W {
    const sign = b.sar<T, V, W>(low, b.imm<u32, W>(sizeof<T>() * 8 - 1));
    return b.isNotZero<T, V, W>(b.xor<T, V>(high, sign));
  }
}

/** G := G × E. */
export class IMUL2 {
  @inline static exec<B, M, T, S, V, W>(i: Insn): void {
    const b = Nil.of<B>();
    const y = Nil.of<M>().read<B, T, V>(i);
    if (Nil.of<M>().faulted<B>()) return;
    const x = b.reg<T, V>(i.reg);
    const low = b.mulLow<T, V>(x, y);
    const overflow = Truncated.of<B, T, V, W>(b, low, b.mulHighSigned<T, V>(x, y));
    b.setReg<T, V>(i.reg, low);
    b.flagsShift<T, V, W>(low, overflow, overflow);
  }
}

/** G := E × immediate. */
export class IMUL3 {
  @inline static exec<B, M, T, S, V, W>(i: Insn): void {
    const b = Nil.of<B>();
    const x = Nil.of<M>().read<B, T, V>(i);
    if (Nil.of<M>().faulted<B>()) return;
    const y = b.imm<T, V>(sizeof<T>() == 8 ? (<u64>i.imm2 << 32) | <u64>i.imm : <u64>i.imm);
    const low = b.mulLow<T, V>(x, y);
    const overflow = Truncated.of<B, T, V, W>(b, low, b.mulHighSigned<T, V>(x, y));
    b.setReg<T, V>(i.reg, low);
    b.flagsShift<T, V, W>(low, overflow, overflow);
  }
}

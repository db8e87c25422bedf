/** Near control transfers, SDM Vol 2: Jcc, JMP, CALL, RET, LOOPcc, JrCXZ. The target is checked before the stack is touched. */
import { RCX } from "../core/cpu-state.generated";
import { Insn } from "../decode/insn";
import { Nil } from "./backend";
import { NZ, Z } from "./conditions";

export class JCC {
  @inline static exec<B, M, C, T, S, V, W>(i: Insn): void {
    const b = Nil.of<B>();
    b.jumpIf<T, W>(b.condition<C, W>(), i);
  }
}
export class JMP {
  @inline static exec<B, M, T, S, V, W>(i: Insn): void {
    Nil.of<B>().jumpRelative<T>(i);
  }
}
export class JMP_E {
  @inline static exec<B, M, T, S, V, W>(i: Insn): void {
    const target = Nil.of<M>().read<B, T, V>(i);
    if (Nil.of<M>().faulted<B>()) return;
    Nil.of<B>().jump<T, V>(target);
  }
}
export class CALL {
  @inline static exec<B, M, T, S, V, W>(i: Insn): void {
    const b = Nil.of<B>();
    b.jumpRelative<T>(i);
    if (b.faulted()) return;
    b.push<T, V>(b.nextRip<T, V>(i));
  }
}
export class CALL_E {
  @inline static exec<B, M, T, S, V, W>(i: Insn): void {
    const b = Nil.of<B>();
    const target = Nil.of<M>().read<B, T, V>(i);
    if (Nil.of<M>().faulted<B>()) return;
    b.jump<T, V>(target);
    if (b.faulted()) return;
    b.push<T, V>(b.nextRip<T, V>(i));
  }
}
export class RET {
  @inline static exec<B, M, T, S, V, W>(i: Insn): void {
    const b = Nil.of<B>();
    const target = b.peek<T, V>();
    if (b.faulted()) return;
    b.jump<T, V>(target);
    if (b.faulted()) return;
    b.release(sizeof<T>());
  }
}
export class RET_I {
  @inline static exec<B, M, T, S, V, W>(i: Insn): void {
    const b = Nil.of<B>();
    const target = b.peek<T, V>();
    if (b.faulted()) return;
    b.jump<T, V>(target);
    if (b.faulted()) return;
    b.release(sizeof<T>() + i.imm);
  }
}

/** The count register is CX, ECX or RCX by address size: a host-side fact, so a plain branch. */
class Count {
  @inline static less<B, W>(b: B, i: Insn): W {
    if (i.addressSize == 2) return b.sub<u16, W>(b.reg<u16, W>(<u32>RCX), b.imm<u32, W>(1));
    return b.sub<u32, W>(b.reg<u32, W>(<u32>RCX), b.imm<u32, W>(1));
  }
  @inline static put<B, W>(b: B, i: Insn, v: W): void {
    if (i.addressSize == 2) b.setReg<u16, W>(<u32>RCX, v);
    else b.setReg<u32, W>(<u32>RCX, v);
  }
}
export class LOOP {
  @inline static exec<B, M, T, S, V, W>(i: Insn): void {
    const b = Nil.of<B>();
    const count = Count.less<B, W>(b, i);
    b.jumpIf<T, W>(b.isNotZero<u32, W, W>(count), i);
    if (b.faulted()) return;
    Count.put<B, W>(b, i, count);
  }
}
export class LOOPE {
  @inline static exec<B, M, T, S, V, W>(i: Insn): void {
    const b = Nil.of<B>();
    const count = Count.less<B, W>(b, i);
    b.jumpIf<T, W>(b.and<u32, W>(b.isNotZero<u32, W, W>(count), b.condition<Z, W>()), i);
    if (b.faulted()) return;
    Count.put<B, W>(b, i, count);
  }
}
export class LOOPNE {
  @inline static exec<B, M, T, S, V, W>(i: Insn): void {
    const b = Nil.of<B>();
    const count = Count.less<B, W>(b, i);
    b.jumpIf<T, W>(b.and<u32, W>(b.isNotZero<u32, W, W>(count), b.condition<NZ, W>()), i);
    if (b.faulted()) return;
    Count.put<B, W>(b, i, count);
  }
}
export class JCXZ {
  @inline static exec<B, M, T, S, V, W>(i: Insn): void {
    const b = Nil.of<B>();
    const count = i.addressSize == 2 ? b.reg<u16, W>(<u32>RCX) : b.reg<u32, W>(<u32>RCX);
    b.jumpIf<T, W>(b.xor<u32, W>(b.isNotZero<u32, W, W>(count), b.imm<u32, W>(1)), i);
  }
}

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

/** The count register is CX, ECX or RCX by address size: a host-side fact, so a plain branch. RCX only where T is 64-bit. */
class Count {
  @inline static wide<T>(i: Insn): bool {
    return sizeof<T>() == 8 && i.addressSize == 8;
  }
  @inline static get<B, T, V>(b: B, i: Insn): V {
    if (Count.wide<T>(i)) return b.reg<u64, V>(<u32>RCX);
    return i.addressSize == 2 ? b.reg<u16, V>(<u32>RCX) : b.reg<u32, V>(<u32>RCX);
  }
  @inline static less<B, T, V>(b: B, i: Insn): V {
    const count = Count.get<B, T, V>(b, i);
    if (Count.wide<T>(i)) return b.sub<u64, V>(count, b.imm<u64, V>(1));
    return i.addressSize == 2 ? b.sub<u16, V>(count, b.imm<u16, V>(1)) : b.sub<u32, V>(count, b.imm<u32, V>(1));
  }
  @inline static remains<B, T, V, W>(b: B, i: Insn, v: V): W {
    return Count.wide<T>(i) ? b.isNotZero<u64, V, W>(v) : b.isNotZero<u32, V, W>(v);
  }
  @inline static put<B, T, V>(b: B, i: Insn, v: V): void {
    if (Count.wide<T>(i)) b.setReg<u64, V>(<u32>RCX, v);
    else if (i.addressSize == 2) b.setReg<u16, V>(<u32>RCX, v);
    else b.setReg<u32, V>(<u32>RCX, v);
  }
}
export class LOOP {
  @inline static exec<B, M, T, S, V, W>(i: Insn): void {
    const b = Nil.of<B>();
    const count = Count.less<B, T, V>(b, i);
    b.jumpIf<T, W>(Count.remains<B, T, V, W>(b, i, count), i);
    if (b.faulted()) return;
    Count.put<B, T, V>(b, i, count);
  }
}
export class LOOPE {
  @inline static exec<B, M, T, S, V, W>(i: Insn): void {
    const b = Nil.of<B>();
    const count = Count.less<B, T, V>(b, i);
    b.jumpIf<T, W>(b.and<u32, W>(Count.remains<B, T, V, W>(b, i, count), b.condition<Z, W>()), i);
    if (b.faulted()) return;
    Count.put<B, T, V>(b, i, count);
  }
}
export class LOOPNE {
  @inline static exec<B, M, T, S, V, W>(i: Insn): void {
    const b = Nil.of<B>();
    const count = Count.less<B, T, V>(b, i);
    b.jumpIf<T, W>(b.and<u32, W>(Count.remains<B, T, V, W>(b, i, count), b.condition<NZ, W>()), i);
    if (b.faulted()) return;
    Count.put<B, T, V>(b, i, count);
  }
}
export class JCXZ {
  @inline static exec<B, M, T, S, V, W>(i: Insn): void {
    const b = Nil.of<B>();
    b.jumpIf<T, W>(b.xor<u32, W>(Count.remains<B, T, V, W>(b, i, Count.get<B, T, V>(b, i)), b.imm<u32, W>(1)), i);
  }
}

/** PUSH, POP, LEAVE, SDM Vol 2. The stack pointer moves only after the access that can fault. */
import { RBP } from "../core/cpu-state.generated";
import { Insn } from "../decode/insn";
import { Imm } from "./alu";
import { Nil } from "./backend";

export class PUSH {
  @inline static exec<B, M, T, S, V, W>(i: Insn): void {
    const b = Nil.of<B>();
    b.push<T, V>(b.reg<T, V>(i.reg));
  }
}
export class PUSH_I {
  @inline static exec<B, M, T, S, V, W>(i: Insn): void {
    const b = Nil.of<B>();
    b.push<T, V>(b.imm<T, V>(Imm.of<T>(i)));
  }
}
export class PUSH_E {
  @inline static exec<B, M, T, S, V, W>(i: Insn): void {
    const v = Nil.of<M>().read<B, T, V>(i);
    if (Nil.of<M>().faulted<B>()) return;
    Nil.of<B>().push<T, V>(v);
  }
}
/** POP ESP ends with the popped value: the pointer moves first. */
export class POP {
  @inline static exec<B, M, T, S, V, W>(i: Insn): void {
    const b = Nil.of<B>();
    const v = b.peek<T, V>();
    if (b.faulted()) return;
    b.release(sizeof<T>());
    b.setReg<T, V>(i.reg, v);
  }
}
export class LEAVE {
  @inline static exec<B, M, T, S, V, W>(i: Insn): void {
    const b = Nil.of<B>();
    const v = b.peekFrame<T, V>();
    if (b.faulted()) return;
    b.setReg<T, V>(<u32>RBP, v);
  }
}

/** Forms of packed instructions: where x and y come from and where the result goes. The meaning is the class I (integer.ts, pack.ts). */
import { faulted } from "../../core/pending-trap";
import { Insn } from "../../decode/insn";
import { Nil } from "../backend";
import { Operand } from "../operand";
import { Mmx, Xmm } from "./registers";

export class Vector {
  /** V := I(V, W). */
  @inline static VW<I>(i: Insn): void {
    const y = Xmm.operand(i);
    if (i.isMemory && faulted()) return;
    Xmm.set(i.reg, Nil.of<I>().run(Xmm.get(i.reg), y));
  }
  /** P := I(P, Q). */
  @inline static PQ<I>(i: Insn): void {
    if (!Mmx.ready()) return;
    const y = Mmx.operand(i);
    if (i.isMemory && faulted()) return;
    Vector.setP<I>(i, y);
  }
  /** P := I(P, Q), where of memory only 32 bits are read. */
  @inline static PQd<I>(i: Insn): void {
    if (!Mmx.ready()) return;
    const y = i.isMemory ? <u64>Operand.readAt<u32>(i, 0) : Mmx.get(i.rm);
    if (i.isMemory && faulted()) return;
    Vector.setP<I>(i, y);
  }
  @inline private static setP<I>(i: Insn, y: u64): void {
    Mmx.enter();
    Mmx.set(i.reg, i64x2.extract_lane(Nil.of<I>().run64(Mmx.wide(Mmx.get(i.reg)), Mmx.wide(y)), 0));
  }
}

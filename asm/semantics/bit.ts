/**
 * Bit tests and scans, exchange-and-add, compare-and-exchange, SDM Vol 2. The forms of BT with a register bit index
 * and a memory operand reach outside the operand; they are helpers (`bit-string.ts`).
 */
import { RAX } from "../core/cpu-state.generated";
import { Insn } from "../decode/insn";
import { Nil } from "./backend";

@final @unmanaged class Set {
  @inline apply<B, T, V, W>(b: B, x: V, bit: V): V { return b.or<T, V>(x, bit); }
}
@final @unmanaged class Reset {
  @inline apply<B, T, V, W>(b: B, x: V, bit: V): V { return b.and<T, V>(x, b.not<T, V>(bit)); }
}
@final @unmanaged class Complement {
  @inline apply<B, T, V, W>(b: B, x: V, bit: V): V { return b.xor<T, V>(x, bit); }
}

/** CF := bit n of E; then E's bit is set, reset or complemented. ZF is unaffected, the others undefined (kept). `n` is below the width. */
class BitTest {
  @inline static change<B, M, I, T, V, W>(i: Insn, n: W): void {
    const b = Nil.of<B>();
    const x = Nil.of<M>().readForWrite<B, T, V>(i);
    if (Nil.of<M>().faulted<B>()) return;
    const bit = b.shl<T, V, W>(b.imm<T, V>(1), n);
    Nil.of<M>().writeBack<B, T, V>(i, Nil.of<I>().apply<B, T, V, W>(b, x, bit));
    b.setCarry<W>(b.bottom<T, V, W>(b.shr<T, V, W>(x, n)));
  }
  @inline static read<B, M, T, V, W>(i: Insn, n: W): void {
    const b = Nil.of<B>();
    const x = Nil.of<M>().read<B, T, V>(i);
    if (Nil.of<M>().faulted<B>()) return;
    b.setCarry<W>(b.bottom<T, V, W>(b.shr<T, V, W>(x, n)));
  }
  /** Bit number modulo the operand size, from the immediate or from G. */
  @inline static immediate<B, T, W>(i: Insn): W {
    return Nil.of<B>().imm<u32, W>(i.imm & (sizeof<T>() * 8 - 1));
  }
  @inline static register<B, T, V, W>(i: Insn): W {
    const b = Nil.of<B>();
    return b.and<u32, W>(b.toW<T, V, W>(b.reg<T, V>(i.reg)), b.imm<u32, W>(sizeof<T>() * 8 - 1));
  }
}
export class BT_EI {
  @inline static exec<B, M, T, S, V, W>(i: Insn): void {
    BitTest.read<B, M, T, V, W>(i, BitTest.immediate<B, T, W>(i));
  }
}
export class BT_RG {
  @inline static exec<B, M, T, S, V, W>(i: Insn): void {
    BitTest.read<B, M, T, V, W>(i, BitTest.register<B, T, V, W>(i));
  }
}
export class BTS_EI {
  @inline static exec<B, M, T, S, V, W>(i: Insn): void {
    BitTest.change<B, M, Set, T, V, W>(i, BitTest.immediate<B, T, W>(i));
  }
}
export class BTS_RG {
  @inline static exec<B, M, T, S, V, W>(i: Insn): void {
    BitTest.change<B, M, Set, T, V, W>(i, BitTest.register<B, T, V, W>(i));
  }
}
export class BTR_EI {
  @inline static exec<B, M, T, S, V, W>(i: Insn): void {
    BitTest.change<B, M, Reset, T, V, W>(i, BitTest.immediate<B, T, W>(i));
  }
}
export class BTR_RG {
  @inline static exec<B, M, T, S, V, W>(i: Insn): void {
    BitTest.change<B, M, Reset, T, V, W>(i, BitTest.register<B, T, V, W>(i));
  }
}
export class BTC_EI {
  @inline static exec<B, M, T, S, V, W>(i: Insn): void {
    BitTest.change<B, M, Complement, T, V, W>(i, BitTest.immediate<B, T, W>(i));
  }
}
export class BTC_RG {
  @inline static exec<B, M, T, S, V, W>(i: Insn): void {
    BitTest.change<B, M, Complement, T, V, W>(i, BitTest.register<B, T, V, W>(i));
  }
}

/** Source 0: ZF := 1, destination unchanged (SDM says undefined; AMD's manual and every chip keep it). */
export class BSF {
  @inline static exec<B, M, T, S, V, W>(i: Insn): void {
    const b = Nil.of<B>();
    const x = Nil.of<M>().read<B, T, V>(i);
    if (Nil.of<M>().faulted<B>()) return;
    const c = b.isNotZero<T, V, W>(x);
    if (b.when<W>(c)) b.setReg<T, V>(i.reg, b.lowestBit<T, V>(x));
    b.end();
    b.setZero<W>(b.xor<u32, W>(c, b.imm<u32, W>(1)));
  }
}
export class BSR {
  @inline static exec<B, M, T, S, V, W>(i: Insn): void {
    const b = Nil.of<B>();
    const x = Nil.of<M>().read<B, T, V>(i);
    if (Nil.of<M>().faulted<B>()) return;
    const c = b.isNotZero<T, V, W>(x);
    if (b.when<W>(c)) b.setReg<T, V>(i.reg, b.highestBit<T, V>(x));
    b.end();
    b.setZero<W>(b.xor<u32, W>(c, b.imm<u32, W>(1)));
  }
}
/** ZF := source is 0; OF SF AF CF PF := 0. */
export class POPCNT {
  @inline static exec<B, M, T, S, V, W>(i: Insn): void {
    const b = Nil.of<B>();
    const x = Nil.of<M>().read<B, T, V>(i);
    if (Nil.of<M>().faulted<B>()) return;
    b.setReg<T, V>(i.reg, b.bitCount<T, V>(x));
    b.setLowFlags<W>(b.imm<u32, W>(0));
    b.flagsCarryOverflow<W>(b.imm<u32, W>(0), b.imm<u32, W>(0));
    b.setZero<W>(b.xor<u32, W>(b.isNotZero<T, V, W>(x), b.imm<u32, W>(1)));
  }
}
/** G receives the old E; E := E + old G. With both the same register the sum wins (E is written last). */
export class XADD {
  @inline static exec<B, M, T, S, V, W>(i: Insn): void {
    const b = Nil.of<B>();
    const x = Nil.of<M>().readForWrite<B, T, V>(i);
    if (Nil.of<M>().faulted<B>()) return;
    const y = b.reg<T, V>(i.reg);
    const r = b.add<T, V>(x, y);
    b.setReg<T, V>(i.reg, x);
    Nil.of<M>().writeBack<B, T, V>(i, r);
    b.flagsAdd<T, V>(x, y, r);
  }
}
/** Compares rAX with E: equal → E := G; else rAX := E. The destination is written in either case (SDM: "simplifies the interface to the bus"). */
export class CMPXCHG {
  @inline static exec<B, M, T, S, V, W>(i: Insn): void {
    const b = Nil.of<B>();
    const x = Nil.of<M>().readForWrite<B, T, V>(i);
    if (Nil.of<M>().faulted<B>()) return;
    const a = b.reg<T, V>(<u32>RAX);
    const y = b.reg<T, V>(i.reg);
    const c = b.equal<T, V, W>(a, x);
    if (b.when<W>(c)) {
      Nil.of<M>().writeBack<B, T, V>(i, y);
    }
    if (b.otherwise<W>(c)) {
      Nil.of<M>().putBack<B, T, V>(i, x);
      b.setReg<T, V>(<u32>RAX, x);
    }
    b.end();
    b.flagsSub<T, V>(a, x, b.sub<T, V>(a, x));
  }
}

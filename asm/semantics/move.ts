/** Data movement, SDM Vol 2: MOV, MOVZX, MOVSX, XCHG, CMOVcc, SETcc, LEA, BSWAP, CBW/CWD families, XLAT, flag bits by register. */
import { RAX, RDX } from "../core/cpu-state.generated";
import { Insn } from "../decode/insn";
import { Imm } from "./alu";
import { Nil } from "./backend";

export class MOV_EG {
  @inline static exec<B, M, T, S, V, W>(i: Insn): void {
    Nil.of<M>().write<B, T, V>(i, Nil.of<B>().reg<T, V>(i.reg));
  }
}
export class MOV_GE {
  @inline static exec<B, M, T, S, V, W>(i: Insn): void {
    const v = Nil.of<M>().read<B, T, V>(i);
    if (Nil.of<M>().faulted<B>()) return;
    Nil.of<B>().setReg<T, V>(i.reg, v);
  }
}
export class MOV_EI {
  @inline static exec<B, M, T, S, V, W>(i: Insn): void {
    Nil.of<M>().write<B, T, V>(i, Nil.of<B>().imm<T, V>(Imm.of<T>(i)));
  }
}
export class MOV_ZI {
  @inline static exec<B, M, T, S, V, W>(i: Insn): void {
    const b = Nil.of<B>();
    b.setReg<T, V>(i.reg, b.imm<T, V>(Imm.of<T>(i)));
  }
}
/** Zero- and sign-extending loads: S → T. */
export class MOVZX {
  @inline static exec<B, M, T, S, V, W>(i: Insn): void {
    const v = Nil.of<M>().read<B, S, W>(i);
    if (Nil.of<M>().faulted<B>()) return;
    const b = Nil.of<B>();
    b.setReg<T, V>(i.reg, b.fromW<T, V, W>(v));
  }
}
export class MOVSX {
  @inline static exec<B, M, T, S, V, W>(i: Insn): void {
    const v = Nil.of<M>().read<B, S, W>(i);
    if (Nil.of<M>().faulted<B>()) return;
    const b = Nil.of<B>();
    b.setReg<T, V>(i.reg, b.signExtend<S, T, V>(b.fromW<T, V, W>(v)));
  }
}
/** MOVSXD without REX.W moves 32 bits, or 16 of a 16-bit operand, as they are. */
export class MOVSXD {
  @inline static exec<B, M, T, S, V, W>(i: Insn): void {
    if (sizeof<T>() == 8) MOVSX.exec<B, M, T, S, V, W>(i);
    else MOV_GE.exec<B, M, T, T, V, W>(i);
  }
}
/** XCHG with memory is locked without being asked (SDM 3A "Automatic Locking"). */
export class XCHG {
  @inline static exec<B, M, T, S, V, W>(i: Insn): void {
    const b = Nil.of<B>();
    const x = Nil.of<M>().readForWrite<B, T, V>(i);
    if (Nil.of<M>().faulted<B>()) return;
    const y = b.reg<T, V>(i.reg);
    Nil.of<M>().writeBack<B, T, V>(i, y);
    b.setReg<T, V>(i.reg, x);
  }
}
export class XCHG_A {
  @inline static exec<B, M, T, S, V, W>(i: Insn): void {
    const b = Nil.of<B>();
    const x = b.reg<T, V>(i.reg);
    const y = b.reg<T, V>(<u32>RAX);
    b.setReg<T, V>(i.reg, y);
    b.setReg<T, V>(<u32>RAX, x);
  }
}
export class LEA {
  @inline static exec<B, M, T, S, V, W>(i: Insn): void {
    const b = Nil.of<B>();
    b.setReg<T, V>(i.reg, b.offset<T, V>(i));
  }
}
/** The source is read, and may fault, whatever the condition; a 32-bit destination is written (zero-extended) even when it is false. */
export class CMOV {
  @inline static exec<B, M, C, T, S, V, W>(i: Insn): void {
    const b = Nil.of<B>();
    const v = Nil.of<M>().read<B, T, V>(i);
    if (Nil.of<M>().faulted<B>()) return;
    const c = b.condition<C, W>();
    if (b.when<W>(c)) b.setReg<T, V>(i.reg, v);
    if (b.otherwise<W>(c)) b.setReg<T, V>(i.reg, b.reg<T, V>(i.reg));
    b.end();
  }
}
export class SETCC {
  @inline static exec<B, M, C, T, S, V, W>(i: Insn): void {
    Nil.of<M>().write<B, u8, W>(i, Nil.of<B>().condition<C, W>());
  }
}
/** BSWAP of a 16-bit register is undefined; current processors clear it. */
export class BSWAP {
  @inline static exec<B, M, T, S, V, W>(i: Insn): void {
    const b = Nil.of<B>();
    if (sizeof<T>() == 2) b.setReg<T, V>(i.reg, b.imm<T, V>(0));
    else b.setReg<T, V>(i.reg, b.byteSwap<T, V>(b.reg<T, V>(i.reg)));
  }
}
/** AX := sign-extended AL; EAX := AX; RAX := EAX. */
export class CBW {
  @inline static exec<B, M, T, S, V, W>(i: Insn): void {
    const b = Nil.of<B>();
    if (sizeof<T>() == 2) b.setReg<T, V>(<u32>RAX, b.signExtend<u8, T, V>(b.reg<u8, V>(<u32>RAX)));
    else if (sizeof<T>() == 4) b.setReg<T, V>(<u32>RAX, b.signExtend<u16, T, V>(b.reg<u16, V>(<u32>RAX)));
    else b.setReg<T, V>(<u32>RAX, b.signExtend<u32, T, V>(b.reg<u32, V>(<u32>RAX)));
  }
}
/** rDX := sign of rAX. */
export class CWD {
  @inline static exec<B, M, T, S, V, W>(i: Insn): void {
    const b = Nil.of<B>();
    b.setReg<T, V>(<u32>RDX, b.sar<T, V, W>(b.reg<T, V>(<u32>RAX), b.imm<u32, W>(sizeof<T>() * 8 - 1)));
  }
}
export class NOP {
  @inline static exec<B, M, T, S, V, W>(i: Insn): void {}
}
/** AL := CF ? FF : 00 (SDM does not list it; every processor has it). */
export class SALC {
  @inline static exec<B, M, T, S, V, W>(i: Insn): void {
    const b = Nil.of<B>();
    b.setReg<u8, W>(<u32>RAX, b.sub<u32, W>(b.imm<u32, W>(0), b.carry<W>()));
  }
}
export class LAHF {
  @inline static exec<B, M, T, S, V, W>(i: Insn): void {
    const b = Nil.of<B>();
    b.setReg<u8, W>(<u32>RAX + 1, b.lowFlags<W>());
  }
}
export class SAHF {
  @inline static exec<B, M, T, S, V, W>(i: Insn): void {
    const b = Nil.of<B>();
    b.setLowFlags<W>(b.reg<u8, W>(<u32>RAX + 1));
  }
}
export class CLC {
  @inline static exec<B, M, T, S, V, W>(i: Insn): void {
    const b = Nil.of<B>();
    b.setCarry<W>(b.imm<u32, W>(0));
  }
}
export class STC {
  @inline static exec<B, M, T, S, V, W>(i: Insn): void {
    const b = Nil.of<B>();
    b.setCarry<W>(b.imm<u32, W>(1));
  }
}
export class CMC {
  @inline static exec<B, M, T, S, V, W>(i: Insn): void {
    const b = Nil.of<B>();
    b.setCarry<W>(b.xor<u32, W>(b.carry<W>(), b.imm<u32, W>(1)));
  }
}
/** Hints and prefetches: the address is not accessed. */
export class NOP_E {
  @inline static exec<B, M, T, S, V, W>(i: Insn): void {}
}
export class MOVBE_GM {
  @inline static exec<B, M, T, S, V, W>(i: Insn): void {
    const b = Nil.of<B>();
    const v = b.load<T, V>(i);
    if (b.faulted()) return;
    b.setReg<T, V>(i.reg, b.byteSwap<T, V>(v));
  }
}
export class MOVBE_MG {
  @inline static exec<B, M, T, S, V, W>(i: Insn): void {
    const b = Nil.of<B>();
    b.store<T, V>(i, b.byteSwap<T, V>(b.reg<T, V>(i.reg)));
  }
}

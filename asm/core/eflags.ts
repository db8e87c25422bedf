/**
 * EFLAGS, SDM Vol 1 "EFLAGS Register". The six arithmetic flags are lazy: an instruction leaves two words from which
 * each flag follows without knowing which instruction it was (the carry-vector form that Bochs made known):
 *
 *   flagResult  the result, sign-extended to 32 bits: ZF = (flagResult == 0), SF = bit 31, PF from the low byte
 *   flagAux     carries: bit 31 carry out of the operand's top bit (CF), bit 30 carry into it (OF = 31 ^ 30),
 *               bit 3 carry out of bit 3 (AF), bits 8-15 XORed onto the low byte before parity, bit 0 XORed onto SF
 *
 * Bits 8-15 and 0 are zero after any instruction; they let POPF and SAHF set combinations that no result has.
 * For 64-bit operands flagResult folds the halves and the parity delta carries the low byte.
 * `cpu.eflags` holds all other flags always, the six only after `materialize()`.
 */
import { cpu } from "./cpu";

export namespace Eflags {
  export const CF: u32 = 1;
  export const Fixed1: u32 = 2;
  export const PF: u32 = 4;
  export const AF: u32 = 0x10;
  export const ZF: u32 = 0x40;
  export const SF: u32 = 0x80;
  export const TF: u32 = 0x100;
  export const IF: u32 = 0x200;
  export const DF: u32 = 0x400;
  export const OF: u32 = 0x800;
  export const IOPL: u32 = 0x3000;
  export const NT: u32 = 0x4000;
  export const RF: u32 = 0x10000;
  export const VM: u32 = 0x20000;
  export const AC: u32 = 0x40000;
  export const VIF: u32 = 0x80000;
  export const VIP: u32 = 0x100000;
  export const ID: u32 = 0x200000;
  export const Arithmetic: u32 = CF | PF | AF | ZF | SF | OF;
}

export class Flag {
  @inline static cf(): u32 {
    return cpu.flagAux >>> 31;
  }
  @inline static of(): u32 {
    return (cpu.flagAux ^ (cpu.flagAux << 1)) >>> 31;
  }
  @inline static af(): u32 {
    return (cpu.flagAux >>> 3) & 1;
  }
  @inline static zf(): u32 {
    return <u32>(cpu.flagResult == 0);
  }
  @inline static sf(): u32 {
    return (cpu.flagResult >>> 31) ^ (cpu.flagAux & 1);
  }
  @inline static pf(): u32 {
    return (popcnt<u32>((cpu.flagResult ^ (cpu.flagAux >>> 8)) & 0xff) & 1) ^ 1;
  }

  /** Carry vector of x + y (+ carry) = r. */
  @inline static carriesAdd<V>(x: V, y: V, r: V): V {
    return ((x & y) | ((x | y) & ~r)) as V;
  }
  /** Borrow vector of x - y (- borrow) = r. */
  @inline static carriesSub<V>(x: V, y: V, r: V): V {
    return ((~x & y) | (~(x ^ y) & r)) as V;
  }

  /** Keeps result and carries of an operation of width T; r may have garbage above the width. */
  @inline static keep<T, V>(r: V, carries: V): void {
    if (sizeof<T>() == 1) {
      cpu.flagResult = <u32>(<i32>(<i8>r));
      cpu.flagAux = (<u32>carries << 24) & 0xc0000000 | (<u32>carries & 8);
    } else if (sizeof<T>() == 2) {
      cpu.flagResult = <u32>(<i32>(<i16>r));
      cpu.flagAux = (<u32>carries << 16) & 0xc0000000 | (<u32>carries & 8);
    } else if (sizeof<T>() == 4) {
      cpu.flagResult = <u32>r;
      cpu.flagAux = <u32>carries & 0xc0000008;
    } else {
      const low = <u32>r;
      const folded = <u32>(<u64>r >> 32) | <u32>(low != 0);
      cpu.flagResult = folded;
      cpu.flagAux = (<u32>(<u64>carries >> 32) & 0xc0000000) | (<u32>carries & 8) | (((folded ^ low) & 0xff) << 8);
    }
  }

  /** CF = c and OF = o, AF = 0, ZF SF PF from flagResult as `keep` left it. */
  @inline static setCarryOverflow(c: u32, o: u32): void {
    cpu.flagAux = (cpu.flagAux & 0xff01) | (c << 31) | ((c ^ o) << 30);
  }
  /** CF = c, the other five as they are. */
  @inline static setCarry(c: u32): void {
    const o = Flag.of();
    cpu.flagAux = (cpu.flagAux & 0x3fffffff) | (c << 31) | ((c ^ o) << 30);
  }
  /** ZF = z, the other five as they are. */
  static setZero(z: u32): void {
    setArithmetic((arithmetic() & ~Eflags.ZF) | (z << 6));
  }
}

/** The six arithmetic flags in their EFLAGS places. */
export function arithmetic(): u32 {
  return Flag.cf() | (Flag.pf() << 2) | (Flag.af() << 4) | (Flag.zf() << 6) | (Flag.sf() << 7) | (Flag.of() << 11);
}

/** Sets the six arithmetic flags from an EFLAGS image. */
export function setArithmetic(flags: u32): void {
  const c = flags & 1;
  const o = (flags >>> 11) & 1;
  const z = (flags >>> 6) & 1;
  const s = (flags >>> 7) & 1;
  const p = (flags >>> 2) & 1;
  // ZF decides between a zero and a non-zero result; SF and PF are then corrected by their deltas.
  const result: u32 = z ? 0 : 0x100;
  cpu.flagResult = result;
  const parityDelta: u32 = p ? 0 : 1;
  cpu.flagAux = (c << 31) | ((c ^ o) << 30) | (((flags >>> 4) & 1) << 3) | (parityDelta << 8) | s;
}

/** EFLAGS with all flags current. Bit 1 reads 1. */
export function materialize(): u32 {
  cpu.eflags = (cpu.eflags & ~Eflags.Arithmetic) | arithmetic() | Eflags.Fixed1;
  return cpu.eflags;
}

/** Condition codes in encoding order, SDM Vol 1 appendix B.1: O B Z BE S P L LE, odd = negated. */
export function condition(code: u32): u32 {
  let value: u32;
  switch (code >> 1) {
    case 0: value = Flag.of(); break;
    case 1: value = Flag.cf(); break;
    case 2: value = Flag.zf(); break;
    case 3: value = Flag.cf() | Flag.zf(); break;
    case 4: value = Flag.sf(); break;
    case 5: value = Flag.pf(); break;
    case 6: value = Flag.sf() ^ Flag.of(); break;
    default: value = (Flag.sf() ^ Flag.of()) | Flag.zf(); break;
  }
  return value ^ (code & 1);
}

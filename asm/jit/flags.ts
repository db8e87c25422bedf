/**
 * Arithmetic flags of the function being written. An instruction that sets them writes no code: what it did is
 * remembered, and conditions that follow are comparisons of its operands. At labels the memory of it goes into locals.
 */
import { FLAG_AUX, FLAG_RESULT } from "../core/cpu-state.generated";
import { Wasm } from "./bytes";
import { call, const32, get, get64, getLocal, keep, Labels, loadState, op, setLocal } from "./code";
import { Kind } from "./flag-kinds";
import { Frame } from "./frame";
import { Callee } from "./helpers";
import { Local, Values } from "./values";

const NONE: Local = changetype<Local>(0);
/** The kind, or Kind.Unknown; X, Y and, where it was computed, the result. */
let kind: u32 = Kind.Unknown;
let x: Local = NONE;
let y: Local = NONE;
let result: Local = NONE;
/** Of 64-bit operations, whose kind is Carried: flags are those of the comparison of these two. */
let longX: Local = NONE;
let longY: Local = NONE;
/** CF and OF are apart, in bits 0 and 1 of Frame.Carry: a rotation changed nothing else. */
let split: bool = false;
let used: bool = false;
/** Counts changes, so that a conditional knows whether an arm set flags. */
let version: u32 = 0;

function number(l: Local): bool {
  return Values.number(l) != 0;
}
function i32Of(): Local {
  return keep(Wasm.TypeI32);
}
function shifted(l: Local, by: u32): void {
  get(l);
  const32(by);
  op(Wasm.I32ShrU);
}
/** Pushes X or Y with the sign of width n (0: 8 bits, 1: 16, 2: 32). */
function signed(l: Local, n: u32): void {
  get(l);
  if (n == 0) op(Wasm.I32Extend8S);
  else if (n == 1) op(Wasm.I32Extend16S);
}

/** By condition code: O and NO, S and NS, P and NP are no comparisons. */
const LONG_COMPARES: StaticArray<u8> = [
  0, 0, <u8>Wasm.I64LtU, <u8>Wasm.I64GeU, <u8>Wasm.I64Eq, <u8>Wasm.I64Ne, <u8>Wasm.I64LeU, <u8>Wasm.I64GtU,
  0, 0, 0, 0, <u8>Wasm.I64LtS, <u8>Wasm.I64GeS, <u8>Wasm.I64LeS, <u8>Wasm.I64GtS,
];

export class Flags {
  static begin(): void {
    Flags.forget();
    used = false;
    version = 0;
  }
  /** The function needs them in its locals. */
  static touch(): void {
    used = true;
  }
  static get used(): bool {
    return used;
  }
  static get version(): u32 {
    return version;
  }
  static get kind(): u32 {
    return kind;
  }
  /** They are in the flag locals, whatever they are. */
  static forget(): void {
    Flags.inLocals(Kind.Unknown);
  }
  /** They are in the flag locals, and of a kind that is known. */
  static inLocals(known: u32): void {
    kind = known;
    split = false;
    longX = NONE;
    longY = NONE;
    x = NONE;
    y = NONE;
    result = NONE;
    if (known == Kind.Unknown || known == Kind.Memory) return;
    x = Values.local(Frame.FlagX);
    y = Values.local(Frame.FlagY);
  }
  static set(newKind: u32, newX: Local, newY: Local, newResult: Local): void {
    used = true;
    version++;
    kind = newKind;
    split = false;
    longX = NONE;
    longY = NONE;
    x = newX;
    y = newY;
    result = newResult;
  }
  /** What was just set is what a comparison of two values of 64 bits gives. */
  static compares(first: Local, second: Local): void {
    longX = first;
    longY = second;
  }
  /** ZF := z; the other flags stay. */
  static setZero(z: Local): void {
    Flags.toMemory();
    get(z);
    call(Callee.setZero);
    Flags.nowInMemory();
  }
  /** The image that LAHF stores. */
  static low(): Local {
    Flags.toMemory();
    call(Callee.lowFlags);
    return i32Of();
  }
  static setLow(image: Local): void {
    Flags.toMemory();
    get(image);
    call(Callee.setLowFlags);
    Flags.nowInMemory();
  }
  /** A callee has put them into the state. */
  static nowInMemory(): void {
    Flags.set(Kind.Memory, NONE, NONE, NONE);
  }
  static hold(): void {
    Values.hold(x);
    Values.hold(y);
    Values.hold(result);
    Values.hold(longX);
    Values.hold(longY);
  }
  /** Local `n` is about to change. */
  static rescue(n: u32): void {
    Values.rescueOne(x, n);
    Values.rescueOne(y, n);
    Values.rescueOne(result, n);
    Values.rescueOne(longX, n);
    Values.rescueOne(longY, n);
  }

  /** Pushes them into the flag locals; changes nothing for the code that follows. */
  static writeLocals(): void {
    if (kind == Kind.Unknown) return;
    const32(split ? kind | Kind.Split : kind);
    setLocal(Frame.FlagKind);
    const swap = Values.isIn(y, Frame.FlagX);
    if (swap && !Values.isIn(x, Frame.FlagX)) {
      get(y);
      setLocal(Frame.FlagY);
    }
    if (number(x) && !Values.isIn(x, Frame.FlagX)) {
      get(x);
      setLocal(Frame.FlagX);
    }
    if (!swap && number(y) && !Values.isIn(y, Frame.FlagY)) {
      get(y);
      setLocal(Frame.FlagY);
    }
  }
  /** The same for good: at the end of a block. The kind stays known. */
  static flush(): void {
    Flags.writeLocals();
    const apart = split;
    Flags.inLocals(kind);
    split = apart;
  }
  static get split(): bool {
    return split;
  }
  /** Enters a block whose only predecessor left them so. */
  static inherit(known: u32, apart: bool): void {
    Flags.inLocals(known);
    split = apart;
  }

  /** Into cpu.flagResult and cpu.flagAux, from where `condition` and partial updates take them. */
  private static toMemory(): void {
    used = true;
    if (kind == Kind.Memory && !split) return;
    if (kind == Kind.Unknown) getLocal(Frame.FlagKind);
    else const32(split ? kind | Kind.Split : kind);
    if (number(x)) get(x);
    else getLocal(Frame.FlagX);
    if (number(y)) get(y);
    else getLocal(Frame.FlagY);
    getLocal(Frame.Carry);
    call(Callee.settle);
    Flags.nowInMemory();
  }
  /** As flagResult and flagAux, in two values. */
  static toCarried(): void {
    if (kind == Kind.Carried && !split) return;
    Flags.toMemory();
    loadState(FLAG_RESULT);
    const r = i32Of();
    loadState(FLAG_AUX);
    Flags.set(Kind.Carried, r, i32Of(), NONE);
  }
  /** CF and OF become bits 0 and 1 of `both`; the other flags stay. */
  static setCarryOverflow(both: Local): void {
    used = true;
    version++;
    get(both);
    setLocal(Frame.Carry);
    split = true;
    if (kind != Kind.Unknown) return;
    getLocal(Frame.FlagKind);
    const32(Kind.Split);
    op(Wasm.I32Or);
    setLocal(Frame.FlagKind);
  }

  /** CF into its own local, for an operation that keeps it. */
  static separateCarry(): void {
    used = true;
    if (split || (kind >= Kind.Inc && kind < Kind.Unknown)) return;
    if (kind == Kind.Unknown) {
      getLocal(Frame.FlagKind);
      const32(Kind.Inc);
      op(Wasm.I32LtU);
      Labels.open(Wasm.If);
      getLocal(Frame.FlagKind);
      getLocal(Frame.FlagX);
      getLocal(Frame.FlagY);
      getLocal(Frame.Carry);
      call(Callee.settle);
      loadState(FLAG_AUX);
      const32(31);
      op(Wasm.I32ShrU);
      setLocal(Frame.Carry);
      Labels.close();
      return;
    }
    const c = Flags.carry();
    get(c);
    setLocal(Frame.Carry);
  }

  private static resultOf(): Local {
    if (number(result)) return result;
    if (kind < Kind.Logic) {
      get(x);
      get(y);
      op(kind < Kind.Sub ? Wasm.I32Add : Wasm.I32Sub);
      const n = kind < Kind.Sub ? kind - Kind.Add : kind - Kind.Sub;
      if (n < 2) {
        const32(n == 0 ? 0xff : 0xffff);
        op(Wasm.I32And);
      }
      result = i32Of();
    } else result = x;
    return result;
  }
  /** 0, 1, 2 for 8, 16, 32 bits. */
  private static get width(): u32 {
    if (kind < Kind.Sub) return kind - Kind.Add;
    if (kind < Kind.Logic) return kind - Kind.Sub;
    if (kind < Kind.Carried) return kind - Kind.Logic;
    if (kind == Kind.Carried) return 2;
    if (kind < Kind.Inc) return kind - Kind.Shift;
    if (kind < Kind.Dec) return kind - Kind.Inc;
    return kind - Kind.Dec;
  }

  static carry(): Local {
    used = true;
    if (!split && kind == Kind.Unknown) Flags.toCarried();
    if (split) {
      getLocal(Frame.Carry);
      const32(1);
      op(Wasm.I32And);
    } else if (kind == Kind.Memory) {
      loadState(FLAG_AUX);
      const32(31);
      op(Wasm.I32ShrU);
    } else if (kind < Kind.Sub) {
      const r = Flags.resultOf();
      get(r);
      get(x);
      op(Wasm.I32LtU);
    } else if (kind < Kind.Logic) {
      get(x);
      get(y);
      op(Wasm.I32LtU);
    } else if (kind < Kind.Carried) return Values.constant(0);
    else if (kind == Kind.Carried) shifted(y, 31);
    else if (kind < Kind.Inc) {
      get(y);
      const32(1);
      op(Wasm.I32And);
    } else {
      getLocal(Frame.Carry);
      const32(1);
      op(Wasm.I32And);
    }
    return i32Of();
  }
  static zero(): Local {
    if (kind == Kind.Unknown) Flags.toCarried();
    used = true;
    if (kind == Kind.Memory) loadState(FLAG_RESULT);
    else if (kind >= Kind.Sub && kind < Kind.Logic) {
      get(x);
      get(y);
      op(Wasm.I32Eq);
      return i32Of();
    } else get(Flags.resultOf());
    op(Wasm.I32Eqz);
    return i32Of();
  }
  static sign(): Local {
    if (kind == Kind.Unknown || kind == Kind.Memory) Flags.toCarried();
    used = true;
    const r = Flags.resultOf();
    const top: u32 = Flags.width == 0 ? 7 : Flags.width == 1 ? 15 : 31;
    shifted(r, top);
    if (kind == Kind.Carried) {
      get(y);
      const32(1);
      op(Wasm.I32And);
      op(Wasm.I32Xor);
    }
    return i32Of();
  }
  static overflow(): Local {
    used = true;
    if (split) {
      getLocal(Frame.Carry);
      const32(1);
      op(Wasm.I32ShrU);
      const32(1);
      op(Wasm.I32And);
      return i32Of();
    }
    if (kind == Kind.Unknown || kind == Kind.Memory) Flags.toCarried();
    used = true;
    const n = Flags.width;
    const top: u32 = n == 0 ? 7 : n == 1 ? 15 : 31;
    if (kind < Kind.Logic) {
      const r = Flags.resultOf();
      get(x);
      get(kind < Kind.Sub ? r : y);
      op(Wasm.I32Xor);
      get(kind < Kind.Sub ? y : x);
      get(r);
      op(Wasm.I32Xor);
      op(Wasm.I32And);
      const32(top);
      op(Wasm.I32ShrU);
      const32(1);
      op(Wasm.I32And);
    } else if (kind < Kind.Carried) return Values.constant(0);
    else if (kind == Kind.Carried) {
      get(y);
      get(y);
      const32(1);
      op(Wasm.I32Shl);
      op(Wasm.I32Xor);
      const32(31);
      op(Wasm.I32ShrU);
    } else if (kind < Kind.Inc) shifted(y, 1);
    else {
      get(x);
      const32(kind < Kind.Dec ? 1 << top : (1 << top) - 1);
      op(Wasm.I32Eq);
    }
    return i32Of();
  }
  static parity(): Local {
    if (kind == Kind.Unknown || kind == Kind.Memory) Flags.toCarried();
    used = true;
    get(Flags.resultOf());
    if (kind == Kind.Carried) {
      shifted(y, 8);
      op(Wasm.I32Xor);
    }
    const32(0xff);
    op(Wasm.I32And);
    op(Wasm.I32Popcnt);
    const32(1);
    op(Wasm.I32And);
    op(Wasm.I32Eqz);
    return i32Of();
  }
  private static not(l: Local, negate: bool): Local {
    if (!negate) return l;
    get(l);
    op(Wasm.I32Eqz);
    return i32Of();
  }
  private static either(a: Local, b: Local, code: u32): Local {
    get(a);
    get(b);
    op(code);
    return i32Of();
  }

  /** Condition `code` in the encoding's order (SDM Vol 1 appendix B.1) as 0 or 1. */
  static condition(code: u32): Local {
    const negate = (code & 1) != 0;
    const sub = !split && kind >= Kind.Sub && kind < Kind.Logic;
    const logic = !split && kind >= Kind.Logic && kind < Kind.Carried;
    const n = sub || logic ? Flags.width : 0;
    if (number(longX) && !split && code >= 2 && code >> 1 != 4 && code >> 1 != 5) return Flags.compareLong(code);
    switch (code >> 1) {
      case 0: return Flags.not(Flags.overflow(), negate);
      case 1: return Flags.not(Flags.carry(), negate);
      case 2: return Flags.not(Flags.zero(), negate);
      case 3:
        if (sub) return Flags.compare(false, 0, negate ? Wasm.I32GtU : Wasm.I32LeU);
        if (logic) return Flags.not(Flags.zero(), negate);
        return Flags.not(Flags.either(Flags.carry(), Flags.zero(), Wasm.I32Or), negate);
      case 4: return Flags.not(Flags.sign(), negate);
      case 5: return Flags.not(Flags.parity(), negate);
      case 6:
        if (sub) return Flags.compare(true, n, negate ? Wasm.I32GeS : Wasm.I32LtS);
        if (logic) return Flags.not(Flags.sign(), negate);
        return Flags.not(Flags.either(Flags.sign(), Flags.overflow(), Wasm.I32Xor), negate);
      default:
        if (sub) return Flags.compare(true, n, negate ? Wasm.I32GtS : Wasm.I32LeS);
        if (logic) {
          signed(x, n);
          const32(0);
          op(negate ? Wasm.I32GtS : Wasm.I32LeS);
          return i32Of();
        }
        return Flags.not(Flags.either(Flags.either(Flags.sign(), Flags.overflow(), Wasm.I32Xor), Flags.zero(), Wasm.I32Or), negate);
    }
  }
  private static compareLong(code: u32): Local {
    used = true;
    get64(longX);
    get64(longY);
    op(LONG_COMPARES[code]);
    return i32Of();
  }
  private static compare(asSigned: bool, n: u32, code: u32): Local {
    used = true;
    if (asSigned) {
      signed(x, n);
      signed(y, n);
    } else {
      get(x);
      get(y);
    }
    op(code);
    return i32Of();
  }
}

/**
 * Backend 2: write WebAssembly that will do it. A value is a number in the table of asm/jit/values.ts. Methods are out
 * of line on purpose: the same switch over handlers is compiled for this backend too. General registers, flags and the
 * budget are in wasm locals (frame.ts); an access that cannot be made leaves the region before its instruction.
 */
import { RBP, RSP } from "../core/cpu-state.generated";
import { Insn } from "../decode/insn";
import { Backend, Nil } from "../semantics/backend";
import { Bytes, Wasm } from "./bytes";
import { call, const32, const64, get, get32, get64, getAs, getLocal, keep, Labels, op } from "./code";
import { Kind } from "./flag-kinds";
import { Flags } from "./flags";
import { Flow } from "./flow";
import { Frame, Registers, Wide } from "./frame";
import { Callee } from "./helpers";
import { Memory } from "./memory-access";
import { Site } from "./site";
import { Local, Values } from "./values";

const NONE: Local = changetype<Local>(0);
/** The host address between `loadForWrite` and `storeBack`. */
let modified: Local = NONE;


/** Flag versions at the open `when`s. */
const versions: StaticArray<u32> = new StaticArray<u32>(8);
let nesting: i32 = 0;

function typeOf<T>(): u32 {
  return sizeof<T>() == 8 ? Wasm.TypeI64 : Wasm.TypeI32;
}
/** i32 opcode → the i64 one where T is 64-bit. The binary operators lie 18 apart, clz/ctz/popcnt too. */
function wide<T>(code: u32): u32 {
  return sizeof<T>() == 8 ? code + 18 : code;
}
/** Truncates what is on the stack to T. */
function truncate<T>(): void {
  if (sizeof<T>() < 4) {
    const32(sizeof<T>() == 1 ? 0xff : 0xffff);
    op(Wasm.I32And);
  }
}
function constant<T>(value: u64): void {
  if (sizeof<T>() == 8) {
    op(Wasm.I64Const);
    Bytes.sleb(<i64>value);
  } else const32(<u32>(<T>value));
}
function binary<T>(x: Local, y: Local, code: u32): Local {
  getAs<T>(x);
  getAs<T>(y);
  op(wide<T>(code));
  truncate<T>();
  return keep(typeOf<T>());
}
/** The same where the operands have no bits above T and the operator makes none. */
function bitwise<T>(x: Local, y: Local, code: u32): Local {
  getAs<T>(x);
  getAs<T>(y);
  op(wide<T>(code));
  return keep(typeOf<T>());
}
/** 0, 1, 2 for 8, 16, 32 bits. */
function widthOf<T>(): u32 {
  return sizeof<T>() == 1 ? 0 : sizeof<T>() == 2 ? 1 : 2;
}
function extendSigned<S>(): void {
  if (sizeof<S>() == 1) op(Wasm.I32Extend8S);
  else if (sizeof<S>() == 2) op(Wasm.I32Extend16S);
}
/** Widens the i32 count on the stack where T is 64-bit. */
function countFor<T>(): void {
  if (sizeof<T>() == 8) op(Wasm.I64ExtendI32U);
}
/** x as i64, zero-extended, on the stack. */
function getWide<T>(x: Local): void {
  get64(x);
}
function narrow<T>(): void {
  if (sizeof<T>() != 8) op(Wasm.I32WrapI64);
}
/** Bit n of x as 0 or 1. */
function bit<T>(x: Local, n: u32): Local {
  getAs<T>(x);
  constant<T>(n);
  op(wide<T>(Wasm.I32ShrU));
  if (sizeof<T>() == 8) op(Wasm.I32WrapI64);
  const32(1);
  op(Wasm.I32And);
  return keep(Wasm.TypeI32);
}
/** Flags of an operation whose result is r, by its carry vector (asm/core/eflags.ts `Flag.keep`). */
function keepCarries<T>(r: Local, carries: Local): void {
  if (sizeof<T>() == 8) {
    keepCarries64(r, carries);
    return;
  }
  getAs<T>(r);
  extendSigned<T>();
  const result = keep(Wasm.TypeI32);
  get(carries);
  if (sizeof<T>() < 4) {
    const32(32 - sizeof<T>() * 8);
    op(Wasm.I32Shl);
  }
  const32(sizeof<T>() == 4 ? 0xc0000008 : 0xc0000000);
  op(Wasm.I32And);
  if (sizeof<T>() < 4) {
    get(carries);
    const32(8);
    op(Wasm.I32And);
    op(Wasm.I32Or);
  }
  Flags.set(Kind.Carried, result, keep(Wasm.TypeI32), NONE);
}
/** The same for 64 bits: the result is folded to 32, and PF's bits are corrected by their difference. */
function keepCarries64(r: Local, carries: Local): void {
  get64(r);
  op(Wasm.I32WrapI64);
  const low = keep(Wasm.TypeI32);
  get64(r);
  const64(32);
  op(Wasm.I64ShrU);
  op(Wasm.I32WrapI64);
  get(low);
  const32(0);
  op(Wasm.I32Ne);
  op(Wasm.I32Or);
  const folded = keep(Wasm.TypeI32);
  get(folded);
  get(low);
  op(Wasm.I32Xor);
  const32(0xff);
  op(Wasm.I32And);
  const32(8);
  op(Wasm.I32Shl);
  if (Values.number(carries)) {
    get64(carries);
    const64(32);
    op(Wasm.I64ShrU);
    op(Wasm.I32WrapI64);
    const32(0xc0000000);
    op(Wasm.I32And);
    op(Wasm.I32Or);
    get64(carries);
    op(Wasm.I32WrapI64);
    const32(8);
    op(Wasm.I32And);
    op(Wasm.I32Or);
  }
  Flags.set(Kind.Carried, folded, keep(Wasm.TypeI32), NONE);
}
/** INC and DEC of 64 bits keep CF. */
function keepStep64(r: Local, carries: Local): void {
  const c = Flags.carry();
  keepCarries64(r, carries);
  Flags.setCarryOverflow(both(c, Flags.overflow()));
}
function notOf<T>(x: Local): Local {
  getAs<T>(x);
  constant<T>(<u64>-1);
  op(wide<T>(Wasm.I32Xor));
  truncate<T>();
  return keep(typeOf<T>());
}
/** c | o << 1. */
function both(c: Local, o: Local): Local {
  get32(c);
  get32(o);
  const32(1);
  op(Wasm.I32Shl);
  op(Wasm.I32Or);
  return keep(Wasm.TypeI32);
}
function narrowTo32<T>(): void {
  if (sizeof<T>() == 8) op(Wasm.I32WrapI64);
}
function lessOne(count: Local): void {
  get32(count);
  const32(1);
  op(Wasm.I32Sub);
}
function getSigned<T>(x: Local): void {
  getAs<T>(x);
  if (sizeof<T>() == 8) return;
  extendSigned<T>();
  op(Wasm.I64ExtendI32S);
}
/** A register's value and a constant. */
function plus(x: Local, n: i32): Local {
  get(x);
  if (Wide.on) {
    const64(<u64>(<i64>n));
    op(Wasm.I64Add);
  } else {
    const32(<u32>n);
    op(Wasm.I32Add);
  }
  return moved(keep(Registers.type), x, n);
}
/** `sum` is `x` and a constant. */
function moved(sum: Local, x: Local, n: i32): Local {
  return Values.origin(x) ? Values.comesFrom(sum, Values.origin(x), Values.delta(x) + n) : sum;
}
function local<V>(v: V): Local {
  return changetype<Local>(v);
}

@final @unmanaged export class Emit extends Backend {
  imm<T, V>(x: u64): V {
    if (sizeof<T>() < 8) return changetype<V>(Values.constant(<u32>(<T>x)));
    constant<T>(x);
    return changetype<V>(keep(typeOf<T>()));
  }
  reg<T, V>(slot: u32): V {
    const r = Registers.read(slot >> 3);
    if (sizeof<T>() == (Wide.on ? 8 : 4)) return changetype<V>(r);
    getAs<T>(r);
    if (slot & 1) {
      const32(8);
      op(Wasm.I32ShrU);
    }
    truncate<T>();
    return changetype<V>(keep(typeOf<T>()));
  }
  setReg<T, V>(slot: u32, v: V): void {
    const n = slot >> 3;
    if (sizeof<T>() >= 4) {
      if (sizeof<T>() == (Wide.on ? 8 : 4) && Values.typeOf(local<V>(v)) == Registers.type) Registers.write(n, local<V>(v));
      else {
        // Of a value wider than T the rest is not T's; 32 bits clear the upper half.
        getAs<T>(local<V>(v));
        if (Wide.on && sizeof<T>() == 4) op(Wasm.I64ExtendI32U);
        if (!Wide.on && sizeof<T>() == 8) op(Wasm.I32WrapI64);
        Registers.write(n, keep(Registers.type));
      }
      return;
    }
    get(Registers.read(n));
    const mask: u32 = sizeof<T>() == 2 ? 0xffff0000 : slot & 1 ? 0xffff00ff : 0xffffff00;
    if (Wide.on) {
      const64(<u64>(<i64>(<i32>mask)));
      op(Wasm.I64And);
    } else {
      const32(mask);
      op(Wasm.I32And);
    }
    get32(local<V>(v));
    truncate<T>();
    if (slot & 1) {
      const32(8);
      op(Wasm.I32Shl);
    }
    if (Wide.on) {
      op(Wasm.I64ExtendI32U);
      op(Wasm.I64Or);
    } else op(Wasm.I32Or);
    Registers.write(n, keep(Registers.type));
  }

  load<T, V>(i: Insn): V {
    return changetype<V>(Memory.load<T>(Memory.linear(i, sizeof<T>(), false)));
  }
  store<T, V>(i: Insn, v: V): void {
    Memory.store<T>(Memory.linear(i, sizeof<T>(), true), local<V>(v));
  }
  loadForWrite<T, V>(i: Insn): V {
    modified = Memory.modify<T>(Memory.linear(i, sizeof<T>(), true));
    return changetype<V>(Memory.loadHost<T>(modified));
  }
  storeBack<T, V>(v: V): void {
    Memory.storeHost<T>(modified, local<V>(v));
  }
  faulted(): bool {
    return false;
  }
  offset<T, V>(i: Insn): V {
    const offset = Memory.offset(i);
    if (sizeof<T>() == (Wide.on ? 8 : 4) && Values.typeOf(offset) == typeOf<T>()) return changetype<V>(offset);
    getAs<T>(offset);
    truncate<T>();
    return changetype<V>(keep(typeOf<T>()));
  }

  /** SS is flat in every mode that regions are made for, and the pointer is ESP, in 64-bit code RSP. */
  push<T, V>(v: V): void {
    const linear = plus(Registers.read(<u32>RSP >> 3), -(<i32>sizeof<T>()));
    Memory.store<T>(linear, local<V>(v));
    Registers.write(<u32>RSP >> 3, linear);
  }
  peek<T, V>(): V {
    return changetype<V>(Memory.load<T>(Registers.read(<u32>RSP >> 3)));
  }
  release(bytes: u32): void {
    Registers.write(<u32>RSP >> 3, plus(Registers.read(<u32>RSP >> 3), <i32>bytes));
  }
  peekFrame<T, V>(): V {
    const frame = Registers.read(<u32>RBP >> 3);
    const v = Memory.load<T>(frame);
    Registers.write(<u32>RSP >> 3, plus(frame, <i32>sizeof<T>()));
    return changetype<V>(v);
  }

  add<T, V>(x: V, y: V): V {
    const sum = binary<T>(local<V>(x), local<V>(y), Wasm.I32Add);
    if (sizeof<T>() != 4 || !Values.isConstant(local<V>(y))) return changetype<V>(sum);
    return changetype<V>(moved(sum, local<V>(x), <i32>Values.constantOf(local<V>(y))));
  }
  sub<T, V>(x: V, y: V): V {
    const difference = binary<T>(local<V>(x), local<V>(y), Wasm.I32Sub);
    if (sizeof<T>() != 4 || !Values.isConstant(local<V>(y))) return changetype<V>(difference);
    return changetype<V>(moved(difference, local<V>(x), -(<i32>Values.constantOf(local<V>(y)))));
  }
  and<T, V>(x: V, y: V): V { return changetype<V>(bitwise<T>(changetype<Local>(x), changetype<Local>(y), Wasm.I32And)); }
  or<T, V>(x: V, y: V): V { return changetype<V>(bitwise<T>(changetype<Local>(x), changetype<Local>(y), Wasm.I32Or)); }
  xor<T, V>(x: V, y: V): V { return changetype<V>(bitwise<T>(changetype<Local>(x), changetype<Local>(y), Wasm.I32Xor)); }
  not<T, V>(x: V): V { return changetype<V>(notOf<T>(changetype<Local>(x))); }
  adc<T, V, W>(x: V, y: V, carry: W): V {
    Flow.carryIn = true;
    getAs<T>(changetype<Local>(x));
    getAs<T>(changetype<Local>(y));
    op(wide<T>(Wasm.I32Add));
    get32(changetype<Local>(carry));
    countFor<T>();
    op(wide<T>(Wasm.I32Add));
    truncate<T>();
    return changetype<V>(keep(typeOf<T>()));
  }
  sbb<T, V, W>(x: V, y: V, borrow: W): V {
    Flow.carryIn = true;
    getAs<T>(changetype<Local>(x));
    getAs<T>(changetype<Local>(y));
    op(wide<T>(Wasm.I32Sub));
    get32(changetype<Local>(borrow));
    countFor<T>();
    op(wide<T>(Wasm.I32Sub));
    truncate<T>();
    return changetype<V>(keep(typeOf<T>()));
  }
  shl<T, V, W>(x: V, count: W): V {
    getAs<T>(changetype<Local>(x));
    get32(changetype<Local>(count));
    countFor<T>();
    op(wide<T>(Wasm.I32Shl));
    truncate<T>();
    return changetype<V>(keep(typeOf<T>()));
  }
  shr<T, V, W>(x: V, count: W): V {
    getAs<T>(changetype<Local>(x));
    get32(changetype<Local>(count));
    countFor<T>();
    op(wide<T>(Wasm.I32ShrU));
    return changetype<V>(keep(typeOf<T>()));
  }
  sar<T, V, W>(x: V, count: W): V {
    getAs<T>(changetype<Local>(x));
    extendSigned<T>();
    get32(changetype<Local>(count));
    countFor<T>();
    op(wide<T>(Wasm.I32ShrS));
    truncate<T>();
    return changetype<V>(keep(typeOf<T>()));
  }
  shlOut<T, V, W>(x: V, count: W): W {
    if (Flow.flagsDead) return changetype<W>(Values.constant(0));
    getAs<T>(changetype<Local>(x));
    if (sizeof<T>() < 4) {
      get32(changetype<Local>(count));
      op(Wasm.I32Shl);
      const32(sizeof<T>() * 8);
      op(Wasm.I32ShrU);
    } else {
      const32(sizeof<T>() * 8);
      get32(changetype<Local>(count));
      op(Wasm.I32Sub);
      countFor<T>();
      op(wide<T>(Wasm.I32ShrU));
      narrowTo32<T>();
    }
    const32(1);
    op(Wasm.I32And);
    return changetype<W>(keep(Wasm.TypeI32));
  }
  shrOut<T, V, W>(x: V, count: W): W {
    if (Flow.flagsDead) return changetype<W>(Values.constant(0));
    getAs<T>(changetype<Local>(x));
    lessOne(changetype<Local>(count));
    countFor<T>();
    op(wide<T>(Wasm.I32ShrU));
    narrowTo32<T>();
    const32(1);
    op(Wasm.I32And);
    return changetype<W>(keep(Wasm.TypeI32));
  }
  sarOut<T, V, W>(x: V, count: W): W {
    if (Flow.flagsDead) return changetype<W>(Values.constant(0));
    getAs<T>(changetype<Local>(x));
    extendSigned<T>();
    lessOne(changetype<Local>(count));
    countFor<T>();
    op(wide<T>(Wasm.I32ShrS));
    narrowTo32<T>();
    const32(1);
    op(Wasm.I32And);
    return changetype<W>(keep(Wasm.TypeI32));
  }
  rol<T, V, W>(x: V, count: W): V { return changetype<V>(rotate<T>(changetype<Local>(x), changetype<Local>(count), true)); }
  ror<T, V, W>(x: V, count: W): V { return changetype<V>(rotate<T>(changetype<Local>(x), changetype<Local>(count), false)); }
  rcl<T, V, W>(x: V, count: W, carry: W): V { return changetype<V>(pure3<T>(changetype<Local>(x), changetype<Local>(count), changetype<Local>(carry), Callee.rcl8, true)); }
  rclOut<T, V, W>(x: V, count: W, carry: W): W { return changetype<W>(pure3<T>(changetype<Local>(x), changetype<Local>(count), changetype<Local>(carry), Callee.rclOut8, false)); }
  rcr<T, V, W>(x: V, count: W, carry: W): V { return changetype<V>(pure3<T>(changetype<Local>(x), changetype<Local>(count), changetype<Local>(carry), Callee.rcr8, true)); }
  rcrOut<T, V, W>(x: V, count: W, carry: W): W { return changetype<W>(pure3<T>(changetype<Local>(x), changetype<Local>(count), changetype<Local>(carry), Callee.rcrOut8, false)); }
  shld<T, V, W>(x: V, y: V, count: W): V {
    if (sizeof<T>() == 4) return changetype<V>(double32(local<V>(x), local<V>(y), local<W>(count), Wasm.I32Shl, Wasm.I32ShrU));
    return changetype<V>(double<T>(changetype<Local>(x), changetype<Local>(y), changetype<Local>(count), Callee.shld16, true));
  }
  shldOut<T, V, W>(x: V, y: V, count: W): W {
    if (sizeof<T>() == 4) return this.shlOut<T, V, W>(x, count);
    return changetype<W>(double<T>(changetype<Local>(x), changetype<Local>(y), changetype<Local>(count), Callee.shldOut16, false));
  }
  shrd<T, V, W>(x: V, y: V, count: W): V {
    if (sizeof<T>() == 4) return changetype<V>(double32(local<V>(x), local<V>(y), local<W>(count), Wasm.I32ShrU, Wasm.I32Shl));
    return changetype<V>(double<T>(changetype<Local>(x), changetype<Local>(y), changetype<Local>(count), Callee.shrd16, true));
  }
  top<T, V, W>(x: V): W { return changetype<W>(bit<T>(changetype<Local>(x), sizeof<T>() * 8 - 1)); }
  second<T, V, W>(x: V): W { return changetype<W>(bit<T>(changetype<Local>(x), sizeof<T>() * 8 - 2)); }
  bottom<T, V, W>(x: V): W { return changetype<W>(bit<T>(changetype<Local>(x), 0)); }
  mulLow<T, V>(x: V, y: V): V { return changetype<V>(binary<T>(changetype<Local>(x), changetype<Local>(y), Wasm.I32Mul)); }
  mulHigh<T, V>(x: V, y: V): V {
    getWide<T>(changetype<Local>(x));
    getWide<T>(changetype<Local>(y));
    if (sizeof<T>() == 8) call(Callee.mulHigh64);
    else {
      op(Wasm.I64Mul);
      op(Wasm.I64Const);
      Bytes.sleb(sizeof<T>() * 8);
      op(Wasm.I64ShrU);
      op(Wasm.I32WrapI64);
      truncate<T>();
    }
    return changetype<V>(keep(typeOf<T>()));
  }
  mulHighSigned<T, V>(x: V, y: V): V {
    getSigned<T>(changetype<Local>(x));
    getSigned<T>(changetype<Local>(y));
    if (sizeof<T>() == 8) call(Callee.mulHighSigned64);
    else {
      op(Wasm.I64Mul);
      op(Wasm.I64Const);
      Bytes.sleb(sizeof<T>() * 8);
      op(Wasm.I64ShrS);
      op(Wasm.I32WrapI64);
      truncate<T>();
    }
    return changetype<V>(keep(typeOf<T>()));
  }
  equal<T, V, W>(x: V, y: V): W {
    getAs<T>(changetype<Local>(x));
    getAs<T>(changetype<Local>(y));
    op(sizeof<T>() == 8 ? Wasm.I64Eq : Wasm.I32Eq);
    return changetype<W>(keep(Wasm.TypeI32));
  }
  isNotZero<T, V, W>(x: V): W {
    getAs<T>(changetype<Local>(x));
    op(sizeof<T>() == 8 ? Wasm.I64Eqz : Wasm.I32Eqz);
    op(Wasm.I32Eqz);
    return changetype<W>(keep(Wasm.TypeI32));
  }
  byteSwap<T, V>(x: V): V {
    if (sizeof<T>() == 8) {
      getAs<T>(local<V>(x));
      call(Callee.swap64);
    } else if (sizeof<T>() == 4) {
      getAs<T>(local<V>(x));
      const32(8);
      op(Wasm.I32Rotl);
      const32(0x00ff00ff);
      op(Wasm.I32And);
      getAs<T>(local<V>(x));
      const32(8);
      op(Wasm.I32Rotr);
      const32(0xff00ff00);
      op(Wasm.I32And);
      op(Wasm.I32Or);
    } else {
      getAs<T>(local<V>(x));
      const32(8);
      op(Wasm.I32Shl);
      getAs<T>(local<V>(x));
      const32(8);
      op(Wasm.I32ShrU);
      op(Wasm.I32Or);
      truncate<T>();
    }
    return changetype<V>(keep(typeOf<T>()));
  }
  lowestBit<T, V>(x: V): V {
    getAs<T>(changetype<Local>(x));
    op(wide<T>(Wasm.I32Ctz));
    return changetype<V>(keep(typeOf<T>()));
  }
  highestBit<T, V>(x: V): V {
    constant<T>(sizeof<T>() == 8 ? 63 : 31);
    getAs<T>(changetype<Local>(x));
    op(wide<T>(Wasm.I32Clz));
    op(wide<T>(Wasm.I32Sub));
    return changetype<V>(keep(typeOf<T>()));
  }
  bitCount<T, V>(x: V): V {
    getAs<T>(changetype<Local>(x));
    op(wide<T>(Wasm.I32Popcnt));
    return changetype<V>(keep(typeOf<T>()));
  }
  setZero<W>(z: W): void { Flags.setZero(local<W>(z)); }
  lowFlags<W>(): W { return changetype<W>(Flags.low()); }
  setLowFlags<W>(image: W): void { Flags.setLow(local<W>(image)); }
  signExtend<S, T, V>(x: V): V {
    get32(changetype<Local>(x));
    extendSigned<S>();
    if (sizeof<T>() == 8) op(Wasm.I64ExtendI32S);
    truncate<T>();
    return changetype<V>(keep(typeOf<T>()));
  }
  toW<T, V, W>(x: V): W {
    get32(changetype<Local>(x));
    return changetype<W>(keep(Wasm.TypeI32));
  }
  fromW<T, V, W>(x: W): V {
    getAs<T>(changetype<Local>(x));
    return changetype<V>(keep(typeOf<T>()));
  }

  flagsAdd<T, V>(x: V, y: V, r: V): void {
    if (Flow.flagsDead) return;
    const carryIn = Flow.carryIn;
    if (!carryIn && sizeof<T>() < 8) {
      Flags.set(Kind.Add + widthOf<T>(), local<V>(x), local<V>(y), local<V>(r));
      return;
    }
    Flow.carryIn = false;
    const either = bitwise<T>(local<V>(x), local<V>(y), Wasm.I32Or);
    const lost = bitwise<T>(either, notOf<T>(local<V>(r)), Wasm.I32And);
    keepCarries<T>(local<V>(r), bitwise<T>(bitwise<T>(local<V>(x), local<V>(y), Wasm.I32And), lost, Wasm.I32Or));
  }
  flagsSub<T, V>(x: V, y: V, r: V): void {
    if (Flow.flagsDead) return;
    const carryIn = Flow.carryIn;
    if (!carryIn && sizeof<T>() < 8) {
      Flags.set(Kind.Sub + widthOf<T>(), local<V>(x), local<V>(y), local<V>(r));
      return;
    }
    Flow.carryIn = false;
    const low = bitwise<T>(notOf<T>(local<V>(x)), local<V>(y), Wasm.I32And);
    const same = notOf<T>(bitwise<T>(local<V>(x), local<V>(y), Wasm.I32Xor));
    keepCarries<T>(local<V>(r), bitwise<T>(low, bitwise<T>(same, local<V>(r), Wasm.I32And), Wasm.I32Or));
    if (!carryIn) Flags.compares(local<V>(x), local<V>(y));
  }
  flagsLogic<T, V>(r: V): void {
    if (Flow.flagsDead) return;
    if (sizeof<T>() < 8) {
      Flags.set(Kind.Logic + widthOf<T>(), local<V>(r), NONE, NONE);
      return;
    }
    keepCarries64(local<V>(r), NONE);
    Flags.compares(local<V>(r), Values.constant(0));
  }
  flagsInc<T, V>(x: V, r: V): void {
    if (Flow.flagsDead) return;
    if (sizeof<T>() == 8) {
      keepStep64(local<V>(r), bitwise<T>(local<V>(x), notOf<T>(local<V>(r)), Wasm.I32And));
      return;
    }
    Flags.separateCarry();
    Flags.set(Kind.Inc + widthOf<T>(), local<V>(r), NONE, NONE);
  }
  flagsDec<T, V>(x: V, r: V): void {
    if (Flow.flagsDead) return;
    if (sizeof<T>() == 8) {
      keepStep64(local<V>(r), bitwise<T>(notOf<T>(local<V>(x)), local<V>(r), Wasm.I32And));
      return;
    }
    Flags.separateCarry();
    Flags.set(Kind.Dec + widthOf<T>(), local<V>(r), NONE, NONE);
  }
  flagsCarryOverflow<W>(c: W, o: W): void {
    if (!Flow.flagsDead) Flags.setCarryOverflow(both(local<W>(c), local<W>(o)));
  }
  flagsShift<T, V, W>(r: V, c: W, o: W): void {
    if (Flow.flagsDead) return;
    if (sizeof<T>() < 8) {
      Flags.set(Kind.Shift + widthOf<T>(), local<V>(r), both(local<W>(c), local<W>(o)), NONE);
      return;
    }
    keepCarries64(local<V>(r), NONE);
    Flags.setCarryOverflow(both(local<W>(c), local<W>(o)));
  }
  carry<W>(): W { return changetype<W>(Flags.carry()); }
  setCarry<W>(c: W): void {
    if (!Flow.flagsDead) Flags.setCarryOverflow(both(local<W>(c), Flags.overflow()));
  }
  condition<C, W>(): W { return changetype<W>(Flags.condition(Nil.of<C>().code())); }

  when<W>(c: W): bool {
    Flags.flush();
    Registers.enterConditional();
    versions[nesting++] = Flags.version;
    get32(local<W>(c));
    Labels.open(Wasm.If);
    return true;
  }
  otherwise<W>(c: W): bool {
    closeArm();
    op(Wasm.Else);
    return true;
  }
  end(): void {
    closeArm();
    Labels.close();
    Registers.leaveConditional();
    // Both arms left them as they found them?
    if (Flags.version != versions[--nesting]) Flags.forget();
  }

  jump<T, V>(target: V): void {
    if (sizeof<T>() == 4) Flow.target = local<V>(target);
    else if (sizeof<T>() == 8) {
      Flow.target = local<V>(target);
      // One that is not canonical is left to the interpreter.
      get64(local<V>(target));
      const64(16);
      op(Wasm.I64Shl);
      const64(16);
      op(Wasm.I64ShrS);
      get64(local<V>(target));
      op(Wasm.I64Ne);
      Labels.open(Wasm.If);
      Site.leaveBefore();
      Labels.close();
    } else unreachable();
  }
  jumpIf<T, W>(c: W, i: Insn): void {
    Flow.condition = local<W>(c);
  }
  jumpRelative<T>(i: Insn): void {}
  nextRip<T, V>(i: Insn): V {
    if (Wide.on) {
      getLocal(Frame.Page64);
      const64(<u64>Site.end);
      op(Wasm.I64Add);
      if (sizeof<T>() < 8) op(Wasm.I32WrapI64);
    } else {
      getLocal(Frame.Page);
      const32(Site.end);
      op(Wasm.I32Add);
      if (sizeof<T>() == 8) op(Wasm.I64ExtendI32U);
    }
    truncate<T>();
    return changetype<V>(keep(typeOf<T>()));
  }
}

/** What the arm changed goes to where the code behind it looks. */
function closeArm(): void {
  if (Flags.version != versions[nesting - 1]) {
    Flags.flush();
    Flags.forget();
  }
  Registers.flush();
}
/** x shifted one way, filled from y by the other; counts 1 to 31. */
function double32(x: Local, y: Local, count: Local, one: u32, other: u32): Local {
  get32(x);
  get32(count);
  op(one);
  get32(y);
  const32(32);
  get32(count);
  op(Wasm.I32Sub);
  op(other);
  op(Wasm.I32Or);
  return keep(Wasm.TypeI32);
}
/** Rotates within T; narrow widths double the value so that one shift does it. */
function rotate<T>(x: Local, count: Local, left: bool): Local {
  if (sizeof<T>() >= 4) {
    getAs<T>(x);
    get32(count);
    countFor<T>();
    op(wide<T>(left ? Wasm.I32Rotl : Wasm.I32Rotr));
    return keep(typeOf<T>());
  }
  const bits: u32 = sizeof<T>() * 8;
  const copies: u32 = sizeof<T>() == 1 ? 0x01010101 : 0x00010001;
  get32(x);
  const32(copies);
  op(Wasm.I32Mul);
  get32(count);
  const32(bits - 1);
  op(Wasm.I32And);
  op(left ? Wasm.I32Rotl : Wasm.I32Rotr);
  truncate<T>();
  return keep(Wasm.TypeI32);
}
/** A pure function of (x, count, carry) with one callee a width in a row: 8, 16, 32, 64 bits. */
function pure3<T>(x: Local, count: Local, carry: Local, first: u32, value: bool): Local {
  getWide<T>(x);
  get32(count);
  get32(carry);
  call(<Callee>(first + (sizeof<T>() == 1 ? 0 : sizeof<T>() == 2 ? 1 : sizeof<T>() == 4 ? 2 : 3)));
  if (!value) return keep(Wasm.TypeI32);
  narrow<T>();
  return keep(typeOf<T>());
}
/** A pure function of (x, y, count): 16, 32, 64 bits. */
function double<T>(x: Local, y: Local, count: Local, first: u32, value: bool): Local {
  getWide<T>(x);
  getWide<T>(y);
  get32(count);
  call(<Callee>(first + (sizeof<T>() == 2 ? 0 : sizeof<T>() == 4 ? 1 : 2)));
  if (!value) return keep(Wasm.TypeI32);
  narrow<T>();
  return keep(typeOf<T>());
}

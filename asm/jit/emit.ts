/**
 * Backend 2: write WebAssembly that will do it. A value is the index of the wasm local that will hold it. Methods are
 * out of line on purpose: the same switch over handlers is compiled for this backend too. State lives in memory at
 * constant addresses; a guest fault leaves the function at once (the pending trap is in the state).
 */
import { BLOCK_RIP, FLAG_AUX, FLAG_RESULT, STOP } from "../core/cpu-state.generated";
import { CPU } from "../core/memory-map";
import { Stop } from "../core/stop";
import { Insn } from "../decode/insn";
import { Backend, Nil } from "../semantics/backend";
import { Bytes, Wasm } from "./bytes";
import { Callee, Helpers } from "./helpers";

/** Index of a wasm local: never a number of the guest. */
@unmanaged export class Local {}

const MAX_LOCALS: u32 = 1024;
const localTypes: StaticArray<u8> = new StaticArray<u8>(<i32>MAX_LOCALS);
let locals: u32 = 0;

/** Locals of the function being written. */
export class Locals {
  static begin(): void {
    locals = 0;
  }
  static get count(): u32 {
    return locals;
  }
  static type(n: u32): u32 {
    return localTypes[n];
  }
}

function index(l: Local): u32 {
  return <u32>changetype<usize>(l);
}
function op(code: u32): void {
  Bytes.u8(code);
}
function get(l: Local): void {
  op(Wasm.LocalGet);
  Bytes.leb(index(l));
}
/** The value on wasm's stack becomes a new local. */
function keep(type: u32): Local {
  assert(locals < MAX_LOCALS, "too many locals");
  localTypes[locals] = <u8>type;
  op(Wasm.LocalSet);
  Bytes.leb(locals);
  locals++;
  return changetype<Local>(<usize>(locals - 1));
}
function const32(value: u32): void {
  op(Wasm.I32Const);
  Bytes.sleb(<i64>(<i32>value));
}
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
  get(x);
  get(y);
  op(wide<T>(code));
  truncate<T>();
  return keep(typeOf<T>());
}
function memoryArgument(offset: usize): void {
  Bytes.leb(0);
  Bytes.leb(<u32>offset);
}
/** Pushes state field at `offset` of 32 bits. */
function loadState(offset: usize): void {
  const32(0);
  op(Wasm.I32Load);
  memoryArgument(CPU + offset);
}
/** Calls core function `callee`; its arguments are on the stack. */
function call(callee: Callee): void {
  const32(Helpers.index(callee));
  op(Wasm.CallIndirect);
  Bytes.leb(Helpers.type(callee));
  Bytes.leb(0);
}
/** Leaves the function when a trap is pending. */
function leaveIfFaulted(): void {
  loadState(STOP);
  const32(Stop.Fault);
  op(Wasm.I32And);
  op(Wasm.If);
  op(Wasm.TypeVoid);
  op(Wasm.Return);
  op(Wasm.End);
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
  get(x);
  if (sizeof<T>() != 8) op(Wasm.I64ExtendI32U);
}
function narrow<T>(): void {
  if (sizeof<T>() != 8) op(Wasm.I32WrapI64);
}
/** Bit n of x as 0 or 1. */
function bit<T>(x: Local, n: u32): Local {
  get(x);
  constant<T>(n);
  op(wide<T>(Wasm.I32ShrU));
  if (sizeof<T>() == 8) op(Wasm.I32WrapI64);
  const32(1);
  op(Wasm.I32And);
  return keep(Wasm.TypeI32);
}

/** flagResult and flagAux of a result and its carry vector (asm/core/eflags.ts `Flag.keep`). */
function keepFlags<T>(r: Local, carries: Local): void {
  if (sizeof<T>() == 8) {
    get(r);
    get(carries);
    call(Callee.keepFlags64);
    return;
  }
  const32(0);
  get(r);
  extendSigned<T>();
  op(Wasm.I32Store);
  memoryArgument(CPU + FLAG_RESULT);
  const32(0);
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
  op(Wasm.I32Store);
  memoryArgument(CPU + FLAG_AUX);
}
function notOf<T>(x: Local): Local {
  get(x);
  constant<T>(<u64>-1);
  op(wide<T>(Wasm.I32Xor));
  truncate<T>();
  return keep(typeOf<T>());
}

@final @unmanaged export class Emit extends Backend {
  imm<T, V>(x: u64): V {
    constant<T>(x);
    return changetype<V>(keep(typeOf<T>()));
  }
  reg<T, V>(slot: u32): V {
    const32(0);
    op(sizeof<T>() == 1 ? Wasm.I32Load8U : sizeof<T>() == 2 ? Wasm.I32Load16U : sizeof<T>() == 4 ? Wasm.I32Load : Wasm.I64Load);
    memoryArgument(CPU + <usize>slot);
    return changetype<V>(keep(typeOf<T>()));
  }
  setReg<T, V>(slot: u32, v: V): void {
    const32(0);
    get(changetype<Local>(v));
    if (sizeof<T>() == 4) op(Wasm.I64ExtendI32U);
    op(sizeof<T>() == 1 ? Wasm.I32Store8 : sizeof<T>() == 2 ? Wasm.I32Store16 : Wasm.I64Store);
    memoryArgument(CPU + <usize>slot);
  }

  load<T, V>(i: Insn): V {
    const32(<u32>changetype<usize>(i));
    call(sizeof<T>() == 1 ? Callee.load8 : sizeof<T>() == 2 ? Callee.load16 : sizeof<T>() == 4 ? Callee.load32 : Callee.load64);
    const v = keep(typeOf<T>());
    leaveIfFaulted();
    return changetype<V>(v);
  }
  store<T, V>(i: Insn, v: V): void {
    const32(<u32>changetype<usize>(i));
    get(changetype<Local>(v));
    call(sizeof<T>() == 1 ? Callee.store8 : sizeof<T>() == 2 ? Callee.store16 : sizeof<T>() == 4 ? Callee.store32 : Callee.store64);
    leaveIfFaulted();
  }
  loadForWrite<T, V>(i: Insn): V {
    const32(<u32>changetype<usize>(i));
    call(sizeof<T>() == 1 ? Callee.loadForWrite8 : sizeof<T>() == 2 ? Callee.loadForWrite16 : sizeof<T>() == 4 ? Callee.loadForWrite32 : Callee.loadForWrite64);
    const v = keep(typeOf<T>());
    leaveIfFaulted();
    return changetype<V>(v);
  }
  storeBack<T, V>(v: V): void {
    get(changetype<Local>(v));
    call(sizeof<T>() == 1 ? Callee.storeBack8 : sizeof<T>() == 2 ? Callee.storeBack16 : sizeof<T>() == 4 ? Callee.storeBack32 : Callee.storeBack64);
  }
  faulted(): bool {
    return false;
  }
  offset<T, V>(i: Insn): V {
    const32(<u32>changetype<usize>(i));
    call(Callee.offset);
    truncate<T>();
    if (sizeof<T>() == 8) op(Wasm.I64ExtendI32U);
    return changetype<V>(keep(typeOf<T>()));
  }

  push<T, V>(v: V): void {
    get(changetype<Local>(v));
    call(sizeof<T>() == 2 ? Callee.push16 : Callee.push32);
    leaveIfFaulted();
  }
  peek<T, V>(): V {
    call(sizeof<T>() == 2 ? Callee.peek16 : Callee.peek32);
    const v = keep(typeOf<T>());
    leaveIfFaulted();
    return changetype<V>(v);
  }
  release(bytes: u32): void {
    const32(bytes);
    call(Callee.release);
  }
  peekFrame<T, V>(): V {
    call(sizeof<T>() == 2 ? Callee.peekFrame16 : Callee.peekFrame32);
    const v = keep(typeOf<T>());
    leaveIfFaulted();
    return changetype<V>(v);
  }

  add<T, V>(x: V, y: V): V { return changetype<V>(binary<T>(changetype<Local>(x), changetype<Local>(y), Wasm.I32Add)); }
  sub<T, V>(x: V, y: V): V { return changetype<V>(binary<T>(changetype<Local>(x), changetype<Local>(y), Wasm.I32Sub)); }
  and<T, V>(x: V, y: V): V { return changetype<V>(binary<T>(changetype<Local>(x), changetype<Local>(y), Wasm.I32And)); }
  or<T, V>(x: V, y: V): V { return changetype<V>(binary<T>(changetype<Local>(x), changetype<Local>(y), Wasm.I32Or)); }
  xor<T, V>(x: V, y: V): V { return changetype<V>(binary<T>(changetype<Local>(x), changetype<Local>(y), Wasm.I32Xor)); }
  not<T, V>(x: V): V { return changetype<V>(notOf<T>(changetype<Local>(x))); }
  adc<T, V, W>(x: V, y: V, carry: W): V {
    get(changetype<Local>(x));
    get(changetype<Local>(y));
    op(wide<T>(Wasm.I32Add));
    get(changetype<Local>(carry));
    countFor<T>();
    op(wide<T>(Wasm.I32Add));
    truncate<T>();
    return changetype<V>(keep(typeOf<T>()));
  }
  sbb<T, V, W>(x: V, y: V, borrow: W): V {
    get(changetype<Local>(x));
    get(changetype<Local>(y));
    op(wide<T>(Wasm.I32Sub));
    get(changetype<Local>(borrow));
    countFor<T>();
    op(wide<T>(Wasm.I32Sub));
    truncate<T>();
    return changetype<V>(keep(typeOf<T>()));
  }
  shl<T, V, W>(x: V, count: W): V {
    get(changetype<Local>(x));
    get(changetype<Local>(count));
    countFor<T>();
    op(wide<T>(Wasm.I32Shl));
    truncate<T>();
    return changetype<V>(keep(typeOf<T>()));
  }
  shr<T, V, W>(x: V, count: W): V {
    get(changetype<Local>(x));
    get(changetype<Local>(count));
    countFor<T>();
    op(wide<T>(Wasm.I32ShrU));
    return changetype<V>(keep(typeOf<T>()));
  }
  sar<T, V, W>(x: V, count: W): V {
    get(changetype<Local>(x));
    extendSigned<T>();
    get(changetype<Local>(count));
    countFor<T>();
    op(wide<T>(Wasm.I32ShrS));
    truncate<T>();
    return changetype<V>(keep(typeOf<T>()));
  }
  shlOut<T, V, W>(x: V, count: W): W {
    get(changetype<Local>(x));
    if (sizeof<T>() < 4) {
      get(changetype<Local>(count));
      op(Wasm.I32Shl);
      const32(sizeof<T>() * 8);
      op(Wasm.I32ShrU);
    } else {
      const32(sizeof<T>() * 8);
      get(changetype<Local>(count));
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
    get(changetype<Local>(x));
    lessOne(changetype<Local>(count));
    countFor<T>();
    op(wide<T>(Wasm.I32ShrU));
    narrowTo32<T>();
    const32(1);
    op(Wasm.I32And);
    return changetype<W>(keep(Wasm.TypeI32));
  }
  sarOut<T, V, W>(x: V, count: W): W {
    get(changetype<Local>(x));
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
  shld<T, V, W>(x: V, y: V, count: W): V { return changetype<V>(double<T>(changetype<Local>(x), changetype<Local>(y), changetype<Local>(count), Callee.shld16, true)); }
  shldOut<T, V, W>(x: V, y: V, count: W): W { return changetype<W>(double<T>(changetype<Local>(x), changetype<Local>(y), changetype<Local>(count), Callee.shldOut16, false)); }
  shrd<T, V, W>(x: V, y: V, count: W): V { return changetype<V>(double<T>(changetype<Local>(x), changetype<Local>(y), changetype<Local>(count), Callee.shrd16, true)); }
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
    get(changetype<Local>(x));
    get(changetype<Local>(y));
    op(sizeof<T>() == 8 ? Wasm.I64Eq : Wasm.I32Eq);
    return changetype<W>(keep(Wasm.TypeI32));
  }
  isNotZero<T, V, W>(x: V): W {
    get(changetype<Local>(x));
    op(sizeof<T>() == 8 ? Wasm.I64Eqz : Wasm.I32Eqz);
    op(Wasm.I32Eqz);
    return changetype<W>(keep(Wasm.TypeI32));
  }
  byteSwap<T, V>(x: V): V {
    getWide<T>(changetype<Local>(x));
    call(sizeof<T>() == 2 ? Callee.swap16 : sizeof<T>() == 4 ? Callee.swap32 : Callee.swap64);
    narrow<T>();
    return changetype<V>(keep(typeOf<T>()));
  }
  lowestBit<T, V>(x: V): V {
    get(changetype<Local>(x));
    op(wide<T>(Wasm.I32Ctz));
    return changetype<V>(keep(typeOf<T>()));
  }
  highestBit<T, V>(x: V): V {
    constant<T>(sizeof<T>() == 8 ? 63 : 31);
    get(changetype<Local>(x));
    op(wide<T>(Wasm.I32Clz));
    op(wide<T>(Wasm.I32Sub));
    return changetype<V>(keep(typeOf<T>()));
  }
  bitCount<T, V>(x: V): V {
    get(changetype<Local>(x));
    op(wide<T>(Wasm.I32Popcnt));
    return changetype<V>(keep(typeOf<T>()));
  }
  setZero<W>(z: W): void {
    get(changetype<Local>(z));
    call(Callee.setZero);
  }
  lowFlags<W>(): W {
    call(Callee.lowFlags);
    return changetype<W>(keep(Wasm.TypeI32));
  }
  setLowFlags<W>(image: W): void {
    get(changetype<Local>(image));
    call(Callee.setLowFlags);
  }
  signExtend<S, T, V>(x: V): V {
    get(changetype<Local>(x));
    if (sizeof<T>() == 8) op(Wasm.I32WrapI64);
    extendSigned<S>();
    if (sizeof<T>() == 8) op(Wasm.I64ExtendI32S);
    truncate<T>();
    return changetype<V>(keep(typeOf<T>()));
  }
  toW<T, V, W>(x: V): W {
    get(changetype<Local>(x));
    narrowTo32<T>();
    return changetype<W>(keep(Wasm.TypeI32));
  }
  fromW<T, V, W>(x: W): V {
    get(changetype<Local>(x));
    countFor<T>();
    return changetype<V>(keep(typeOf<T>()));
  }

  flagsAdd<T, V>(x: V, y: V, r: V): void {
    const both = binary<T>(changetype<Local>(x), changetype<Local>(y), Wasm.I32And);
    const either = binary<T>(changetype<Local>(x), changetype<Local>(y), Wasm.I32Or);
    const lost = binary<T>(either, notOf<T>(changetype<Local>(r)), Wasm.I32And);
    keepFlags<T>(changetype<Local>(r), binary<T>(both, lost, Wasm.I32Or));
  }
  flagsSub<T, V>(x: V, y: V, r: V): void {
    const low = binary<T>(notOf<T>(changetype<Local>(x)), changetype<Local>(y), Wasm.I32And);
    const same = notOf<T>(binary<T>(changetype<Local>(x), changetype<Local>(y), Wasm.I32Xor));
    keepFlags<T>(changetype<Local>(r), binary<T>(low, binary<T>(same, changetype<Local>(r), Wasm.I32And), Wasm.I32Or));
  }
  flagsLogic<T, V>(r: V): void {
    constant<T>(0);
    keepFlags<T>(changetype<Local>(r), keep(typeOf<T>()));
  }
  flagsInc<T, V>(x: V, r: V): void {
    const c = carryFlag();
    keepFlags<T>(changetype<Local>(r), binary<T>(changetype<Local>(x), notOf<T>(changetype<Local>(r)), Wasm.I32And));
    get(c);
    call(Callee.setCarry);
  }
  flagsDec<T, V>(x: V, r: V): void {
    const c = carryFlag();
    keepFlags<T>(changetype<Local>(r), binary<T>(notOf<T>(changetype<Local>(x)), changetype<Local>(r), Wasm.I32And));
    get(c);
    call(Callee.setCarry);
  }
  flagsCarryOverflow<W>(c: W, o: W): void {
    get(changetype<Local>(c));
    get(changetype<Local>(o));
    call(Callee.carryOverflow);
  }
  flagsShift<T, V, W>(r: V, c: W, o: W): void {
    constant<T>(0);
    keepFlags<T>(changetype<Local>(r), keep(typeOf<T>()));
    get(changetype<Local>(c));
    get(changetype<Local>(o));
    call(Callee.carryOverflow);
  }
  carry<W>(): W { return changetype<W>(carryFlag()); }
  setCarry<W>(c: W): void {
    get(changetype<Local>(c));
    call(Callee.setCarry);
  }
  condition<C, W>(): W {
    const32(Nil.of<C>().code());
    call(Callee.condition);
    return changetype<W>(keep(Wasm.TypeI32));
  }

  when<W>(c: W): bool {
    get(changetype<Local>(c));
    op(Wasm.If);
    op(Wasm.TypeVoid);
    return true;
  }
  otherwise<W>(c: W): bool {
    op(Wasm.Else);
    return true;
  }
  end(): void { op(Wasm.End); }

  jump<T, V>(target: V): void {
    get(changetype<Local>(target));
    narrowTo32<T>();
    call(Callee.jump);
    leaveIfFaulted();
  }
  jumpIf<T, W>(c: W, i: Insn): void {
    get(changetype<Local>(c));
    const32(<u32>changetype<usize>(i));
    call(sizeof<T>() == 2 ? Callee.jumpIf16 : Callee.jumpIf32);
    leaveIfFaulted();
  }
  jumpRelative<T>(i: Insn): void {
    const32(1);
    const32(<u32>changetype<usize>(i));
    call(sizeof<T>() == 2 ? Callee.jumpIf16 : Callee.jumpIf32);
    leaveIfFaulted();
  }
  nextRip<T, V>(i: Insn): V {
    loadState(BLOCK_RIP);
    const32(i.end);
    op(Wasm.I32Add);
    truncate<T>();
    if (sizeof<T>() == 8) op(Wasm.I64ExtendI32U);
    return changetype<V>(keep(typeOf<T>()));
  }
}

function narrowTo32<T>(): void {
  if (sizeof<T>() == 8) op(Wasm.I32WrapI64);
}
function lessOne(count: Local): void {
  get(count);
  const32(1);
  op(Wasm.I32Sub);
}
function carryFlag(): Local {
  loadState(FLAG_AUX);
  const32(31);
  op(Wasm.I32ShrU);
  return keep(Wasm.TypeI32);
}
function getSigned<T>(x: Local): void {
  get(x);
  if (sizeof<T>() == 8) return;
  extendSigned<T>();
  op(Wasm.I64ExtendI32S);
}
/** Rotates within T; narrow widths double the value so that one shift does it. */
function rotate<T>(x: Local, count: Local, left: bool): Local {
  if (sizeof<T>() >= 4) {
    get(x);
    get(count);
    countFor<T>();
    op(wide<T>(left ? Wasm.I32Rotl : Wasm.I32Rotr));
    return keep(typeOf<T>());
  }
  const bits: u32 = sizeof<T>() * 8;
  const copies: u32 = sizeof<T>() == 1 ? 0x01010101 : 0x00010001;
  get(x);
  const32(copies);
  op(Wasm.I32Mul);
  get(count);
  const32(bits - 1);
  op(Wasm.I32And);
  op(left ? Wasm.I32Rotl : Wasm.I32Rotr);
  truncate<T>();
  return keep(Wasm.TypeI32);
}
/** A pure function of (x, count, carry) with one callee a width in a row: 8, 16, 32, 64 bits. */
function pure3<T>(x: Local, count: Local, carry: Local, first: u32, value: bool): Local {
  getWide<T>(x);
  get(count);
  get(carry);
  call(<Callee>(first + (sizeof<T>() == 1 ? 0 : sizeof<T>() == 2 ? 1 : sizeof<T>() == 4 ? 2 : 3)));
  if (!value) return keep(Wasm.TypeI32);
  narrow<T>();
  return keep(typeOf<T>());
}
/** A pure function of (x, y, count): 16, 32, 64 bits. */
function double<T>(x: Local, y: Local, count: Local, first: u32, value: bool): Local {
  getWide<T>(x);
  getWide<T>(y);
  get(count);
  call(<Callee>(first + (sizeof<T>() == 2 ? 0 : sizeof<T>() == 4 ? 1 : 2)));
  if (!value) return keep(Wasm.TypeI32);
  narrow<T>();
  return keep(typeOf<T>());
}

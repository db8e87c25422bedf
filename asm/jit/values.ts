/**
 * Values of the function being written. A `Local` is a number in a table that says where the value is: a constant, or a
 * wasm local. Locals of one instruction are used again by the next, so a function has few, which V8's baseline compiler
 * needs.
 */
import { Bytes, Wasm } from "./bytes";

/** Number of a value: never a number of the guest. */
@unmanaged export class Local {}

const MOST_VALUES: u32 = 24576;
const MOST_LOCALS: u32 = 512;
const CONSTANT: u8 = 1;
const LOCAL: u8 = 2;
const kinds: StaticArray<u8> = new StaticArray<u8>(<i32>MOST_VALUES);
const data: StaticArray<u32> = new StaticArray<u32>(<i32>MOST_VALUES);
/** Where it is known, a value is the unknown number `origins` plus `deltas`. */
const origins: StaticArray<u32> = new StaticArray<u32>(<i32>MOST_VALUES);
const deltas: StaticArray<i32> = new StaticArray<i32>(<i32>MOST_VALUES);
/** Origin of constants, which are added to 0; others are numbered from the next on. */
export const ABSOLUTE: u32 = 1;
let nextOrigin: u32 = ABSOLUTE + 1;
const localTypes: StaticArray<u8> = new StaticArray<u8>(<i32>MOST_LOCALS);
const localBusy: StaticArray<u8> = new StaticArray<u8>(<i32>MOST_LOCALS);
let values: u32 = 1;
let instructionFirst: u32 = 1;
let locals: u32 = 0;
/** The function has more values or locals than there is room for: it is given up. */
let overflow: bool = false;
let lastSet: usize = 0;
let lastSetEnd: usize = 0;
let lastSetLocal: u32 = 0;

export class Values {
  /** Begins a function whose first `fixed` locals are i32 and named (asm/jit/frame.ts). */
  static begin(fixed: u32): void {
    values = 1;
    instructionFirst = 1;
    locals = fixed;
    Values.fixed = fixed;
    overflow = false;
    lastSetEnd = 0;
    for (let n: u32 = 0; n < fixed; n++) localTypes[n] = <u8>Wasm.TypeI32;
  }
  /** One of the first locals is i64. */
  static widen(n: u32): void {
    localTypes[n] = <u8>Wasm.TypeI64;
  }
  /** Type of the value on the stack after `get`. */
  static typeOf(l: Local): u32 {
    const n = Values.number(l);
    return kinds[n] == CONSTANT ? Wasm.TypeI32 : <u32>localTypes[data[n]];
  }
  static get overflowed(): bool {
    return overflow;
  }
  static get localCount(): u32 {
    return locals;
  }
  static localType(n: u32): u32 {
    return localTypes[n];
  }

  private static add(kind: u8, value: u32): Local {
    if (values == MOST_VALUES) {
      overflow = true;
      values = 1;
    }
    kinds[values] = kind;
    data[values] = value;
    origins[values] = kind == CONSTANT ? ABSOLUTE : 0;
    deltas[values] = <i32>value;
    return changetype<Local>(<usize>(values++));
  }
  static constant(value: u32): Local {
    return Values.add(CONSTANT, value);
  }
  /** The present value of wasm local `n`. */
  static local(n: u32): Local {
    return Values.add(LOCAL, n);
  }
  /** What is unknown of a value, or 0. */
  static origin(l: Local): u32 {
    return origins[Values.number(l)];
  }
  static delta(l: Local): i32 {
    return deltas[Values.number(l)];
  }
  static newOrigin(): u32 {
    return nextOrigin++;
  }
  /** The value is `origin` plus `delta`. */
  static comesFrom(l: Local, origin: u32, delta: i32): Local {
    origins[Values.number(l)] = origin;
    deltas[Values.number(l)] = delta;
    return l;
  }
  /** The wasm local that it is in. */
  static localOf(l: Local): u32 {
    return data[Values.number(l)];
  }
  @inline static number(l: Local): u32 {
    return <u32>changetype<usize>(l);
  }
  static isConstant(l: Local): bool {
    return kinds[Values.number(l)] == CONSTANT;
  }
  static constantOf(l: Local): u32 {
    return data[Values.number(l)];
  }
  /** Is it kept in wasm local `n`? */
  static isIn(l: Local, n: u32): bool {
    const k = Values.number(l);
    return k != 0 && kinds[k] == LOCAL && data[k] == n;
  }
  /** Pushes the value. */
  static get(l: Local): void {
    const n = Values.number(l);
    if (kinds[n] == CONSTANT) {
      Bytes.u8(Wasm.I32Const);
      Bytes.sleb(<i64>(<i32>data[n]));
      return;
    }
    // Set just now: leave it on the stack as well.
    if (lastSetEnd == Bytes.position && lastSetLocal == data[n]) {
      Bytes.poke(lastSet, Wasm.LocalTee);
      lastSetEnd = 0;
      return;
    }
    Bytes.u8(Wasm.LocalGet);
    Bytes.leb(data[n]);
  }
  static set(local: u32): void {
    lastSet = Bytes.position;
    lastSetLocal = local;
    Bytes.u8(Wasm.LocalSet);
    Bytes.leb(local);
    lastSetEnd = Bytes.position;
  }
  /** What is on the stack becomes a value that lives until its instruction ends, or longer if it is held. */
  static keep(type: u32): Local {
    const local = Values.take(type);
    Values.set(local);
    return Values.local(local);
  }
  private static take(type: u32): u32 {
    for (let n = Values.fixed; n < locals; n++) {
      if (localBusy[n] == 0 && localTypes[n] == type) {
        localBusy[n] = 1;
        return n;
      }
    }
    if (locals == MOST_LOCALS) {
      overflow = true;
      locals = Values.fixed + 1;
    }
    localTypes[locals] = <u8>type;
    localBusy[locals] = 1;
    return locals++;
  }
  static fixed: u32 = 0;

  /** A new instruction: locals that nobody holds are free again. */
  static beginInstruction(): void {
    instructionFirst = values;
    for (let n: u32 = Values.fixed; n < locals; n++) localBusy[n] = 0;
  }
  /** Keeps the local of a value for the instruction that begins. */
  static hold(l: Local): void {
    const n = Values.number(l);
    if (n != 0 && kinds[n] == LOCAL) localBusy[data[n]] = 1;
  }
  /** Values of this instruction that are still in wasm local `local` get a copy of their own: it is about to change. */
  static rescue(local: u32): void {
    let copy: u32 = 0;
    for (let n = instructionFirst; n < values; n++) {
      if (kinds[n] != LOCAL || data[n] != local) continue;
      if (copy == 0) copy = Values.copy(local);
      data[n] = copy;
    }
  }
  /** Moves one value out of wasm local `local`. */
  static rescueOne(l: Local, local: u32): void {
    if (Values.isIn(l, local)) data[Values.number(l)] = Values.copy(local);
  }
  private static copy(local: u32): u32 {
    Bytes.u8(Wasm.LocalGet);
    Bytes.leb(local);
    const copy = Values.take(localTypes[local]);
    Values.set(copy);
    return copy;
  }
}

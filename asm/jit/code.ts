/** Short words for writing instructions into the function being written, and the depth of its labels. */
import { CPU } from "../core/memory-map";
import { Bytes, Wasm } from "./bytes";
import { Callee, Helpers } from "./helpers";
import { Local, Values } from "./values";

export function op(code: u32): void {
  Bytes.u8(code);
}
export function get(l: Local): void {
  Values.get(l);
}
/** As i32: the low half of an i64. */
export function get32(l: Local): void {
  Values.get(l);
  if (Values.typeOf(l) == Wasm.TypeI64) op(Wasm.I32WrapI64);
}
/** As i64: an i32 zero-extended. */
export function get64(l: Local): void {
  Values.get(l);
  if (Values.typeOf(l) == Wasm.TypeI32) op(Wasm.I64ExtendI32U);
}
/** In the type of T. */
export function getAs<T>(l: Local): void {
  if (sizeof<T>() == 8) get64(l);
  else get32(l);
}
export function keep(type: u32): Local {
  return Values.keep(type);
}
export function const32(value: u32): void {
  op(Wasm.I32Const);
  Bytes.sleb(<i64>(<i32>value));
}
export function const64(value: u64): void {
  op(Wasm.I64Const);
  Bytes.sleb(<i64>value);
}
export function getLocal(n: u32): void {
  Values.get(Values.local(n));
}
export function setLocal(n: u32): void {
  Values.set(n);
}
export function memoryArgument(offset: usize): void {
  Bytes.leb(0);
  Bytes.leb(<u32>offset);
}
/** Pushes 32 bits of the CPU state. */
export function loadState(offset: usize): void {
  const32(0);
  op(Wasm.I32Load);
  memoryArgument(CPU + offset);
}
/** Stores local `n` into 32 bits of the CPU state. */
export function storeState(offset: usize, n: u32): void {
  const32(0);
  getLocal(n);
  op(Wasm.I32Store);
  memoryArgument(CPU + offset);
}
/** Calls core function `callee`; its arguments are on the stack. */
export function call(callee: Callee): void {
  const32(Helpers.index(callee));
  op(Wasm.CallIndirect);
  Bytes.leb(Helpers.type(callee));
  Bytes.leb(0);
}

/** How many labels are open: a branch names its target by how far out it is. */
export class Labels {
  static depth: u32 = 0;
  /** `block`, `loop` or `if`, without a result. Returns the label's depth. */
  static open(code: u32): u32 {
    return Labels.openTyped(code, Wasm.TypeVoid);
  }
  static openTyped(code: u32, type: u32): u32 {
    op(code);
    op(type);
    return Labels.depth++;
  }
  static close(): void {
    op(Wasm.End);
    Labels.depth--;
  }
  /** The same if what is on the stack is not 0. */
  static branchIf(depth: u32): void {
    op(Wasm.BrIf);
    Bytes.leb(Labels.depth - 1 - depth);
  }
  /** Branch to the label that was opened at `depth`. */
  static branch(depth: u32): void {
    op(Wasm.Br);
    Bytes.leb(Labels.depth - 1 - depth);
  }
}

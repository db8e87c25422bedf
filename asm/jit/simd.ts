/**
 * SSE by WebAssembly's own SIMD and floating point, on XMM registers in the state. What a row does is read off its meaning by
 * asm/toolchain/simd-inline.ts. Whatever is not plain (a page that is not in the translation cache, an operand that is not
 * aligned, a number for which the host's operation is not proved to be the same, a flag of MXCSR that would change) goes to the
 * meaning itself by `slow`.
 */
import { MXCSR, XMM } from "../core/cpu-state.generated";
import { CPU } from "../core/memory-map";
import { Insn } from "../decode/insn";
import { ROW_INLINE, SHUFFLES } from "../decode/tables.generated";
import { Bytes, Wasm } from "./bytes";
import { const32, get, get32, getLocal, keep, Labels, loadState, memoryArgument, op, setLocal } from "./code";
import { Frame } from "./frame";
import { Memory } from "./memory-access";
import { Local } from "./values";

/** As FORM in asm/toolchain/simd-inline.ts. */
namespace Form {
  export const Binary: u32 = 1;
  export const Swapped: u32 = 2;
  export const Unary: u32 = 3;
  export const Shuffle: u32 = 4;
  export const Load: u32 = 5;
  export const LoadUnaligned: u32 = 6;
  export const Store: u32 = 7;
  export const StoreUnaligned: u32 = 8;
  export const LoadDouble: u32 = 9;
  export const StoreDouble: u32 = 10;
  export const LoadSingle: u32 = 11;
  export const StoreSingle: u32 = 12;
  export const Double: u32 = 13;
  export const Single: u32 = 14;
  export const Shift: u32 = 15;
  export const ShuffleDwords: u32 = 16;
}
const V128_LOAD: u32 = 0;
const V128_STORE: u32 = 0x0b;
const V128_CONST: u32 = 0x0c;
const SHUFFLE: u32 = 0x0d;
const LOAD_32_ZERO: u32 = 0x5c;
const LOAD_64_ZERO: u32 = 0x5d;
/** MXCSR: rounding to nearest, #P masked, its flag already set. Then a plain operation changes no flag. */
const MXCSR_PLAIN: u32 = 0x7020;
const MXCSR_PLAIN_VALUE: u32 = 0x1020;
const SQRT_DOUBLE: u32 = 0x9f;
const SQRT_SINGLE: u32 = 0x91;

/** Label that leads to the meaning. */
let slow: u32 = 0;

function vector(code: u32): void {
  op(0xfd);
  Bytes.leb(code);
}
function zero(): void {
  vector(V128_CONST);
  for (let n = 0; n < 16; n++) op(0);
}
function loadXmm(slot: u32): void {
  const32(0);
  vector(V128_LOAD);
  memoryArgument(CPU + XMM + <usize>slot);
}
/** Stores what is on the stack above the address that `const32(0)` pushed. */
function storeXmm(slot: u32): void {
  vector(V128_STORE);
  memoryArgument(CPU + XMM + <usize>slot);
}
/** Host address of the memory operand, or the slow way. */
function address(i: Insn, size: u32, write: bool, aligned: bool): void {
  const linear = Memory.linear(i, size, write);
  if (aligned) {
    get32(linear);
    const32(size - 1);
    op(Wasm.I32And);
    Labels.branchIf(slow);
  }
  Memory.plain(linear, size, write, slow);
  setLocal(Frame.Scratch);
}
/** Pushes the W operand, 16 bytes. */
function operand(i: Insn): void {
  if (!i.isMemory) {
    loadXmm(i.rm);
    return;
  }
  getLocal(Frame.Scratch);
  vector(V128_LOAD);
  memoryArgument(0);
}
/** Pushes address and 64 or 32 bits of an operand in memory, or of register `slot`. */
function number(memory: bool, slot: u32, load: u32): void {
  if (memory) getLocal(Frame.Scratch);
  else const32(0);
  op(load);
  memoryArgument(memory ? 0 : CPU + XMM + <usize>slot);
}

/** Scalar arithmetic. f64 is the host's: the bits of operands and result say whether it is proved (simd/float-packed.ts). */
class Scalar {
  /** Goes the slow way unless the exponent of x is in `least` … that of the largest normal. */
  private static check(x: Local, double: bool, least: u32): void {
    get(x);
    if (double) {
      op(Wasm.I64Const);
      Bytes.sleb(52);
      op(Wasm.I64ShrU);
      op(Wasm.I32WrapI64);
    } else {
      const32(23);
      op(Wasm.I32ShrU);
    }
    const most: u32 = double ? 0x7ff : 0xff;
    const32(most);
    op(Wasm.I32And);
    const32(least);
    op(Wasm.I32Sub);
    const32(most - least);
    op(Wasm.I32GeU);
    Labels.branchIf(slow);
  }
  static write(i: Insn, double: bool, code: u32): void {
    const type = double ? Wasm.TypeI64 : Wasm.TypeI32;
    const load = double ? Wasm.I64Load : Wasm.I32Load;
    const unary = code == (double ? SQRT_DOUBLE : SQRT_SINGLE);
    if (i.isMemory) address(i, double ? 8 : 4, false, false);
    loadState(MXCSR);
    const32(MXCSR_PLAIN);
    op(Wasm.I32And);
    const32(MXCSR_PLAIN_VALUE);
    op(Wasm.I32Ne);
    Labels.branchIf(slow);
    number(i.isMemory, i.rm, load);
    const y = keep(type);
    Scalar.check(y, double, 1);
    const toFloat = double ? Wasm.F64ReinterpretI64 : Wasm.F32ReinterpretI32;
    if (!unary) {
      number(false, i.reg, load);
      const x = keep(type);
      Scalar.check(x, double, 1);
      get(x);
      op(toFloat);
    }
    get(y);
    op(toFloat);
    op(code);
    op(double ? Wasm.I64ReinterpretF64 : Wasm.I32ReinterpretF32);
    const r = keep(type);
    // The smallest normal may have been tiny before it was rounded.
    Scalar.check(r, double, 2);
    const32(0);
    get(r);
    op(double ? Wasm.I64Store : Wasm.I32Store);
    memoryArgument(CPU + XMM + <usize>i.reg);
  }
}

export class Simd {
  private static info(i: Insn): u32 {
    return <u32>i.row == 0xffff ? 0 : <u32>load<u16>(ROW_INLINE + (<usize>i.row << 1));
  }
  /** Is it one that `write` writes? */
  static knows(i: Insn): bool {
    return Simd.info(i) != 0;
  }
  /** Writes the instruction; `meaning` writes the call of its meaning for the cases that are not plain. */
  static write(i: Insn, meaning: (i: Insn) => void): void {
    const done = Labels.open(Wasm.Block);
    slow = Labels.open(Wasm.Block);
    Simd.plain(i, Simd.info(i));
    Labels.branch(done);
    Labels.close();
    meaning(i);
    Labels.close();
  }
  private static plain(i: Insn, info: u32): void {
    const code = info & 0xff;
    switch (info >> 8) {
      case Form.Double: Scalar.write(i, true, code); break;
      case Form.Single: Scalar.write(i, false, code); break;
      case Form.LoadDouble: Simd.loadScalar(i, 8); break;
      case Form.LoadSingle: Simd.loadScalar(i, 4); break;
      case Form.StoreDouble: Simd.storeScalar(i, 8); break;
      case Form.StoreSingle: Simd.storeScalar(i, 4); break;
      case Form.Store: Simd.store(i, true); break;
      case Form.StoreUnaligned: Simd.store(i, false); break;
      case Form.Shift: Simd.shift(i, code); break;
      default: Simd.whole(i, info >> 8, code); break;
    }
  }
  /** V := op(V, W), and loads. */
  private static whole(i: Insn, form: u32, code: u32): void {
    if (i.isMemory) address(i, 16, false, form != Form.LoadUnaligned);
    const32(0);
    if (form == Form.Binary || form == Form.Shuffle) loadXmm(i.reg);
    operand(i);
    if (form == Form.Swapped) loadXmm(i.reg);
    if (form == Form.Shuffle) {
      vector(SHUFFLE);
      for (let n: usize = 0; n < 16; n++) op(load<u8>(SHUFFLES + <usize>(code << 4) + n));
    } else if (form == Form.ShuffleDwords) {
      operand(i);
      vector(SHUFFLE);
      for (let n: u32 = 0; n < 16; n++) op((((i.imm >> ((n >> 2) << 1)) & 3) << 2) | (n & 3));
    } else if (form <= Form.Unary) vector(code);
    storeXmm(i.reg);
  }
  private static store(i: Insn, aligned: bool): void {
    if (!i.isMemory) {
      const32(0);
      loadXmm(i.reg);
      storeXmm(i.rm);
      return;
    }
    address(i, 16, true, aligned);
    getLocal(Frame.Scratch);
    loadXmm(i.reg);
    vector(V128_STORE);
    memoryArgument(0);
  }
  /** From memory the rest of the register is cleared. */
  private static loadScalar(i: Insn, size: u32): void {
    if (i.isMemory) {
      address(i, size, false, false);
      const32(0);
      getLocal(Frame.Scratch);
      vector(size == 8 ? LOAD_64_ZERO : LOAD_32_ZERO);
      memoryArgument(0);
      storeXmm(i.reg);
    } else Simd.moveScalar(i.rm, i.reg, size);
  }
  private static storeScalar(i: Insn, size: u32): void {
    if (!i.isMemory) {
      Simd.moveScalar(i.reg, i.rm, size);
      return;
    }
    address(i, size, true, false);
    getLocal(Frame.Scratch);
    number(false, i.reg, size == 8 ? Wasm.I64Load : Wasm.I32Load);
    op(size == 8 ? Wasm.I64Store : Wasm.I32Store);
    memoryArgument(0);
  }
  private static moveScalar(from: u32, to: u32, size: u32): void {
    const32(0);
    number(false, from, size == 8 ? Wasm.I64Load : Wasm.I32Load);
    op(size == 8 ? Wasm.I64Store : Wasm.I32Store);
    memoryArgument(CPU + XMM + <usize>to);
  }
  /** U := U shifted by the immediate. Beyond the lane: 0, or the sign. */
  private static shift(i: Insn, code: u32): void {
    const lane: u32 = 8 << ((code - 0x60) >> 5);
    const arithmetic = (code & 0x1f) == 0x0c;
    let count = <u32>i.imm & 0xff;
    const32(0);
    if (count >= lane && !arithmetic) zero();
    else {
      if (count >= lane) count = lane - 1;
      loadXmm(i.rm);
      const32(count);
      vector(code);
    }
    storeXmm(i.rm);
  }
}

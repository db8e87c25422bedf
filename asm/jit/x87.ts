/**
 * x87: a call of the meaning itself, once the CPU's state and the operand's page are seen to be plain. Which rows, and what is
 * called, says asm/toolchain/x87-direct.ts. What is not plain (#NM, #MF, FERR#, a page that is not in the translation cache)
 * goes the way of all others. Nothing that is called here faults or looks at the time.
 */
import { Cr0 } from "../core/control-registers";
import { CR0, FPU_STATUS } from "../core/cpu-state.generated";
import { CPU } from "../core/memory-map";
import { Ea, Insn } from "../decode/insn";
import { ROW_DIRECT } from "../decode/tables.generated";
import { DIRECT } from "../semantics/direct.generated";
import { Sw } from "../semantics/x87/float80";
import { Bytes, Wasm } from "./bytes";
import { const32, get, keep, Labels, loadState, memoryArgument, op } from "./code";
import { Wide } from "./frame";
import { TYPE_ONE, TYPE_THREE } from "./helpers";
import { Memory } from "./memory-access";
import { Site } from "./site";

export class X87 {
  private static info(i: Insn): u32 {
    return <u32>i.row == 0xffff ? 0 : <u32>load<u16>(ROW_DIRECT + (<usize>i.row << 1));
  }
  /** Is it one that `write` writes? Operands in memory are 32-bit addresses in a flat segment. */
  static knows(i: Insn): bool {
    return X87.info(i) != 0 && !(i.isMemory && (Wide.on || i.ea & Ea.Segmented));
  }
  /** Writes the instruction; `meaning` writes the call of its meaning for the cases that are not plain. */
  static write(i: Insn, meaning: (i: Insn) => void): void {
    const info = X87.info(i);
    const done = Labels.open(Wasm.Block);
    const slow = Labels.open(Wasm.Block);
    loadState(CR0);
    const32(<u32>(Cr0.EM | Cr0.TS));
    op(Wasm.I32And);
    const32(0);
    op(Wasm.I32Load16U);
    memoryArgument(CPU + FPU_STATUS);
    const32(Sw.ES);
    op(Wasm.I32And);
    op(Wasm.I32Or);
    Labels.branchIf(slow);
    if (i.isMemory) {
      const size = (info >>> 8) & 15;
      const write = (info & 0x1000) != 0;
      const linear = Memory.linear(i, size, write);
      Memory.plain(linear, size, write, slow);
      const host = keep(Wasm.TypeI32);
      const32(Site.record);
      get(host);
      get(linear);
    } else const32(Site.record);
    const32(DIRECT[(info & 0xff) - 1]);
    op(Wasm.CallIndirect);
    Bytes.leb(i.isMemory ? TYPE_THREE : TYPE_ONE);
    Bytes.leb(0);
    Labels.branch(done);
    Labels.close();
    meaning(i);
    Labels.close();
  }
}

/**
 * Memory operands: the address, the one compare with the translation cache's tag, and the access behind it; the slow
 * path otherwise. The cache's address is a constant, because the mode key says which of the two is in use.
 */
import { ES_BASE } from "../core/cpu-state.generated";
import { CPU, TLB_ENTRIES, TLB_SUPERVISOR, TLB_USER } from "../core/memory-map";
import { Attr, SegmentRegister } from "../core/segment";
import { Ea, Insn } from "../decode/insn";
import { ADDEND, READ_TAG, WRITE_TAG } from "../mmu/tlb";
import { Bytes, Wasm } from "./bytes";
import { call, const32, get, getLocal, keep, Labels, memoryArgument, op } from "./code";
import { Frame, Registers } from "./frame";
import { Callee } from "./helpers";
import { Site } from "./site";
import { Local, Values } from "./values";

const ZERO_SLOT: u32 = 128;

function loadOf<T>(): u32 {
  return sizeof<T>() == 1 ? Wasm.I32Load8U : sizeof<T>() == 2 ? Wasm.I32Load16U : sizeof<T>() == 4 ? Wasm.I32Load : Wasm.I64Load;
}
function storeOf<T>(): u32 {
  return sizeof<T>() == 1 ? Wasm.I32Store8 : sizeof<T>() == 2 ? Wasm.I32Store16 : sizeof<T>() == 4 ? Wasm.I32Store : Wasm.I64Store;
}

export class Memory {
  /** Translation cache of the mode the region is made for. */
  static cache: usize = 0;
  static begin(user: bool): void {
    Memory.cache = user ? TLB_USER : TLB_SUPERVISOR;
  }

  /** Effective address (offset) of the memory operand. */
  static offset(i: Insn): Local {
    const base = <u32>i.base != ZERO_SLOT;
    const index = <u32>i.index != ZERO_SLOT;
    const address16 = (i.ea & Ea.Address16) != 0;
    if (!base && !index) return Values.constant(address16 ? <u32>i.disp & 0xffff : <u32>i.disp);
    if (base && !index && i.disp == 0 && !address16) return Registers.read(<u32>i.base >> 3);
    if (base) get(Registers.read(<u32>i.base >> 3));
    if (index) {
      get(Registers.read(<u32>i.index >> 3));
      if (i.scale) {
        const32(i.scale);
        op(Wasm.I32Shl);
      }
      if (base) op(Wasm.I32Add);
    }
    if (i.disp) {
      const32(<u32>i.disp);
      op(Wasm.I32Add);
    }
    if (address16) {
      const32(0xffff);
      op(Wasm.I32And);
    }
    return keep(Wasm.TypeI32);
  }
  /** Linear address of an operand of `size` bytes. */
  static linear(i: Insn, size: u32, write: bool): Local {
    const offset = Memory.offset(i);
    if (!(i.ea & Ea.Segmented)) return offset;
    // A writable, expand-up data segment that holds the operand needs its base only (SDM 3A "Limit Checking").
    const segment = CPU + ES_BASE + (<usize>i.segment << 4);
    const32(0);
    op(Wasm.I32Load16U);
    memoryArgument(segment + offsetof<SegmentRegister>("attributes"));
    const32(Attr.Unusable | Attr.Code | Attr.ExpandDown | Attr.Writable);
    op(Wasm.I32And);
    const32(Attr.Writable);
    op(Wasm.I32Eq);
    get(offset);
    op(Wasm.I64ExtendI32U);
    op(Wasm.I64Const);
    Bytes.sleb(<i64>(size - 1));
    op(Wasm.I64Add);
    const32(0);
    op(Wasm.I64Load32U);
    memoryArgument(segment + offsetof<SegmentRegister>("limit"));
    op(Wasm.I64LeU);
    op(Wasm.I32And);
    Labels.openTyped(Wasm.If, Wasm.TypeI32);
    get(offset);
    const32(0);
    op(Wasm.I32Load);
    memoryArgument(segment + offsetof<SegmentRegister>("base"));
    op(Wasm.I32Add);
    op(Wasm.Else);
    get(offset);
    const32(<u32>i.segment | (size << 8) | (write ? 0x10000 : 0));
    Site.pushArguments();
    call(Callee.slowSegment);
    Site.leaveIfStopped();
    Labels.close();
    return keep(Wasm.TypeI32);
  }

  /** Pushes whether the cache allows the access; leaves the entry's place in the returned value. */
  private static probe(linear: Local, size: u32, tag: usize): Local {
    get(linear);
    const32(8);
    op(Wasm.I32ShrU);
    const32((<u32>TLB_ENTRIES - 1) << 4);
    op(Wasm.I32And);
    const entry = keep(Wasm.TypeI32);
    get(entry);
    op(Wasm.I32Load);
    memoryArgument(Memory.cache + tag);
    get(linear);
    if (size > 1) {
      const32(size - 1);
      op(Wasm.I32Add);
    }
    const32(0xfffff000);
    op(Wasm.I32And);
    getLocal(Frame.Context);
    op(Wasm.I32Or);
    op(Wasm.I32Eq);
    return entry;
  }
  private static host(linear: Local, entry: Local): void {
    get(linear);
    get(entry);
    op(Wasm.I32Load);
    memoryArgument(Memory.cache + ADDEND);
    op(Wasm.I32Add);
  }

  static load<T>(linear: Local): Local {
    const type: u32 = sizeof<T>() == 8 ? Wasm.TypeI64 : Wasm.TypeI32;
    const entry = Memory.probe(linear, sizeof<T>(), READ_TAG);
    Labels.openTyped(Wasm.If, type);
    Memory.host(linear, entry);
    op(loadOf<T>());
    memoryArgument(0);
    op(Wasm.Else);
    get(linear);
    Site.pushArguments();
    call(sizeof<T>() == 1 ? Callee.slowLoad8 : sizeof<T>() == 2 ? Callee.slowLoad16 : sizeof<T>() == 4 ? Callee.slowLoad32 : Callee.slowLoad64);
    Site.leaveIfStopped();
    Labels.close();
    return keep(type);
  }
  static store<T>(linear: Local, v: Local): void {
    const entry = Memory.probe(linear, sizeof<T>(), WRITE_TAG);
    Labels.open(Wasm.If);
    Memory.host(linear, entry);
    get(v);
    op(storeOf<T>());
    memoryArgument(0);
    op(Wasm.Else);
    get(linear);
    get(v);
    Site.pushArguments();
    call(sizeof<T>() == 1 ? Callee.slowStore8 : sizeof<T>() == 2 ? Callee.slowStore16 : sizeof<T>() == 4 ? Callee.slowStore32 : Callee.slowStore64);
    Site.leaveIfStopped();
    Labels.close();
  }
  /** Host address for a read-modify-write of T. */
  static modify<T>(linear: Local): Local {
    const entry = Memory.probe(linear, sizeof<T>(), WRITE_TAG);
    Labels.openTyped(Wasm.If, Wasm.TypeI32);
    Memory.host(linear, entry);
    op(Wasm.Else);
    get(linear);
    const32(sizeof<T>());
    Site.pushArguments();
    call(Callee.slowModify);
    const host = keep(Wasm.TypeI32);
    get(host);
    op(Wasm.I32Eqz);
    Labels.open(Wasm.If);
    Site.leaveBefore();
    Labels.close();
    get(host);
    Labels.close();
    return keep(Wasm.TypeI32);
  }
  static loadHost<T>(host: Local): Local {
    get(host);
    op(loadOf<T>());
    memoryArgument(0);
    return keep(sizeof<T>() == 8 ? Wasm.TypeI64 : Wasm.TypeI32);
  }
  static storeHost<T>(host: Local, v: Local): void {
    get(host);
    get(v);
    op(storeOf<T>());
    memoryArgument(0);
  }
}

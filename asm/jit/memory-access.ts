/**
 * Memory operands: the address, the one compare with the translation cache's tag, and the access behind it; the slow
 * path otherwise. The cache's address is in a local, as it depends on the address space; that of 64-bit code is a constant,
 * because the mode key says which of the two is in use.
 */
import { ES_BASE } from "../core/cpu-state.generated";
import { CPU, TLB_ENTRIES, TLB_LONG_ENTRIES, TLB_LONG_SUPERVISOR, TLB_LONG_USER } from "../core/memory-map";
import { Attr, SegmentRegister } from "../core/segment";
import { Ea, Insn } from "../decode/insn";
import { ADDEND, READ_TAG, WRITE_TAG } from "../mmu/tlb";
import { LONG_ADDEND, LONG_READ_TAG, LONG_WRITE_TAG } from "../mmu/tlb-long";
import { Bytes, Wasm } from "./bytes";
import { call, const32, const64, get, get32, getAs, getLocal, keep, Labels, memoryArgument, op } from "./code";
import { Frame, Registers, Wide } from "./frame";
import { Callee } from "./helpers";
import { Site } from "./site";
import { Local, Values } from "./values";
import { Windows } from "./windows";

const ZERO_SLOT: u32 = 128;

function loadOf<T>(): u32 {
  return sizeof<T>() == 1 ? Wasm.I32Load8U : sizeof<T>() == 2 ? Wasm.I32Load16U : sizeof<T>() == 4 ? Wasm.I32Load : Wasm.I64Load;
}
function storeOf<T>(): u32 {
  return sizeof<T>() == 1 ? Wasm.I32Store8 : sizeof<T>() == 2 ? Wasm.I32Store16 : sizeof<T>() == 4 ? Wasm.I32Store : Wasm.I64Store;
}

export class Memory {
  /** What offsets in the translation cache are counted from, beyond the entry's place: 0 where that is an address. */
  static cache: usize = 0;
  static begin(user: bool): void {
    Memory.cache = Wide.on ? (user ? TLB_LONG_USER : TLB_LONG_SUPERVISOR) : 0;
  }

  /** Effective address (offset) of the memory operand. */
  static offset(i: Insn): Local {
    if (Wide.on) return Memory.offset64(i);
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
    const sum = keep(Wasm.TypeI32);
    if (index || address16) return sum;
    const from = Registers.read(<u32>i.base >> 3);
    return Values.comesFrom(sum, Values.origin(from), Values.delta(from) + i.disp);
  }
  /** The same in 64-bit code, an i64: asm/semantics/operand-long.ts. */
  private static offset64(i: Insn): Local {
    const ea = <u32>i.ea;
    if (ea & Ea.Absolute) {
      const address = (<u64>i.imm2 << 32) | <u64>i.dispBits;
      const64(ea & Ea.Address32 ? address & 0xffffffff : address);
      return keep(Wasm.TypeI64);
    }
    const base = <u32>i.base != ZERO_SLOT;
    const index = <u32>i.index != ZERO_SLOT;
    const disp = <i64>i.disp + (ea & Ea.Rip ? <i64>Site.end : 0);
    if (base && !index && disp == 0 && !(ea & (Ea.Address32 | Ea.Rip))) return Registers.read(<u32>i.base >> 3);
    const64(<u64>disp);
    if (ea & Ea.Rip) {
      getLocal(Frame.Page64);
      op(Wasm.I64Add);
    }
    if (base) {
      get(Registers.read(<u32>i.base >> 3));
      op(Wasm.I64Add);
    }
    if (index) {
      get(Registers.read(<u32>i.index >> 3));
      if (i.scale) {
        const64(<u64>i.scale);
        op(Wasm.I64Shl);
      }
      op(Wasm.I64Add);
    }
    if (ea & Ea.Address32) {
      const64(0xffffffff);
      op(Wasm.I64And);
    }
    return keep(Wasm.TypeI64);
  }
  /** Stores the registers of the address into the state, for an instruction that is called. */
  static expose(i: Insn): void {
    if (<u32>i.base != ZERO_SLOT) Memory.exposeRegister(i.base);
    if (<u32>i.index != ZERO_SLOT) Memory.exposeRegister(i.index);
  }
  private static exposeRegister(slot: u32): void {
    const32(0);
    get(Registers.read(slot >> 3));
    op(Wide.on ? Wasm.I64Store : Wasm.I32Store);
    memoryArgument(CPU + <usize>slot);
  }
  /** Linear address of an operand of `size` bytes; an i64 in 64-bit code. */
  static linear(i: Insn, size: u32, write: bool): Local {
    if (Wide.on) {
      const inSpace = Memory.offset64(i);
      if (!(i.ea & Ea.Segmented)) return inSpace;
      get(inSpace);
      const32(0);
      op(Wasm.I64Load);
      memoryArgument(CPU + ES_BASE + (<usize>i.segment << 4) + offsetof<SegmentRegister>("base"));
      op(Wasm.I64Add);
      return keep(Wasm.TypeI64);
    }
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
  static probe(linear: Local, size: u32, write: bool): Local {
    if (Wide.on) return Memory.probe64(linear, size, write ? LONG_WRITE_TAG : LONG_READ_TAG);
    const tag = write ? WRITE_TAG : READ_TAG;
    get(linear);
    const32(8);
    op(Wasm.I32ShrU);
    const32((<u32>TLB_ENTRIES - 1) << 4);
    op(Wasm.I32And);
    getLocal(Frame.Cache);
    op(Wasm.I32Add);
    const entry = keep(Wasm.TypeI32);
    get(entry);
    op(Wasm.I32Load);
    memoryArgument(tag);
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
  private static probe64(linear: Local, size: u32, tag: usize): Local {
    get(linear);
    const64(7);
    op(Wasm.I64ShrU);
    op(Wasm.I32WrapI64);
    const32((<u32>TLB_LONG_ENTRIES - 1) << 5);
    op(Wasm.I32And);
    const entry = keep(Wasm.TypeI32);
    get(entry);
    op(Wasm.I64Load);
    memoryArgument(Memory.cache + tag);
    get(linear);
    if (size > 1) {
      const64(size - 1);
      op(Wasm.I64Add);
    }
    const64(~(<u64>0xfff));
    op(Wasm.I64And);
    getLocal(Frame.Context);
    op(Wasm.I64ExtendI32U);
    op(Wasm.I64Or);
    op(Wasm.I64Eq);
    return entry;
  }
  static host(linear: Local, entry: Local): void {
    get32(linear);
    get(entry);
    op(Wasm.I32Load);
    memoryArgument(Memory.cache + (Wide.on ? LONG_ADDEND : ADDEND));
    Windows.passed();
    op(Wasm.I32Add);
  }

  /**
   * Begins an `if` of `type` for an access that is allowed, with the host's address on the stack; `otherwise` begins what is
   * done for one that is not, when nothing of it is on the stack.
   */
  private static allowed(linear: Local, size: u32, write: bool, type: u32): void {
    const window = Windows.find(linear, size, write);
    if (window >= 0) {
      Windows.test(window, linear, size);
      Labels.openTyped(Wasm.If, type);
      Windows.host(window, linear);
      return;
    }
    Windows.open(linear, size, write);
    const entry = Memory.probe(linear, size, write);
    Labels.openTyped(Wasm.If, type);
    Memory.host(linear, entry);
  }
  private static otherwise(): void {
    op(Wasm.Else);
    Windows.failed();
  }
  /** Branches to `slow` unless the access is allowed; pushes the host's address. */
  static plain(linear: Local, size: u32, write: bool, slow: u32): void {
    const window = Windows.find(linear, size, write);
    if (window >= 0) {
      Windows.test(window, linear, size);
      op(Wasm.I32Eqz);
      Labels.branchIf(slow);
      Windows.host(window, linear);
      return;
    }
    const entry = Memory.probe(linear, size, write);
    op(Wasm.I32Eqz);
    Labels.branchIf(slow);
    Memory.host(linear, entry);
  }

  static load<T>(linear: Local): Local {
    const type: u32 = sizeof<T>() == 8 ? Wasm.TypeI64 : Wasm.TypeI32;
    Memory.allowed(linear, sizeof<T>(), false, type);
    op(loadOf<T>());
    memoryArgument(0);
    Memory.otherwise();
    get(linear);
    Site.pushArguments();
    if (Wide.on) call(sizeof<T>() == 1 ? Callee.longLoad8 : sizeof<T>() == 2 ? Callee.longLoad16 : sizeof<T>() == 4 ? Callee.longLoad32 : Callee.longLoad64);
    else call(sizeof<T>() == 1 ? Callee.slowLoad8 : sizeof<T>() == 2 ? Callee.slowLoad16 : sizeof<T>() == 4 ? Callee.slowLoad32 : Callee.slowLoad64);
    Site.leaveIfStopped();
    Labels.close();
    return keep(type);
  }
  static store<T>(linear: Local, v: Local): void {
    Memory.allowed(linear, sizeof<T>(), true, Wasm.TypeVoid);
    getAs<T>(v);
    op(storeOf<T>());
    memoryArgument(0);
    Memory.otherwise();
    get(linear);
    getAs<T>(v);
    Site.pushArguments();
    if (Wide.on) call(sizeof<T>() == 1 ? Callee.longStore8 : sizeof<T>() == 2 ? Callee.longStore16 : sizeof<T>() == 4 ? Callee.longStore32 : Callee.longStore64);
    else call(sizeof<T>() == 1 ? Callee.slowStore8 : sizeof<T>() == 2 ? Callee.slowStore16 : sizeof<T>() == 4 ? Callee.slowStore32 : Callee.slowStore64);
    Site.leaveIfStopped();
    Labels.close();
  }
  /** Host address for a read-modify-write of T. */
  static modify<T>(linear: Local): Local {
    Memory.allowed(linear, sizeof<T>(), true, Wasm.TypeI32);
    Memory.otherwise();
    get(linear);
    const32(sizeof<T>());
    Site.pushArguments();
    call(Wide.on ? Callee.longModify : Callee.slowModify);
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
    getAs<T>(v);
    op(storeOf<T>());
    memoryArgument(0);
  }
}

/**
 * Writes the function of a region: what it needs of the state into locals, its nodes, and one way out, which stores what
 * changed and goes on through a link slot.
 */
import { BLOCK_RIP, CONTEXT, JIT_CARRY, JIT_FLAG_KIND, JIT_FLAG_X, JIT_FLAG_Y, JIT_LEFT, JIT_LINK, RIP, TLB } from "../core/cpu-state.generated";
import { CPU, TLB_ENTRIES, TLB_LONG_ENTRIES } from "../core/memory-map";
import { Mode } from "../core/mode";
import { Insn, Prefix } from "../decode/insn";
import { ADDEND, EXEC_TAG } from "../mmu/tlb";
import { LONG_ADDEND, LONG_EXEC_TAG } from "../mmu/tlb-long";
import { Dispatch } from "../semantics/dispatch.generated";
import { Bytes, Wasm } from "./bytes";
import { call, const32, const64, get, getLocal, Labels, loadState, memoryArgument, op, setLocal, storeState } from "./code";
import { Graph, onWrite } from "./control-flow";
import { Emit } from "./emit";
import { Flags } from "./flags";
import { Flow } from "./flow";
import { Frame, Registers, Wide } from "./frame";
import { Callee } from "./helpers";
import { Links } from "./link";
import { Memory } from "./memory-access";
import { Ending, NOWHERE, Region, flowOf, isQuiet, isStaged } from "./region";
import { Simd } from "./simd";
import { Exit, Site } from "./site";
import { Local, Values } from "./values";
import { Windows } from "./windows";
import { X87 } from "./x87";

/** Registers that interpreted instructions find in the state: those the function may have changed. */
let changed: u32 = 0xffff;
let needed: u32 = 0xffff;

export class RegionWriter {
  static init(): void {
    onWrite(writeNode, (): void => {
      Flags.forget();
      Windows.forget();
    });
  }

  /** Appends the function (with its size) to `Bytes`; `scratch` holds its body meanwhile. False: it is too large. */
  static write(scratch: usize, scratchBytes: usize): bool {
    Graph.analyse();
    Wide.on = (Region.key & Mode.Code64) != 0;
    Memory.begin((Region.key & Mode.User) != 0);
    const at = Bytes.position;
    const end = at + Bytes.room;
    changed = 0xffff;
    needed = 0xffff;
    const slots = Links.taken;
    const records = Site.taken;
    let body = writeBody(scratch, scratchBytes);
    if (body && Region.interprets) {
      Links.giveBack(slots);
      Site.giveBack(records);
      // Now it is known which registers it uses.
      changed = Registers.written;
      needed = Registers.used;
      body = writeBody(scratch, scratchBytes);
    }
    Bytes.begin(at, end - at);
    if (!body || Values.overflowed) return false;
    const size = Bytes.reserve();
    writeLocals();
    writeEntry();
    memory.copy(Bytes.position, scratch, body);
    Bytes.skip(body);
    writeExit();
    Bytes.u8(Wasm.End);
    Bytes.patch(size);
    return true;
  }
}

function writeBody(scratch: usize, scratchBytes: usize): usize {
  Bytes.begin(scratch, scratchBytes);
  Values.begin(Wide.on ? Frame.Count64 : Frame.Count);
  if (Wide.on) for (let n = Frame.Rax; n < Frame.Count64; n++) Values.widen(n);
  Registers.begin();
  Windows.begin();
  Flags.begin();
  if (Region.interprets) Flags.touch();
  Labels.depth = 0;
  Exit.label = Labels.open(Wasm.Block);
  if (!Graph.isLoop(0)) writeBudgetCheck(0);
  Graph.write(0);
  // Every path has left.
  op(Wasm.Unreachable);
  Labels.close();
  return Bytes.position - scratch;
}

function writeLocals(): void {
  let runs: u32 = 0;
  for (let n: u32 = 0; n < Values.localCount; n++) if (n == 0 || Values.localType(n) != Values.localType(n - 1)) runs++;
  Bytes.leb(runs);
  for (let n: u32 = 0; n < Values.localCount; ) {
    const type = Values.localType(n);
    let length: u32 = 1;
    while (n + length < Values.localCount && Values.localType(n + length) == type) length++;
    Bytes.leb(length);
    Bytes.u8(type);
    n += length;
  }
}

function writeEntry(): void {
  if (Wide.on) {
    const32(0);
    op(Wasm.I64Load);
    memoryArgument(CPU + RIP);
    const64(Region.offset(0));
    op(Wasm.I64Sub);
    setLocal(Frame.Page64);
  } else {
    loadState(RIP);
    const32(Region.offset(0));
    op(Wasm.I32Sub);
    setLocal(Frame.Page);
  }
  const32(0);
  getLocal(Wide.on ? Frame.Page64 : Frame.Page);
  op(Wide.on ? Wasm.I64Store : Wasm.I32Store);
  memoryArgument(CPU + BLOCK_RIP);
  loadState(JIT_LEFT);
  setLocal(Frame.Left);
  loadState(CONTEXT);
  setLocal(Frame.Context);
  if (!Wide.on) {
    loadState(TLB);
    setLocal(Frame.Cache);
  }
  Registers.load(Registers.used);
  if (!Flags.used) return;
  loadState(JIT_FLAG_KIND);
  setLocal(Frame.FlagKind);
  loadState(JIT_FLAG_X);
  setLocal(Frame.FlagX);
  loadState(JIT_FLAG_Y);
  setLocal(Frame.FlagY);
  loadState(JIT_CARRY);
  setLocal(Frame.Carry);
}
function storeFlags(): void {
  storeState(JIT_FLAG_KIND, Frame.FlagKind);
  storeState(JIT_FLAG_X, Frame.FlagX);
  storeState(JIT_FLAG_Y, Frame.FlagY);
  storeState(JIT_CARRY, Frame.Carry);
}

/** The way out: state, then the region behind the link. */
function writeExit(): void {
  Registers.store(Registers.written);
  if (Flags.used) storeFlags();
  if (Wide.on) {
    const32(0);
    getLocal(Frame.Rip64);
    op(Wasm.I64Store);
    memoryArgument(CPU + RIP);
  } else {
    getLocal(Frame.Page);
    getLocal(Frame.ExitRip);
    op(Wasm.I32Add);
    setLocal(Frame.Scratch);
    storeState(RIP, Frame.Scratch);
  }
  storeState(JIT_LEFT, Frame.Left);
  storeState(JIT_LINK, Frame.Link);
  getLocal(Frame.Link);
  const32(1);
  op(Wasm.I32And);
  Labels.open(Wasm.If);
  // Into another page: does the target's linear address lead to the code the link was made for?
  if (Wide.on) writeExecutes64();
  else writeExecutes();
  getLocal(Frame.ExitRip);
  op(Wasm.I32Load);
  memoryArgument(Memory.cache + (Wide.on ? LONG_ADDEND : ADDEND));
  if (Wide.on) {
    getLocal(Frame.Rip64);
    op(Wasm.I32WrapI64);
  } else getLocal(Frame.Scratch);
  op(Wasm.I32Add);
  getLocal(Frame.Link);
  op(Wasm.I32Load);
  memoryArgument(3);
  op(Wasm.I32Ne);
  Labels.open(Wasm.If);
  op(Wasm.Return);
  Labels.close();
  getLocal(Frame.Link);
  const32(1);
  op(Wasm.I32Sub);
  setLocal(Frame.Link);
  Labels.close();
  getLocal(Frame.Link);
  op(Wasm.I32Load);
  memoryArgument(0);
  op(Wasm.ReturnCallIndirect);
  Bytes.leb(0);
  Bytes.leb(0);
}

/** Returns unless the translation cache has RIP's page; its entry is in Frame.ExitRip then. */
function writeExecutes(): void {
  getLocal(Frame.Scratch);
  const32(8);
  op(Wasm.I32ShrU);
  const32((<u32>TLB_ENTRIES - 1) << 4);
  op(Wasm.I32And);
  getLocal(Frame.Cache);
  op(Wasm.I32Add);
  setLocal(Frame.ExitRip);
  getLocal(Frame.ExitRip);
  op(Wasm.I32Load);
  memoryArgument(EXEC_TAG);
  getLocal(Frame.Scratch);
  const32(0xfffff000);
  op(Wasm.I32And);
  getLocal(Frame.Context);
  op(Wasm.I32Or);
  op(Wasm.I32Ne);
  Labels.open(Wasm.If);
  op(Wasm.Return);
  Labels.close();
}
function writeExecutes64(): void {
  getLocal(Frame.Rip64);
  const64(7);
  op(Wasm.I64ShrU);
  op(Wasm.I32WrapI64);
  const32((<u32>TLB_LONG_ENTRIES - 1) << 5);
  op(Wasm.I32And);
  setLocal(Frame.ExitRip);
  getLocal(Frame.ExitRip);
  op(Wasm.I64Load);
  memoryArgument(Memory.cache + LONG_EXEC_TAG);
  getLocal(Frame.Rip64);
  const64(~(<u64>0xfff));
  op(Wasm.I64And);
  getLocal(Frame.Context);
  op(Wasm.I64ExtendI32U);
  op(Wasm.I64Or);
  op(Wasm.I64Ne);
  Labels.open(Wasm.If);
  op(Wasm.Return);
  Labels.close();
}

/** Leaves before node `n` when the budget may end inside the region: the interpreter runs to the exact instruction. */
function writeBudgetCheck(n: u32): void {
  getLocal(Frame.Left);
  const32(Region.instructions);
  op(Wasm.I32LtS);
  Labels.open(Wasm.If);
  Exit.to(Region.offset(n), Links.core);
  Labels.close();
}

function writeNode(n: u32): void {
  if (!Graph.isInherited(n)) {
    Flags.forget();
    Windows.forget();
  }
  if (Graph.isLoop(n)) writeBudgetCheck(n);
  const count = Region.length(n);
  getLocal(Frame.Left);
  const32(count);
  op(Wasm.I32Sub);
  setLocal(Frame.Left);
  for (let k: u32 = 0; k < count; k++) {
    const insn = Region.insn(n, k);
    Values.beginInstruction();
    Flags.hold();
    Registers.hold();
    Windows.hold();
    Windows.later = basesAfter(n, k);
    Site.begin(insn, Region.offset(n), count - k);
    if (isStaged(insn)) {
      Flow.begin(flagsDie(n, k));
      Dispatch.hot<Emit, Local, Local, Local>(insn);
    } else if (isQuiet(insn)) writeSimd(insn);
    else writeInterpreted(insn, k + 1 == count && Region.ending(n) == Ending.Interpreted);
  }
  writeEnding(n);
}

/** Registers that instructions behind number k of node n name as bases of addresses. */
function basesAfter(n: u32, k: u32): u32 {
  let bases: u32 = 0;
  for (let j = k + 1, count = Region.length(n); j < count; j++) bases |= Windows.basesOf(Region.insn(n, j));
  return bases;
}
/** An instruction that the interpreter's backend does, on the state in memory; the code goes on behind it. */
function writeInterpreted(insn: Insn, ends: bool): void {
  Flags.flush();
  Registers.flush();
  Registers.store(changed);
  storeFlags();
  Site.pushArguments();
  const32(<u32>ends);
  call(Callee.interpret);
  Labels.open(Wasm.If);
  op(Wasm.Return);
  Labels.close();
  if (!(flowOf(insn) & 64)) Registers.load(needed);
  Windows.forget();
  loadState(CONTEXT);
  setLocal(Frame.Context);
  Flags.nowInMemory();
  if (insn.prefixes & (Prefix.Rep | Prefix.Repne)) writeRepeated();
}
/** After a REP that went on: it has used more of the budget than was known. */
function writeRepeated(): void {
  loadState(JIT_LEFT);
  const32(Site.ahead);
  op(Wasm.I32Sub);
  setLocal(Frame.Left);
  getLocal(Frame.Left);
  const32(Region.instructions);
  op(Wasm.I32LtS);
  Labels.open(Wasm.If);
  Flags.writeLocals();
  getLocal(Frame.Left);
  const32(Site.ahead - 1);
  op(Wasm.I32Add);
  setLocal(Frame.Left);
  Exit.to(Site.end, Links.core);
  Labels.close();
}

/** SSE by the host where it can, x87 by a direct call. */
function writeSimd(insn: Insn): void {
  if (Simd.knows(insn)) Simd.write(insn, writeQuiet);
  else if (X87.knows(insn)) X87.write(insn, writeQuiet);
  else writeQuiet(insn);
}
/** An instruction that the interpreter's backend does without general registers and flags. */
function writeQuiet(insn: Insn): void {
  if (insn.isMemory) Memory.expose(insn);
  Site.pushArguments();
  call(Callee.quiet);
  Site.leaveIfTold();
}

/** Are the flags of instruction k of node n overwritten before an instruction that reads them or may leave? */
function flagsDie(n: u32, k: u32): bool {
  for (let j = k + 1, count = Region.length(n); j < count; j++) {
    const insn = Region.insn(n, j);
    const flow = flowOf(insn);
    // Only instructions without a memory operand surely go on.
    if (!(flow & 8) || flow & 16 || insn.isMemory || !isStaged(insn)) return false;
    if (flow & 32) return true;
  }
  return false;
}

function writeEnding(n: u32): void {
  const ending = Region.ending(n);
  const condition = Flow.condition;
  const target = Flow.target;
  Flags.flush();
  Registers.flush();
  if (ending == Ending.Falls || ending == Ending.Interpreted) writeEdge(n, Region.fall(n), Region.fallOffset(n));
  else if (ending == Ending.Jump) writeEdge(n, Region.taken(n), Region.takenOffset(n));
  else if (ending == Ending.Computed) writeComputed(target);
  else if (ending == Ending.Return) writeReturn(n, target, 0);
  else {
    const kind = Flags.kind;
    const split = Flags.split;
    const known = Windows.save();
    get(condition);
    Labels.open(Wasm.If);
    writeEdge(n, Region.taken(n), Region.takenOffset(n));
    op(Wasm.Else);
    Flags.inherit(kind, split);
    Windows.restore(known);
    writeEdge(n, Region.fall(n), Region.fallOffset(n));
    Labels.close();
  }
}
function writeEdge(n: u32, to: u32, offset: i32): void {
  if (to != NOWHERE) Graph.follow(n, to);
  else Exit.to(<u32>offset, Links.take() | (<u32>offset < 0x1000 ? 0 : 1));
}
/** RET: compares with the return sites from number `site` on. */
function writeReturn(n: u32, target: Local, site: u32): void {
  while (site < Region.edges(n) && Region.edge(n, site) == NOWHERE) site++;
  if (site == Region.edges(n)) {
    writeComputed(target);
    return;
  }
  const to = Region.edge(n, site);
  const kind = Flags.kind;
  const split = Flags.split;
  const known = Windows.save();
  get(target);
  if (Wide.on) {
    getLocal(Frame.Page64);
    const64(Region.offset(to));
    op(Wasm.I64Add);
    op(Wasm.I64Eq);
  } else {
    getLocal(Frame.Page);
    const32(Region.offset(to));
    op(Wasm.I32Add);
    op(Wasm.I32Eq);
  }
  Labels.open(Wasm.If);
  Graph.follow(n, to);
  op(Wasm.Else);
  Flags.inherit(kind, split);
  Windows.restore(known);
  writeReturn(n, target, site + 1);
  Labels.close();
}
/** RET and indirect transfers: through the jump cache. */
function writeComputed(target: Local): void {
  get(target);
  if (Wide.on) {
    setLocal(Frame.Rip64);
    // The low half finds the slot; whether it is the target's, its page's entry in the translation cache says.
    getLocal(Frame.Rip64);
    op(Wasm.I32WrapI64);
    setLocal(Frame.Scratch);
  } else {
    setLocal(Frame.Scratch);
    getLocal(Frame.Scratch);
    getLocal(Frame.Page);
    op(Wasm.I32Sub);
    setLocal(Frame.ExitRip);
  }
  const32(<u32>Links.jumps + 1);
  getLocal(Frame.Scratch);
  getLocal(Frame.Scratch);
  const32(13);
  op(Wasm.I32ShrU);
  op(Wasm.I32Xor);
  const32(4);
  op(Wasm.I32Shl);
  const32(Links.jumpMask);
  op(Wasm.I32And);
  setLocal(Frame.Link);
  getLocal(Frame.Link);
  op(Wasm.I32Add);
  const32(Links.core);
  getLocal(Frame.Link);
  op(Wasm.I32Load);
  memoryArgument(Links.jumps + 8);
  getLocal(Frame.Scratch);
  op(Wasm.I32Eq);
  getLocal(Frame.Link);
  op(Wasm.I32Load);
  memoryArgument(Links.jumps + 12);
  const32(Region.key);
  op(Wasm.I32Eq);
  op(Wasm.I32And);
  op(Wasm.Select);
  setLocal(Frame.Link);
  Labels.branch(Exit.label);
}

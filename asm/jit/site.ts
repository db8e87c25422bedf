/**
 * The instruction being written: what its slow paths need to know, and the ways to leave the region from it. Records of
 * instructions (Insn) that slow paths name are copies with offsets from their page, which live as long as the code.
 */
import { STOP } from "../core/cpu-state.generated";
import { INSN_BYTES } from "../core/exits";
import { Insn } from "../decode/insn";
import { allocate } from "../mmu/physical";
import { Wasm } from "./bytes";
import { const32, const64, get, getLocal, keep, Labels, loadState, op, setLocal } from "./code";
import { Flags } from "./flags";
import { Frame, Registers, Wide } from "./frame";
import { Links } from "./link";

const ARENA_BYTES: usize = 12 << 20;
let arena: usize = 0;
let arenaNext: usize = 0;

export class Site {
  /** The instruction's record, and its copy if one was needed. */
  static insn: Insn = changetype<Insn>(0);
  private static copied: u32 = 0;
  /** Offset of its block in the page. */
  static offset: u32 = 0;
  /** Instructions of its block from it on: they are taken off Frame.Left already. */
  static ahead: u32 = 0;

  static init(): void {
    arena = allocate(ARENA_BYTES);
    arenaNext = arena;
  }
  static clear(): void {
    arenaNext = arena;
  }
  /** Records from `from` on, which was `taken`, are not used. */
  static get taken(): usize {
    return arenaNext;
  }
  static giveBack(from: usize): void {
    arenaNext = from;
  }
  static get full(): bool {
    return arenaNext + 4096 * INSN_BYTES > arena + ARENA_BYTES;
  }

  static begin(insn: Insn, offset: u32, ahead: u32): void {
    Site.insn = insn;
    Site.copied = 0;
    Site.offset = offset;
    Site.ahead = ahead;
  }
  static get start(): u32 {
    return Site.offset + <u32>Site.insn.start;
  }
  static get end(): u32 {
    return Site.offset + <u32>Site.insn.end;
  }
  /** Address of the copy. */
  static get record(): u32 {
    if (!Site.copied) {
      memory.copy(arenaNext, changetype<usize>(Site.insn), INSN_BYTES);
      const copy = changetype<Insn>(arenaNext);
      copy.start = <u16>Site.start;
      copy.end = <u16>Site.end;
      Site.copied = <u32>arenaNext;
      arenaNext += INSN_BYTES;
    }
    return Site.copied;
  }
  /** Pushes the last arguments of every slow path: the record, and the ticks left before the instruction. */
  static pushArguments(): void {
    const32(Site.record);
    getLocal(Frame.Left);
    const32(Site.ahead);
    op(Wasm.I32Add);
  }

  /** Leaves before the instruction: it has had no effect. The loop delivers its fault, or interprets it. */
  static leaveBefore(): void {
    Flags.writeLocals();
    Registers.flushCold();
    getLocal(Frame.Left);
    const32(Site.ahead);
    op(Wasm.I32Add);
    setLocal(Frame.Left);
    Exit.to(Site.start, Links.core);
  }
  /** After `quiet`, whose result is on the stack: goes on, leaves before or after the instruction. */
  static leaveIfTold(): void {
    const told = keep(Wasm.TypeI32);
    get(told);
    Labels.open(Wasm.If);
    Flags.writeLocals();
    Registers.flushCold();
    getLocal(Frame.Left);
    const32(Site.ahead + 1);
    op(Wasm.I32Add);
    get(told);
    op(Wasm.I32Sub);
    setLocal(Frame.Left);
    get(told);
    const32(1);
    op(Wasm.I32Eq);
    Labels.open(Wasm.If);
    Exit.to(Site.start, Links.core);
    op(Wasm.Else);
    Exit.to(Site.end, Links.core);
    Labels.close();
    Labels.close();
  }
  /** After a slow path: leaves before the instruction if it could not do it. */
  static leaveIfStopped(): void {
    loadState(STOP);
    Labels.open(Wasm.If);
    Site.leaveBefore();
    Labels.close();
  }
}

export class Exit {
  /** Depth of the label behind which the function's one way out is written. */
  static label: u32 = 0;
  /** Goes there: RIP = page + `rip`, through link slot `link`. Registers and flags are in their locals. */
  static to(rip: u32, link: u32): void {
    if (Wide.on) {
      getLocal(Frame.Page64);
      const64(<u64>(<i64>(<i32>rip)));
      op(Wasm.I64Add);
      setLocal(Frame.Rip64);
    } else {
      const32(rip);
      setLocal(Frame.ExitRip);
    }
    const32(link);
    setLocal(Frame.Link);
    Labels.branch(Exit.label);
  }
}

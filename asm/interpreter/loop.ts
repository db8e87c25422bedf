/**
 * The interpreter's loop: look at causes to stop → find the block → run it → account for it. The one hot loop of the
 * core. Time is exact: a block is cut where the budget ends, a fault counts what came before it.
 */
import { Breakpoints } from "../core/breakpoints";
import { cpu, ticks } from "../core/cpu";
import { Debug, Hit } from "../core/debug";
import { Eflags } from "../core/eflags";
import { RunEnd } from "../core/events.generated";
import { INSN_BYTES } from "../core/exits";
import { Mode, linearRip } from "../core/mode";
import { TrapFlag, clearFault } from "../core/pending-trap";
import { Seg, Segment } from "../core/segment";
import { Stop } from "../core/stop";
import { Block, BlockCache } from "../decode/block-cache";
import { Insn } from "../decode/insn";
import { Jit } from "../jit/jit";
import { ContextKind } from "../mmu/paging-entry";
import { fetchHost } from "../mmu/slow-access";
import { Dispatch } from "../semantics/dispatch.generated";
import { Run } from "../semantics/run";
import { instructionBreakpoint } from "../vmm/debug-registers";
import { deliverTrap } from "../vmm/deliver";
import { Service, Shadow, serviceEvents, singleStepTrap } from "../vmm/interrupt-window";

/** `run()` goes on. */
const GO_ON: i32 = -1;
/** Runs with more instructions than any budget are split here, so that u32 arithmetic is enough. */
const MANY: u64 = 0x40000000;

/** Finds or builds the block at CS:RIP. Null: a fault is pending. Inlined is only what most blocks need. */
// @ts-ignore: decorator
@inline function enterBlock(): Block | null {
  const key = cpu.modeKey;
  if ((key & (Mode.FlatCS | Mode.Code64)) == Mode.FlatCS) {
    const linear = <u32>cpu.rip;
    const entry = BlockCache.jumpEntry(linear);
    if (load<u32>(entry) == linear && load<u32>(entry, 4) == BlockCache.jumpTag()) {
      const block = changetype<Block>(<usize>load<u32>(entry, 8));
      // Blocks beyond 4 GB, whose entries differ in their high half, have the mode key of 64-bit code.
      if (block.modeKey == key) return block;
    }
  }
  return findBlock();
}

function findBlock(): Block | null {
  const rip = <u32>cpu.rip;
  const linear = <u32>Segment.of(Seg.CS).base + rip;
  // Bases are 0 in 64-bit code; elsewhere linear addresses have 32 bits.
  const high = cpu.modeKey & Mode.Code64 ? <u32>(cpu.rip >> 32) : 0;
  const entry = BlockCache.jumpEntry(linear);
  const tag = BlockCache.jumpTag();
  if (load<u32>(entry) == linear && load<u32>(entry, 4) == tag && load<u32>(entry, 12) == high) {
    const block = changetype<Block>(<usize>load<u32>(entry, 8));
    if (block.modeKey == cpu.modeKey) return checkLimit(block, rip, linear);
  }
  const whole = (<u64>high << 32) | <u64>linear;
  const host = fetchHost(whole);
  if (!host) return null;
  let block: Block | null = null;
  // Most memos that a change of mappings made stale are right again: one look at the block is less than looking for it.
  if (load<u32>(entry) == linear && load<u32>(entry, 12) == high) {
    const known = changetype<Block>(<usize>load<u32>(entry, 8));
    if (known.host == <u32>host && known.modeKey == cpu.modeKey) block = known;
  }
  if (block == null) block = BlockCache.find(<u32>host, cpu.modeKey);
  if (block == null) block = BlockCache.build(host, whole, rip);
  if (block == null) return null;
  if (block.modeKey == cpu.modeKey) {
    store<u32>(entry, linear);
    store<u32>(entry, tag, 4);
    store<u32>(entry, changetype<u32>(block), 8);
    store<u32>(entry, high, 12);
  }
  return checkLimit(block, rip, linear);
}

/** Near the end of a CS that is not flat, one instruction at a time, so that the one beyond the limit faults. */
// @ts-ignore: decorator
@inline function checkLimit(block: Block, rip: u32, linear: u32): Block | null {
  if (cpu.modeKey & Mode.FlatCS) return block;
  const limit = Segment.of(Seg.CS).limit;
  const last = rip + <u32>block.bytes - 1;
  if (last <= limit && last >= rip) return block;
  const host = fetchHost(linear);
  if (!host) return null;
  return BlockCache.one(host, linear, rip);
}

/** Runs until `cpu.limit` ticks or another end; RunEnd. */
export function run(): i32 {
  Debug.resume();
  // Translated code left before an instruction that is the interpreter's.
  let interpretOne = false;
  for (;;) {
    if (cpu.stop) {
      if (cpu.stop & Stop.Leave) interpretOne = true;
      const end = service();
      if (end != GO_ON) return end;
    }
    const now = ticks();
    if (now >= cpu.limit) return RunEnd.Budget;
    let most = cpu.limit - now;
    if (most > MANY) most = MANY;
    // One instruction at a time: after STI / MOV SS, under TF, and while a debugger counts.
    const flags = cpu.eflags;
    const traced = (flags & Eflags.TF) != 0;
    // RF lasts for one instruction (SDM 3A "Resume Flag").
    const resumed = flags & Eflags.RF;
    const shadow = cpu.interruptShadow;
    const watched = Debug.watchesCode;
    // Before the fetch: a breakpoint comes before all faults of the instruction (SDM 3A "Priority Among Concurrent Events").
    if (watched && Breakpoints.code && !resumed && shadow != Shadow.MovSs && instructionBreakpoint()) continue;
    if (shadow | (flags & (Eflags.TF | Eflags.RF)) | cpu.singleStep) {
      most = 1;
      cpu.interruptShadow = 0;
      cpu.eflags = flags & ~Eflags.RF;
    }

    const block = enterBlock();
    if (block == null) {
      if (!(cpu.stop & Stop.Fault)) unreachable();
      cpu.interruptShadow = shadow;
      cpu.eflags |= resumed;
      continue;
    }
    if (Jit.on) {
      if (Jit.stale) Jit.clear();
      if (block.region == 0) {
        Jit.count(block);
        cpu.jitLink = 0;
      } else if (!interpretOne && translatable(flags, shadow) && most > <u64>block.longest) {
        Jit.enter(block, <u32>most);
        continue;
      }
      interpretOne = false;
    }
    let passing = false;
    let retired: u64 = 0;
    if (watched) {
      retired = cpu.instructions;
      const linear = linearRip();
      passing = Debug.passes(linear);
      const allowed = untilBreakpoint(block, linear, passing, <u32>most);
      if (allowed == 0) {
        cpu.interruptShadow = shadow;
        cpu.eflags |= resumed;
        Debug.hit(Hit.Code, linear);
        Debug.pass(linear);
        cpu.stop &= ~Stop.Host;
        return RunEnd.Breakpoint;
      }
      most = allowed;
    }
    cpu.blockRip = cpu.rip;
    const first = block.first;
    cpu.blockFirst = changetype<u32>(first);
    const whole = <u64>block.count <= most;
    const end = changetype<usize>(first) + <usize>(whole ? <u32>block.count : <u32>most) * INSN_BYTES;
    let i = changetype<usize>(first);
    do {
      cpu.current = <u32>i;
      Dispatch.hot<Run, u32, u64, u32>(changetype<Insn>(i));
      i += INSN_BYTES;
    } while (i < end && cpu.stop == 0);
    retire(block, changetype<Insn>(i - INSN_BYTES), <u32>((i - changetype<usize>(first)) / INSN_BYTES));

    // What most blocks do not need, behind one test.
    if (!(cpu.stop | (flags & (Eflags.TF | Eflags.RF)) | shadow | cpu.singleStep | <u32>watched)) continue;
    if (passing && cpu.instructions != retired) Debug.passed();
    if (cpu.stop & Stop.Step) Breakpoints.settle();
    if (traced && !(cpu.stop & (Stop.Fault | Stop.Repeat))) singleStepTrap();
    if ((shadow | resumed) && cpu.stop & Stop.Fault && cpu.trapFlags & TrapFlag.FrameMissing) {
      cpu.interruptShadow = shadow;
      cpu.eflags |= resumed;
    } else if (shadow == Shadow.MovSs && cpu.interruptShadow == Shadow.MovSs) {
      // A second MOV SS in a row does not inhibit again (SDM 2B "MOV").
      cpu.interruptShadow = 0;
    }
    // What the shadow held back is looked at now.
    if (shadow) cpu.stop |= Stop.Event;
    if (cpu.singleStep) {
      cpu.singleStep--;
      if (cpu.singleStep == 0) cpu.stop |= Stop.Host;
    }
  }
  return RunEnd.Stop;
}

/** Instructions that may run before the next code breakpoint; 0: it is at RIP, which is `linear`, and not to be passed. */
function untilBreakpoint(block: Block, linear: u64, passing: bool, most: u32): u32 {
  if (!passing && Debug.isCode(linear)) return 0;
  let insn = block.first;
  for (let n: u32 = 1; n < <u32>block.count && n < most; n++) {
    insn = changetype<Insn>(changetype<usize>(insn) + INSN_BYTES);
    const at = linear + <u64>insn.start;
    if (Debug.isCode(at) || Breakpoints.at(at)) return n;
  }
  return most;
}

/** RIP after `last`: 32 bits wrap outside 64-bit code. */
// @ts-ignore: decorator
@inline function after(last: Insn): u64 {
  const rip = cpu.blockRip + <u64>last.end;
  return cpu.modeKey & Mode.Code64 ? rip : rip & 0xffffffff;
}

/** Accounts for `executed` instructions of which `last` was the last; leaves RIP and the counters exact. */
// @ts-ignore: decorator
@inline function retire(block: Block, last: Insn, executed: u32): void {
  const stop = cpu.stop;
  if (stop & (Stop.Fault | Stop.Repeat)) {
    // A fault, or a REP between iterations: the last one is not retired. Software interrupts and traps are.
    if (stop & Stop.Fault && cpu.trapFlags & (TrapFlag.Software | TrapFlag.Trap)) cpu.rip = after(last);
    else {
      executed--;
      cpu.rip = cpu.blockRip + <u64>last.start;
    }
    cpu.stop = stop & ~Stop.Repeat;
  } else if (!(executed == <u32>block.count && block.endsItself)) cpu.rip = after(last);
  cpu.instructions += executed;
  cpu.current = 0;
}

/** May translated code run? What looks at every instruction is left to the interpreter. */
// @ts-ignore: decorator
@inline function translatable(flags: u32, shadow: u32): bool {
  if (shadow | (flags & (Eflags.TF | Eflags.RF)) | cpu.singleStep | cpu.stop) return false;
  return !Debug.watchesCode && (cpu.context & ContextKind.Mask) != ContextKind.UserAligned;
}

/** Between instructions: traps, then host requests, then interrupts (SDM 3A "Priority Among Concurrent Events"). */
function service(): i32 {
  // Translated code left after an instruction that hit a data breakpoint.
  if (cpu.stop & Stop.Step) Breakpoints.settle();
  let stop = cpu.stop;
  cpu.stop = stop & ~(Stop.Code | Stop.Step | Stop.Leave);
  if (stop & Stop.Fault) {
    if (cpu.trapFlags & TrapFlag.FrameMissing) {
      clearFault();
      return RunEnd.FrameMissing;
    }
    // Delivery itself may need a frame: the trap waits in `cpu.redelivery`.
    if (!deliverTrap()) return RunEnd.FrameMissing;
  }
  stop = cpu.stop;
  if (stop & Stop.Shutdown) return RunEnd.Shutdown;
  if (stop & Stop.Host) {
    cpu.stop = stop & ~Stop.Host;
    return Debug.pending ? RunEnd.Breakpoint : RunEnd.Stop;
  }
  if (stop & Stop.Event) {
    if (serviceEvents() == Service.FrameMissing) return RunEnd.FrameMissing;
    stop = cpu.stop;
    if (stop & Stop.Shutdown) return RunEnd.Shutdown;
    // Whoever waits for the interrupt sees its handler before the first instruction.
    if (stop & Stop.Host) {
      cpu.stop = stop & ~Stop.Host;
      return Debug.pending ? RunEnd.Breakpoint : RunEnd.Stop;
    }
  }
  if (stop & Stop.Halt) {
    if (!cpu.halted) cpu.stop = stop & ~Stop.Halt;
    else return cpu.eflags & Eflags.IF ? RunEnd.Halt : RunEnd.Halted;
  }
  return GO_ON;
}

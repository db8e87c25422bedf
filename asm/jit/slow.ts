/**
 * Slow paths of translated code: everything an access needs beyond the compare. They make the access if it is one to
 * plain memory. If it faults, the trap is pending; if it is one that only the interpreter may make (devices, decoded
 * code, page tables, watched pages), `Stop.Leave` is set. In either case nothing has happened, and the code leaves
 * before the instruction.
 */
import { cpu } from "../core/cpu";
import { Debug } from "../core/debug";
import { Mode } from "../core/mode";
import { Eflags } from "../core/eflags";
import { TrapFlag } from "../core/pending-trap";
import { Shadow } from "../vmm/interrupt-window";
import { Stop } from "../core/stop";
import { Insn } from "../decode/insn";
import { granules } from "../mmu/code-frames";
import { FrameFlag, HostFrame } from "../mmu/host-frame";
import { ContextKind, Want } from "../mmu/paging-entry";
import { Physical } from "../mmu/physical";
import { Tlb } from "../mmu/tlb";
import { Slow } from "../mmu/slow-access";
import { Page, canonical, translate } from "../mmu/translate";
import { segmentLinear } from "../semantics/operand";
import { Dispatch } from "../semantics/dispatch.generated";
import { Run } from "../semantics/run";
import { settleStored } from "./flag-kinds";

/** The state is exact before instruction `insn`, `left` ticks from the limit. */
// @ts-ignore: decorator
@inline function begin(insn: u32, left: u32): void {
  cpu.instructions += <u64>(cpu.jitMark - left);
  cpu.jitMark = left;
  cpu.current = insn;
  cpu.blockFirst = insn;
}

/**
 * Plain memory for `want`: `Page` says where. False: leave. So too if translations were taken back meanwhile, which the code
 * may have seen (windows.ts).
 */
function plain(linear: u64, size: u32, want: u32): bool {
  const revoked = Tlb.revoked;
  if (!allowed(linear, size, want)) return false;
  if (Tlb.revoked == revoked) return true;
  cpu.stop |= Stop.Leave;
  return false;
}
function allowed(linear: u64, size: u32, want: u32): bool {
  // Alignment is checked at each access.
  if ((cpu.context & ContextKind.Mask) == ContextKind.UserAligned) {
    cpu.stop |= Stop.Leave;
    return false;
  }
  if (!translate(linear, want, cpu.context) || cpu.stop) return false;
  const flags = Page.flags;
  if (flags & FrameFlag.AnySlowStore) {
    const first = <u32>linear & 0xfff;
    const data = flags == FrameFlag.Code && !(HostFrame.of(Page.host).code & granules(first, first + size - 1));
    if (flags & FrameFlag.Mmio || (want == Want.Write && !data)) {
      cpu.stop |= Stop.Leave;
      return false;
    }
  }
  if (Debug.watches && Debug.watchesPage(linear)) {
    cpu.stop |= Stop.Leave;
    return false;
  }
  return true;
}
/** Both pages of an access that crosses. */
function plainCross(linear: u64, size: u32, want: u32): bool {
  // Of two pages neither may be touched before both are there.
  if (Physical.absent) {
    cpu.stop |= Stop.Leave;
    return false;
  }
  const first = 0x1000 - (<u32>linear & 0xfff);
  const next = linear + first;
  return plain(linear, first, want) && plain(cpu.modeKey & Mode.Code64 ? next : next & 0xffffffff, size - first, want);
}

/** Not canonical: the interpreter knows whether that is #GP or #SS. */
// @ts-ignore: decorator
@inline function outside(linear: u64, size: u32): bool {
  return !canonical(linear) || !canonical(linear + (size - 1));
}
// @ts-ignore: decorator
@inline function read<T>(linear: u64, insn: u32, left: u32): T {
  begin(insn, left);
  let value = <T>0;
  const offset = <u32>linear & 0xfff;
  if (outside(linear, sizeof<T>())) cpu.stop |= Stop.Leave;
  else if (offset + sizeof<T>() <= 0x1000) {
    if (plain(linear, sizeof<T>(), Want.Read)) value = load<T>(Page.host + <usize>offset);
  } else if (plainCross(linear, sizeof<T>(), Want.Read)) value = Slow.load<T>(linear, cpu.context);
  cpu.current = 0;
  return value;
}
// @ts-ignore: decorator
@inline function write<T>(linear: u64, value: T, insn: u32, left: u32): void {
  begin(insn, left);
  const offset = <u32>linear & 0xfff;
  if (outside(linear, sizeof<T>())) cpu.stop |= Stop.Leave;
  else if (offset + sizeof<T>() <= 0x1000) {
    if (plain(linear, sizeof<T>(), Want.Write)) store<T>(Page.host + <usize>offset, value);
  } else if (plainCross(linear, sizeof<T>(), Want.Write)) Slow.store<T>(linear, value, cpu.context);
  cpu.current = 0;
}

/** In 32-bit code the cache is asked again: the code may have looked at another page only. */
// @ts-ignore: decorator
@inline function readLegacy<T>(linear: u32, insn: u32, left: u32): T {
  const host = Tlb.read<T>(linear);
  return host ? load<T>(host) : read<T>(<u64>linear, insn, left);
}
// @ts-ignore: decorator
@inline function writeLegacy<T>(linear: u32, value: T, insn: u32, left: u32): void {
  const host = Tlb.write<T>(linear);
  if (host) store<T>(host, value);
  else write<T>(<u64>linear, value, insn, left);
}

export function slowLoad8(linear: u32, insn: u32, left: u32): u32 {
  return readLegacy<u8>(linear, insn, left);
}
export function slowLoad16(linear: u32, insn: u32, left: u32): u32 {
  return readLegacy<u16>(linear, insn, left);
}
export function slowLoad32(linear: u32, insn: u32, left: u32): u32 {
  return readLegacy<u32>(linear, insn, left);
}
export function slowLoad64(linear: u32, insn: u32, left: u32): u64 {
  return readLegacy<u64>(linear, insn, left);
}
export function slowStore8(linear: u32, value: u32, insn: u32, left: u32): void {
  writeLegacy<u8>(linear, <u8>value, insn, left);
}
export function slowStore16(linear: u32, value: u32, insn: u32, left: u32): void {
  writeLegacy<u16>(linear, <u16>value, insn, left);
}
export function slowStore32(linear: u32, value: u32, insn: u32, left: u32): void {
  writeLegacy<u32>(linear, value, insn, left);
}
export function slowStore64(linear: u32, value: u64, insn: u32, left: u32): void {
  writeLegacy<u64>(linear, value, insn, left);
}
export function longLoad8(linear: u64, insn: u32, left: u32): u32 {
  return read<u8>(linear, insn, left);
}
export function longLoad16(linear: u64, insn: u32, left: u32): u32 {
  return read<u16>(linear, insn, left);
}
export function longLoad32(linear: u64, insn: u32, left: u32): u32 {
  return read<u32>(linear, insn, left);
}
export function longLoad64(linear: u64, insn: u32, left: u32): u64 {
  return read<u64>(linear, insn, left);
}
export function longStore8(linear: u64, value: u32, insn: u32, left: u32): void {
  write<u8>(linear, <u8>value, insn, left);
}
export function longStore16(linear: u64, value: u32, insn: u32, left: u32): void {
  write<u16>(linear, <u16>value, insn, left);
}
export function longStore32(linear: u64, value: u32, insn: u32, left: u32): void {
  write<u32>(linear, value, insn, left);
}
export function longStore64(linear: u64, value: u64, insn: u32, left: u32): void {
  write<u64>(linear, value, insn, left);
}
/** Host address for a read-modify-write, or 0: leave. */
export function slowModify(linear: u32, size: u32, insn: u32, left: u32): u32 {
  const host = size == 1 ? Tlb.write<u8>(linear) : size == 2 ? Tlb.write<u16>(linear) : size == 4 ? Tlb.write<u32>(linear) : 0;
  return host ? <u32>host : longModify(<u64>linear, size, insn, left);
}
export function longModify(linear: u64, size: u32, insn: u32, left: u32): u32 {
  begin(insn, left);
  let host: u32 = 0;
  if ((<u32>linear & 0xfff) + size > 0x1000 || outside(linear, size)) {
    // The two halves cannot be one address.
    cpu.stop |= Stop.Leave;
  } else if (plain(linear, size, Want.Write)) host = <u32>Page.host + (<u32>linear & 0xfff);
  cpu.current = 0;
  return host;
}
/** Linear address of an operand whose segment is not flat; `form` = segment | size << 8 | write << 16. */
export function slowSegment(offset: u32, form: u32, insn: u32, left: u32): u32 {
  begin(insn, left);
  const linear = segmentLinear(form & 0xff, offset, (form >>> 8) & 0xff, (form >>> 16) != 0);
  cpu.current = 0;
  return linear;
}

/** One instruction, by the interpreter's backend. */
export function execute(insn: Insn): void {
  Dispatch.hot<Run, u32, u64, u32>(insn);
}
/**
 * After an instruction that ends its block but went on (STI, POPF, OUT, WRMSR, …): may the code go on as well? What the loop
 * would do between the two instructions must be nothing. The shadow of STI holds back nothing then, and ends with the next
 * instruction, which surely comes if of `left` ticks one is left.
 */
function nothingWaits(left: u32): bool {
  if (cpu.stop & ~Stop.Event) return false;
  if (cpu.redelivery || cpu.pendingDebug || cpu.nmiPending || (cpu.intr && cpu.eflags & Eflags.IF)) return false;
  if (cpu.interruptShadow > Shadow.Sti || cpu.singleStep || cpu.eflags & (Eflags.TF | Eflags.RF)) return false;
  if (cpu.interruptShadow && left < 2) return false;
  cpu.interruptShadow = Shadow.None;
  cpu.stop = 0;
  return true;
}
/**
 * Instruction `insn` as the interpreter does it, on the state in memory. 0: go on after it. 1: control goes elsewhere, or
 * something stops it; RIP and counters are exact, and the region returns to the loop at once.
 */
export function interpret(insn: u32, left: u32, ends: u32): u32 {
  begin(insn, left);
  settleStored();
  const i = changetype<Insn>(<usize>insn);
  const passed = cpu.tickOffset;
  const key = cpu.modeKey;
  const context = cpu.context;
  const mask: u64 = cpu.modeKey & Mode.Code64 ? ~(<u64>0) : 0xffffffff;
  execute(i);
  cpu.current = 0;
  if (ends && cpu.modeKey == key && cpu.context == context && cpu.rip == ((cpu.blockRip + <u64>i.end) & mask) && nothingWaits(left)) return 0;
  const stop = cpu.stop;
  if (stop == 0 && !ends) {
    // What a REP used of the budget beside its one tick: the code looks at it.
    const used = <u32>(cpu.tickOffset - passed);
    cpu.jitMark = left - used;
    cpu.jitLeft = left - used;
    return 0;
  }
  let executed: u32 = 1;
  if (stop & (Stop.Fault | Stop.Repeat)) {
    if (stop & Stop.Fault && cpu.trapFlags & (TrapFlag.Software | TrapFlag.Trap)) cpu.rip = (cpu.blockRip + <u64>i.end) & mask;
    else {
      executed = 0;
      cpu.rip = (cpu.blockRip + <u64>i.start) & mask;
    }
    cpu.stop = stop & ~Stop.Repeat;
  } else if (!ends) cpu.rip = (cpu.blockRip + <u64>i.end) & mask;
  cpu.instructions += executed;
  cpu.jitMark = left - executed;
  cpu.jitLeft = left - executed;
  cpu.jitLink = 0;
  return 1;
}

/**
 * Instruction `insn` of x87, MMX or SSE that finds only its address in the state (region.ts `isQuiet`): general registers and
 * flags stay where the code has them. 0: go on after it. 1: leave before it, 2: after it.
 */
export function quiet(insn: u32, left: u32): u32 {
  begin(insn, left);
  const revoked = Tlb.revoked;
  Dispatch.cold<Run, u32, u64, u32>(changetype<Insn>(<usize>insn));
  cpu.current = 0;
  const stop = cpu.stop;
  // What the code has seen of translations may not hold any more.
  if (stop == 0) return Tlb.revoked == revoked ? 0 : 2;
  // Waits for FERR# to be answered: runs again.
  cpu.stop = stop & ~Stop.Repeat;
  return stop & (Stop.Fault | Stop.Repeat) ? 1 : 2;
}

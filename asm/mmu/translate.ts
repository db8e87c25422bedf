/**
 * From a linear page to a host page: shadow first, then the guest's tables, then (a fault or) the translation cache.
 * The slow path's first half; slow-access.ts is the second.
 */
import { cpu } from "../core/cpu";
import { Exit } from "../core/events.generated";
import { INSN_SEGMENT, exit } from "../core/exits";
import { Vector, raiseError, raiseFrameMissing, raisePageFault } from "../core/pending-trap";
import { Seg } from "../core/segment";
import { Counters, ShadowCounter } from "./counters";
import { FrameFlag, HostFrame } from "./host-frame";
import { Walk, WalkEnd } from "./page-walk";
import { ContextKind, PagingMode, Right, Want, accessRights } from "./paging-entry";
import { FrameKind, Physical } from "./physical";
import { Paging, Shadow } from "./shadow";
import { Tlb } from "./tlb";
import { beforeWrite } from "./write-epoch";

/** Where the last successful `translate` led. */
export class Page {
  /** Host address of the page's first byte (the open bus for device memory). */
  static host: usize = 0;
  /** Guest frame. */
  static frame: u32 = 0;
  /** FrameFlag set of the host frame. */
  static flags: u32 = 0;
}

/** Bits 63-47 are equal. SDM Vol 1 "Canonical Addressing". */
// @ts-ignore: decorator
@inline export function canonical(linear: u64): bool {
  return <u64>((<i64>linear << 16) >> 16) == linear;
}

/** #SS(0) where the instruction's memory operand is in SS (based on RSP or RBP), else #GP(0). SDM 3A "Canonical Memory Addressing". */
export function notCanonical(): bool {
  const stack = cpu.current != 0 && <u32>load<u8>(<usize>cpu.current + INSN_SEGMENT) == Seg.SS;
  raiseError(stack ? Vector.SS : Vector.GP, 0);
  return false;
}

/** A fault of an implicit stack access at `linear` is pending: not canonical is #SS(0), where an operand's would be #GP(0). */
export function stackFault(linear: u64, bytes: u32): void {
  if (cpu.trapVector == Vector.GP && !(canonical(linear) && canonical(linear + <u64>(bytes - 1)))) cpu.trapVector = Vector.SS;
}

/**
 * Translates the page of `linear` for an access `want` (Want.Read, Write or Fetch) in `context`, with all effects of
 * an access on A and D. True: `Page` says where. False: a #PF with CR2 = `linear`, an absent frame, or the #GP(0) or
 * #SS(0) of a linear address that is not canonical is pending.
 */
export function translate(linear: u64, want: u32, context: u32): bool {
  if (Paging.mode == PagingMode.Long && !canonical(linear)) return notCanonical();
  if (Paging.mode == PagingMode.None) return translateIdentity(linear, want, context);
  const leaf = Shadow.find(linear);
  if (leaf && enter(leaf, linear, want, context)) return true;
  return miss(linear, want, context);
}

/** As `translate`, but only what the caches and the shadow know: no walk, nothing raised. False also for device memory. */
export function translateKnown(linear: u64, want: u32, context: u32): bool {
  if (Paging.mode == PagingMode.None) {
    return Physical.kind(Physical.masked(<u32>linear >>> 12)) != FrameKind.Absent && translateIdentity(linear, want, context) && !(Page.flags & FrameFlag.Mmio);
  }
  if (Paging.mode == PagingMode.Long && !canonical(linear)) return false;
  const leaf = Shadow.find(linear);
  return leaf != 0 && enter(leaf, linear, want, context) && !(Page.flags & FrameFlag.Mmio);
}

/** Paging is off: linear = physical. */
function translateIdentity(linear: u64, want: u32, context: u32): bool {
  const frame = Physical.masked(<u32>linear >>> 12);
  const entry = Physical.entry(frame);
  if ((entry & FrameKind.Mask) == FrameKind.Absent) return missing(frame);
  Page.frame = frame;
  cache(<usize>(entry & 0xfffff000), linear, want, context, Want.Read | Want.Write | Want.Fetch);
  return true;
}

/** Uses shadow leaf `leaf` if it allows the access. */
// @ts-ignore: decorator
@inline function enter(leaf: usize, linear: u64, want: u32, context: u32): bool {
  const word = load<u32>(leaf);
  let allowed = accessRights(word, context & ContextKind.Mask, Paging.role);
  if (!(word & Right.D)) allowed &= ~Want.Write;
  if ((allowed & want) != want) return false;
  if (want & Want.Fetch && !(word & Right.Fetched)) store<u32>(leaf, word | Right.Fetched);
  Page.frame = load<u32>(leaf, 4);
  cache(<usize>(word & 0xfffff000), linear, want, context, allowed);
  return true;
}

/** Sets `Page` and the translation cache. */
function cache(host: usize, linear: u64, want: u32, context: u32, allowed: u32): void {
  const frame = HostFrame.of(host);
  const flags = frame.flags;
  Page.host = host;
  Page.flags = flags;
  if (flags & FrameFlag.Mmio) return;
  let tags = allowed;
  if (want & Want.Write) beforeWrite(frame);
  // A write tag means "dirty in this epoch already, and stores need no notice".
  else if (frame.epoch != Physical.epoch) tags &= ~Want.Write;
  if (flags & FrameFlag.AnySlowStore) tags &= ~Want.Write;
  const long = Paging.mode == PagingMode.Long;
  if (!(want & Want.Fetch) && !Tlb.executes(linear, context, long)) tags &= ~Want.Fetch;
  Tlb.fill(linear, host, tags, context, long);
}

function miss(linear: u64, want: u32, context: u32): bool {
  Counters.count(ShadowCounter.walks);
  const end = Walk.run(linear, want, context & ContextKind.Mask, Paging.role, true);
  if (end == WalkEnd.Missing) return missing(Walk.frame);
  if (end == WalkEnd.Fault) return trueFault(linear);
  Counters.count(ShadowCounter.hiddenFaults);
  exit(Exit.HiddenPageFault, linear & ~(<u64>0xfff));
  const leaf = Shadow.install(linear);
  if (enter(leaf, linear, want, context)) return true;
  // The walk allowed a store that no entry may promise: the leaf lies in ROM and cannot be marked dirty.
  Page.frame = Walk.frame;
  Page.host = Physical.hostPage(Walk.frame);
  const target = HostFrame.of(Page.host);
  Page.flags = target.flags;
  if (want & Want.Write) beforeWrite(target);
  return true;
}

/** The last walk ended in a fault: raises it. */
export function trueFault(linear: u64): bool {
  Counters.count(ShadowCounter.trueFaults);
  exit(Exit.TruePageFault, <u64>Walk.error);
  raisePageFault(linear, Walk.error);
  return false;
}
export function missing(frame: u32): bool {
  exit(Exit.FrameMissing, <u64>frame);
  raiseFrameMissing(frame);
  return false;
}

/**
 * Everything an access does beyond the one compare in the translation cache: misses, page crossing, device memory, ROM,
 * decoded code, page tables. Order: both pages are translated, then the effect; so an access that faults has none, and
 * CR2 is the first byte that faults.
 */
import { cpu } from "../core/cpu";
import { Debug } from "../core/debug";
import { Mode } from "../core/mode";
import { Vector, raiseError } from "../core/pending-trap";
import { FrameFlag } from "./host-frame";
import { mmioRead, mmioWrite } from "./mmio";
import { Walk, WalkEnd } from "./page-walk";
import { ContextKind, PagingMode, Want } from "./paging-entry";
import { FrameKind, Physical } from "./physical";
import { Paging } from "./shadow";
import { READ_TAG, Tlb, WRITE_TAG } from "./tlb";
import { TlbLong } from "./tlb-long";
import { Page, canonical, missing, notCanonical, translate, translateKnown, trueFault } from "./translate";
import { noteWrite } from "./write-tracking";

/** One value in transit: device memory and page-crossing accesses assemble it here. */
const BUFFER: usize = memory.data(16, 16);
const ZERO: usize = memory.data(16, 16);

/** The slow path of `Access`, by context (`cpu.context`, or `cpu.contextSupervisor` for implicit supervisor accesses). */
export class Slow {
  static load<T>(linear: u64, context: u32): T {
    if (misaligned(linear, sizeof<T>(), context)) return load<T>(ZERO);
    const offset = <u32>linear & 0xfff;
    if (offset + sizeof<T>() > 0x1000) return Slow.loadCross<T>(linear, context, Want.Read);
    if (!translate(linear, Want.Read, context)) return load<T>(ZERO);
    if (Debug.watches) Debug.access(linear, sizeof<T>(), false);
    return Slow.get<T>(offset);
  }
  /** Reads for a read-modify-write; takes every fault that `storeBack` could raise. */
  static loadForWrite<T>(linear: u64, context: u32): T {
    if (misaligned(linear, sizeof<T>(), context)) return load<T>(ZERO);
    cpu.writeLinear = linear;
    const offset = <u32>linear & 0xfff;
    if (offset + sizeof<T>() > 0x1000) return Slow.loadCross<T>(linear, context, Want.Write);
    if (!translate(linear, Want.Write, context)) return load<T>(ZERO);
    if (Debug.watches) Debug.access(linear, sizeof<T>(), false);
    return Slow.get<T>(offset);
  }
  static storeBack<T>(value: T): void {
    Slow.store<T>(cpu.writeLinear, value, cpu.context);
  }
  /** Reads inside the page that `Page` names. */
  @inline static get<T>(offset: u32): T {
    if (!(Page.flags & FrameFlag.Mmio)) return load<T>(Page.host + <usize>offset);
    mmioRead((<u64>Page.frame << 12) | <u64>offset, sizeof<T>(), BUFFER);
    return load<T>(BUFFER);
  }
  static loadCross<T>(linear: u64, context: u32, want: u32): T {
    const first: u32 = 0x1000 - (<u32>linear & 0xfff);
    const next = after(linear, first);
    if (!present(linear, next, want, context)) return load<T>(ZERO);
    if (!translate(linear, want, context)) return load<T>(ZERO);
    const host = Page.host;
    const frame = Page.frame;
    const flags = Page.flags;
    if (!translate(next, want, context)) return load<T>(ZERO);
    const nextHost = Page.host;
    const nextFrame = Page.frame;
    const nextFlags = Page.flags;
    if (Debug.watches) Debug.access(linear, sizeof<T>(), false);
    take(host, frame, flags, <u32>linear & 0xfff, first, BUFFER);
    take(nextHost, nextFrame, nextFlags, 0, sizeof<T>() - first, BUFFER + <usize>first);
    return load<T>(BUFFER);
  }

  static store<T>(linear: u64, value: T, context: u32): void {
    if (misaligned(linear, sizeof<T>(), context)) return;
    const offset = <u32>linear & 0xfff;
    if (offset + sizeof<T>() > 0x1000) {
      Slow.storeCross<T>(linear, value, context);
      return;
    }
    if (!translate(linear, Want.Write, context)) return;
    if (Debug.watches) Debug.access(linear, sizeof<T>(), true);
    const at = Page.host + <usize>offset;
    const flags = Page.flags;
    if (!(flags & FrameFlag.AnySlowStore)) store<T>(at, value);
    else if (flags & (FrameFlag.Mmio | FrameFlag.Rom)) {
      store<T>(BUFFER, value);
      give(Page.host, Page.frame, flags, offset, sizeof<T>(), BUFFER);
    } else {
      store<T>(at, value);
      noteWrite(Page.host, offset, offset + sizeof<T>() - 1, true);
    }
  }
  static storeCross<T>(linear: u64, value: T, context: u32): void {
    const first: u32 = 0x1000 - (<u32>linear & 0xfff);
    const next = after(linear, first);
    if (!present(linear, next, Want.Write, context)) return;
    if (!translate(linear, Want.Write, context)) return;
    const host = Page.host;
    const frame = Page.frame;
    const flags = Page.flags;
    if (!translate(next, Want.Write, context)) return;
    const nextHost = Page.host;
    const nextFrame = Page.frame;
    const nextFlags = Page.flags;
    if (Debug.watches) Debug.access(linear, sizeof<T>(), true);
    store<T>(BUFFER, value);
    give(host, frame, flags, <u32>linear & 0xfff, first, BUFFER);
    give(nextHost, nextFrame, nextFlags, 0, sizeof<T>() - first, BUFFER + <usize>first);
  }
}

/**
 * #AC(0): an access of CPL 3 that is not aligned to its size while CR0.AM and EFLAGS.AC are set, which is a context of its own.
 * SDM 3A "Interrupt 17—Alignment Check Exception"; before any page fault of the access, as processors do.
 */
// @ts-ignore: decorator
@inline function misaligned(linear: u64, size: u32, context: u32): bool {
  return (context & ContextKind.Mask) == ContextKind.UserAligned && refuseMisaligned(<u32>linear, size);
}
function refuseMisaligned(linear: u32, size: u32): bool {
  // Accesses of 16 bytes have rules of their own: #GP, or none (MOVUPS and its like, measured on Intel).
  if (size == 16 || !(linear & (size - 1))) return false;
  raiseError(Vector.AC, 0);
  return true;
}
/** Raises the #AC that an access of CPL 3 would raise, if any: for instructions that probe all their bytes first. */
export function probeAlignment(linear: u64, size: u32): void {
  misaligned(linear, size, cpu.context);
}
/** Accesses whose alignment is checked as a whole beforehand run between this and putting the returned `cpu.context` back. */
export function exemptFromAlignment(): u32 {
  const context = cpu.context;
  if ((context & ContextKind.Mask) == ContextKind.UserAligned) cpu.context = (context & ~<u32>ContextKind.Mask) | ContextKind.User;
  return context;
}

/**
 * Are all frames that translating these two pages would touch there? If not the absence is pending, and nothing has
 * happened yet: without this the first page's A and D would be set before the second page's frame turns out missing.
 */
function present(linear: u64, next: u64, want: u32, context: u32): bool {
  if (Physical.absent == 0) return true;
  const end = probePage(linear, want, context);
  if (end == WalkEnd.Missing) return missing(Walk.frame);
  // The first page's fault comes before anything of the second.
  if (end == WalkEnd.Fault) return true;
  return probePage(next, want, context) != WalkEnd.Missing || missing(Walk.frame);
}
/** The address `bytes` further on: outside 64-bit code linear addresses wrap at 4 GB. */
// @ts-ignore: decorator
@inline function after(linear: u64, bytes: u32): u64 {
  const next = linear + <u64>bytes;
  return cpu.modeKey & Mode.Long ? next : next & 0xffffffff;
}
/** How an access to a canonical address would end; touches nothing. */
function probePage(linear: u64, want: u32, context: u32): u32 {
  if (Paging.mode != PagingMode.None) return Walk.run(linear, want, context & ContextKind.Mask, Paging.role, false);
  Walk.frame = Physical.masked(<u32>linear >>> 12);
  return Physical.kind(Walk.frame) == FrameKind.Absent ? WalkEnd.Missing : WalkEnd.Ok;
}

/** Copies bytes out of a translated page. */
function take(host: usize, frame: u32, flags: u32, offset: u32, bytes: u32, to: usize): void {
  if (flags & FrameFlag.Mmio) mmioRead((<u64>frame << 12) | <u64>offset, bytes, to);
  else memory.copy(to, host + <usize>offset, bytes);
}
/** Copies bytes into a translated page, with every consequence of a store. */
function give(host: usize, frame: u32, flags: u32, offset: u32, bytes: u32, from: usize): void {
  if (flags & FrameFlag.Mmio) mmioWrite((<u64>frame << 12) | <u64>offset, bytes, from);
  else if (!(flags & FrameFlag.Rom)) {
    memory.copy(host + <usize>offset, from, bytes);
    if (flags & (FrameFlag.Code | FrameFlag.Tracked)) noteWrite(host, offset, offset + bytes - 1, true);
  }
}

/**
 * Host address of the code byte at `linear`, fetched at the current privilege; valid to the end of its page. 0: a fault
 * is pending. Device memory executes as the open bus (bytes FF).
 */
export function fetchHost(linear: u64): usize {
  const host = cpu.modeKey & Mode.Code64 ? TlbLong.execute(linear) : Tlb.execute(<u32>linear);
  if (host) return host;
  if (!translate(linear, Want.Fetch, cpu.context)) return 0;
  return Page.host + <usize>(<u32>linear & 0xfff);
}

/** Must each access there be looked at: alignment checks, breakpoints? */
function looked(linear: u64): bool {
  return (cpu.context & ContextKind.Mask) == ContextKind.UserAligned || (Debug.watches && Debug.watchesPage(linear));
}

/** Host address for plain reads from `linear` to the end of its page; 0 if that is not known to be allowed and plain. */
export function hostForRead(linear: u64): usize {
  const host = cpu.modeKey & Mode.Code64 ? TlbLong.read<u8>(linear) : Tlb.read<u8>(<u32>linear);
  if (host) return host;
  if (looked(linear) || !translateKnown(linear, Want.Read, cpu.context)) return 0;
  return Page.host + <usize>(<u32>linear & 0xfff);
}
/** The same for writes; 0 also where a store needs notice (code, page tables, ROM). */
export function hostForWrite(linear: u64): usize {
  const host = cpu.modeKey & Mode.Code64 ? TlbLong.write<u8>(linear) : Tlb.write<u8>(<u32>linear);
  if (host) return host;
  if (looked(linear) || !translateKnown(linear, Want.Write, cpu.context) || Page.flags & FrameFlag.AnySlowStore) return 0;
  return Page.host + <usize>(<u32>linear & 0xfff);
}

/** Raises the fault that reading `bytes` from `linear` would raise, if any. No other effect. `system`: implicit supervisor access. */
export function probeRead(linear: u64, bytes: u32, system: bool): void {
  probe(linear, bytes, Want.Read, system);
}
/** The same for a write. */
export function probeWrite(linear: u64, bytes: u32, system: bool): void {
  probe(linear, bytes, Want.Write, system);
}
function probe(linear: u64, bytes: u32, want: u32, system: bool): void {
  if (bytes == 0) return;
  const context = system ? cpu.contextSupervisor : cpu.context;
  let at = linear;
  for (let left = bytes; ; ) {
    if (!known(at, want, context)) {
      if (Paging.mode == PagingMode.Long && !canonical(at)) {
        notCanonical();
        return;
      }
      const end = probePage(at, want, context);
      if (end == WalkEnd.Fault) {
        trueFault(at);
        return;
      }
      if (end == WalkEnd.Missing) {
        missing(Walk.frame);
        return;
      }
    }
    const inPage: u32 = 0x1000 - (<u32>at & 0xfff);
    if (left <= inPage) return;
    left -= inPage;
    at = after(at, inPage);
  }
}
/** Does the translation cache allow it already? */
// @ts-ignore: decorator
@inline function known(linear: u64, want: u32, context: u32): bool {
  const table = Tlb.table(context);
  return linear >> 32 == 0 && knownLegacy(table, <u32>linear, want, context);
}
function knownLegacy(table: u32, linear: u32, want: u32, context: u32): bool {
  const e = Tlb.entry(table, linear);
  return load<u32>(e + (want == Want.Write ? WRITE_TAG : READ_TAG)) == ((linear & 0xfffff000) | context);
}

export { clearCode, markCode } from "./code-frames";

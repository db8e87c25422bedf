/**
 * Translation caches (level 3): direct-mapped, a subset of the shadow tables, consulted by every memory access.
 * An entry is 16 bytes:
 *
 *   +0 read tag  +4 write tag  +8 execute tag  +12 addend (host address = linear + addend, mod 2^32)
 *
 * A tag is the linear page in bits 12-31 and the context in bits 0-11. Page-cross, missing right, MMIO, code or
 * page-table frame and stale space all fail in the one compare. Context 0 never runs, so 0 is the empty tag.
 * A context = root × {supervisor, user, supervisor with EFLAGS.AC under SMAP, user with alignment checks}: `root << 2 | kind`,
 * root ≥ 1. The last has execute tags only, so that each of its data accesses takes the slow path, which checks.
 * There are two tables, so that the kernel's accesses to a user page do not evict the user's own entry, and four such pairs,
 * which roots share by their number, so that a switch between a few address spaces finds what each of them had: the kernel's
 * pages, which all have at the same addresses, would else evict each other at every switch.
 */
import { cpu } from "../core/cpu";
import { Debug } from "../core/debug";
import { TLB_BYTES, TLB_END, TLB_ENTRIES, TLB_ENTRY_BYTES, TLB_FIRST, TLB_PAIRS, TLB_PAIR_BYTES } from "../core/memory-map";
import { ContextKind, Want } from "./paging-entry";
import { TlbLong } from "./tlb-long";

export const READ_TAG: usize = 0;
export const WRITE_TAG: usize = 4;
export const EXEC_TAG: usize = 8;
export const ADDEND: usize = 12;

export class Tlb {
  /** Counts what was taken back: translated code that was allowed an access may have to ask again. */
  static revoked: u32 = 0;
  /** Entry of `linear` in table `table`. */
  @inline static entry(table: u32, linear: u32): usize {
    return <usize>table + (<usize>(linear >>> 8) & ((TLB_ENTRIES - 1) << 4));
  }
  /** The pair of tables of root `root`. */
  @inline static pair(root: u32): usize {
    return TLB_FIRST + <usize>(root & <u32>(TLB_PAIRS - 1)) * TLB_PAIR_BYTES;
  }
  /** The table that accesses of a context use. */
  @inline static table(context: u32): u32 {
    return <u32>(Tlb.pair(context >>> 2) + (context & ContextKind.User ? TLB_BYTES : 0));
  }
  /** The tag an access of `size` bytes at `linear` must find; differs from any entry's when it crosses the page. */
  @inline static tag(linear: u32, size: u32, context: u32): u32 {
    return ((linear + (size - 1)) & 0xfffff000) | context;
  }
  /** Host address for a read of T at the current privilege, or 0 on a miss. */
  @inline static read<T>(linear: u32): usize {
    const e = Tlb.entry(cpu.tlb, linear);
    return load<u32>(e, READ_TAG) == Tlb.tag(linear, sizeof<T>(), cpu.context) ? <usize>(linear + load<u32>(e, ADDEND)) : 0;
  }
  @inline static write<T>(linear: u32): usize {
    const e = Tlb.entry(cpu.tlb, linear);
    return load<u32>(e, WRITE_TAG) == Tlb.tag(linear, sizeof<T>(), cpu.context) ? <usize>(linear + load<u32>(e, ADDEND)) : 0;
  }
  /** The same for implicit supervisor accesses. */
  @inline static readSystem<T>(linear: u32): usize {
    const e = Tlb.entry(cpu.tlbSupervisor, linear);
    return load<u32>(e, READ_TAG) == Tlb.tag(linear, sizeof<T>(), cpu.contextSupervisor) ? <usize>(linear + load<u32>(e, ADDEND)) : 0;
  }
  @inline static writeSystem<T>(linear: u32): usize {
    const e = Tlb.entry(cpu.tlbSupervisor, linear);
    return load<u32>(e, WRITE_TAG) == Tlb.tag(linear, sizeof<T>(), cpu.contextSupervisor) ? <usize>(linear + load<u32>(e, ADDEND)) : 0;
  }
  /** Host address of a code byte at the current privilege, or 0 on a miss. */
  @inline static execute(linear: u32): usize {
    const e = Tlb.entry(cpu.tlb, linear);
    return load<u32>(e, EXEC_TAG) == Tlb.tag(linear, 1, cpu.context) ? <usize>(linear + load<u32>(e, ADDEND)) : 0;
  }

  /** Enters `linear` → `hostPage` with the tags named by `allowed` (a set of Want) for `context`. */
  static fill(linear: u64, hostPage: usize, allowed: u32, context: u32, long: bool): void {
    if ((context & ContextKind.Mask) == ContextKind.UserAligned) allowed &= Want.Fetch;
    // A watched page is reached by the slow path only, which looks at each access.
    if (Debug.watches && Debug.watchesPage(linear)) allowed &= ~(Want.Read | Want.Write);
    if (long) TlbLong.fill(linear, hostPage, allowed, context);
    // Compatibility mode reaches the first 4 GB of the same space.
    if (linear >> 32 == 0) Tlb.fillLegacy(<u32>linear, hostPage, allowed, context);
  }
  private static fillLegacy(linear: u32, hostPage: usize, allowed: u32, context: u32): void {
    const e = Tlb.entry(Tlb.table(context), linear);
    const page = linear & 0xfffff000;
    const tag = page | context;
    store<u32>(e, allowed & Want.Read ? tag : 0, READ_TAG);
    store<u32>(e, allowed & Want.Write ? tag : 0, WRITE_TAG);
    store<u32>(e, allowed & Want.Fetch ? tag : 0, EXEC_TAG);
    store<u32>(e, <u32>hostPage - page, ADDEND);
  }

  /** Does the entry of `linear` carry the execute tag of `context`? */
  static executes(linear: u64, context: u32, long: bool): bool {
    if (long) return TlbLong.executes(linear, context);
    const e = Tlb.entry(Tlb.table(context), <u32>linear);
    return load<u32>(e, EXEC_TAG) == ((<u32>linear & 0xfffff000) | context);
  }

  /** The linear page and context of an entry, or 0 if it is empty (its tags are equal or 0). */
  @inline static any(e: usize): u32 {
    return load<u32>(e, READ_TAG) | load<u32>(e, WRITE_TAG) | load<u32>(e, EXEC_TAG);
  }
  @inline static clear(e: usize): void {
    store<u64>(e, 0);
    store<u32>(e, 0, EXEC_TAG);
  }
  /** Forgets linear page `linear` in all tables, whatever its context. */
  static dropPage(linear: u64): void {
    Tlb.revoked++;
    if (TlbLong.used) TlbLong.dropPage(linear);
    if (linear >> 32 == 0) Tlb.dropLegacyPage(<u32>linear);
  }
  private static dropLegacyPage(linear: u32): void {
    for (let e = Tlb.entry(<u32>TLB_FIRST, linear); e < TLB_END; e += TLB_BYTES) {
      if (((Tlb.any(e) ^ linear) & 0xfffff000) == 0) Tlb.clear(e);
    }
  }
  /** Takes the write tags of linear page `linear` away in all tables. */
  static revokeWrite(linear: u64): void {
    Tlb.revoked++;
    if (TlbLong.used) TlbLong.revokeWrite(linear);
    if (linear >> 32 == 0) Tlb.revokeLegacyWrite(<u32>linear);
  }
  private static revokeLegacyWrite(linear: u32): void {
    for (let e = Tlb.entry(<u32>TLB_FIRST, linear); e < TLB_END; e += TLB_BYTES) {
      if (((load<u32>(e, WRITE_TAG) ^ linear) & 0xfffff000) == 0) store<u32>(e, 0, WRITE_TAG);
    }
  }
  /** Takes every write tag away (a new write epoch begins). */
  static revokeAllWrites(): void {
    Tlb.revoked++;
    if (TlbLong.used) TlbLong.revokeAllWrites();
    for (let e = TLB_FIRST; e < TLB_END; e += TLB_ENTRY_BYTES) store<u32>(e, 0, WRITE_TAG);
  }
  /** Forgets `pages` linear pages from `first` on, whatever their context. */
  static dropRange(first: u64, pages: u64): void {
    Tlb.revoked++;
    if (TlbLong.used) TlbLong.dropRange(first, pages);
    if (first >> 32 == 0) Tlb.dropLegacyRange(<u32>first, <u32>min<u64>(pages, 0x100000));
  }
  private static dropLegacyRange(first: u32, pages: u32): void {
    if (pages < <u32>TLB_ENTRIES) {
      for (let n: u32 = 0; n < pages; n++) Tlb.dropLegacyPage(first + (n << 12));
      return;
    }
    const bytes = pages << 12; // 0 = all 4 GB
    for (let e = TLB_FIRST; e < TLB_END; e += TLB_ENTRY_BYTES) {
      const tag = Tlb.any(e);
      if (tag != 0 && (bytes == 0 || tag - first < bytes)) Tlb.clear(e);
    }
  }
  /** Forgets every page of the contexts of `root`. */
  static dropRoot(root: u32): void {
    Tlb.revoked++;
    if (TlbLong.used) TlbLong.dropRoot(root);
    for (let e = Tlb.pair(root), end = e + TLB_PAIR_BYTES; e < end; e += TLB_ENTRY_BYTES) {
      if ((Tlb.any(e) & 0xfff) >>> 2 == root) Tlb.clear(e);
    }
  }
  static dropAll(): void {
    Tlb.revoked++;
    memory.fill(TLB_FIRST, 0, TLB_END - TLB_FIRST);
    TlbLong.dropAll();
  }
}

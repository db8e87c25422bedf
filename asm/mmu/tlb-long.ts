/**
 * Translation caches of 64-bit code: as tlb.ts, with tags of 64 bits. An entry is 32 bytes:
 *
 *   +0 read tag  +8 write tag  +16 execute tag  +24 addend (host address = low half of linear + addend, mod 2^32)
 *
 * Tags hold the whole canonical linear page, so an address that is not canonical never finds one: the slow path raises
 * its #GP or #SS. Compatibility-mode code uses the tables of tlb.ts; both are a subset of the same shadow.
 */
import { cpu } from "../core/cpu";
import { TLB_LONG_BYTES, TLB_LONG_ENTRIES, TLB_LONG_ENTRY_BYTES, TLB_LONG_SUPERVISOR, TLB_LONG_USER } from "../core/memory-map";
import { ContextKind, Want } from "./paging-entry";

export const LONG_READ_TAG: usize = 0;
export const LONG_WRITE_TAG: usize = 8;
export const LONG_EXEC_TAG: usize = 16;
export const LONG_ADDEND: usize = 24;
const BOTH_END: usize = TLB_LONG_SUPERVISOR + 2 * TLB_LONG_BYTES;
const PAGE: u64 = ~(<u64>0xfff);

export class TlbLong {
  /** Anything was entered since `dropAll`: machines that never leave 32 bits pay nothing for these tables. */
  static used: bool = false;

  @inline static entry(table: u32, linear: u64): usize {
    return <usize>table + (<usize>(linear >> 7) & ((TLB_LONG_ENTRIES - 1) << 5));
  }
  @inline static table(kind: u32): u32 {
    return kind == ContextKind.Supervisor || kind == ContextKind.SupervisorAc ? <u32>TLB_LONG_SUPERVISOR : <u32>TLB_LONG_USER;
  }
  @inline static tag(linear: u64, size: u32, context: u32): u64 {
    return ((linear + <u64>(size - 1)) & PAGE) | <u64>context;
  }
  @inline private static host(e: usize, linear: u64): usize {
    return <usize>(<u32>linear + load<u32>(e, LONG_ADDEND));
  }
  /** Host address for a read of T at the current privilege, or 0 on a miss. */
  @inline static read<T>(linear: u64): usize {
    const e = TlbLong.entry(cpu.tlbLong, linear);
    return load<u64>(e, LONG_READ_TAG) == TlbLong.tag(linear, sizeof<T>(), cpu.context) ? TlbLong.host(e, linear) : 0;
  }
  @inline static write<T>(linear: u64): usize {
    const e = TlbLong.entry(cpu.tlbLong, linear);
    return load<u64>(e, LONG_WRITE_TAG) == TlbLong.tag(linear, sizeof<T>(), cpu.context) ? TlbLong.host(e, linear) : 0;
  }
  /** The same for implicit supervisor accesses. */
  @inline static readSystem<T>(linear: u64): usize {
    const e = TlbLong.entry(<u32>TLB_LONG_SUPERVISOR, linear);
    return load<u64>(e, LONG_READ_TAG) == TlbLong.tag(linear, sizeof<T>(), cpu.contextSupervisor) ? TlbLong.host(e, linear) : 0;
  }
  @inline static writeSystem<T>(linear: u64): usize {
    const e = TlbLong.entry(<u32>TLB_LONG_SUPERVISOR, linear);
    return load<u64>(e, LONG_WRITE_TAG) == TlbLong.tag(linear, sizeof<T>(), cpu.contextSupervisor) ? TlbLong.host(e, linear) : 0;
  }
  /** Host address of a code byte at the current privilege, or 0 on a miss. */
  @inline static execute(linear: u64): usize {
    const e = TlbLong.entry(cpu.tlbLong, linear);
    return load<u64>(e, LONG_EXEC_TAG) == TlbLong.tag(linear, 1, cpu.context) ? TlbLong.host(e, linear) : 0;
  }

  static fill(linear: u64, hostPage: usize, allowed: u32, context: u32): void {
    const e = TlbLong.entry(TlbLong.table(context & ContextKind.Mask), linear);
    const tag = (linear & PAGE) | <u64>context;
    store<u64>(e, allowed & Want.Read ? tag : 0, LONG_READ_TAG);
    store<u64>(e, allowed & Want.Write ? tag : 0, LONG_WRITE_TAG);
    store<u64>(e, allowed & Want.Fetch ? tag : 0, LONG_EXEC_TAG);
    store<u32>(e, <u32>hostPage - (<u32>linear & 0xfffff000), LONG_ADDEND);
    TlbLong.used = true;
  }
  /** Does the entry of `linear` carry the execute tag of `context`? */
  @inline static executes(linear: u64, context: u32): bool {
    const e = TlbLong.entry(TlbLong.table(context & ContextKind.Mask), linear);
    return load<u64>(e, LONG_EXEC_TAG) == ((linear & PAGE) | <u64>context);
  }

  /** The linear page and context of an entry, or 0 if it is empty. */
  @inline static any(e: usize): u64 {
    return load<u64>(e, LONG_READ_TAG) | load<u64>(e, LONG_WRITE_TAG) | load<u64>(e, LONG_EXEC_TAG);
  }
  @inline static clear(e: usize): void {
    store<u64>(e, 0, LONG_READ_TAG);
    store<u64>(e, 0, LONG_WRITE_TAG);
    store<u64>(e, 0, LONG_EXEC_TAG);
  }
  static dropPage(linear: u64): void {
    const e = TlbLong.entry(<u32>TLB_LONG_SUPERVISOR, linear);
    if (((TlbLong.any(e) ^ linear) & PAGE) == 0) TlbLong.clear(e);
    if (((TlbLong.any(e + TLB_LONG_BYTES) ^ linear) & PAGE) == 0) TlbLong.clear(e + TLB_LONG_BYTES);
  }
  static revokeWrite(linear: u64): void {
    const e = TlbLong.entry(<u32>TLB_LONG_SUPERVISOR, linear);
    if (((load<u64>(e, LONG_WRITE_TAG) ^ linear) & PAGE) == 0) store<u64>(e, 0, LONG_WRITE_TAG);
    if (((load<u64>(e + TLB_LONG_BYTES, LONG_WRITE_TAG) ^ linear) & PAGE) == 0) store<u64>(e + TLB_LONG_BYTES, 0, LONG_WRITE_TAG);
  }
  static revokeAllWrites(): void {
    for (let e = TLB_LONG_SUPERVISOR; e < BOTH_END; e += TLB_LONG_ENTRY_BYTES) store<u64>(e, 0, LONG_WRITE_TAG);
  }
  static dropRange(first: u64, pages: u64): void {
    if (pages < <u64>TLB_LONG_ENTRIES) {
      for (let n: u64 = 0; n < pages; n++) TlbLong.dropPage(first + (n << 12));
      return;
    }
    for (let e = TLB_LONG_SUPERVISOR; e < BOTH_END; e += TLB_LONG_ENTRY_BYTES) {
      const tag = TlbLong.any(e);
      if (tag != 0 && (tag - first) >> 12 < pages) TlbLong.clear(e);
    }
  }
  static dropRoot(root: u32): void {
    for (let e = TLB_LONG_SUPERVISOR; e < BOTH_END; e += TLB_LONG_ENTRY_BYTES) {
      if ((<u32>TlbLong.any(e) & 0xfff) >>> 2 == root) TlbLong.clear(e);
    }
  }
  static dropAll(): void {
    if (TlbLong.used) memory.fill(TLB_LONG_SUPERVISOR, 0, 2 * TLB_LONG_BYTES);
    TlbLong.used = false;
  }
}

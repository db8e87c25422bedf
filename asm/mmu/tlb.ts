/**
 * Translation caches (level 3): direct-mapped, a subset of the shadow tables, consulted by every memory access.
 * An entry is 16 bytes:
 *
 *   +0 read tag  +4 write tag  +8 execute tag  +12 addend (host address = linear + addend, mod 2^32)
 *
 * A tag is the linear page in bits 12-31 and the context in bits 0-11. Page-cross, missing right, MMIO, code or
 * page-table frame and stale space all fail in the one compare. Context 0 never runs, so 0 is the empty tag.
 * A context = root × {user, supervisor, supervisor with EFLAGS.AC under SMAP}: `root << 2 | kind`, root ≥ 1.
 * There are two tables, so that the kernel's accesses to a user page do not evict the user's own entry.
 */
import { cpu } from "../core/cpu";
import { TLB_BYTES, TLB_ENTRIES, TLB_SUPERVISOR, TLB_USER } from "../core/memory-map";

export const READ_TAG: usize = 0;
export const WRITE_TAG: usize = 4;
export const EXEC_TAG: usize = 8;
export const ADDEND: usize = 12;

export namespace ContextKind {
  export const Supervisor: u32 = 0;
  export const User: u32 = 1;
  /** Supervisor with EFLAGS.AC = 1 under CR4.SMAP: may touch user pages. */
  export const SupervisorAc: u32 = 2;
}

export class Tlb {
  /** Entry of `linear` in table `table`. */
  @inline static entry(table: u32, linear: u32): usize {
    return <usize>table + (<usize>(linear >>> 8) & ((TLB_ENTRIES - 1) << 4));
  }
  /** The tag an access of `size` bytes at `linear` must find; differs from any entry's when it crosses the page. */
  @inline static tag(linear: u32, size: u32, context: u32): u32 {
    return ((linear + (size - 1)) & 0xfffff000) | context;
  }
  /** Host address for a read of T at the current privilege, or 0 on a miss. */
  @inline static read<T>(linear: u32): usize {
    const e = Tlb.entry(cpu.tlb, linear);
    return load<u32>(e, 0) == Tlb.tag(linear, sizeof<T>(), cpu.context) ? <usize>(linear + load<u32>(e, 12)) : 0;
  }
  @inline static write<T>(linear: u32): usize {
    const e = Tlb.entry(cpu.tlb, linear);
    return load<u32>(e, 4) == Tlb.tag(linear, sizeof<T>(), cpu.context) ? <usize>(linear + load<u32>(e, 12)) : 0;
  }
  /** Forgets linear page `linear` in both tables, whatever its context. */
  static dropPage(linear: u32): void {
    for (let table = <u32>TLB_SUPERVISOR; table <= <u32>TLB_USER; table += <u32>TLB_BYTES) {
      const e = Tlb.entry(table, linear);
      if (((load<u32>(e, 0) | load<u32>(e, 4) | load<u32>(e, 8)) & 0xfffff000) == (linear & 0xfffff000)) memory.fill(e, 0, 12);
    }
  }
  static dropAll(): void {
    memory.fill(TLB_SUPERVISOR, 0, 2 * TLB_BYTES);
  }
}

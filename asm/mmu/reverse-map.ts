/**
 * Lists of shadow entries, threaded through the entries' links: of each host frame the leaf entries that map it (the
 * reverse map), of each shadow table the non-leaf entries that point to it (its parents). Both are doubly linked, so
 * that an entry leaves its list in constant time; taking a right away from a frame costs as much as it has mappings.
 */
import { HostFrame } from "./host-frame";
import { Right } from "./paging-entry";
import { Physical } from "./physical";
import { BLOCK_BITS, LINKS, ShadowTable, Tables } from "./shadow-pool";
import { ROOT_LINKS, Root } from "./shadow-root";
import { Tlb } from "./tlb";

/** Offset of the list heads in their descriptors. */
const MAPPINGS: usize = offsetof<HostFrame>("mappings");
const PARENTS: usize = offsetof<ShadowTable>("parents");

export class ReverseMap {
  /** Is a shadow entry a root's slot (or a table's)? */
  @inline static inRoot(entry: usize): bool {
    return entry < Tables.blocks;
  }
  @inline static link(entry: usize): usize {
    return entry + (ReverseMap.inRoot(entry) ? ROOT_LINKS : LINKS);
  }
  @inline static next(entry: usize): usize {
    return <usize>load<u32>(ReverseMap.link(entry));
  }
  /** Address of the head of the list that an entry with this word belongs to. */
  @inline static head(word: u32): usize {
    return word & Right.Table ? changetype<usize>(ShadowTable.of(<usize>word)) + PARENTS : changetype<usize>(HostFrame.of(<usize>word)) + MAPPINGS;
  }
  /** Puts `entry` on the list its word belongs to. */
  static insert(entry: usize): void {
    const head = ReverseMap.head(load<u32>(entry));
    const first = load<u32>(head);
    store<u32>(ReverseMap.link(entry), first);
    store<u32>(ReverseMap.link(entry), 0, 4);
    if (first) store<u32>(ReverseMap.link(<usize>first), <u32>entry, 4);
    store<u32>(head, <u32>entry);
  }
  /** Takes it off. */
  static remove(entry: usize): void {
    const link = ReverseMap.link(entry);
    const next = load<u32>(link);
    const previous = load<u32>(link, 4);
    if (previous) store<u32>(ReverseMap.link(<usize>previous), next);
    else store<u32>(ReverseMap.head(load<u32>(entry)), next);
    if (next) store<u32>(ReverseMap.link(<usize>next), previous, 4);
  }

  /** Linear address that a table's (or root's) entry maps. */
  @inline static linear(entry: usize): u64 {
    if (ReverseMap.inRoot(entry)) return <u64>(<u32>(entry - changetype<usize>(Root.of(entry))) >>> 3) << 30;
    const table = ShadowTable.of(entry);
    const linear = table.linear + (<u64>((<u32>entry & ((1 << BLOCK_BITS) - 1)) >>> 3) << <u64>table.shift);
    // A PML4 table begins at 0, and the upper half of its entries maps the upper end of the space.
    return table.level == 4 ? <u64>((<i64>linear << 16) >> 16) : linear;
  }

  /** Takes every write tag that leads to `frame` away: stores to it must give notice from now on. */
  static revokeWrites(frame: HostFrame): void {
    for (let entry = <usize>frame.mappings; entry; entry = ReverseMap.next(entry)) Tlb.revokeWrite(ReverseMap.linear(entry));
    // The identity root has no entries: its linear pages are the frame itself, and under A20 its alias.
    Tlb.revokeWrite(<u64>frame.guestFrame << 12);
    if (Physical.a20Mask != 0xffffffff) Tlb.revokeWrite((<u64>frame.guestFrame << 12) | 0x100000);
  }
}

/**
 * The pool of shadow tables: storage, lookup by what a table is made from, and the clock that picks a victim. A table
 * is a 16 KB block of at most 1024 entries and their links, and a 64-byte descriptor:
 *
 *   block  +0      entries, 8 bytes: u32 host page | rights, u32 guest frame      (leaf)
 *                                    u32 shadow table | Table | P, u32 0          (not a leaf)
 *          +8192   links, 8 bytes: u32 next, u32 previous entry on the same list (reverse-map.ts)
 *
 * A table belongs to a guest table frame and a role; all roots that reach that frame in that role share it:
 *
 *   role   17-13 rights (G D NX U W) │ 11 1 GB pages │ 10 split │ 9-7 level │ 3 NXE │ 2 PSE │ 1 0 paging mode
 *
 * The rights are those accumulated above the table; with "split" (a large page cut in 4 KB pieces; key: its first guest
 * frame) those of the whole page. The linear base is part of the identity, so that (table, index) gives the linear page.
 * Departure from architecture 2.3: CR0.WP, SMEP and SMAP are not in a table's role. Entries hold the guest's rights, and
 * those bits only choose what a context may make of them (`accessRights`), so they are part of the root and its contexts.
 */
import { Counters, ShadowCounter } from "./counters";
import { FrameFlag, HostFrame } from "./host-frame";
import { Entry, PagingMode } from "./paging-entry";
import { allocate, allocateAligned } from "./physical";

export const BLOCK_BITS: u32 = 14;
export const BLOCK_MASK: u32 = 0xffffc000;
export const LINKS: usize = 8192;

export namespace TableRole {
  export const LevelShift: u32 = 7;
  export const Split: u32 = 0x400;
  export const RightsShift: u32 = 12;
}

/** `ShadowTable.used`. */
export namespace Used {
  /** Since the clock's hand passed. */
  export const Clock: u32 = 1;
  /** Since the last tracked store to its guest table. */
  export const Flood: u32 = 2;
  export const Both: u32 = 3;
}

@unmanaged @final export class ShadowTable {
  /** Host page of the guest table; of a split page its first guest frame. */
  key: u32;
  /** 0 = free. */
  role: u32;
  /** First non-leaf entry that points here, 0 = an orphan. */
  parents: u32;
  nextInHash: u32;
  nextInFrame: u32;
  previousInFrame: u32;
  /** Entries present. */
  live: u32;
  used: u32;
  /** Guest frame of the guest table. */
  guestFrame: u32;
  pad0: u32;
  /** Linear address that entry 0 maps; 0 for a PML4 table. */
  linear: u64;
  pad1: u64;

  /** Descriptor of the table whose block contains host address `at`. */
  @inline static of(at: usize): ShadowTable {
    return changetype<ShadowTable>(Tables.bias + ((at >>> BLOCK_BITS) << 6));
  }
  /** Host address of entry 0. */
  @inline get block(): usize {
    return Tables.blocks + ((changetype<usize>(this) - Tables.descriptors) << 8);
  }
  @inline get level(): u32 {
    return (this.role >>> TableRole.LevelShift) & 7;
  }
  @inline get split(): bool {
    return (this.role & TableRole.Split) != 0;
  }
  /** Right bits accumulated above (split: of the page, with D and G). */
  @inline get rights(): u32 {
    return (this.role >>> TableRole.RightsShift) & 0x3e;
  }
  /** Entries it can have. */
  @inline get entries(): u32 {
    return (this.role & PagingMode.Mask) == PagingMode.Legacy ? 1024 : 512;
  }
  @inline entry(index: u32): usize {
    return this.block + (<usize>index << 3);
  }
  /** Log2 of the bytes one entry maps. */
  @inline get shift(): u32 {
    return Entry.shift(this.level, this.role);
  }
}
const DESCRIPTOR: usize = 64;
const HASH_BITS: u32 = 12;

export class Tables {
  static blocks: usize = 0;
  static descriptors: usize = 0;
  static bias: usize = 0;
  static count: u32 = 0;
  /** How many were ever freed: a loop over a frame's tables sees from it that its position may be gone. */
  static freed: u32 = 0;
  static available: u32 = 0;
  private static free: u32 = 0;
  private static hash: usize = 0;
  private static hand: u32 = 0;

  static init(count: u32): void {
    Tables.count = count;
    Tables.descriptors = allocate(<usize>count * DESCRIPTOR);
    Tables.hash = allocate(4 << HASH_BITS);
    Tables.blocks = allocateAligned(<usize>count << BLOCK_BITS, 1 << BLOCK_BITS);
    Tables.bias = Tables.descriptors - ((Tables.blocks >>> BLOCK_BITS) << 6);
    for (let n = count; n > 0; n--) Tables.giveBack(Tables.at(n - 1));
  }
  @inline static at(index: u32): ShadowTable {
    return changetype<ShadowTable>(Tables.descriptors + (<usize>index << 6));
  }
  private static bucket(key: u32, role: u32, linear: u64): usize {
    const h = ((key ^ <u32>linear ^ <u32>(linear >> 29)) * 0x9e3779b1) ^ (role * 0x85ebca6b);
    return Tables.hash + (<usize>(h >>> (32 - HASH_BITS)) << 2);
  }
  private static giveBack(table: ShadowTable): void {
    table.role = 0;
    table.nextInHash = Tables.free;
    Tables.free = changetype<u32>(table);
    Tables.available++;
  }

  /** The guest frame is compared too: all guest frames without memory share the open bus as host page. */
  static find(key: u32, role: u32, linear: u64, guestFrame: u32): ShadowTable | null {
    let at = load<u32>(Tables.bucket(key, role, linear));
    while (at) {
      const table = changetype<ShadowTable>(<usize>at);
      if (table.key == key && table.role == role && table.linear == linear && table.guestFrame == guestFrame) return table;
      at = table.nextInHash;
    }
    return null;
  }

  /** A new, empty table; `available` must not be 0. Not a split one: its guest frame is on no list yet (see `track`). */
  static create(key: u32, role: u32, linear: u64, guestFrame: u32): ShadowTable {
    const table = changetype<ShadowTable>(<usize>Tables.free);
    Tables.free = table.nextInHash;
    Tables.available--;
    const bucket = Tables.bucket(key, role, linear);
    table.key = key;
    table.role = role;
    table.linear = linear;
    table.parents = 0;
    table.nextInHash = load<u32>(bucket);
    store<u32>(bucket, changetype<u32>(table));
    table.nextInFrame = 0;
    table.previousInFrame = 0;
    table.live = 0;
    table.used = Used.Both;
    table.guestFrame = guestFrame;
    Counters.set(ShadowCounter.tables, Tables.count - Tables.available);
    return table;
  }
  /** Puts a table on the list of the frame it is made from. */
  static listInFrame(table: ShadowTable): void {
    const frame = HostFrame.of(table.key);
    table.nextInFrame = frame.tables;
    if (frame.tables) changetype<ShadowTable>(<usize>frame.tables).previousInFrame = changetype<u32>(table);
    frame.tables = changetype<u32>(table);
  }

  /** Frees a table that has no entry and no parent left; the last one of its frame ends the frame's tracking. */
  static release(table: ShadowTable): void {
    if (table.live | table.parents) unreachable();
    const bucket = Tables.bucket(table.key, table.role, table.linear);
    let at = load<u32>(bucket);
    if (at == changetype<u32>(table)) store<u32>(bucket, table.nextInHash);
    else {
      while (changetype<ShadowTable>(<usize>at).nextInHash != changetype<u32>(table)) at = changetype<ShadowTable>(<usize>at).nextInHash;
      changetype<ShadowTable>(<usize>at).nextInHash = table.nextInHash;
    }
    if (!table.split) {
      const frame = HostFrame.of(table.key);
      if (table.previousInFrame) changetype<ShadowTable>(<usize>table.previousInFrame).nextInFrame = table.nextInFrame;
      else frame.tables = table.nextInFrame;
      if (table.nextInFrame) changetype<ShadowTable>(<usize>table.nextInFrame).previousInFrame = table.previousInFrame;
      if (!frame.tables) frame.flags &= ~FrameFlag.Tracked;
    }
    Tables.giveBack(table);
    Tables.freed++;
    Counters.set(ShadowCounter.tables, Tables.count - Tables.available);
  }

  /** The next table that was not used since the clock's hand last passed it. There is at least one table. */
  static victim(): ShadowTable {
    for (;;) {
      Tables.hand = Tables.hand + 1 < Tables.count ? Tables.hand + 1 : 0;
      const table = Tables.at(Tables.hand);
      if (table.role == 0) continue;
      if (!(table.used & Used.Clock)) return table;
      table.used &= ~Used.Clock;
    }
    return Tables.at(0); // not reached
  }
}

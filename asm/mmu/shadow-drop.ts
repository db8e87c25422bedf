/**
 * Taking shadow entries, tables and roots away, together with what the translation caches hold of them. Everything that
 * removes an entry passes `dropEntry`.
 */
import { cpu } from "../core/cpu";
import { notifyCodeWritten, notifyMappingChanged } from "../core/hooks";
import { Stop } from "../core/stop";
import { Counters, ShadowCounter } from "./counters";
import { FrameFlag, HostFrame } from "./host-frame";
import { Right } from "./paging-entry";
import { Physical } from "./physical";
import { ReverseMap } from "./reverse-map";
import { ShadowTable, Tables } from "./shadow-pool";
import { Root, Roots } from "./shadow-root";
import { Tlb } from "./tlb";

/** Something executable went: memos of linear RIP are stale, and the running block may be. */
export function executableChanged(): void {
  notifyMappingChanged();
  if (cpu.current) cpu.stop |= Stop.Code;
}

/** What the caches hold of the linear range that non-leaf entry `entry` maps. */
function forgetBelow(entry: usize, child: ShadowTable): void {
  if (child.live == 0) return;
  if (ReverseMap.inRoot(entry)) {
    const root = Root.of(entry);
    if (!root.cached) return;
    Tlb.dropRoot(root.id);
  } else Tlb.dropRange(child.linear, <u64>1 << <u64>(ShadowTable.of(entry).shift - 12));
  executableChanged();
}

/** Clears an entry and its links; the caches are the caller's business. */
function unlink(entry: usize): void {
  ReverseMap.remove(entry);
  store<u64>(entry, 0);
  if (!ReverseMap.inRoot(entry)) ShadowTable.of(entry).live--;
  Counters.count(ShadowCounter.entriesDropped);
}

/** Drops a present entry from the shadow, the reverse map and the caches; a child that nothing needs any more goes too. */
export function dropEntry(entry: usize): void {
  const word = load<u32>(entry);
  if (!(word & Right.Table)) {
    const linear = ReverseMap.linear(entry);
    unlink(entry);
    Tlb.dropPage(linear);
    if (word & Right.Fetched) executableChanged();
    return;
  }
  const child = ShadowTable.of(<usize>word);
  forgetBelow(entry, child);
  unlink(entry);
  if (!child.parents && child.live == 0) Tables.release(child);
}

/**
 * Drops a table: its entries, those that point to it, and of a directory the tables that only it reached. Ends the
 * tracking of its guest frame if it was the frame's last.
 */
export function dropTable(table: ShadowTable): void {
  const leaf = table.level == 1;
  // A directory's parents first: what the caches hold of it goes with their few roots, not child by child.
  if (!leaf) dropParents(table);
  const first = table.block;
  for (let n: u32 = 0; table.live != 0; n++) {
    const entry = first + (<usize>n << 3);
    const word = load<u32>(entry);
    if (word == 0) continue;
    if (leaf) dropEntry(entry);
    else {
      unlink(entry);
      const child = ShadowTable.of(<usize>word);
      if (!child.parents) dropTable(child);
    }
  }
  if (leaf) dropParents(table);
  Tables.release(table);
}

function dropParents(table: ShadowTable): void {
  while (table.parents) {
    const entry = <usize>table.parents;
    forgetBelow(entry, table);
    unlink(entry);
  }
}

/** Drops every table made from `frame`: it is tracked no longer. */
export function dropTablesOf(frame: HostFrame): void {
  while (frame.tables) dropTable(changetype<ShadowTable>(<usize>frame.tables));
}

/** Makes sure that `count` tables can be created without dropping anything meanwhile. */
export function reserveTables(count: u32): void {
  while (Tables.available < count) dropTable(Tables.victim());
}

/** Drops a root with its contexts; directories that no other root uses go with it. */
export function dropRoot(root: Root): void {
  if (root.cached) {
    Tlb.dropRoot(root.id);
    executableChanged();
    root.cached = 0;
  }
  for (let n: u32 = 0; n < root.slots; n++) {
    const slot = root.slot(n);
    const word = load<u32>(slot);
    if (word == 0) continue;
    unlink(slot);
    const directory = ShadowTable.of(<usize>word);
    if (!directory.parents) dropTable(directory);
  }
  Roots.release(root);
}

/** Drops all tables and everything cached. Roots stay. */
export function dropEverything(): void {
  for (let n: u32 = 0; n < Tables.count; n++) {
    const table = Tables.at(n);
    if (table.role) dropTable(table);
  }
  Tlb.dropAll();
  executableChanged();
}

/** Drops exactly what was derived from guest frame `frame` of the physical map, before its entry changes. */
export function dropGuestFrame(frame: u32): void {
  const host = HostFrame.of(Physical.hostPage(frame));
  for (let entry = <usize>host.mappings; entry; ) {
    const next = ReverseMap.next(entry);
    if (load<u32>(entry, 4) == frame) dropEntry(entry);
    entry = next;
  }
  // dropTable may free more than the one table: start again after each.
  for (let at = host.tables; at; ) {
    const table = changetype<ShadowTable>(<usize>at);
    if (table.guestFrame == frame) {
      dropTable(table);
      at = host.tables;
    } else at = table.nextInFrame;
  }
  // The identity root has no entries.
  Tlb.dropPage(<u64>frame << 12);
  if (Physical.a20Mask != 0xffffffff) Tlb.dropPage((<u64>frame << 12) | 0x100000);
  if (host.flags & FrameFlag.Code) notifyCodeWritten(host.index, 0, 0xfff);
  executableChanged();
}

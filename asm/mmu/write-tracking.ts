/**
 * What a store must tell. Guest page tables that are shadowed never get a write tag, so every store to one comes here
 * after it was performed, and exactly the shadow entries made from the written bytes are looked at again: kept if the
 * guest entry still says the same, dropped otherwise. A table that is written again and again without being used is
 * data by now: it is dropped with its tracking, and stores to it are fast again.
 */
import { Exit } from "../core/events.generated";
import { exit } from "../core/exits";
import { notifyCodeWritten } from "../core/hooks";
import { granules } from "./code-frames";
import { Counters, ShadowCounter } from "./counters";
import { FrameFlag, HostFrame } from "./host-frame";
import { Mutation, Seeded } from "./mutation";
import { Entry, PagingMode, PteBit, Right } from "./paging-entry";
import { FrameKind, Physical } from "./physical";
import { Paging } from "./shadow";
import { dropEntry, dropTablesOf } from "./shadow-drop";
import { ShadowTable, Tables, Used } from "./shadow-pool";

/** Tracked stores without a use that make data of a page table: the last of them still is slow, the next is not. */
export const FLOOD: u32 = 64;

/**
 * Bytes first … last of the host frame at `host` have been written, by a store (`cpuStore`) or from outside (DMA,
 * loader, debugger).
 */
export function noteWrite(host: usize, first: u32, last: u32, cpuStore: bool): void {
  const frame = HostFrame.of(host);
  frame.epoch = Physical.epoch;
  if (cpuStore) Counters.count(ShadowCounter.slowStores);
  if (frame.flags & FrameFlag.Tracked) {
    if (cpuStore) exit(Exit.ShadowWrite, (<u64>frame.guestFrame << 12) | <u64>first);
    tableWritten(frame, first, last);
  }
  if (frame.flags & FrameFlag.Code && frame.code & granules(first, last)) notifyCodeWritten(frame.index, first, last);
}

function tableWritten(frame: HostFrame, first: u32, last: u32): void {
  frame.writes++;
  for (let at = frame.tables; at; ) {
    const table = changetype<ShadowTable>(<usize>at);
    if (table.used & Used.Flood) {
      table.used &= ~Used.Flood;
      frame.writes = 1;
    }
    // Dropping an entry can free tables, also this one or the next: then begin again, what is left is still to look at.
    const freed = Tables.freed;
    lookAgain(table, first, last);
    at = Tables.freed == freed ? table.nextInFrame : frame.tables;
  }
  if (frame.writes >= FLOOD) dropTablesOf(frame);
}

/** Drops the entries made from bytes first … last of the guest table that are true no more. Ends early if a table was freed. */
function lookAgain(table: ShadowTable, first: u32, last: u32): void {
  const freed = Tables.freed;
  const shift: u32 = Entry.bytes(table.role) == 8 ? 3 : 2;
  for (let index = first >>> shift; index <= last >>> shift && Tables.freed == freed; index++) {
    const entry = table.entry(index);
    if (load<u32>(entry) && !stillTrue(table, index, entry)) dropEntry(entry);
  }
}

/**
 * The walker set A or D in the four bytes at `first`. For tables of the mode it walked in that changes nothing shadowed;
 * but where the same frame also serves in the other mode, it may be the upper half of an 8-byte entry.
 */
export function walkerWrote(frame: HostFrame, first: u32): void {
  for (let at = frame.tables; at; ) {
    const table = changetype<ShadowTable>(<usize>at);
    const freed = Tables.freed;
    if ((table.role ^ Paging.role) & PagingMode.Mask) lookAgain(table, first, first + 3);
    at = Tables.freed == freed ? table.nextInFrame : frame.tables;
  }
}

/** Does the guest entry that shadow entry `entry` was made from still demand exactly it (or allow more)? */
function stillTrue(table: ShadowTable, index: u32, entry: usize): bool {
  const role = table.role;
  const level = table.level;
  const word = load<u32>(entry);
  const value = Entry.read(<usize>table.key + <usize>(index * Entry.bytes(role)), role);
  const large = Entry.large(value, level, role);
  if (Seeded.is(Mutation.SkippedDrop) && level == 1) return true;
  if (Seeded.is(Mutation.StaleLargePage) && level == 2 && ShadowTable.of(<usize>word).split) return true;
  const used = PteBit.P | PteBit.A;
  if ((<u32>value & used) != used || value & Entry.reserved(large, level, role)) return false;
  const frame = Physical.masked(Entry.frame(value, large, level, role));
  const rights = Entry.accumulate(table.rights, Entry.rights(value)) | (level == 1 || large ? Entry.leaf(value) : 0);
  if (level == 1) return load<u32>(entry, 4) == frame && leafTrue(word, rights, frame);
  const child = ShadowTable.of(<usize>word);
  if (child.split != large) return false;
  if (large) return child.key == frame && sameOrLess(child.rights, rights);
  return child.guestFrame == frame && child.rights == rights;
}
function leafTrue(word: u32, rights: u32, frame: u32): bool {
  const map = Physical.entry(frame);
  return (map & FrameKind.Mask) != FrameKind.Absent && (map ^ word) >>> 12 == 0 && sameOrLess(word & (Right.Accumulated | Right.D | Right.G), rights);
}
/** Equal, or only D is missing. */
function sameOrLess(shadow: u32, guest: u32): bool {
  return shadow == guest || (shadow | Right.D) == guest;
}

/**
 * One linear address through all four levels, for the Paging panel: the guest's entries, the shadow's, and both
 * translation caches. Reads only. The record, at SCRATCH + 0x300 (little-endian):
 *
 *   +0   u32 outcome: 0 translated, 1 fault, 2 frame absent     +4  u32 error code of a fault
 *   +8   u32 paging mode: 0 off, 1 32-bit, 2 PAE, 3 4-level     +12 u32 level where it ended (1 to 4; PAE: 3 = PDPTE)
 *   +16  u64 guest-physical address                             +24 u32 rights (paging-entry.ts Right)  +28 u32 root id
 *   +32  guest entries of levels 3, 2, 1, 32 bytes each: u32 1 = read, u32 table index, u64 entry's guest-physical
 *        address (level 3: the PDPTE register's number), u64 value, u32 rights above, u32 0
 *   +128 shadow entries of levels 3 (root slot), 2, 1, 16 bytes each: u32 host address (0 = no table), u32 word, u32
 *        guest frame, u32 live entries of the table it lies in
 *   +176 translation caches, supervisor then user, 16 bytes each: the entry at this address's place, as it is
 *   +208 guest entry of level 4, as above      +240 shadow entry of level 4 (4-level paging: the root slot is left out)
 *   +256 translation caches of 64-bit code, supervisor then user, 32 bytes each
 */
import { PDPTE } from "../core/cpu-state.generated";
import { CPU, SCRATCH, TLB_BYTES, TLB_ENTRY_BYTES, TLB_LONG_ENTRY_BYTES, TLB_LONG_SUPERVISOR, TLB_LONG_USER } from "../core/memory-map";
import { cpu } from "../core/cpu";
import { Walk, WalkEnd } from "./page-walk";
import { ContextKind, Entry, PagingMode, Right } from "./paging-entry";
import { Physical } from "./physical";
import { Paging } from "./shadow";
import { BLOCK_MASK, ShadowTable } from "./shadow-pool";
import { Root } from "./shadow-root";
import { Tlb } from "./tlb";
import { TlbLong } from "./tlb-long";

const RECORD: usize = SCRATCH + 0x300;
const RECORD_BYTES: usize = 320;

export function walkRecordAddress(): u32 {
  return <u32>RECORD;
}

/** Fills the record for an access to linear address `linearHigh`:`linear` (`want`: 1 read, 2 write, 4 fetch; `user`: at CPL 3) and returns its outcome. */
export function describeWalk(linear: u32, want: u32, user: u32, linearHigh: u32): u32 {
  return describe((<u64>linearHigh << 32) | <u64>linear, want, user);
}
function describe(linear: u64, want: u32, user: u32): u32 {
  memory.fill(RECORD, 0, RECORD_BYTES);
  store<u32>(RECORD, Paging.mode, 8);
  store<u32>(RECORD, changetype<Root>(Paging.root).id, 28);
  memory.copy(RECORD + 176, Tlb.entry(cpu.tlbSupervisor, <u32>linear), TLB_ENTRY_BYTES);
  memory.copy(RECORD + 192, Tlb.entry(cpu.tlbSupervisor + <u32>TLB_BYTES, <u32>linear), TLB_ENTRY_BYTES);
  memory.copy(RECORD + 256, TlbLong.entry(<u32>TLB_LONG_SUPERVISOR, linear), TLB_LONG_ENTRY_BYTES);
  memory.copy(RECORD + 288, TlbLong.entry(<u32>TLB_LONG_USER, linear), TLB_LONG_ENTRY_BYTES);
  if (Paging.mode == PagingMode.None) {
    store<u64>(RECORD, (<u64>Physical.masked(<u32>linear >>> 12) << 12) | (linear & 0xfff), 16);
    store<u32>(RECORD, Right.P | Right.Everything | Right.D, 24);
    return WalkEnd.Ok;
  }
  const kind: u32 = user ? ContextKind.User : cpu.cpl == 3 ? ContextKind.Supervisor : cpu.context & ContextKind.Mask;
  const end = Walk.run(linear, want, kind, Paging.role, false);
  store<u32>(RECORD, end);
  if (end == WalkEnd.Fault) store<u32>(RECORD, Walk.error, 4);
  store<u32>(RECORD, Walk.level, 12);
  if (end == WalkEnd.Ok) {
    store<u64>(RECORD, (<u64>Walk.frame << 12) | (linear & 0xfff), 16);
    store<u32>(RECORD, Walk.word, 24);
  } else if (end == WalkEnd.Missing) store<u64>(RECORD, <u64>Walk.frame << 12, 16);
  describeGuest(linear);
  describeShadow(linear);
  return end;
}

function describeGuest(linear: u64): void {
  if (Paging.mode == PagingMode.Pae) {
    const slot = <u32>linear >>> 30;
    guestLevel(3, slot, <u64>slot, load<u64>(CPU + PDPTE + (<usize>slot << 3)), Right.Everything);
  }
  for (let level = Entry.topLevel(Paging.role); level >= Walk.level && level > 0; level--) {
    const step = Walk.step(level);
    guestLevel(level, step.index, (<u64>step.tableFrame << 12) | <u64>(step.index * Entry.bytes(Paging.role)), step.value, step.above);
  }
}
function guestLevel(level: u32, index: u32, physical: u64, value: u64, above: u32): void {
  const at = level == 4 ? RECORD + 208 : RECORD + 32 + <usize>(3 - level) * 32;
  store<u32>(at, 1);
  store<u32>(at, index, 4);
  store<u64>(at, physical, 8);
  store<u64>(at, value, 16);
  store<u32>(at, above, 24);
}

function describeShadow(linear: u64): void {
  const pae = Paging.mode == PagingMode.Pae;
  let entry = Paging.root + (pae ? <usize>(<u32>linear >>> 30) << 3 : 0);
  if (Paging.mode != PagingMode.Long) shadowLevel(3, entry, changetype<Root>(Paging.root).slots);
  for (let level = Entry.topLevel(Paging.role); level > 0; level--) {
    const block = <usize>(load<u32>(entry) & BLOCK_MASK);
    if (!block) return;
    const table = ShadowTable.of(block);
    entry = table.entry(Entry.index(linear, level, Paging.role));
    shadowLevel(level, entry, table.live);
  }
}
function shadowLevel(level: u32, entry: usize, live: u32): void {
  const at = level == 4 ? RECORD + 240 : RECORD + 128 + <usize>(3 - level) * 16;
  store<u32>(at, <u32>entry);
  store<u32>(at, load<u32>(entry), 4);
  store<u32>(at, load<u32>(entry, 4), 8);
  store<u32>(at, live, 12);
}

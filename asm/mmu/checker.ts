/**
 * The consistency checker: every shadow entry and every translation-cache entry must equal what composing the guest's
 * tables with the physical map gives now. It reads guest tables with its own small walk and trusts no bookkeeping;
 * lists, counts and flags are checked too. Called by tests after every step, and from the Paging panel.
 *
 * On a finding, at SCRATCH + 0x200: u32 finding, u32 address of the bad entry, u32 linear address (low half), u32 found, u32
 * expected, u32 linear address (high half).
 */
import { cpu } from "../core/cpu";
import {
  SCRATCH, TLB_BYTES, TLB_ENTRIES, TLB_ENTRY_BYTES, TLB_LONG_BYTES, TLB_LONG_ENTRIES, TLB_LONG_ENTRY_BYTES, TLB_LONG_SUPERVISOR, TLB_END, TLB_FIRST,
} from "../core/memory-map";
import { FrameFlag, HostFrame, Pool } from "./host-frame";
import { ContextKind, Entry, PagingMode, PteBit, Right, Role, Want, accessRights } from "./paging-entry";
import { FrameKind, Physical } from "./physical";
import { ReverseMap } from "./reverse-map";
import { Paging, Shadow } from "./shadow";
import { ShadowTable, Tables } from "./shadow-pool";
import { ROOT_COUNT, Root, Roots } from "./shadow-root";
import { ADDEND, EXEC_TAG, READ_TAG, Tlb, WRITE_TAG } from "./tlb";
import { LONG_ADDEND, LONG_EXEC_TAG, LONG_READ_TAG, LONG_WRITE_TAG, TlbLong } from "./tlb-long";

/** What `checkShadow` can find. */
export const enum Finding {
  None = 0,
  /** Shadow entry of a guest entry that is not present, not accessed or has reserved bits. */
  NotMapped = 1,
  /** Rights (U, W, NX, D, G) other than the guest's. */
  Rights = 2,
  /** Another guest frame than the guest's entry names. */
  Frame = 3,
  /** Another host page than the physical map gives. */
  HostPage = 4,
  /** A non-leaf entry points to the shadow of another table. */
  Child = 5,
  /** A link, a count of live entries or a parent is wrong. */
  List = 6,
  /** A shadowed guest table that is not tracked, or a flag without a reason. */
  Tracking = 7,
  /** The current root is not the one that the control registers demand. */
  CurrentRoot = 8,
  /** cpu.context or cpu.tlb is not what privilege and root demand. */
  Context = 9,
  /** Translation cache: context of no live root, tags that disagree, or the wrong table. */
  CacheTag = 10,
  /** Translation cache: an access that the guest's tables do not allow. */
  CacheRights = 11,
  /** Translation cache: another host page. */
  CacheHost = 12,
  /** Translation cache: a write tag to a frame whose stores need notice, or not yet dirty in this epoch. */
  CacheWrite = 13,
  /** Translation cache: no shadow entry stands behind it. */
  NoShadow = 14,
}
const REPORT: usize = SCRATCH + 0x200;

function found(finding: Finding, entry: usize, linear: u64, value: u32, expected: u32): u32 {
  store<u32>(REPORT, <u32>finding);
  store<u32>(REPORT, <u32>entry, 4);
  store<u32>(REPORT, <u32>linear, 8);
  store<u32>(REPORT, value, 12);
  store<u32>(REPORT, expected, 16);
  store<u32>(REPORT, <u32>(linear >> 32), 20);
  return <u32>finding;
}

/** Address of the last finding's report. */
export function findingAddress(): u32 {
  return <u32>REPORT;
}

/** 0, or the first Finding. */
export function checkShadow(): u32 {
  let available: u32 = 0;
  for (let n: u32 = 0; n < Tables.count; n++) {
    const table = Tables.at(n);
    if (table.role == 0) available++;
    else {
      const finding = checkTable(table);
      if (finding) return finding;
    }
  }
  if (available != Tables.available) return found(Finding.List, 0, 0, available, Tables.available);
  for (let id: u32 = 1; id <= ROOT_COUNT; id++) {
    const root = Roots.at(id);
    const finding = root.lastUse ? checkRoot(root) : 0;
    if (finding) return finding;
  }
  const finding = checkCurrent();
  if (finding) return finding;
  for (let e = TLB_FIRST; e < TLB_END; e += TLB_ENTRY_BYTES) {
    const finding = Tlb.any(e) ? checkCached(e) : 0;
    if (finding) return finding;
  }
  for (let n: usize = 0; n < 2 * TLB_LONG_ENTRIES; n++) {
    const e = TLB_LONG_SUPERVISOR + n * TLB_LONG_ENTRY_BYTES;
    const finding = TlbLong.any(e) ? checkCachedLong(e) : 0;
    if (finding) return finding;
  }
  return 0;
}

function checkTable(table: ShadowTable): u32 {
  const first = table.block;
  if (!table.split) {
    const frame = HostFrame.of(<usize>table.key);
    if (!(frame.flags & FrameFlag.Tracked) || !frame.tables) return found(Finding.Tracking, first, table.linear, frame.flags, FrameFlag.Tracked);
    if (Physical.hostPage(table.guestFrame) != <usize>table.key) return found(Finding.HostPage, first, table.linear, table.key, <u32>Physical.hostPage(table.guestFrame));
  }
  let live: u32 = 0;
  for (let index: u32 = 0, count = table.entries; index < count; index++) {
    const entry = table.entry(index);
    const word = load<u32>(entry);
    if (!word) continue;
    live++;
    const finding = checkLinks(entry, word) || (table.split ? checkPiece(table, index, entry, word) : checkEntry(table, index, entry, word));
    if (finding) return finding;
  }
  return live == table.live ? 0 : found(Finding.List, first, table.linear, table.live, live);
}

function checkLinks(entry: usize, word: u32): u32 {
  const link = ReverseMap.link(entry);
  const next = load<u32>(link);
  const previous = load<u32>(link, 4);
  const back = previous ? load<u32>(ReverseMap.link(<usize>previous)) : load<u32>(ReverseMap.head(word));
  if (back != <u32>entry) return found(Finding.List, entry, ReverseMap.linear(entry), back, <u32>entry);
  if (next && load<u32>(ReverseMap.link(<usize>next), 4) != <u32>entry) return found(Finding.List, entry, ReverseMap.linear(entry), next, <u32>entry);
  return 0;
}

/** An entry of the shadow of a guest table against the guest's entry. */
function checkEntry(table: ShadowTable, index: u32, entry: usize, word: u32): u32 {
  const role = table.role;
  const level = table.level;
  const linear = ReverseMap.linear(entry);
  const value = Entry.read(<usize>table.key + <usize>(index * Entry.bytes(role)), role);
  const large = Entry.large(value, level, role);
  // Tables in ROM and on the open bus never get their A bit.
  const used = HostFrame.of(<usize>table.key).flags & (FrameFlag.Rom | FrameFlag.Mmio) ? PteBit.P : PteBit.P | PteBit.A;
  if ((<u32>value & used) != used || value & Entry.reserved(large, level, role)) return found(Finding.NotMapped, entry, linear, word, <u32>value);
  const frame = Physical.masked(Entry.frame(value, large, level, role));
  const rights = Entry.accumulate(table.rights, Entry.rights(value));
  if (level == 1) {
    if (word & Right.Table) return found(Finding.Child, entry, linear, word, 0);
    return checkLeaf(entry, word, linear, rights | Entry.leaf(value), frame);
  }
  if (!(word & Right.Table)) return found(Finding.Child, entry, linear, word, Right.Table);
  const child = ShadowTable.of(<usize>word);
  if (child.level != level - 1 || child.split != large || child.linear != linear) return found(Finding.Child, entry, linear, child.role, <u32>child.linear);
  if ((child.role ^ role) & (PagingMode.Mask | Role.Nxe)) return found(Finding.Child, entry, linear, child.role, role);
  if (large) {
    if (child.key != frame) return found(Finding.Frame, entry, linear, child.key, frame);
    const full = rights | Entry.leaf(value);
    return child.rights == full || (child.rights | Right.D) == full ? 0 : found(Finding.Rights, entry, linear, child.rights, full);
  }
  if (child.guestFrame != frame) return found(Finding.Frame, entry, linear, child.guestFrame, frame);
  return child.rights == rights ? 0 : found(Finding.Rights, entry, linear, child.rights, rights);
}

/** A piece of a large page: 4 KB, or of a 1 GB page 2 MB that are cut once more. */
function checkPiece(table: ShadowTable, index: u32, entry: usize, word: u32): u32 {
  const linear = ReverseMap.linear(entry);
  const frame = Physical.masked(table.key + (index << (table.shift - 12)));
  if (table.level == 1) return checkLeaf(entry, word, linear, table.rights, frame);
  if (!(word & Right.Table)) return found(Finding.Child, entry, linear, word, Right.Table);
  const child = ShadowTable.of(<usize>word);
  if (child.level != table.level - 1 || !child.split || child.linear != linear) return found(Finding.Child, entry, linear, child.role, <u32>child.linear);
  if (child.key != frame) return found(Finding.Frame, entry, linear, child.key, frame);
  return child.rights == table.rights ? 0 : found(Finding.Rights, entry, linear, child.rights, table.rights);
}

function checkLeaf(entry: usize, word: u32, linear: u64, rights: u32, frame: u32): u32 {
  const own = word & (Right.Accumulated | Right.D | Right.G);
  if (own != rights && (own | Right.D) != rights) return found(Finding.Rights, entry, linear, word, rights);
  if (load<u32>(entry, 4) != frame) return found(Finding.Frame, entry, linear, load<u32>(entry, 4), frame);
  return checkMapped(entry, linear, <usize>(word & 0xfffff000), frame);
}
function checkMapped(entry: usize, linear: u64, host: usize, frame: u32): u32 {
  const map = Physical.entry(frame);
  if ((map & FrameKind.Mask) == FrameKind.Absent || <usize>(map & 0xfffff000) != host) return found(Finding.HostPage, entry, linear, <u32>host, map);
  return 0;
}

function checkRoot(root: Root): u32 {
  for (let n: u32 = 0; n < 4; n++) {
    const slot = root.slot(n);
    const word = load<u32>(slot);
    if (!word) continue;
    const finding = checkLinks(slot, word);
    if (finding) return finding;
    const child = ShadowTable.of(<usize>word);
    const frame = Physical.masked(<u32>(root.key(n) >> 12));
    if (n >= root.slots || !(<u32>root.key(n) & PteBit.P || (root.role & PagingMode.Mask) != PagingMode.Pae)) return found(Finding.Child, slot, n << 30, word, 0);
    if (child.level != Entry.topLevel(root.role) || child.linear != n << 30 || (child.role ^ root.role) & (PagingMode.Mask | Role.Nxe | Role.Pse)) return found(Finding.Child, slot, n << 30, child.role, root.role);
    if (child.guestFrame != frame) return found(Finding.Frame, slot, n << 30, child.guestFrame, frame);
  }
  return 0;
}

function checkCurrent(): u32 {
  const root = changetype<Root>(Paging.root);
  const mode = root.role & PagingMode.Mask;
  if (root.lastUse == 0 || root.role != Paging.role) return found(Finding.CurrentRoot, Paging.root, 0, root.role, Paging.role);
  if (mode == PagingMode.Legacy && root.key0 != (cpu.cr3 & 0xfffff000)) return found(Finding.CurrentRoot, Paging.root, 0, <u32>root.key0, <u32>cpu.cr3);
  if (mode == PagingMode.Long && root.key0 != (cpu.cr3 & 0xffffff000)) return found(Finding.CurrentRoot, Paging.root, 0, <u32>root.key0, <u32>cpu.cr3);
  if (mode == PagingMode.Pae) {
    for (let n: u32 = 0; n < 4; n++) {
      if (root.key(n) != Paging.pdpteKey(n)) return found(Finding.CurrentRoot, Paging.root, n << 30, <u32>root.key(n), <u32>Paging.pdpteKey(n));
    }
  }
  const kind = cpu.context & ContextKind.Mask;
  if (cpu.context >>> 2 != root.id || (cpu.cpl == 3) != ((kind & ContextKind.User) != 0) || cpu.tlb != Tlb.table(cpu.context) || cpu.tlbSupervisor != Tlb.table(cpu.contextSupervisor) || cpu.tlbLong != TlbLong.table(kind)) return found(Finding.Context, 0, 0, cpu.context, root.id << 2);
  return 0;
}

let guestWord: u32 = 0;
let guestFrame: u32 = 0;

/** What the guest's tables under `root` say of `linear`, read only: sets guestWord and guestFrame; false = not mapped. */
function composeGuest(root: Root, linear: u64): bool {
  const role = root.role;
  const pae = (role & PagingMode.Mask) == PagingMode.Pae;
  if ((role & PagingMode.Mask) == PagingMode.None) {
    guestFrame = Physical.masked(<u32>linear >>> 12);
    guestWord = Right.Everything | Right.D;
    return true;
  }
  const top = root.key(pae ? <u32>linear >>> 30 : 0);
  if (pae && !(<u32>top & PteBit.P)) return false;
  let table = Physical.masked(<u32>(top >> 12));
  let rights: u32 = Right.Everything;
  for (let level = Entry.topLevel(role); level > 0; level--) {
    const map = Physical.entry(table);
    if ((map & FrameKind.Mask) == FrameKind.Absent) return false;
    const index = Entry.index(linear, level, role);
    const value = Entry.read(<usize>(map & 0xfffff000) + <usize>(index * Entry.bytes(role)), role);
    const large = Entry.large(value, level, role);
    if (!(<u32>value & PteBit.P) || value & Entry.reserved(large, level, role)) return false;
    rights = Entry.accumulate(rights, Entry.rights(value));
    table = Physical.masked(Entry.frame(value, large, level, role) | (large ? Entry.frameInPage(linear, level, role) : 0));
    if (level == 1 || large) {
      guestFrame = table;
      guestWord = rights | Entry.leaf(value);
      return true;
    }
  }
  return false;
}

/** Entry of the legacy tables. */
function checkCached(e: usize): u32 {
  const any = Tlb.any(e);
  const linear = any & 0xfffff000;
  const user = ((e - TLB_FIRST) / TLB_BYTES) & 1 ? true : false;
  const read = load<u32>(e, READ_TAG);
  const write = load<u32>(e, WRITE_TAG);
  const execute = load<u32>(e, EXEC_TAG);
  if ((read && read != any) || (write && write != any) || (execute && execute != any)) return found(Finding.CacheTag, e, linear, read, any);
  if (Tlb.entry(Tlb.table(any & 0xfff), linear) != e) return found(Finding.CacheTag, e, linear, any, any & 0xfff);
  const given: u32 = (read ? Want.Read : 0) | (write ? Want.Write : 0) | (execute ? Want.Fetch : 0);
  return checkTranslation(e, <u64>linear, any & 0xfff, user, given, <usize>(linear + load<u32>(e, ADDEND)));
}
/** Entry of the tables of 64-bit code. */
function checkCachedLong(e: usize): u32 {
  const any = TlbLong.any(e);
  const linear = any & ~(<u64>0xfff);
  const context = <u32>any & 0xfff;
  const user = e >= TLB_LONG_SUPERVISOR + TLB_LONG_BYTES;
  const read = load<u64>(e, LONG_READ_TAG);
  const write = load<u64>(e, LONG_WRITE_TAG);
  const execute = load<u64>(e, LONG_EXEC_TAG);
  if ((read && read != any) || (write && write != any) || (execute && execute != any)) return found(Finding.CacheTag, e, linear, <u32>read, <u32>any);
  if (TlbLong.entry(TlbLong.table(context & ContextKind.Mask), linear) != e) return found(Finding.CacheTag, e, linear, <u32>any, context);
  const given: u32 = (read ? Want.Read : 0) | (write ? Want.Write : 0) | (execute ? Want.Fetch : 0);
  return checkTranslation(e, linear, context, user, given, <usize>(<u32>linear + load<u32>(e, LONG_ADDEND)));
}

function checkTranslation(e: usize, linear: u64, context: u32, user: bool, given: u32, host: usize): u32 {
  const id = context >>> 2;
  const kind = context & ContextKind.Mask;
  if (id == 0 || id > ROOT_COUNT || !Roots.at(id).lastUse || !Roots.at(id).cached || user != ((kind & ContextKind.User) != 0) || (kind == ContextKind.UserAligned && given & ~Want.Fetch)) return found(Finding.CacheTag, e, linear, context, id);
  const root = Roots.at(id);
  if (!composeGuest(root, linear)) return found(Finding.CacheRights, e, linear, context, 0);
  const mode = root.role & PagingMode.Mask;
  const paged = mode != PagingMode.None;
  const allowed = paged ? accessRights(guestWord, kind, root.role) : Want.Read | Want.Write | Want.Fetch;
  if (given & ~allowed || (given & Want.Write && !(guestWord & Right.D))) return found(Finding.CacheRights, e, linear, given, allowed);
  const map = Physical.entry(guestFrame);
  if ((map & FrameKind.Mask) == FrameKind.Absent || <usize>(map & 0xfffff000) != host || host == Pool.frames) return found(Finding.CacheHost, e, linear, <u32>host, map);
  const frame = HostFrame.of(host);
  if (given & Want.Write && (frame.flags & FrameFlag.AnySlowStore || frame.epoch != Physical.epoch)) return found(Finding.CacheWrite, e, linear, frame.flags, frame.epoch);
  if (!paged) return 0;
  const leaf = Shadow.findIn(changetype<usize>(root), linear, mode);
  if (!leaf) return found(Finding.NoShadow, e, linear, context, 0);
  if (given & Want.Fetch && !(load<u32>(leaf) & Right.Fetched)) return found(Finding.NoShadow, e, linear, load<u32>(leaf), Right.Fetched);
  return 0;
}

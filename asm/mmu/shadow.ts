/**
 * Level 2: the shadow page tables of the current root. Lookup, filling after a walk of the guest's tables, and the
 * switch of roots when a control register changes. What is shadowed stays coherent by write tracking, so INVLPG and a
 * CR3 write need drop nothing (SDM 3A "Invalidation of TLBs and Paging-Structure Caches" lets a processor drop any entry
 * at any time, and we dropped it when the guest wrote). Under `--shadow flush` they drop what the textbook says.
 */
import { Cr0, Cr4, Efer } from "../core/control-registers";
import { cpu } from "../core/cpu";
import { PDPTE } from "../core/cpu-state.generated";
import { Eflags } from "../core/eflags";
import { CPU } from "../core/memory-map";
import { Counters, ShadowCounter } from "./counters";
import { FrameFlag, HostFrame } from "./host-frame";
import { Mutation, Seeded } from "./mutation";
import { Walk } from "./page-walk";
import { ContextKind, Entry, PagingMode, PteBit, Right, Role } from "./paging-entry";
import { PHYSICAL_BITS, Physical } from "./physical";
import { ReverseMap } from "./reverse-map";
import { dropEntry, dropEverything, dropRoot, executableChanged, reserveTables } from "./shadow-drop";
import { BLOCK_MASK, ShadowTable, TableRole, Tables, Used } from "./shadow-pool";
import { Root, Roots } from "./shadow-root";
import { Tlb } from "./tlb";
import { TlbLong } from "./tlb-long";

/** How linear addresses are translated now. */
export class Paging {
  /** Role bits (paging-entry.ts) of the current control registers; 0 = paging off. */
  static role: u32 = 0;
  /** Address of the current root. */
  static root: usize = 0;
  /** 1 = `--shadow flush`. */
  static flush: u32 = 0;
  /** The CPU model has 1 GB pages. */
  static page1Gb: bool = false;
  /** CR4.PGE when `pagingChanged` last looked: its change flushes in flush mode. */
  static pge: bool = false;

  @inline static get mode(): u32 {
    return Paging.role & PagingMode.Mask;
  }
  /** PDPTE `n` as far as it says where and whether: what root identity looks at. */
  static pdpteKey(n: u32): u64 {
    const value = load<u64>(CPU + PDPTE + (<usize>n << 3));
    return <u32>value & PteBit.P ? value & 0xffffff001 : 0;
  }
}

/** CR3 bits 35-12: frame of the PML4 table. */
const LONG_ROOT: u64 = (<u64>1 << PHYSICAL_BITS) - 0x1000;

export class Shadow {
  /** Address of the leaf entry that maps `linear` in the current root, or 0. */
  static find(linear: u64): usize {
    return Shadow.findIn(Paging.root, linear, Paging.mode);
  }
  static findIn(root: usize, linear: u64, mode: u32): usize {
    switch (mode) {
      case PagingMode.Legacy: return Shadow.findBelow(root, <u32>linear, 10);
      case PagingMode.Pae: return Shadow.findBelow(root + (<usize>(<u32>linear >>> 30) << 3), <u32>linear, 9);
      default: {
        const map = load<u32>(root) & BLOCK_MASK;
        if (!map) return 0;
        const pointers = load<u32>(<usize>map + (<usize>(<u32>(linear >> 39) & 511) << 3)) & BLOCK_MASK;
        if (!pointers) return 0;
        return Shadow.findBelow(<usize>pointers + (<usize>(<u32>(linear >> 30) & 511) << 3), <u32>linear, 9);
      }
    }
  }
  /** Through the directory that `slot` names and one of its tables. */
  @inline private static findBelow(slot: usize, linear: u32, bits: u32): usize {
    const mask: u32 = (1 << bits) - 1;
    const directory = load<u32>(slot) & BLOCK_MASK;
    if (!directory) return 0;
    const table = load<u32>(<usize>directory + (<usize>((linear >>> (12 + bits)) & mask) << 3)) & BLOCK_MASK;
    if (!table) return 0;
    const leaf = <usize>table + (<usize>((linear >>> 12) & mask) << 3);
    if (!load<u32>(leaf)) return 0;
    ShadowTable.of(<usize>table).used = Used.Both;
    return leaf;
  }

  /** Enters what `Walk` has just found for `linear`, with the tables on the way; the leaf's address. */
  static install(linear: u64): usize {
    const mode = Paging.mode;
    const top = Entry.topLevel(Paging.role);
    // Nothing that this needs may be dropped meanwhile.
    reserveTables(top);
    const common = Paging.role & (PagingMode.Mask | Role.Nxe | Role.Page1Gb);
    const slot = Paging.root + (mode == PagingMode.Pae ? <usize>(<u32>linear >>> 30) << 3 : 0);
    let word = load<u32>(slot);
    if (!word) {
      const role = common | (Paging.role & Role.Pse) | (top << TableRole.LevelShift) | (Right.Everything << TableRole.RightsShift);
      word = Shadow.enterChild(slot, Shadow.tableFor(Walk.step(top).tableFrame, role, mode == PagingMode.Pae ? linear & 0xc0000000 : 0));
    }
    let table = ShadowTable.of(<usize>word);
    let level = top;
    for (; level > Walk.level; level--) {
      table.used = Used.Both;
      table = Shadow.pageTable(table.entry(Walk.step(level).index), level - 1, linear, common);
    }
    // A large page is cut in pieces, down to 4 KB.
    for (; level > 1; level--) {
      table.used = Used.Both;
      table = Shadow.splitTable(table.entry(Entry.index(linear, level, Paging.role)), level - 1, linear, common);
    }
    table.used = Used.Both;
    const leaf = table.entry(Entry.index(linear, 1, Paging.role));
    Shadow.enterLeaf(leaf, <u32>Physical.hostPage(Walk.frame) | Shadow.mutated(Walk.word), Walk.frame);
    return leaf;
  }

  /** Shadow table of the guest table of `level` that the walk went through; `entry` leads to it. */
  private static pageTable(entry: usize, level: u32, linear: u64, common: u32): ShadowTable {
    const word = load<u32>(entry);
    if (word) return ShadowTable.of(<usize>word);
    const step = Walk.step(level);
    const role = common | (level << TableRole.LevelShift) | (step.above << TableRole.RightsShift);
    const child = Shadow.tableFor(step.tableFrame, role, Shadow.base(entry, linear));
    Shadow.enterChild(entry, child);
    return child;
  }
  /** Table of `level` for the pieces of the large page that the walk found; `entry` leads to it. */
  private static splitTable(entry: usize, level: u32, linear: u64, common: u32): ShadowTable {
    const role = common | (level << TableRole.LevelShift) | TableRole.Split | ((Shadow.mutated(Walk.word) & ~Right.P) << TableRole.RightsShift);
    const word = load<u32>(entry);
    if (word) {
      const child = ShadowTable.of(<usize>word);
      if (child.role == role) return child;
      // The page has become dirty: from now on its writable pieces are in use.
      dropEntry(entry);
    }
    const first = Walk.frame & (0 - (1 << (ShadowTable.of(entry).shift - 12)));
    const base = Shadow.base(entry, linear);
    let child = Tables.find(first, role, base, first);
    if (child == null) child = Tables.create(first, role, base, first);
    Shadow.enterChild(entry, child);
    return child;
  }
  /** Linear address of the first byte that a table's entry maps. */
  @inline private static base(entry: usize, linear: u64): u64 {
    return linear & (0 - (<u64>1 << <u64>ShadowTable.of(entry).shift));
  }

  /** The shadow of a guest table frame in a role; its frame is tracked from now on. */
  private static tableFor(guestFrame: u32, role: u32, linear: u64): ShadowTable {
    const key = <u32>Physical.hostPage(guestFrame);
    const found = Tables.find(key, role, linear, guestFrame);
    if (found != null) return found;
    const table = Tables.create(key, role, linear, guestFrame);
    Tables.listInFrame(table);
    const frame = HostFrame.of(key);
    if (!(frame.flags & FrameFlag.Tracked)) {
      frame.flags |= FrameFlag.Tracked;
      frame.writes = 0;
      ReverseMap.revokeWrites(frame);
    }
    return table;
  }

  private static enterChild(entry: usize, child: ShadowTable): u32 {
    const word = <u32>child.block | Right.Table | Right.P;
    store<u32>(entry, word);
    store<u32>(entry, 0, 4);
    ReverseMap.insert(entry);
    if (!ReverseMap.inRoot(entry)) ShadowTable.of(entry).live++;
    return word;
  }
  private static enterLeaf(entry: usize, word: u32, guestFrame: u32): void {
    const old = load<u32>(entry);
    if (old && (old ^ word) >>> 12 == 0 && load<u32>(entry, 4) == guestFrame) {
      // The page has become dirty.
      store<u32>(entry, word | (old & Right.Fetched));
      return;
    }
    if (old) dropEntry(entry);
    store<u32>(entry, word);
    store<u32>(entry, guestFrame, 4);
    ReverseMap.insert(entry);
    ShadowTable.of(entry).live++;
  }

  /** Test-only: the rights a seeded bug would shadow. */
  private static mutated(word: u32): u32 {
    if (Seeded.mutation == Mutation.None) return word;
    if (Seeded.is(Mutation.WrongRights)) return (word | Right.W | Right.U) & ~Right.NX;
    if (Seeded.is(Mutation.Global)) return word | Right.G;
    if (Seeded.is(Mutation.Dirty)) return word | Right.D;
    return word;
  }

  /** Forgets the translations that a flush forgets: all, or all that are not global. */
  static flush(globalsToo: bool): void {
    for (let n: u32 = 0; n < Tables.count; n++) {
      const table = Tables.at(n);
      if (table.role == 0 || table.level != 1) continue;
      for (let index: u32 = 0; table.live != 0 && index < table.entries; index++) {
        const entry = table.entry(index);
        const word = load<u32>(entry);
        if (word && (globalsToo || !(word & Right.G))) dropEntry(entry);
      }
    }
  }
}

/** Recomputes what depends on privilege: at every change of CPL, EFLAGS.AC and CR0.AM. */
export function updateContext(): void {
  let kind: u32 = ContextKind.Supervisor;
  if (cpu.cpl == 3) kind = cpu.eflags & Eflags.AC && cpu.cr0 & Cr0.AM ? ContextKind.UserAligned : ContextKind.User;
  else if (Paging.role & Role.Smap && cpu.eflags & Eflags.AC) kind = ContextKind.SupervisorAc;
  const space = changetype<Root>(Paging.root).id << 2;
  cpu.context = space | kind;
  cpu.contextSupervisor = space;
  cpu.tlb = Tlb.table(cpu.context);
  cpu.tlbLong = TlbLong.table(kind);
  cpu.tlbSupervisor = Tlb.table(space);
}

/**
 * After any write to CR0, CR3, CR4, EFER or the PDPTE registers, and after the state was loaded from outside: selects the
 * root. `cr3Written`: the write was a MOV CR3 (or a task switch's), which in flush mode flushes even an unchanged space.
 */
export function pagingChanged(cr3Written: bool = false): void {
  if (Paging.root == 0) initShadow();
  const mask: u32 = cpu.a20 ? 0xffffffff : ~0x100;
  if (mask != Physical.a20Mask) {
    dropEverything();
    Physical.a20Mask = mask;
  }
  let role: u32 = 0;
  let key0: u64 = 0;
  let key1: u64 = 0;
  let key2: u64 = 0;
  let key3: u64 = 0;
  if (cpu.cr0 & Cr0.PG) {
    if (cpu.efer & Efer.LMA) {
      // PCIDs (CR3 bits 11-0) choose what a processor may keep; the shadow keeps every space anyway.
      role = PagingMode.Long;
      if (cpu.efer & Efer.NXE) role |= Role.Nxe;
      if (Paging.page1Gb) role |= Role.Page1Gb;
      key0 = cpu.cr3 & LONG_ROOT;
    } else if (cpu.cr4 & Cr4.PAE) {
      role = PagingMode.Pae;
      if (cpu.efer & Efer.NXE) role |= Role.Nxe;
      key0 = Paging.pdpteKey(0);
      if (!Seeded.is(Mutation.Pdpte)) {
        key1 = Paging.pdpteKey(1);
        key2 = Paging.pdpteKey(2);
        key3 = Paging.pdpteKey(3);
      }
    } else {
      role = PagingMode.Legacy;
      if (cpu.cr4 & Cr4.PSE) role |= Role.Pse;
      key0 = cpu.cr3 & 0xfffff000;
    }
    if (cpu.cr0 & Cr0.WP) role |= Role.Wp;
    if (cpu.cr4 & Cr4.SMEP) role |= Role.Smep;
    if (cpu.cr4 & Cr4.SMAP) role |= Role.Smap;
  }
  const pge = (cpu.cr4 & Cr4.PGE) != 0;
  const current = changetype<Root>(Paging.root);
  const same = current.role == role && current.key0 == key0 && current.key1 == key1 && current.key2 == key2 && current.key3 == key3;
  if (Paging.flush && (!same || cr3Written || pge != Paging.pge)) {
    // SDM 3A "Operations that Invalidate TLBs": MOV CR3 spares global pages, changes of paging bits spare nothing.
    Shadow.flush(!pge || pge != Paging.pge || role != current.role);
    Tlb.dropAll();
    executableChanged();
  }
  Paging.pge = pge;
  if (!same) switchRoot(key0, key1, key2, key3, role);
  updateContext();
}

/** Makes the root of this key and role current, from the pool or new. */
function switchRoot(key0: u64, key1: u64, key2: u64, key3: u64, role: u32): void {
  Counters.count(ShadowCounter.rootSwitches);
  let root = Roots.find(key0, key1, key2, key3, role);
  if (root == null) {
    root = Roots.unused();
    if (root == null) {
      root = Roots.leastRecent(changetype<Root>(Paging.root));
      dropRoot(root);
    }
    Roots.enter(root, key0, key1, key2, key3, role);
  }
  Roots.touch(root);
  Paging.root = changetype<usize>(root);
  Paging.role = role;
}

/** INVLPG: nothing need go while the shadow is coherent; in flush mode the page does, global or not. */
export function invalidatePage(linear: u64): void {
  if (!Paging.flush || Paging.mode == PagingMode.None) return;
  const leaf = Shadow.find(linear);
  if (leaf) dropEntry(leaf);
}

function initShadow(): void {
  const ramFrames = Physical.ramBytes >>> 12;
  Roots.init();
  // A table for every 16 frames of RAM: far more than guests use, and untouched ones cost address space only.
  Tables.init(min<u32>(max<u32>(ramFrames >>> 4, 512), 4096));
  const identity = Roots.at(1);
  Roots.enter(identity, 0, 0, 0, 0, 0);
  Roots.touch(identity);
  Paging.root = changetype<usize>(identity);
  Paging.role = 0;
}

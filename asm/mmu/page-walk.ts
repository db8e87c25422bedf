/**
 * Level 1: the walk of the guest's own page tables, SDM 3A "32-Bit Paging", "PAE Paging", "4-Level
 * Paging", "Access Rights" and "Accessed and Dirty Flags". It runs only when the shadow has no answer. First it reads all levels and touches
 * nothing; when it knows the outcome it sets A and D:
 *
 *   access allowed        A in every entry, D in the leaf for a write
 *   fault at some level   nothing. The SDM lets a processor set A in the entries above, and QEMU does; the 386 that
 *                         test386.asm describes, KVM and Xen ("some hardware walkers") set it only on success.
 *   a frame is absent     nothing: the instruction will be run again
 *
 * Entries are reached through `tableHost` only, the one place that nested paging will translate once more.
 * Departure: tables in device memory read as the open bus (FF), devices are not asked.
 */
import { Cr4, Efer } from "../core/control-registers";
import { cpu } from "../core/cpu";
import { PDPTE } from "../core/cpu-state.generated";
import { notifyCodeWritten } from "../core/hooks";
import { CPU } from "../core/memory-map";
import { PfError, Vector, raiseError, raiseFrameMissing } from "../core/pending-trap";
import { FrameFlag, HostFrame } from "./host-frame";
import { ContextKind, Entry, PagingMode, PteBit, Right, Want, accessRights } from "./paging-entry";
import { FrameKind, PHYSICAL_BITS, Physical } from "./physical";
import { walkerWrote } from "./write-tracking";
import { beforeWrite } from "./write-epoch";

export namespace WalkEnd {
  export const Ok: u32 = 0;
  /** `Walk.error` is the #PF error code. */
  export const Fault: u32 = 1;
  /** `Walk.frame` is an absent guest frame. */
  export const Missing: u32 = 2;
}

/** One level of the last walk. */
@unmanaged @final export class WalkStep {
  /** The guest entry's value as read. */
  value: u64;
  /** Host address of the guest entry. */
  host: u32;
  /** Guest frame of the table, A20 applied. */
  tableFrame: u32;
  index: u32;
  /** Rights accumulated above this level. */
  above: u32;
}
const STEPS: usize = memory.data(5 * 24, 8);

export class Walk {
  static error: u32 = 0;
  /** Guest frame of the addressed 4 KB, A20 applied; of Missing: the absent one. */
  static frame: u32 = 0;
  /** Right bits of the translation, P set; D as the walk left it. */
  static word: u32 = 0;
  /**
   * The lowest level whose entry was read. Translated: the leaf's, 1, or 2 or 3 for a large page. Else where it stopped; one
   * above the top level: no table was read (PAE's PDPTE not present, or the first table's frame absent).
   */
  static level: u32 = 0;

  /** The record of `level` (1 to 4); valid from the top level down to `Walk.level`. */
  @inline static step(level: u32): WalkStep {
    return changetype<WalkStep>(STEPS + <usize>level * 24);
  }

  /**
   * Translates `linear` under `role` for an access `want` in a context of kind `kind`. `effects`: set A and D (an
   * access); else leave memory alone (a probe).
   */
  static run(linear: u64, want: u32, kind: u32, role: u32, effects: bool): u32 {
    const bytes = Entry.bytes(role);
    let level: u32 = Entry.topLevel(role);
    let above: u32 = Right.Everything;
    let table: u32;
    if ((role & PagingMode.Mask) == PagingMode.Pae) {
      const pdpte = load<u64>(CPU + PDPTE + (<usize>(linear >> 30) << 3));
      if (!(<u32>pdpte & PteBit.P)) return Walk.fault(0, 3, want, kind);
      table = Entry.frame(pdpte, false, 1, role);
    } else table = <u32>(cpu.cr3 >> 12) & FRAME_MASK;

    for (;;) {
      table = Physical.masked(table);
      const step = Walk.step(level);
      const index = Entry.index(linear, level, role);
      const host = tableHost(table);
      if (!host) {
        Walk.frame = table;
        Walk.level = level + 1;
        return WalkEnd.Missing;
      }
      const at = host + <usize>(index * bytes);
      const value = Entry.read(at, role);
      step.value = value;
      step.host = <u32>at;
      step.tableFrame = table;
      step.index = index;
      step.above = above;
      if (!(<u32>value & PteBit.P)) return Walk.fault(0, level, want, kind);
      const large = Entry.large(value, level, role);
      if (value & Entry.reserved(large, level, role)) return Walk.fault(PfError.P | PfError.RSVD, level, want, kind);
      above = Entry.accumulate(above, Entry.rights(value));
      const frame = Entry.frame(value, large, level, role);
      if (level == 1 || large) {
        if ((accessRights(above, kind, role) & want) != want) return Walk.fault(PfError.P, level, want, kind);
        Walk.frame = Physical.masked(large ? frame | Entry.frameInPage(linear, level, role) : frame);
        Walk.level = level;
        if (Physical.absent && Physical.kind(Walk.frame) == FrameKind.Absent) return WalkEnd.Missing;
        let leaf = Entry.leaf(value);
        if (effects) {
          const set: u32 = want & Want.Write ? PteBit.A | PteBit.D : PteBit.A;
          Walk.markUsed(level, role);
          if (setBits(level, set) && set & PteBit.D) leaf |= Right.D;
        }
        Walk.word = above | leaf | Right.P;
        return WalkEnd.Ok;
      }
      table = frame;
      level--;
    }
    return WalkEnd.Ok; // not reached
  }

  /** A in all entries above `level`. */
  private static markUsed(level: u32, role: u32): void {
    for (let l = Entry.topLevel(role); l > level; l--) setBits(l, PteBit.A);
  }

  /** Error code of SDM 3A "Page-Fault Exceptions"; `cause` is P and RSVD. */
  private static fault(cause: u32, level: u32, want: u32, kind: u32): u32 {
    let error = cause;
    if (want & Want.Write) error |= PfError.WR;
    if (kind & ContextKind.User) error |= PfError.US;
    if (want & Want.Fetch && (cpu.cr4 & Cr4.SMEP || (cpu.cr4 & Cr4.PAE && cpu.efer & Efer.NXE))) error |= PfError.ID;
    Walk.error = error;
    Walk.level = level;
    return WalkEnd.Fault;
  }
}

/** Host address of a guest table frame for reading entries; 0 = absent. The physical-access stage of the walk. */
function tableHost(frame: u32): usize {
  const entry = Physical.entry(frame);
  return (entry & FrameKind.Mask) == FrameKind.Absent ? 0 : <usize>(entry & 0xfffff000);
}

/**
 * Sets bits in the guest entry of `level`. A table in ROM or on the open bus keeps its bits: false unless they were
 * set. The walker's own stores are no tracked stores (the shadow already knows), but they dirty the frame.
 */
function setBits(level: u32, bits: u32): bool {
  const step = Walk.step(level);
  if ((<u32>step.value & bits) == bits) return true;
  const at = <usize>step.host;
  const frame = HostFrame.of(at);
  if (frame.flags & (FrameFlag.Rom | FrameFlag.Mmio)) return false;
  beforeWrite(frame);
  store<u32>(at, load<u32>(at) | bits);
  step.value |= <u64>bits;
  if (frame.flags & FrameFlag.Code) {
    const first = <u32>at & 0xfff;
    if (frame.code & (<u64>1 << (first >>> 6))) notifyCodeWritten(frame.index, first, first + 3);
  }
  if (frame.flags & FrameFlag.Tracked) walkerWrote(frame, <u32>at & 0xfff);
  return true;
}

/** Frame number bits of CR3. */
const FRAME_MASK: u32 = (1 << (PHYSICAL_BITS - 12)) - 1;
/** PDPTE bits that must be 0 if P is 1. SDM 3A "PDPTE Registers". */
const PDPTE_RESERVED: u64 = 0x1e6 | ~((<u64>1 << PHYSICAL_BITS) - 1);

/**
 * Loads the PDPTE registers from the table that `cr3` points to: at MOV CR3 under PAE and at the CR0/CR4 writes of
 * SDM 3A "PDPTE Registers", before those registers change. False: a trap is pending and no register changed, either
 * #GP(0) for reserved bits or an absent frame.
 */
export function loadPdptes(cr3: u64): bool {
  const address = <u32>cr3 & 0xffffffe0;
  const frame = Physical.masked(address >>> 12);
  const host = tableHost(frame);
  if (!host) {
    raiseFrameMissing(frame);
    return false;
  }
  const at = host + <usize>(address & 0xfff);
  for (let n: usize = 0; n < 32; n += 8) {
    const value = load<u64>(at + n);
    if (<u32>value & PteBit.P && value & PDPTE_RESERVED) {
      raiseError(Vector.GP, 0);
      return false;
    }
  }
  memory.copy(CPU + PDPTE, at, 32);
  return true;
}

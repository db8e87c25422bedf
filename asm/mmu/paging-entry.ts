/**
 * Guest paging-structure entries of 32-bit, PAE and 4-level paging, SDM 3A "32-Bit Paging", "PAE Paging" and "4-Level
 * Paging", and the form their rights take in shadow entries. Levels: 1 = page table, 2 = page directory, and in 4-level
 * paging 3 = page-directory-pointer table, 4 = PML4 table; PAE's PDPTEs are registers.
 *
 *   PTE      31(35) … 12 frame │ 8 G │ 7 PAT │ 6 D │ 5 A │ 4 PCD │ 3 PWT │ 2 U/S │ 1 R/W │ 0 P      63 XD (8-byte entries)
 *   PDE      the same with 7 PS; PS = 1 maps 4 MB (32-bit, with CR4.PSE) or 2 MB (8-byte entries, always)
 *   PDPTE    of 4-level paging: PS = 1 maps 1 GB, where CPUID says so; a PML4E has no PS
 *   4 MB PDE 31 … 22 frame │ 21 … 17 reserved │ 16 … 13 physical address bits 35 … 32 (PSE-36) │ 12 PAT
 */
import { PHYSICAL_BITS } from "./physical";

export namespace PteBit {
  export const P: u32 = 1;
  export const W: u32 = 2;
  export const U: u32 = 4;
  export const A: u32 = 0x20;
  export const D: u32 = 0x40;
  export const PS: u32 = 0x80;
  export const G: u32 = 0x100;
}

/** Low bits of a shadow entry: P, W and U as in a PTE. */
export namespace Right {
  export const P: u32 = 1;
  export const W: u32 = 2;
  export const U: u32 = 4;
  /** No execute. */
  export const NX: u32 = 8;
  /** The guest's leaf entry is dirty: without it no store may go by this entry. */
  export const D: u32 = 0x10;
  export const G: u32 = 0x20;
  /** An instruction fetch used the entry: memos of linear RIP must go with it. */
  export const Fetched: u32 = 0x40;
  /** Not a leaf: bits 14-31 are the address of a shadow table. */
  export const Table: u32 = 0x80;
  /** What accumulates over the levels, and all of it. */
  export const Accumulated: u32 = W | U | NX;
  export const Everything: u32 = W | U;
}

/** How linear addresses are translated now; the low bits of a role. */
export namespace PagingMode {
  export const None: u32 = 0;
  export const Legacy: u32 = 1;
  export const Pae: u32 = 2;
  /** 4-level paging: 48-bit linear addresses. */
  export const Long: u32 = 3;
  export const Mask: u32 = 3;
}

/** What a translation depends on besides tables: control-register bits, packed. */
export namespace Role {
  export const Pse: u32 = 4;
  export const Nxe: u32 = 8;
  export const Wp: u32 = 0x10;
  export const Smep: u32 = 0x20;
  export const Smap: u32 = 0x40;
  /** 1 GB pages exist (CPUID.80000001:EDX.Page1GB). Not in 7-9, which in a table's role hold its level. */
  export const Page1Gb: u32 = 0x800;
}

/** Kinds of access, as a set. */
export namespace Want {
  export const Read: u32 = 1;
  export const Write: u32 = 2;
  export const Fetch: u32 = 4;
}

export namespace ContextKind {
  /** CPL 0-2, and implicit supervisor accesses. */
  export const Supervisor: u32 = 0;
  export const User: u32 = 1;
  /** Explicit supervisor access with EFLAGS.AC = 1 under CR4.SMAP: may touch user pages. */
  export const SupervisorAc: u32 = 2;
  /** User with alignment checks on (CR0.AM and EFLAGS.AC): bit 0 still says user. */
  export const UserAligned: u32 = 3;
  export const Mask: u32 = 3;
}

export class Entry {
  @inline static bytes(role: u32): u32 {
    return (role & PagingMode.Mask) == PagingMode.Legacy ? 4 : 8;
  }
  /** Address bits one level translates. */
  @inline static indexBits(role: u32): u32 {
    return (role & PagingMode.Mask) == PagingMode.Legacy ? 10 : 9;
  }
  /** The level whose tables the root names. */
  @inline static topLevel(role: u32): u32 {
    return (role & PagingMode.Mask) == PagingMode.Long ? 4 : 2;
  }
  /** Index of `linear` in a table of `level`. */
  @inline static index(linear: u64, level: u32, role: u32): u32 {
    return <u32>(linear >> <u64>Entry.shift(level, role)) & ((1 << Entry.indexBits(role)) - 1);
  }
  @inline static shift(level: u32, role: u32): u32 {
    return 12 + (level - 1) * Entry.indexBits(role);
  }
  /** Reads the entry at host address `at`. */
  @inline static read(at: usize, role: u32): u64 {
    return (role & PagingMode.Mask) == PagingMode.Legacy ? <u64>load<u32>(at) : load<u64>(at);
  }
  /** Does the entry map a large page? 2 MB pages do not ask for CR4.PSE (SDM 3A "PAE Paging", "4-Level Paging"). */
  @inline static large(value: u64, level: u32, role: u32): bool {
    if (!(<u32>value & PteBit.PS)) return false;
    if (level == 2) return (role & PagingMode.Mask) != PagingMode.Legacy || (role & Role.Pse) != 0;
    return level == 3 && (role & Role.Page1Gb) != 0;
  }
  /** Bits that must be 0 in a present entry of `level`. SDM 3A "Page-Fault Exceptions", RSVD. */
  static reserved(large: bool, level: u32, role: u32): u64 {
    const mode = role & PagingMode.Mask;
    if (mode == PagingMode.Legacy) return large ? LARGE_RESERVED : 0;
    let bits: u64 = mode == PagingMode.Long ? BEYOND_PHYSICAL_LONG : BEYOND_PHYSICAL;
    if (!(role & Role.Nxe)) bits |= 1 << 63;
    if (large) bits |= level == 3 ? 0x3fffe000 : 0x1fe000;
    else if (level > 2) bits |= <u64>PteBit.PS;
    return bits;
  }
  /** First 4 KB guest frame that the entry of `level` points to: a table, a page, or a large page's first. */
  static frame(value: u64, large: bool, level: u32, role: u32): u32 {
    if ((role & PagingMode.Mask) != PagingMode.Legacy) return <u32>(value >> 12) & (large ? (level == 3 ? 0xfc0000 : 0xfffe00) : 0xffffff);
    const low = <u32>value;
    return large ? ((low >>> 22) << 10) | (((low >>> 13) & 0xf) << 20) : low >>> 12;
  }
  /** Which 4 KB frame of the large page that an entry of `level` maps `linear` lies in. */
  @inline static frameInPage(linear: u64, level: u32, role: u32): u32 {
    return <u32>(linear >> 12) & ((1 << (Entry.shift(level, role) - 12)) - 1);
  }
  /** R/W, U/S and XD of an entry, as `Right` bits. */
  @inline static rights(value: u64): u32 {
    return (<u32>value & (Right.W | Right.U)) | ((<u32>(value >> 63)) << 3);
  }
  /** Rights after one more level: write and user need every level's leave, one XD suffices. */
  @inline static accumulate(above: u32, own: u32): u32 {
    return (above & own & (Right.W | Right.U)) | ((above | own) & Right.NX);
  }
  /** D and G of a leaf entry, as `Right` bits. */
  @inline static leaf(value: u64): u32 {
    return ((<u32>value & PteBit.D) >>> 2) | ((<u32>value & PteBit.G) >>> 3);
  }
}
/** 4 MB page: bits 21 … 13 + (MAXPHYADDR - 32). */
const LARGE_RESERVED: u64 = 0x3fffff & ~((<u64>1 << (13 + (PHYSICAL_BITS - 32))) - 1);
/** Bits 62-52 are ignored in 4-level paging, reserved in PAE paging. */
const BEYOND_PHYSICAL_LONG: u64 = 0x000fffffffffffff & ~((<u64>1 << PHYSICAL_BITS) - 1);
const BEYOND_PHYSICAL: u64 = 0x7fffffffffffffff & ~((<u64>1 << PHYSICAL_BITS) - 1);

/**
 * What accesses accumulated rights `word` give in a context of kind `kind`, as a set of Want. Says nothing about D:
 * a walk sets it, a translation cache must look. SDM 3A "Determination of Access Rights".
 */
export function accessRights(word: u32, kind: u32, role: u32): u32 {
  let allowed: u32 = 0;
  if (kind & ContextKind.User) {
    if (!(word & Right.U)) return 0;
    allowed = Want.Read;
    if (word & Right.W) allowed |= Want.Write;
    if (!(word & Right.NX)) allowed |= Want.Fetch;
    return allowed;
  }
  const userPage = (word & Right.U) != 0;
  if (!(userPage && role & Role.Smap && kind == ContextKind.Supervisor)) {
    allowed = Want.Read;
    if (word & Right.W || !(role & Role.Wp)) allowed |= Want.Write;
  }
  if (!(word & Right.NX) && !(userPage && role & Role.Smep)) allowed |= Want.Fetch;
  return allowed;
}

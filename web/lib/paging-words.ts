/**
 * Page-table entries in words, and why an access would fault: from what `Machine.inspect.walk` gives and nothing else.
 * SDM 3A "32-Bit Paging", "PAE Paging", "Determination of Access Rights".
 */

import type { AccessOutcome, CacheEntry, GuestEntry, Level, ShadowEntry, Walk } from "./inspection";
import { pageOffset } from "./linear";

/** Rights as shadow entries and walks have them (asm/mmu/paging-entry.ts `Right`). */
export const RIGHT = { P: 1, W: 2, U: 4, NX: 8, D: 0x10, G: 0x20, Fetched: 0x40, Table: 0x80 } as const;

const hex = (value: number | bigint, digits = 8): string => value.toString(16).padStart(digits, "0");

/** A bit of an entry: what it is called, whether it is set, and what that means. */
export interface EntryBit {
  readonly name: string;
  readonly set: boolean;
  readonly words: string;
}

export const isWide = (walk: Walk): boolean => walk.paging === "PAE" || walk.paging === "4-level";

/** Does this entry map a large page? */
export function isLarge(walk: Walk, entry: GuestEntry): boolean {
  const last = walk.guest.at(-1) === entry;
  return (
    last && (entry.level === 2 || entry.level === 3) && !(walk.paging === "PAE" && entry.level === 3) && (entry.value & 0x81n) === 0x81n
  );
}

/** The bits of an entry that make a difference, as one line. A processor looks at no other bit of an entry that is not present. */
export function entryWords(walk: Walk, entry: GuestEntry): string {
  const bits = entryBits(walk, entry);
  if (!(entry.value & 1n)) return "not present: the other bits mean nothing to the processor";
  return bits
    .filter(({ name }) => IMPORTANT.has(name))
    .map(({ words }) => words)
    .join(", ");
}
const IMPORTANT: ReadonlySet<string> = new Set(["P", "W", "U", "A", "D", "PS", "XD"]);

export const entryName = (walk: Walk, level: Level): string =>
  level === 1 ? "PTE" : level === 2 ? "PDE" : level === 3 ? (walk.paging === "PAE" ? "PDPTE register" : "PDPTE") : "PML4E";

/** Guest-physical address of the next table, or of the page. */
export function entryTarget(walk: Walk, entry: GuestEntry): number {
  const large = isLarge(walk, entry);
  const wide = isWide(walk);
  const mask = large
    ? wide
      ? entry.level === 3
        ? 0xf_ffff_c000_0000n
        : 0xf_ffff_ffe0_0000n
      : 0xffc0_0000n
    : wide
      ? 0xf_ffff_ffff_f000n
      : 0xffff_f000n;
  // PSE-36: bits 13-16 of a 4 MB entry are address bits 32-35.
  const high = large && !wide ? ((entry.value >> 13n) & 0xfn) << 32n : 0n;
  return Number((entry.value & mask) | high);
}

/** The bits of a guest entry by name. */
export function entryBits(walk: Walk, entry: GuestEntry): EntryBit[] {
  const has = (bit: number): boolean => ((entry.value >> BigInt(bit)) & 1n) === 1n;
  const pdpte = walk.paging === "PAE" && entry.level === 3;
  const leaf = entry.level === 1 || isLarge(walk, entry);
  const bits: EntryBit[] = [{ name: "P", set: has(0), words: has(0) ? "present" : "not present" }];
  if (!pdpte) {
    bits.push({ name: "W", set: has(1), words: has(1) ? "writable" : "read-only" });
    bits.push({ name: "U", set: has(2), words: has(2) ? "user" : "supervisor only" });
  }
  bits.push({ name: "PWT", set: has(3), words: has(3) ? "write-through" : "write-back" });
  bits.push({ name: "PCD", set: has(4), words: has(4) ? "not cached" : "cached" });
  if (!pdpte) bits.push({ name: "A", set: has(5), words: has(5) ? "accessed" : "not accessed" });
  if (leaf) bits.push({ name: "D", set: has(6), words: has(6) ? "dirty" : "clean" });
  if (!pdpte && (entry.level === 2 || entry.level === 3))
    bits.push({ name: "PS", set: has(7), words: has(7) ? "a large page" : "points to a table" });
  if (leaf) bits.push({ name: "G", set: has(8), words: has(8) ? "global" : "not global" });
  if (isWide(walk) && !pdpte) bits.push({ name: "XD", set: has(63), words: has(63) ? "no execute" : "executable" });
  return bits;
}

/** Rights after the entry's own level: what the shadow of it has to say. */
export function effectiveRights(walk: Walk, entry: GuestEntry): number {
  const value = Number(entry.value & 0xffffn);
  if (!(value & 1)) return 0;
  const pdpte = walk.paging === "PAE" && entry.level === 3;
  const own = pdpte ? RIGHT.W | RIGHT.U : (value & (RIGHT.W | RIGHT.U)) | (isWide(walk) && entry.value >> 63n ? RIGHT.NX : 0);
  const both = (entry.above & own & (RIGHT.W | RIGHT.U)) | ((entry.above | own) & RIGHT.NX);
  const leaf = entry.level === 1 || isLarge(walk, entry);
  return RIGHT.P | both | (leaf && value & 0x40 ? RIGHT.D : 0) | (leaf && value & 0x100 ? RIGHT.G : 0);
}

/** One right in the guest's composed entry and in the shadow's, for the comparison. */
export interface ComparedRight {
  readonly name: string;
  readonly guest: boolean;
  readonly shadow: boolean;
}

const LEAF_RIGHTS = ["P", "W", "U", "NX", "D", "G"] as const;

/**
 * Guest against shadow at one level. An entry that is not a leaf in the shadow holds only its child: there, presence is
 * compared. `undefined`: the shadow has no entry at this level.
 */
export function compareRights(walk: Walk, entry: GuestEntry, shadow: ShadowEntry | undefined): ComparedRight[] {
  const guest = effectiveRights(walk, entry);
  const word = shadow?.word ?? 0;
  const names = word & RIGHT.Table || (entry.level > 1 && !isLarge(walk, entry)) ? (["P"] as const) : LEAF_RIGHTS;
  return names.map((name) => ({ name, guest: (guest & RIGHT[name]) !== 0, shadow: (word & RIGHT[name]) !== 0 }));
}

/** Why guest and shadow differ, or agree, at this level. */
export function compareWords(walk: Walk, entry: GuestEntry, shadow: ShadowEntry | undefined): string {
  const guest = effectiveRights(walk, entry);
  const word = shadow?.word ?? 0;
  if (!(guest & RIGHT.P))
    return word & RIGHT.P ? "The shadow has what the guest has not: that must not be." : "Not present in the guest, so not in the shadow.";
  if (!(word & RIGHT.P)) return "Not in the shadow yet: the first access makes it, a hidden page fault.";
  const different = compareRights(walk, entry, shadow).filter((right) => right.guest !== right.shadow);
  if (different.length === 0) return "Guest and shadow agree.";
  return `They differ in ${different.map(({ name }) => name).join(", ")}: the checker would call that a finding.`;
}

/** A place in a translation cache in words, for the page of `linear`. */
export interface CacheWords {
  /** Empty, this page, or which other page. */
  readonly holds: "nothing" | "this page" | "another page";
  /** Linear page in the entry. */
  readonly page: number;
  /** Root and kind of the context that may use it. */
  readonly root: number;
  readonly kind: "supervisor" | "user" | "supervisor with AC";
  readonly read: boolean;
  readonly write: boolean;
  readonly execute: boolean;
  /** Address of the page in the core's memory. */
  readonly host: number;
}

const KINDS = ["supervisor", "user", "supervisor with AC", "supervisor"] as const;

export function cacheWords(linear: number, entry: CacheEntry): CacheWords {
  const any = (entry.read | entry.write | entry.execute) >>> 0;
  const low = (any & 0xfffff000) >>> 0;
  const page = (entry.high ?? 0) * 2 ** 32 + low;
  const holds = any === 0 ? "nothing" : page === linear - pageOffset(linear) ? "this page" : "another page";
  return {
    holds,
    page,
    root: (any & 0xfff) >>> 2,
    kind: KINDS[any & 3]!,
    read: entry.read !== 0,
    write: entry.write !== 0,
    execute: entry.execute !== 0,
    host: any === 0 ? 0 : (low + entry.addend) >>> 0,
  };
}

const DOES = { read: "Reading", write: "Writing", execute: "Executing" } as const;

/** One sentence: what this access would come to, and which bit of which entry says so. */
export function accessWords(walk: Walk, access: AccessOutcome): string {
  const who = `${DOES[access.access]} at ${hex(walk.linear)} ${access.user ? "at CPL 3" : "at CPL 0"}`;
  if (access.outcome === "translated")
    return walk.paging === "none" ? `${who} works: there is no paging.` : `${who} works: it reaches physical ${hex(walk.physical ?? 0)}.`;
  if (access.outcome === "absent") return `${who} has to wait: that frame of RAM has not come yet.`;
  return `${who} faults with error code ${access.error.toString(16)}: ${faultReason(walk, access)}`;
}

function faultReason(walk: Walk, access: AccessOutcome): string {
  const end = walk.guest.find(({ level }) => level === access.level) ?? walk.guest.at(-1);
  if (!end) return "the walk could not begin.";
  const where = (entry: GuestEntry): string =>
    walk.paging === "PAE" && entry.level === 3
      ? `PDPTE register ${entry.index}`
      : `the ${entryName(walk, entry.level)} (entry ${entry.index}, at physical ${hex(entry.physical)})`;
  if (!(end.value & 1n)) return `${where(end)} is not present.`;
  if (access.error & 8) return `${where(end)} has a reserved bit set.`;
  const lacks = (bit: number): GuestEntry | undefined =>
    walk.guest.find((entry) => !(walk.paging === "PAE" && entry.level === 3) && !((entry.value >> BigInt(bit)) & 1n));
  const noExecute = walk.guest.find((entry) => isWide(walk) && !(walk.paging === "PAE" && entry.level === 3) && entry.value >> 63n === 1n);
  const supervisor = lacks(2);
  if (access.user && supervisor) return `U/S is 0 in ${where(supervisor)}: the page is the kernel's.`;
  if (access.access === "write") {
    const readOnly = lacks(1);
    if (readOnly) return `R/W is 0 in ${where(readOnly)}${access.user ? "" : ", and CR0.WP makes the kernel obey it"}.`;
  }
  if (access.access === "execute") {
    if (noExecute) return `XD is 1 in ${where(noExecute)}.`;
    if (!access.user && !supervisor) return "CR4.SMEP keeps the kernel from executing a user page.";
  }
  if (!access.user && !supervisor) return "CR4.SMAP keeps the kernel from touching a user page.";
  return "its rights forbid it.";
}

/** What the checker found (asm/mmu/checker.ts `Finding`). */
const FINDINGS = [
  "Every shadow and cache entry equals what the guest's tables and the physical map give.",
  "A shadow entry stands for a guest entry that is not present, not accessed, or has reserved bits",
  "A shadow entry has other rights than the guest's",
  "A shadow entry names another guest frame than the guest's entry",
  "A shadow entry names another host page than the physical map",
  "A shadow entry points to the shadow of another table",
  "A list or count of the shadow tables is wrong",
  "A shadowed guest table is not tracked",
  "The root in use is not the one that the control registers demand",
  "The translation context is not what privilege and root demand",
  "A translation-cache entry has tags that disagree",
  "A translation-cache entry allows what the guest's tables do not",
  "A translation-cache entry names another host page",
  "A translation-cache entry allows stores to a frame whose stores need notice",
  "A translation-cache entry has no shadow entry behind it",
] as const;

export const findingWords = (finding: number): string => FINDINGS[finding] ?? `Finding ${finding}`;

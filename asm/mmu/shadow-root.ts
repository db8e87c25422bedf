/**
 * Roots: one per address space and role, found again when CR3 is written, so that the switch costs nothing and what the
 * space had in the caches is still there. 32-bit paging: CR3's page directory. PAE: the four PDPTE values, not CR3. 4-level
 * paging: CR3's PML4 table.
 * Paging off: the identity root, which has no tables. A root's slots are shadow entries like any other (non-leaf).
 *
 *   +0 slots (1, or 4 under PAE)   +32 their links   +64 key
 */
import { Counters, ShadowCounter } from "./counters";
import { PagingMode } from "./paging-entry";
import { allocateAligned } from "./physical";

export const ROOT_COUNT: u32 = 500; // id << 2 | kind must fit a tag's 12 bits
export const ROOT_BITS: u32 = 7;
export const ROOT_LINKS: usize = 32;
const BUCKETS: u32 = 256;

@unmanaged @final export class Root {
  slot0: u64;
  slot1: u64;
  slot2: u64;
  slot3: u64;
  link0: u64;
  link1: u64;
  link2: u64;
  link3: u64;
  key0: u64;
  key1: u64;
  key2: u64;
  key3: u64;
  /** Role bits of paging-entry.ts: mode, PSE, NXE, WP, SMEP, SMAP. */
  role: u32;
  /** `Roots.uses` when it was last switched to; 0 = free. */
  lastUse: u32;
  nextInHash: u32;
  /** 1 = translation caches may hold pages of its contexts. */
  cached: u32;
  pad0: u64;
  pad1: u64;

  /** 1 … ROOT_COUNT. */
  @inline get id(): u32 {
    return <u32>((changetype<usize>(this) - Roots.base) >>> ROOT_BITS) + 1;
  }
  @inline slot(n: u32): usize {
    return changetype<usize>(this) + (<usize>n << 3);
  }
  @inline get slots(): u32 {
    const mode = this.role & PagingMode.Mask;
    return mode == PagingMode.Pae ? 4 : <u32>(mode != PagingMode.None);
  }
  @inline key(n: u32): u64 {
    return load<u64>(changetype<usize>(this) + 64 + (<usize>n << 3));
  }
  /** The root that contains slot address `at`. */
  @inline static of(at: usize): Root {
    return changetype<Root>(at & ~((1 << ROOT_BITS) - 1));
  }
}

export class Roots {
  static base: usize = 0;
  static uses: u32 = 0;
  static live: u32 = 0;
  private static hash: usize = 0;

  static init(): void {
    Roots.base = allocateAligned(<usize>ROOT_COUNT << ROOT_BITS, 1 << ROOT_BITS);
    Roots.hash = allocateAligned(BUCKETS * 4, 16);
  }
  @inline static at(id: u32): Root {
    return changetype<Root>(Roots.base + (<usize>(id - 1) << ROOT_BITS));
  }
  private static bucket(key0: u64, key1: u64, key2: u64, key3: u64, role: u32): usize {
    const mix = ((key0 >> 12) + (key1 >> 12) * 3 + (key2 >> 12) * 5 + (key3 >> 12) * 7) as u32;
    const h = (mix * 0x9e3779b1) ^ role * 0x85ebca6b;
    return Roots.hash + (<usize>(h >>> 24) << 2);
  }
  static find(key0: u64, key1: u64, key2: u64, key3: u64, role: u32): Root | null {
    let at = load<u32>(Roots.bucket(key0, key1, key2, key3, role));
    while (at) {
      const root = changetype<Root>(<usize>at);
      if (root.key0 == key0 && root.key1 == key1 && root.key2 == key2 && root.key3 == key3 && root.role == role) return root;
      at = root.nextInHash;
    }
    return null;
  }
  /** A free root, or null: then the least recently used one must be dropped. */
  static unused(): Root | null {
    if (Roots.live == ROOT_COUNT) return null;
    for (let id: u32 = 1; id <= ROOT_COUNT; id++) {
      if (Roots.at(id).lastUse == 0) return Roots.at(id);
    }
    return null;
  }
  static leastRecent(except: Root): Root {
    let oldest = Roots.at(1);
    for (let id: u32 = 1; id <= ROOT_COUNT; id++) {
      const root = Roots.at(id);
      if (changetype<usize>(root) == changetype<usize>(except)) continue;
      if (changetype<usize>(oldest) == changetype<usize>(except) || Roots.uses - root.lastUse > Roots.uses - oldest.lastUse) oldest = root;
    }
    return oldest;
  }
  /** Makes `root`, which must be unused, the root of this key and role. */
  static enter(root: Root, key0: u64, key1: u64, key2: u64, key3: u64, role: u32): void {
    memory.fill(changetype<usize>(root), 0, 1 << ROOT_BITS);
    root.key0 = key0;
    root.key1 = key1;
    root.key2 = key2;
    root.key3 = key3;
    root.role = role;
    const bucket = Roots.bucket(key0, key1, key2, key3, role);
    root.nextInHash = load<u32>(bucket);
    store<u32>(bucket, changetype<u32>(root));
    Roots.live++;
    Counters.set(ShadowCounter.rootsLive, Roots.live);
  }
  /** Notes that `root` is switched to. */
  static touch(root: Root): void {
    Roots.uses++;
    // 0 means free: after 2^32 switches ages start again, which only spoils the order once.
    if (Roots.uses == 0) Roots.uses = 1;
    root.lastUse = Roots.uses;
    root.cached = 1;
  }
  /** Frees a root whose slots are empty. */
  static release(root: Root): void {
    const bucket = Roots.bucket(root.key0, root.key1, root.key2, root.key3, root.role);
    let at = load<u32>(bucket);
    if (at == changetype<u32>(root)) store<u32>(bucket, root.nextInHash);
    else {
      while (changetype<Root>(<usize>at).nextInHash != changetype<u32>(root)) at = changetype<Root>(<usize>at).nextInHash;
      changetype<Root>(<usize>at).nextInHash = root.nextInHash;
    }
    root.lastUse = 0;
    Roots.live--;
    Counters.set(ShadowCounter.rootsLive, Roots.live);
  }
}

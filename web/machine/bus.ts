/**
 * The board's two address maps: I/O ports (64 K) and memory-mapped registers (4 KB pages). An access belongs to the
 * owner of its first address. If the owner takes the size, it gets the access whole, even where it reaches past the
 * ports it claimed (i440FX: a dword at CF8 is the PCI address register although byte CF9 belongs to the PIIX3's reset
 * control). Otherwise the access is split in halves, low half first, and each half is looked up anew. What nobody
 * takes reads as all ones, as a floating ISA bus does, and is counted; the first access to each port is logged.
 *
 * Regions are claims that the guest moves (PCI base address registers). Fixed claims go before regions, and regions
 * before those made later, so that the map depends on where everything lies and never on how it came there.
 */
import { assert } from "../lib/assert";
import { BusOverlap } from "../lib/errors";
import { hex } from "../lib/hex";
import type { AccessSize, AddressSpace, Region, RegisterHandler } from "./device";

const PORT_COUNT = 0x10000;
const PAGE_BYTES = 0x1000;
/** Index 0 of every table: nobody. */
const NOBODY = 0;
/** Owners' access counters are kept per claim; a claim made for silence only (`absent`) has no handler. */
const ALL_ONES: Readonly<Record<AccessSize, number>> = { 1: 0xff, 2: 0xffff, 4: 0xffffffff };

export interface AccessCounts {
  reads: number;
  writes: number;
}

/** A claimed range, as listed for panels. `first` and `last` are inclusive. */
export interface Claim {
  readonly owner: string;
  readonly first: number;
  readonly last: number;
}

export class Bus {
  /** Port → index of its claim. */
  readonly #portClaims = new Uint16Array(PORT_COUNT);
  /** Guest-physical page → index of its claim. */
  readonly #pageClaims = new Map<number, number>();
  readonly #handlers: (RegisterHandler | undefined)[] = [undefined];
  readonly #firsts: number[] = [0];
  readonly #lasts: number[] = [0];
  readonly #sizes: number[] = [0];
  readonly #owners: string[] = [""];
  readonly #isMmio: boolean[] = [false];
  readonly #counts: AccessCounts[] = [{ reads: 0, writes: 0 }];
  /** Claims that move, in the order of claiming. */
  readonly #regions: number[] = [];
  /** Ports whose first unclaimed access has been logged, or that are known to be empty. */
  readonly #silentPorts = new Uint8Array(PORT_COUNT);
  readonly #silentPages = new Set<number>();
  readonly #log: (message: string) => void;

  /** `log` hears of accesses that nobody takes: once per port, once per page. */
  constructor(log: (message: string) => void) {
    this.#log = log;
  }

  /** Claims `count` ports from `first`. Throws BusOverlap naming both owners. */
  claimPorts(owner: string, first: number, count: number, handler: RegisterHandler): void {
    assert(count > 0 && first >= 0 && first + count <= PORT_COUNT, `${owner} claims ports that exist`);
    for (let port = first; port < first + count; port++) {
      const taken = this.#portClaims[port]!;
      if (taken !== NOBODY)
        throw new BusOverlap("port", port, Math.min(first + count - 1, this.#lasts[taken]!), this.#owners[taken]!, owner);
    }
    this.#portClaims.fill(this.#newClaim(owner, first, count, handler, false), first, first + count);
  }

  /** Claims whole pages of guest-physical addresses. Throws BusOverlap naming both owners. */
  claimPages(owner: string, first: number, bytes: number, handler: RegisterHandler): void {
    assert(bytes > 0 && first % PAGE_BYTES === 0 && bytes % PAGE_BYTES === 0, `${owner} claims whole pages`);
    const pages = bytes / PAGE_BYTES;
    for (let page = first / PAGE_BYTES, left = pages; left > 0; page++, left--) {
      const taken = this.#pageClaims.get(page);
      if (taken !== undefined)
        throw new BusOverlap("mmio", page * PAGE_BYTES, Math.min(first + bytes - 1, this.#lasts[taken]!), this.#owners[taken]!, owner);
    }
    const claim = this.#newClaim(owner, first, bytes, handler, true);
    for (let i = 0; i < pages; i++) this.#pageClaims.set(first / PAGE_BYTES + i, claim);
  }

  /**
   * A range of `length` ports, or of bytes in whole pages, that lies nowhere until it is placed. Where regions or claims
   * overlap, the order above decides.
   */
  claimRegion(owner: string, space: AddressSpace, length: number, handler: RegisterHandler): Region {
    assert(length > 0 && (space === "port" || length % PAGE_BYTES === 0), `${owner} claims whole pages`);
    const claim = this.#newClaim(owner, 0, 0, handler, space === "mmio");
    this.#regions.push(claim);
    return {
      place: (first) => {
        const [was, next] = [this.#firsts[claim]!, first ?? 0];
        const wasPlaced = this.#lasts[claim]! >= was;
        if (wasPlaced === (first !== undefined) && (!wasPlaced || was === next)) return;
        this.#firsts[claim] = next;
        this.#lasts[claim] = first === undefined ? next - 1 : next + length - 1;
        if (wasPlaced) this.#mapAnew(space, was, length);
        if (first !== undefined) this.#mapAnew(space, next, length);
      },
    };
  }

  /** Decides anew who owns each port or page of a range in which a region has come or gone. */
  #mapAnew(space: AddressSpace, first: number, length: number): void {
    const unit = space === "port" ? 1 : PAGE_BYTES;
    for (let at = first; at < first + length; at += unit) {
      const place = at / unit;
      const owner = (space === "port" ? this.#portClaims[place] : this.#pageClaims.get(place)) ?? NOBODY;
      if (owner !== NOBODY && !this.#regions.includes(owner)) continue;
      const covers = (claim: number): boolean =>
        this.#isMmio[claim] === (space === "mmio") && at >= this.#firsts[claim]! && at <= this.#lasts[claim]!;
      const next = this.#regions.find(covers) ?? NOBODY;
      if (space === "port") this.#portClaims[place] = next;
      else if (next === NOBODY) this.#pageClaims.delete(place);
      else this.#pageClaims.set(place, next);
    }
  }

  #newClaim(owner: string, first: number, length: number, handler: RegisterHandler, isMmio: boolean): number {
    this.#handlers.push(handler);
    this.#firsts.push(first);
    this.#lasts.push(first + length - 1);
    this.#sizes.push(handler.sizes ?? 1);
    this.#owners.push(owner);
    this.#isMmio.push(isMmio);
    this.#counts.push({ reads: 0, writes: 0 });
    return this.#handlers.length - 1;
  }

  /** Ports that systems probe and this board leaves empty on purpose: counted like any other, but not logged. */
  expectAbsent(first: number, count: number): void {
    this.#silentPorts.fill(1, first, first + count);
  }

  readPort(port: number, size: AccessSize): number {
    const claim = this.#portClaims[port]!;
    if ((this.#sizes[claim]! & size) !== 0) {
      this.#counts[claim]!.reads++;
      return this.#handlers[claim]!.read(port - this.#firsts[claim]!, size);
    }
    if (size === 1 || this.#allUnclaimed(port, size)) {
      this.#unclaimedPort(port, size, false, 0);
      return ALL_ONES[size];
    }
    const half = (size >> 1) as AccessSize;
    const low = this.readPort(port, half);
    return (low | (this.readPort((port + half) & 0xffff, half) << (8 * half))) >>> 0;
  }

  writePort(port: number, value: number, size: AccessSize): void {
    const claim = this.#portClaims[port]!;
    if ((this.#sizes[claim]! & size) !== 0) {
      this.#counts[claim]!.writes++;
      this.#handlers[claim]!.write(port - this.#firsts[claim]!, value, size);
      return;
    }
    if (size === 1 || this.#allUnclaimed(port, size)) {
      this.#unclaimedPort(port, size, true, value);
      return;
    }
    const half = (size >> 1) as AccessSize;
    this.writePort(port, half === 1 ? value & 0xff : value & 0xffff, half);
    this.writePort((port + half) & 0xffff, half === 1 ? (value >>> 8) & 0xff : value >>> 16, half);
  }

  #allUnclaimed(port: number, size: AccessSize): boolean {
    for (let i = 0; i < size; i++) if (this.#portClaims[(port + i) & 0xffff] !== NOBODY) return false;
    return true;
  }

  #unclaimedPort(port: number, size: AccessSize, isWrite: boolean, value: number): void {
    if (isWrite) this.#counts[NOBODY]!.writes++;
    else this.#counts[NOBODY]!.reads++;
    if (this.#silentPorts[port] !== 0) return;
    this.#silentPorts[port] = 1;
    this.#log(
      isWrite
        ? `write of ${hex(value, 2 * size)} to port ${hex(port)}, which nothing claims`
        : `read of port ${hex(port)}, which nothing claims`,
    );
  }

  readMmio(address: number, size: AccessSize): number {
    const claim = this.#pageClaims.get(Math.floor(address / PAGE_BYTES)) ?? NOBODY;
    if ((this.#sizes[claim]! & size) !== 0) {
      this.#counts[claim]!.reads++;
      return this.#handlers[claim]!.read(address - this.#firsts[claim]!, size);
    }
    if (size === 1 || claim === NOBODY) {
      this.#unclaimedPage(address, false);
      return ALL_ONES[size];
    }
    const half = (size >> 1) as AccessSize;
    const low = this.readMmio(address, half);
    return (low | (this.readMmio(address + half, half) << (8 * half))) >>> 0;
  }

  writeMmio(address: number, value: number, size: AccessSize): void {
    const claim = this.#pageClaims.get(Math.floor(address / PAGE_BYTES)) ?? NOBODY;
    if ((this.#sizes[claim]! & size) !== 0) {
      this.#counts[claim]!.writes++;
      this.#handlers[claim]!.write(address - this.#firsts[claim]!, value, size);
      return;
    }
    if (size === 1 || claim === NOBODY) {
      this.#unclaimedPage(address, true);
      return;
    }
    const half = (size >> 1) as AccessSize;
    this.writeMmio(address, half === 1 ? value & 0xff : value & 0xffff, half);
    this.writeMmio(address + half, half === 1 ? (value >>> 8) & 0xff : value >>> 16, half);
  }

  #unclaimedPage(address: number, isWrite: boolean): void {
    if (isWrite) this.#counts[NOBODY]!.writes++;
    else this.#counts[NOBODY]!.reads++;
    const page = Math.floor(address / PAGE_BYTES);
    if (this.#silentPages.has(page)) return;
    this.#silentPages.add(page);
    this.#log(`${isWrite ? "write to" : "read of"} address ${hex(address)}, which is neither RAM nor a device`);
  }

  /** Accesses that reached `owner`, over all its claims. */
  countsOf(owner: string): AccessCounts {
    const sum = { reads: 0, writes: 0 };
    for (let i = 1; i < this.#owners.length; i++) {
      if (this.#owners[i] !== owner) continue;
      sum.reads += this.#counts[i]!.reads;
      sum.writes += this.#counts[i]!.writes;
    }
    return sum;
  }

  /** Accesses that nobody took. */
  get unclaimed(): Readonly<AccessCounts> {
    return this.#counts[NOBODY]!;
  }

  /** Claimed port ranges, in the order of claiming. */
  portClaims(): Claim[] {
    return this.#claims(false);
  }

  /** Claimed address ranges. The core asks the board for whatever is neither RAM nor ROM. */
  mmioClaims(): Claim[] {
    return this.#claims(true);
  }

  #claims(isMmio: boolean): Claim[] {
    const result: Claim[] = [];
    for (let i = 1; i < this.#owners.length; i++) {
      const isPlaced = this.#lasts[i]! >= this.#firsts[i]!;
      if (isPlaced && this.#isMmio[i] === isMmio) result.push({ owner: this.#owners[i]!, first: this.#firsts[i]!, last: this.#lasts[i]! });
    }
    return result;
  }
}

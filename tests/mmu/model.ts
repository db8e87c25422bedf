/**
 * An independent model of x86 address translation, written from SDM 3A "Paging" for 32-bit and PAE paging: no caches, no
 * shadow, every access walks. Slow and plain; it is the oracle of the random tests.
 */
import { type Ending, type MmioLog, mmioValue } from "./harness";

export type FrameKind = "ram" | "rom" | "mmio" | "absent";
export type Access = "read" | "write" | "fetch";
export type Privilege = "current" | "system";

const DONE: Ending = { kind: "done" };
/** Physical address width: bits 36 and up are reserved. */
const PHYSICAL_HIGH = 0xfffffff0;

class Stop extends Error {
  constructor(readonly ending: Ending) {
    super("stop");
  }
}

export class Model {
  readonly pages = new Map<number, Uint8Array>();
  readonly kinds = new Map<number, FrameKind>();
  readonly mmio: MmioLog[] = [];
  faults = 0;
  cr0 = 1;
  cr3 = 0;
  cr4 = 0;
  nxe = false;
  cpl = 0;
  ac = false;
  a20 = true;
  pdpte: [number, number][] = [
    [0, 0],
    [0, 0],
    [0, 0],
    [0, 0],
  ];

  constructor(ramFrames: number) {
    for (let frame = 0; frame < ramFrames; frame++) this.ram(frame);
  }
  ram(frame: number): void {
    this.kinds.set(frame, "ram");
    this.pages.set(frame, new Uint8Array(4096));
  }
  rom(frame: number): void {
    this.kinds.set(frame, "rom");
    this.pages.set(frame, new Uint8Array(4096));
  }
  remove(frame: number, kind: "mmio" | "absent"): void {
    this.kinds.set(frame, kind);
    this.pages.delete(frame);
  }
  kind(frame: number): FrameKind {
    return this.kinds.get(frame) ?? "mmio";
  }
  get paging(): "off" | "32-bit" | "pae" {
    return this.cr0 >>> 31 === 0 ? "off" : this.cr4 & 0x20 ? "pae" : "32-bit";
  }
  #a20(frame: number): number {
    return this.a20 ? frame : frame - (Math.floor(frame / 256) % 2) * 256;
  }

  /** Table entry `index` of `bytes` bytes as [low, high]; device memory reads as ones. */
  #entry(frame: number, index: number, bytes: number): [number, number] {
    const kind = this.kind(frame);
    if (kind === "absent") throw new Stop({ kind: "missing", frame });
    if (kind === "mmio") return bytes === 8 ? [0xffffffff, 0xffffffff] : [0xffffffff, 0];
    const page = this.pages.get(frame) as Uint8Array;
    const view = new DataView(page.buffer);
    return [view.getUint32(index * bytes, true), bytes === 8 ? view.getUint32(index * bytes + 4, true) : 0];
  }
  #set(frame: number, index: number, bytes: number, bits: number): void {
    if (this.kind(frame) !== "ram") return;
    const view = new DataView((this.pages.get(frame) as Uint8Array).buffer);
    view.setUint32(index * bytes, (view.getUint32(index * bytes, true) | bits) >>> 0, true);
  }

  /**
   * Guest frame of `linear`; throws Stop for a fault or an absent frame. With `commit`, A and D are set, unless it ends
   * in a fault or at an absent frame.
   */
  #translate(linear: number, access: Access, privilege: Privilege, commit: boolean): number {
    const mode = this.paging;
    if (mode === "off") {
      const frame = this.#a20(linear >>> 12);
      if (this.kind(frame) === "absent") throw new Stop({ kind: "missing", frame });
      return frame;
    }
    const user = privilege === "current" && this.cpl === 3;
    const smep = (this.cr4 & 0x100000) !== 0;
    const smap = (this.cr4 & 0x200000) !== 0;
    const pae = mode === "pae";
    const idBit = access === "fetch" && (smep || (pae && this.nxe)) ? 16 : 0;
    const used: [number, number][] = [];
    const bytes = pae ? 8 : 4;
    const fault = (cause: number): never => {
      if (commit) this.faults++;
      throw new Stop({ kind: "fault", vector: 14, error: cause | (access === "write" ? 2 : 0) | (user ? 4 : 0) | idBit, cr2: linear });
    };
    const frameOf = (low: number, high: number): number => (low >>> 12) + (pae ? (high & 0xf) * 2 ** 20 : 0);

    let table: number;
    if (pae) {
      const [low, high] = this.pdpte[linear >>> 30] as [number, number];
      if (!(low & 1)) fault(0);
      table = this.#a20(frameOf(low, high));
    } else table = this.#a20(this.cr3 >>> 12);

    const directoryIndex = pae ? (linear >>> 21) & 511 : linear >>> 22;
    const [dLow, dHigh] = this.#entry(table, directoryIndex, bytes);
    if (!(dLow & 1)) fault(0);
    const large = (dLow & 0x80) !== 0 && (pae || (this.cr4 & 0x10) !== 0);
    if (pae) {
      if (dHigh & 0x7fffffff & PHYSICAL_HIGH || (dHigh >>> 31 && !this.nxe)) fault(9);
      if (large && dLow & 0x1fe000) fault(9);
    } else if (large && dLow & 0x3e0000) fault(9);
    let writable = (dLow & 2) !== 0;
    let userPage = (dLow & 4) !== 0;
    let noExecute = dHigh >>> 31 === 1;
    let leaf: [number, number];
    let leafLow: number;
    let frame: number;
    if (large) {
      leaf = [table, directoryIndex];
      leafLow = dLow;
      frame = pae
        ? frameOf(dLow, dHigh) - (frameOf(dLow, dHigh) % 512) + ((linear >>> 12) & 511)
        : (dLow >>> 22) * 1024 + ((dLow >>> 13) & 15) * 2 ** 20 + ((linear >>> 12) & 1023);
    } else {
      used.push([table, directoryIndex]);
      const second = this.#a20(frameOf(dLow, dHigh));
      const index = (linear >>> 12) & (pae ? 511 : 1023);
      const [low, high] = this.#entry(second, index, bytes);
      if (!(low & 1)) fault(0);
      if (pae && (high & 0x7fffffff & PHYSICAL_HIGH || (high >>> 31 && !this.nxe))) fault(9);
      writable &&= (low & 2) !== 0;
      userPage &&= (low & 4) !== 0;
      noExecute ||= high >>> 31 === 1;
      leaf = [second, index];
      leafLow = low;
      frame = frameOf(low, high);
    }
    if (!pae) noExecute = false;
    // SDM 3A "Determination of Access Rights"
    if (user) {
      if (!userPage || (access === "write" && !writable) || (access === "fetch" && noExecute)) fault(1);
    } else if (access === "fetch") {
      if (noExecute || (userPage && smep)) fault(1);
    } else {
      if (userPage && smap && !(this.ac && privilege === "current")) fault(1);
      if (access === "write" && !writable && (this.cr0 & 0x10000) !== 0) fault(1);
    }
    frame = this.#a20(frame);
    if (this.kind(frame) === "absent") throw new Stop({ kind: "missing", frame });
    if (commit) {
      for (const [at, index] of used) this.#set(at, index, bytes, 0x20);
      void leafLow;
      this.#set(leaf[0], leaf[1], bytes, access === "write" ? 0x60 : 0x20);
    }
    return frame;
  }

  /** Pieces of an access: [frame, offset, bytes]. An absent frame anywhere stops it before any effect. */
  #pieces(linear: number, size: number, access: Access, privilege: Privilege): [number, number, number][] {
    const offset = linear & 0xfff;
    if (offset + size <= 4096) return [[this.#translate(linear, access, privilege, true), offset, size]];
    const first = 4096 - offset;
    const next = (linear + first) >>> 0;
    for (const page of [linear, next]) {
      try {
        this.#translate(page, access, privilege, false);
      } catch (stop) {
        if (!(stop instanceof Stop)) throw stop;
        if (stop.ending.kind === "missing") throw stop;
        break;
      }
    }
    return [
      [this.#translate(linear, access, privilege, true), offset, first],
      [this.#translate(next, access, privilege, true), 0, size - first],
    ];
  }

  /** Runs `body`, turning Stop into its ending. */
  #run(body: () => void): Ending {
    try {
      body();
      return DONE;
    } catch (stop) {
      if (stop instanceof Stop) return stop.ending;
      throw stop;
    }
  }

  /** Reads `size` bytes; `write`: as a read-modify-write does. */
  load(linear: number, size: number, privilege: Privilege = "current", access: Access = "read"): { ending: Ending; bytes: Uint8Array } {
    const bytes = new Uint8Array(size);
    const ending = this.#run(() => {
      let at = 0;
      for (const [frame, offset, count] of this.#pieces(linear, size, access, privilege)) {
        bytes.set(this.#read(frame, offset, count), at);
        at += count;
      }
    });
    return { ending, bytes };
  }
  store(linear: number, bytes: Uint8Array, privilege: Privilege = "current"): Ending {
    return this.#run(() => {
      let at = 0;
      for (const [frame, offset, count] of this.#pieces(linear, bytes.length, "write", privilege)) {
        this.#write(frame, offset, bytes.subarray(at, at + count));
        at += count;
      }
    });
  }
  /** Guest frame of a code byte. */
  fetch(linear: number): { ending: Ending; frame: number } {
    let frame = 0;
    const ending = this.#run(() => {
      frame = this.#translate(linear, "fetch", "current", true);
    });
    return { ending, frame };
  }
  /** What a probe would raise, without effects. */
  probe(linear: number, bytes: number, access: Access, privilege: Privilege): Ending {
    const ending = this.#run(() => {
      for (let left = bytes, at = linear; left > 0; ) {
        this.#translate(at, access, privilege, false);
        const inPage = 4096 - (at & 0xfff);
        left -= inPage;
        at = (at + inPage) >>> 0;
      }
    });
    if (ending.kind === "fault") this.faults++;
    return ending;
  }

  #read(frame: number, offset: number, count: number): Uint8Array {
    if (this.kind(frame) !== "mmio") return (this.pages.get(frame) as Uint8Array).subarray(offset, offset + count);
    const bytes = new Uint8Array(count);
    for (let at = 0; at < count; ) {
      const size = count - at >= 4 ? 4 : count - at >= 2 ? 2 : 1;
      const address = frame * 4096 + offset + at;
      const value = mmioValue(address, size);
      this.mmio.push({ op: "read", address, size, value });
      for (let n = 0; n < size; n++) bytes[at + n] = value >>> (8 * n);
      at += size;
    }
    return bytes;
  }
  #write(frame: number, offset: number, bytes: Uint8Array): void {
    const kind = this.kind(frame);
    if (kind === "ram") (this.pages.get(frame) as Uint8Array).set(bytes, offset);
    if (kind !== "mmio") return;
    for (let at = 0; at < bytes.length; ) {
      const size = bytes.length - at >= 4 ? 4 : bytes.length - at >= 2 ? 2 : 1;
      let value = 0;
      for (let n = 0; n < size; n++) value = (value | ((bytes[at + n] as number) << (8 * n))) >>> 0;
      this.mmio.push({ op: "write", address: frame * 4096 + offset + at, size, value });
      at += size;
    }
  }

  /** SDM 3A "PDPTE Registers": loads the four from memory at `cr3`. */
  loadPdptes(cr3: number): Ending {
    const frame = this.#a20(cr3 >>> 12);
    if (this.kind(frame) === "absent") return { kind: "missing", frame };
    const values: [number, number][] = [];
    for (let n = 0; n < 4; n++) values.push(this.#entry(frame, ((cr3 & 0xfe0) >>> 3) + n, 8));
    for (const [low, high] of values) {
      if (low & 1 && (low & 0x1e6 || high & 0xfffffff0)) return { kind: "fault", vector: 13, error: 0, cr2: 0 };
    }
    this.pdpte = values;
    return DONE;
  }
}

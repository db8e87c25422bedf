/**
 * A random guest: page tables of random entries in few frames, random accesses, table writes by every route, control
 * register changes, remapped, absent and ROM frames. Each step is done in the MMU under test and in the model; after
 * each, endings, values, memory and device traffic must agree and the checker must find nothing.
 */
import { random } from "../tools/core";
import { Cr0, Cr4, type Ending, Mmu } from "./harness";
import { Model } from "./model";

const RAM_FRAMES = 288; // beyond A20's bit 8
/** Frames used as page tables, and pages: few, so that they meet. Mostly filled with 8-byte entries, and with 4-byte ones. */
const PAE_TABLES = [2, 4, 6, 8];
const LEGACY_TABLES = [3, 5, 7, 0x106];
const TABLE_FRAMES = [...PAE_TABLES, ...LEGACY_TABLES];
const ROM_FRAME = 200;
const ABSENT_FRAMES = [40, 41, 7];
const SPECIAL = [ROM_FRAME, 40, 41, 0x10006, 0x2ff, 0xfee00];

export class RandomMachine {
  readonly mmu: Mmu;
  readonly model: Model;
  readonly #next: () => number;
  #step = 0;
  log = "";

  constructor(seed: number, flush: boolean) {
    this.#next = random(seed);
    this.mmu = new Mmu(RAM_FRAMES * 4096);
    this.model = new Model(RAM_FRAMES);
    if (flush) this.mmu.x.setShadowMode(1);
    this.mmu.x.mapRom(ROM_FRAME, 1);
    this.model.rom(ROM_FRAME);
    for (const frame of TABLE_FRAMES) this.#fillTable(frame);
    this.#romTable();
    this.#control();
  }

  #below(limit: number): number {
    return this.#next() % limit;
  }
  #pick<T>(from: readonly T[]): T {
    return from[this.#below(from.length)] as T;
  }
  #chance(percent: number): boolean {
    return this.#below(100) < percent;
  }

  #tables(pae: boolean): readonly number[] {
    if (this.#chance(6)) return TABLE_FRAMES;
    return pae ? PAE_TABLES : LEGACY_TABLES;
  }
  /** A frame number that an entry may name. */
  #frame(pae: boolean): number {
    if (this.#chance(65)) return this.#pick(this.#tables(pae));
    if (this.#chance(15)) return this.#pick(SPECIAL);
    return this.#below(24);
  }
  /** Low and high half of a random entry, plausible for a leaf or a directory. */
  #entry(pae: boolean): [number, number] {
    const r = this.#next();
    let low = this.#chance(94) ? 1 : 0;
    if (this.#chance(88)) low |= 2;
    if (this.#chance(80)) low |= 4;
    if (r & 16) low |= 0x20;
    if (r & 32) low |= 0x40;
    if (r & 64) low |= 0x100;
    let high = this.#chance(10) ? 0x80000000 : 0;
    let frame = this.#frame(pae);
    if (this.#chance(12)) {
      low |= 0x80;
      frame &= 0xfff00; // a large page's low address bits, mostly legal
      if (this.#chance(10)) frame = this.#frame(pae);
    }
    if (this.#chance(2)) high |= 1 << this.#below(31);
    if (this.#chance(2)) low ^= 1 << this.#below(32);
    return [((frame << 12) | low) >>> 0, high >>> 0];
  }
  #fillTable(frame: number): void {
    const bytes = new Uint8Array(4096);
    const view = new DataView(bytes.buffer);
    const pae = PAE_TABLES.includes(frame);
    for (let n = 0; n < 4096; n += 8) {
      const [low, high] = this.#entry(pae);
      view.setUint32(n, low, true);
      view.setUint32(n + 4, pae ? high : this.#entry(pae)[0], true);
    }
    this.#dma(frame, 0, bytes);
  }
  /** A page table in ROM: its A and D bits never change. */
  #romTable(): void {
    const page = new Uint8Array(4096);
    const view = new DataView(page.buffer);
    for (let n = 0; n < 4096; n += 8) view.setUint32(n, this.#entry(true)[0], true);
    this.mmu.frame(ROM_FRAME).set(page);
    (this.model.pages.get(ROM_FRAME) as Uint8Array).set(page);
  }
  #dma(frame: number, first: number, bytes: Uint8Array): void {
    if (this.model.kind(frame) !== "ram") return;
    (this.model.pages.get(frame) as Uint8Array).set(bytes, first);
    this.mmu.dma(frame * 4096 + first, bytes);
  }

  /** A linear address: few directories, few pages, often near a page's end. */
  #linear(): number {
    const directory = this.#pick([0, 0, 1, 2, 3, 0x200, 0x3ff, 0x2aa]);
    const page = this.#pick([0, 1, 2, 3, 511, 512, 0x3ff, 0x155]);
    const offset = this.#chance(25) ? 4096 - 1 - this.#below(18) : this.#below(4096);
    return ((directory << 22) | (page << 12) | offset) >>> 0;
  }

  #control(): void {
    const m = this.model;
    m.cr0 = (Cr0.PE | (this.#chance(85) ? Cr0.PG : 0) | (this.#chance(60) ? Cr0.WP : 0)) >>> 0;
    let cr4 = 0;
    if (this.#chance(50)) cr4 |= Cr4.PAE;
    if (this.#chance(60)) cr4 |= Cr4.PSE;
    if (this.#chance(50)) cr4 |= Cr4.PGE;
    if (this.#chance(20)) cr4 |= Cr4.SMEP;
    if (this.#chance(20)) cr4 |= Cr4.SMAP;
    m.nxe = this.#chance(85);
    m.cpl = this.#chance(40) ? 3 : 0;
    m.ac = this.#chance(40);
    m.cr4 = cr4;
    m.cr3 = this.#pick(this.#tables(m.paging === "pae")) * 4096;
    if (cr4 & Cr4.PAE && m.paging === "pae") this.#pdptes();
    this.#apply(this.#chance(50));
  }
  #apply(cr3Written = false): void {
    const m = this.model;
    this.mmu.control({ cr0: m.cr0, cr3: m.cr3, cr4: m.cr4, efer: m.nxe ? 0x800 : 0, cpl: m.cpl, ac: m.ac }, cr3Written);
  }
  /** Random PDPTEs at the CR3 in force, then loaded; on #GP the old ones stay. */
  #pdptes(): void {
    const bytes = new Uint8Array(32);
    const view = new DataView(bytes.buffer);
    for (let n = 0; n < 4; n++) {
      view.setUint32(n * 8, this.#chance(90) ? ((this.#pick(this.#tables(true)) << 12) | 1) >>> 0 : 0, true);
      if (this.#chance(1)) view.setUint32(n * 8 + 4, 0x10, true);
    }
    const at = this.#below(128) * 32;
    this.#dma(this.model.cr3 >>> 12, at, bytes);
    const cr3 = this.model.cr3 | at;
    const expected = this.model.loadPdptes(cr3);
    this.mmu.x.loadPdptes(BigInt(cr3));
    this.#same(this.mmu.ending(), expected, "PDPTE load");
  }

  #same(got: Ending, expected: Ending, what: string): void {
    const text = (e: Ending): string => (e.kind === "fault" && e.vector !== 14 ? JSON.stringify({ ...e, cr2: 0 }) : JSON.stringify(e));
    if (text(got) !== text(expected))
      throw new Error(`step ${this.#step}, ${this.log}: ${what} ended ${text(got)}, the model says ${text(expected)}`);
  }
  #equal(got: unknown, expected: unknown, what: string): void {
    if (got !== expected) throw new Error(`step ${this.#step}, ${this.log}: ${what} is ${String(got)}, the model says ${String(expected)}`);
  }

  #bytes(size: number): Uint8Array {
    const bytes = new Uint8Array(size);
    for (let n = 0; n < size; n++) bytes[n] = this.#next();
    // Half of the 4 and 8-byte values look like table entries.
    if (size >= 4 && this.#chance(60)) {
      const view = new DataView(bytes.buffer);
      const [low, high] = this.#entry(this.model.paging === "pae");
      view.setUint32(0, low, true);
      if (size >= 8) view.setUint32(4, high, true);
    }
    return bytes;
  }

  #load(): void {
    const linear = this.#linear();
    const size = this.#pick([1, 2, 4, 4, 8]);
    this.log = `load${size * 8} ${linear.toString(16)}`;
    const expected = this.model.load(linear, size);
    const x = this.mmu.x;
    const got =
      size === 8
        ? BigInt.asUintN(64, x.load64(linear))
        : BigInt((size === 1 ? x.load8(linear) : size === 2 ? x.load16(linear) : x.load32(linear)) >>> 0);
    this.#same(this.mmu.ending(), expected.ending, "load");
    if (expected.ending.kind !== "done") return;
    let value = 0n;
    for (let n = size - 1; n >= 0; n--) value = (value << 8n) | BigInt(expected.bytes[n] as number);
    this.#equal(got, value, "value");
  }
  #store(): void {
    const linear = this.#chance(30) ? (this.#linear() & ~7) >>> 0 : this.#linear();
    const size = this.#pick([1, 2, 4, 4, 4, 8, 16]);
    this.log = `store${size * 8} ${linear.toString(16)}`;
    const bytes = this.#bytes(size);
    const expected = this.model.store(linear, bytes);
    const view = new DataView(bytes.buffer);
    const x = this.mmu.x;
    if (size === 1) x.store8(linear, view.getUint8(0));
    else if (size === 2) x.store16(linear, view.getUint16(0, true));
    else if (size === 4) x.store32(linear, view.getUint32(0, true));
    else if (size === 8) x.store64(linear, view.getBigUint64(0, true));
    else x.store128(linear, view.getBigUint64(0, true), view.getBigUint64(8, true));
    this.#same(this.mmu.ending(), expected, "store");
  }
  #readModifyWrite(): void {
    const linear = this.#linear();
    const add = this.#pick([0x1000, 2, 4, 0x60, this.#next()]);
    this.log = `add32 ${linear.toString(16)}`;
    const old = this.model.load(linear, 4, "current", "write");
    if (old.ending.kind === "done") {
      const view = new DataView(old.bytes.buffer);
      view.setUint32(0, (view.getUint32(0, true) + add) >>> 0, true);
      this.model.store(linear, old.bytes);
    }
    this.mmu.x.add32(linear, add);
    this.#same(this.mmu.ending(), old.ending, "read-modify-write");
  }
  #system(): void {
    const linear = this.#linear();
    this.log = `system access ${linear.toString(16)}`;
    if (this.#chance(50)) {
      const expected = this.model.load(linear, 4, "system");
      const got = this.mmu.x.loadSystem32(linear) >>> 0;
      this.#same(this.mmu.ending(), expected.ending, "system load");
      if (expected.ending.kind === "done") this.#equal(got, new DataView(expected.bytes.buffer).getUint32(0, true), "value");
    } else {
      const bytes = this.#bytes(4);
      const expected = this.model.store(linear, bytes, "system");
      this.mmu.x.storeSystem32(linear, new DataView(bytes.buffer).getUint32(0, true));
      this.#same(this.mmu.ending(), expected, "system store");
    }
  }
  #fetch(): void {
    const linear = this.#linear();
    this.log = `fetch ${linear.toString(16)}`;
    const expected = this.model.fetch(linear);
    const host = this.mmu.x.fetchHost(linear);
    this.#same(this.mmu.ending(), expected.ending, "fetch");
    if (expected.ending.kind !== "done") {
      this.#equal(host, 0, "host address");
      return;
    }
    if (this.model.kind(expected.frame) === "mmio") {
      this.#equal(new Uint8Array(this.mmu.memory.buffer)[host], 0xff, "open bus byte");
      return;
    }
    this.#equal(host, this.mmu.x.guestFrameHost(expected.frame) + (linear & 0xfff), "host address");
    if (this.#chance(50)) this.mmu.x.markCode(host, Math.min(16, 4096 - (linear & 0xfff)));
  }
  /** The plain-page shortcut of REP: never wrong, never with effects on the guest. */
  #shortcut(): void {
    const linear = this.#linear();
    const write = this.#chance(50);
    this.log = `hostFor${write ? "Write" : "Read"} ${linear.toString(16)}`;
    const host = write ? this.mmu.x.hostForWrite(linear) : this.mmu.x.hostForRead(linear);
    this.#same(this.mmu.ending(), { kind: "done" }, "shortcut");
    if (host === 0) return;
    const faults = this.model.faults;
    const before = this.#tablesImage();
    const physical = write ? this.model.load(linear, 1, "current", "write") : this.model.load(linear, 1);
    this.#equal(physical.ending.kind, "done", "allowed");
    this.#equal(this.#tablesImage(), before, "tables (A and D were set already)");
    this.#equal(this.model.faults, faults, "faults");
    this.#equal(new Uint8Array(this.mmu.memory.buffer)[host], physical.bytes[0], "byte");
  }
  #tablesImage(): string {
    return [...this.model.pages.keys()].map((frame) => Buffer.from(this.model.pages.get(frame) as Uint8Array).toString("latin1")).join("");
  }
  #probe(): void {
    const linear = this.#linear();
    const bytes = this.#pick([1, 4, 20, 4097, 9000]);
    const write = this.#chance(50);
    const system = this.#chance(30);
    this.log = `probe ${write ? "write" : "read"} ${linear.toString(16)} + ${bytes}`;
    const expected = this.model.probe(linear, bytes, write ? "write" : "read", system ? "system" : "current");
    if (write) this.mmu.x.probeWrite(linear, bytes, system ? 1 : 0);
    else this.mmu.x.probeRead(linear, bytes, system ? 1 : 0);
    this.#same(this.mmu.ending(), expected, "probe");
  }
  #tableDma(): void {
    const frame = this.#pick(TABLE_FRAMES);
    const count = this.#pick([1, 2, 4, 8, 8, 32, 64]);
    const first = this.#below(4096 - count + 1);
    this.log = `DMA to ${frame.toString(16)}:${first.toString(16)} + ${count}`;
    this.#dma(frame, first, this.#bytes(count));
  }
  #remap(): void {
    const frame = this.#pick([...ABSENT_FRAMES, 9, 10, 0x10006, 3]);
    const kind = this.model.kind(frame);
    this.log = `remap ${frame.toString(16)} from ${kind}`;
    if (kind === "absent") {
      this.mmu.x.deliverFrame(frame);
      this.model.ram(frame);
      const bytes = this.#bytes(64);
      this.#dma(frame, 0, bytes);
    } else if (ABSENT_FRAMES.includes(frame)) {
      this.mmu.x.mapAbsent(frame, 1);
      this.model.remove(frame, "absent");
    } else if (kind === "ram") {
      this.mmu.x.mapMmio(frame, 1);
      this.model.remove(frame, "mmio");
    } else {
      this.mmu.x.mapRam(frame, 1);
      this.model.ram(frame);
      if (TABLE_FRAMES.includes(frame)) this.#fillTable(frame);
    }
  }
  #privilege(): void {
    this.log = "privilege";
    this.model.cpl = this.#chance(50) ? 3 : 0;
    this.model.ac = this.#chance(50);
    this.mmu.set32("CPL", this.model.cpl);
    this.mmu.set32("EFLAGS", this.model.ac ? 0x40000 : 0);
    this.mmu.x.updateContext();
  }

  /** One random step, both sides, all comparisons. */
  step(): void {
    this.#step++;
    const r = this.#below(1000);
    if (r < 330) this.#load();
    else if (r < 560) this.#store();
    else if (r < 620) this.#readModifyWrite();
    else if (r < 680) this.#fetch();
    else if (r < 720) this.#system();
    else if (r < 760) this.#shortcut();
    else if (r < 800) this.#probe();
    else if (r < 850) this.#tableDma();
    else if (r < 880) {
      // Random stores wear tables down; now and then one is made anew.
      const frame = this.#pick(TABLE_FRAMES);
      this.log = `table ${frame.toString(16)} made anew`;
      this.#fillTable(frame);
    } else if (r < 920) this.#privilege();
    else if (r < 940) {
      this.log = "control registers";
      this.#control();
    } else if (r < 965) {
      this.log = "CR3";
      this.model.cr3 = this.#pick(this.#tables(this.model.paging === "pae")) * 4096;
      if (this.model.paging === "pae") this.#pdptes();
      this.#apply(true);
    } else if (r < 985) {
      const linear = this.#linear();
      this.log = `INVLPG ${linear.toString(16)}`;
      this.mmu.x.invalidatePage(linear);
    } else if (r < 995) this.#remap();
    else if (r < 998) {
      this.log = "A20";
      this.model.a20 = !this.model.a20;
      this.mmu.x.setA20(this.model.a20 ? 1 : 0);
    } else {
      this.log = "write epoch";
      this.mmu.x.beginWriteEpoch();
    }
    this.mmu.check(`step ${this.#step}, ${this.log}`);
    this.#compareTables();
  }

  #compareTables(): void {
    for (const frame of TABLE_FRAMES) {
      const page = this.model.pages.get(frame);
      if (page && Buffer.compare(this.mmu.frame(frame), page) !== 0) {
        const at = page.findIndex((byte, n) => byte !== this.mmu.frame(frame)[n]);
        throw new Error(`step ${this.#step}, ${this.log}: frame ${frame.toString(16)} differs at ${at.toString(16)}`);
      }
    }
  }
  /** Everything: all memory, device traffic, faults. */
  compareAll(): void {
    for (const [frame, page] of this.model.pages) {
      if (Buffer.compare(this.mmu.frame(frame), page) !== 0) throw new Error(`step ${this.#step}: frame ${frame.toString(16)} differs`);
    }
    this.#equal(JSON.stringify(this.mmu.mmio), JSON.stringify(this.model.mmio), "device traffic");
    this.#equal(this.mmu.counter("trueFaults"), this.model.faults, "true faults");
  }
}

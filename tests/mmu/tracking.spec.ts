/** Write tracking, sharing, roots: the shadow stays coherent and costs what it should. */
import { describe, expect, it } from "vitest";
import { kernel, PTE, Space } from "./guest";
import { Cr0, Cr4, Mmu } from "./harness";

const KERNEL_TABLE = 10;
const LOW = 0xc0000000;

function twoProcesses(): { mmu: Mmu; spaces: Space[] } {
  const mmu = new Mmu(8 << 20);
  const spaces = [20, 21].map((directory, n) => {
    const space = kernel(mmu, directory, KERNEL_TABLE);
    space.table(0x08000000, 30 + n);
    for (let page = 0; page < 16; page++) space.page(30 + n, 0x08000000 + page * 4096, 100 + n * 16 + page);
    return space;
  });
  return { mmu, spaces };
}

describe("roots", () => {
  it("ping-pong between two processes has no hidden faults after warm-up", () => {
    const { mmu, spaces } = twoProcesses();
    const round = (): void => {
      for (const space of spaces) {
        space.enter(0);
        for (let n = 0; n < 8; n++) mmu.x.load32(LOW + n * 4096);
        space.enter(3);
        for (let n = 0; n < 16; n++) mmu.x.store32(0x08000000 + n * 4096, n);
        mmu.check("a round");
      }
    };
    round();
    const before = { hidden: mmu.counter("hiddenFaults"), walks: mmu.counter("walks"), switches: mmu.counter("rootSwitches") };
    for (let n = 0; n < 50; n++) round();
    expect(mmu.counter("hiddenFaults") - before.hidden).toBe(0);
    expect(mmu.counter("walks") - before.walks).toBe(0);
    // Entering at another privilege is no switch of the root.
    expect(mmu.counter("rootSwitches") - before.switches).toBe(100);
  });

  it("under flush every switch loses what is not global", () => {
    const { mmu, spaces } = twoProcesses();
    mmu.x.setShadowMode(1);
    const round = (): void => {
      for (const space of spaces) {
        space.enter();
        for (let n = 0; n < 8; n++) mmu.x.load32(LOW + n * 4096);
        mmu.check("a round");
      }
    };
    round();
    const before = mmu.counter("hiddenFaults");
    for (let n = 0; n < 10; n++) round();
    expect(mmu.counter("hiddenFaults") - before).toBe(160);
    // The same kernel pages, global: kept.
    for (let n = 0; n < 8; n++) spaces[0]?.page(KERNEL_TABLE, LOW + n * 4096, n, 3 | PTE.G);
    mmu.control({ cr4: Cr4.PGE });
    round();
    const global = mmu.counter("hiddenFaults");
    for (let n = 0; n < 10; n++) round();
    expect(mmu.counter("hiddenFaults") - global).toBe(0);
  });

  it("INVLPG drops the page under flush, and nothing under keep", () => {
    for (const flush of [0, 1]) {
      const { mmu, spaces } = twoProcesses();
      mmu.x.setShadowMode(flush);
      spaces[0]?.enter();
      mmu.x.load32(LOW);
      const before = mmu.counter("hiddenFaults");
      mmu.x.invalidatePage(LOW);
      mmu.x.load32(LOW);
      expect(mmu.counter("hiddenFaults") - before).toBe(flush);
    }
  });

  it("kernel tables are shadowed once, however many processes share them", () => {
    const mmu = new Mmu(16 << 20);
    const spaces = Array.from({ length: 40 }, (_, n) => kernel(mmu, 1100 + n, KERNEL_TABLE));
    for (const space of spaces) {
      space.enter();
      for (let n = 0; n < 64; n++) mmu.x.load32(LOW + n * 4096);
    }
    // 40 directories and the one kernel table.
    expect(mmu.counter("tables")).toBe(41);
    // 64 pages once; later processes only link the table into their directory.
    expect(mmu.counter("hiddenFaults")).toBe(64 + 39);
    mmu.check("40 processes");
  });

  it("a 4 MB page of the kernel is split once, too", () => {
    const mmu = new Mmu(16 << 20);
    for (let n = 0; n < 10; n++) {
      const space = new Space(mmu, 1100 + n);
      space.table(LOW, 0, 3 | PTE.PS | PTE.A | PTE.D);
      mmu.control({ cr4: Cr4.PSE });
      space.enter();
      for (let page = 0; page < 32; page++) mmu.x.load32(LOW + page * 4096);
    }
    expect(mmu.counter("tables")).toBe(11);
    expect(mmu.counter("hiddenFaults")).toBe(32 + 9);
    mmu.check("10 processes");
  });

  it("more than 500 spaces: the least recently used goes, and all stays right", () => {
    const mmu = new Mmu(16 << 20);
    const spaces = Array.from({ length: 620 }, (_, n) => kernel(mmu, 1100 + n, KERNEL_TABLE));
    for (let round = 0; round < 2; round++) {
      for (const [n, space] of spaces.entries()) {
        space.enter();
        mmu.x.store32(LOW + 0x400000 - 4096, n);
        expect(mmu.x.load32(LOW + 0x400000 - 4096)).toBe(n);
        if (n % 20 === 0) mmu.check(`space ${n}, round ${round}`);
      }
    }
    expect(mmu.counter("rootsLive")).toBe(500);
    mmu.check("620 spaces");
  });

  it("a shadow pool that runs full drops the coldest tables, and all stays right", () => {
    const mmu = new Mmu(16 << 20); // 512 tables
    const space = new Space(mmu, 1100);
    for (let n = 0; n < 900; n++) {
      space.table((n * 0x400000) >>> 0, 1200 + n);
      space.page(1200 + n, 0, n % 64);
    }
    for (let round = 0; round < 3; round++) {
      for (let n = 0; n < 900; n++) {
        space.enter();
        mmu.x.load32((n * 0x400000) >>> 0);
        expect(mmu.ending().kind).toBe("done");
        if (n % 30 === 0) mmu.check(`table ${n}, round ${round}`);
      }
    }
    expect(mmu.counter("tables")).toBeLessThanOrEqual(512);
    mmu.check("900 tables");
  });
});

describe("write tracking", () => {
  it("a store to a page table is seen at once, without INVLPG", () => {
    const mmu = new Mmu(8 << 20);
    const space = kernel(mmu, 20, KERNEL_TABLE);
    mmu.frame(200).fill(0x11);
    mmu.frame(201).fill(0x22);
    space.page(KERNEL_TABLE, LOW, 200, 3);
    space.enter();
    expect(mmu.x.load8(LOW)).toBe(0x11);
    // The kernel maps its own tables; the store goes through the CPU.
    mmu.x.store32(LOW + KERNEL_TABLE * 4096, (201 << 12) | 3);
    expect(mmu.x.load8(LOW)).toBe(0x22);
    mmu.x.store32(LOW + KERNEL_TABLE * 4096, 0);
    mmu.x.load8(LOW);
    expect(mmu.ending()).toEqual({ kind: "fault", vector: 14, error: 0, cr2: LOW });
    expect(mmu.counter("slowStores")).toBe(2);
    mmu.check("unmapped");
  });

  it("drops exactly the entries made from the written bytes", () => {
    const mmu = new Mmu(8 << 20);
    const space = kernel(mmu, 20, KERNEL_TABLE);
    space.enter();
    for (let n = 0; n < 64; n++) mmu.x.load32(LOW + n * 4096);
    const before = { dropped: mmu.counter("entriesDropped"), hidden: mmu.counter("hiddenFaults") };
    mmu.x.store32(LOW + KERNEL_TABLE * 4096 + 5 * 4, (205 << 12) | 3);
    // Two entries with one 8-byte store that begins inside the first.
    mmu.x.store64(LOW + KERNEL_TABLE * 4096 + 9 * 4 + 2, 0x00cb_0003_00ca_0003n);
    mmu.check("two stores");
    expect(mmu.counter("entriesDropped") - before.dropped).toBe(4);
    // The page that the stores went through had been a plain page before: its own entry was there already or is one more.
    for (let n = 0; n < 64; n++) mmu.x.load32(LOW + n * 4096);
    mmu.ending();
    expect(mmu.counter("hiddenFaults") - before.hidden).toBeLessThanOrEqual(5);
    mmu.check("reloaded");
  });

  it("rewriting the same value, or setting software bits, drops nothing", () => {
    const mmu = new Mmu(8 << 20);
    const space = kernel(mmu, 20, KERNEL_TABLE);
    space.enter();
    mmu.x.store32(LOW + 5 * 4096, 1);
    mmu.x.load32(LOW + KERNEL_TABLE * 4096);
    const dropped = mmu.counter("entriesDropped");
    const value = mmu.physical32(KERNEL_TABLE * 4096 + 20);
    expect(value).toBe((5 << 12) | 3 | PTE.A | PTE.D);
    mmu.x.store32(LOW + KERNEL_TABLE * 4096 + 20, value | 0xe00);
    expect(mmu.counter("entriesDropped")).toBe(dropped);
    // Taking A or D away does drop: both must be set again by the next access.
    mmu.x.store32(LOW + KERNEL_TABLE * 4096 + 20, value & ~PTE.D);
    expect(mmu.counter("entriesDropped")).toBe(dropped + 1);
    mmu.x.load32(LOW + 5 * 4096);
    expect(mmu.physical32(KERNEL_TABLE * 4096 + 20) & PTE.D).toBe(0);
    mmu.x.store32(LOW + 5 * 4096, 2);
    expect(mmu.physical32(KERNEL_TABLE * 4096 + 20) & PTE.D).toBe(PTE.D);
    mmu.check("dirty again");
  });

  it("half-written 8-byte entries: each half counts as it is stored", () => {
    const mmu = new Mmu(8 << 20);
    const table = 12;
    mmu.dma32(11 * 4096, (13 << 12) | 1); // PDPT → directory 13
    mmu.dma32(13 * 4096, (table << 12) | 7);
    for (let n = 0; n < 512; n++) mmu.dma32(table * 4096 + n * 8, ((n + 1) << 12) | 7);
    mmu.control({ cr3: 11 * 4096, cr4: Cr4.PAE, efer: 0x800 });
    mmu.x.loadPdptes(11n * 4096n);
    mmu.control({ cr0: (Cr0.PE | Cr0.PG | Cr0.WP) >>> 0 });
    mmu.x.load32(0x5000);
    expect(mmu.ending().kind).toBe("done");
    const through = (table - 1) * 4096;
    // High half: NX appears.
    mmu.x.store32(through + 5 * 8 + 4, 0x80000000);
    mmu.check("high half");
    mmu.x.fetchHost(0x5000);
    expect(mmu.ending()).toMatchObject({ kind: "fault", error: 0x11 });
    // A reserved bit in the high half.
    mmu.x.store32(through + 5 * 8 + 4, 0x10);
    mmu.check("reserved");
    mmu.x.load32(0x5000);
    expect(mmu.ending()).toMatchObject({ kind: "fault", error: 9 });
    mmu.x.store32(through + 5 * 8 + 4, 0);
    mmu.x.store8(through + 5 * 8, 0);
    mmu.check("low byte");
    mmu.x.load32(0x5000);
    expect(mmu.ending()).toMatchObject({ kind: "fault", error: 0 });
  });

  it("a store that unmaps the page it is part of still completes, across two pages too", () => {
    const mmu = new Mmu(8 << 20);
    const space = kernel(mmu, 20, KERNEL_TABLE);
    space.enter();
    // The last entry of the table is written together with the next frame's first bytes.
    mmu.x.store64(LOW + KERNEL_TABLE * 4096 + 4092, 0x1122334400000000n);
    expect(mmu.ending().kind).toBe("done");
    expect(mmu.physical32(KERNEL_TABLE * 4096 + 4092)).toBe(0);
    expect(mmu.physical32((KERNEL_TABLE + 1) * 4096)).toBe(0x11223344);
    mmu.check("page-crossing table store");
  });

  it("a page used as a page table and then freed costs no more slow stores after 64", () => {
    const mmu = new Mmu(8 << 20);
    const space = kernel(mmu, 20, KERNEL_TABLE);
    space.table(0x08000000, 40);
    for (let n = 0; n < 100; n++) space.page(40, 0x08000000 + n * 4096, 300 + n);
    space.enter();
    for (let n = 0; n < 100; n++) mmu.x.load32(0x08000000 + n * 4096);
    mmu.x.store32(LOW + 20 * 4096 + 0x20 * 4, 0); // its directory entry goes
    const before = mmu.counter("slowStores");
    for (let n = 0; n < 4000; n++) mmu.x.store32(LOW + 40 * 4096 + (n % 1024) * 4, n);
    expect(mmu.counter("slowStores") - before).toBe(64);
    expect(mmu.x.hostForWrite(LOW + 40 * 4096)).not.toBe(0);
    mmu.check("page reused");
  });

  it("a directory that is reused as data ends its tracking, and the space still works", () => {
    const mmu = new Mmu(8 << 20);
    const { x } = mmu;
    kernel(mmu, 20, KERNEL_TABLE).enter();
    x.load32(LOW);
    kernel(mmu, 21, KERNEL_TABLE).enter();
    for (let n = 0; n < 1024; n++) x.store32(LOW + 20 * 4096 + n * 4, 0);
    mmu.check("directory cleared");
    const before = mmu.counter("slowStores");
    x.store32(LOW + 20 * 4096, 1);
    expect(mmu.counter("slowStores")).toBe(before);
    mmu.control({ cr3: 20 * 4096 });
    x.load32(LOW);
    expect(mmu.ending().kind).toBe("fault");
  });

  it("a table in use is not taken for data, however often it is written", () => {
    const mmu = new Mmu(8 << 20);
    const space = kernel(mmu, 20, KERNEL_TABLE);
    space.enter();
    mmu.x.load32(LOW + 0x100000);
    for (let n = 0; n < 500; n++) {
      mmu.x.store32(LOW + KERNEL_TABLE * 4096 + 8, ((100 + (n & 1)) << 12) | 3);
      mmu.x.load32(LOW + 2 * 4096);
    }
    expect(mmu.counter("tables")).toBe(2);
    mmu.check("500 rewrites");
  });

  it("a directory that is also its own page table: both shadows see a store", () => {
    const mmu = new Mmu(8 << 20);
    const space = kernel(mmu, 20, KERNEL_TABLE);
    space.table(0xffc00000, 20, 3);
    space.enter();
    // FFFFF000 + n*4 is the directory, FFC00000 + n*4096 the table of its entry n.
    expect(mmu.x.load32(0xfffff000 + 0x300 * 4) >>> 12).toBe(KERNEL_TABLE);
    mmu.x.load32(0xffc00000 + 0x300 * 4096);
    mmu.x.store32(0xfffff000 + 0x300 * 4, 0);
    mmu.check("self-mapped directory");
    mmu.x.load32(LOW);
    expect(mmu.ending().kind).toBe("fault");
    mmu.x.load32(0xffc00000 + 0x300 * 4096);
    expect(mmu.ending().kind).toBe("fault");
    // It unmaps itself.
    mmu.x.store32(0xfffff000 + 0x3ff * 4, 0);
    expect(mmu.ending().kind).toBe("done");
    mmu.check("unmapped itself");
    mmu.x.load32(0xfffff000);
    expect(mmu.ending().kind).toBe("fault");
  });
});

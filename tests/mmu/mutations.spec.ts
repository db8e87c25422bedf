/** The checker catches each of the eight seeded bugs, in a scenario where the correct MMU passes it. */
import { describe, expect, it } from "vitest";
import { kernel, PTE } from "./guest";
import { Cr0, Cr4, Mmu } from "./harness";

const KERNEL_TABLE = 10;
const LOW = 0xc0000000;

/** asm/mmu/mutation.ts, and what shows each bug. */
const SCENARIOS: Record<string, { kind: number; run(mmu: Mmu): void }> = {
  "skipped drop": {
    kind: 1,
    run(mmu) {
      kernel(mmu, 20, KERNEL_TABLE).enter();
      mmu.x.load32(LOW + 5 * 4096);
      mmu.x.store32(LOW + KERNEL_TABLE * 4096 + 5 * 4, (300 << 12) | 3);
    },
  },
  "stale large page": {
    kind: 2,
    run(mmu) {
      const space = kernel(mmu, 20, KERNEL_TABLE);
      space.table(0, 0, 3 | PTE.PS);
      mmu.control({ cr4: Cr4.PSE });
      space.enter();
      mmu.x.load32(0x5000);
      mmu.x.store32(LOW + 20 * 4096, 0x400000 | 3 | PTE.PS);
    },
  },
  "wrong U/W/NX": {
    kind: 3,
    run(mmu) {
      const space = kernel(mmu, 20, KERNEL_TABLE);
      space.page(KERNEL_TABLE, LOW, 0, 1);
      space.enter();
      mmu.x.load32(LOW);
    },
  },
  PDPTE: {
    kind: 4,
    run(mmu) {
      const load = (second: number): void => {
        mmu.dma32(11 * 4096, (13 << 12) | 1);
        mmu.dma32(11 * 4096 + 8, second);
        mmu.x.loadPdptes(11n * 4096n);
        mmu.control({ cr0: (Cr0.PE | Cr0.PG) >>> 0, cr3: 11 * 4096, cr4: Cr4.PAE }, true);
      };
      for (const directory of [13, 14]) mmu.dma32(directory * 4096, ((directory - 13) << 21) | 3 | PTE.PS);
      load((13 << 12) | 1);
      mmu.x.load32(0x40000000);
      load((14 << 12) | 1);
      mmu.x.load32(0x40000000);
    },
  },
  global: {
    kind: 5,
    run(mmu) {
      kernel(mmu, 20, KERNEL_TABLE).enter();
      mmu.x.load32(LOW);
    },
  },
  "dirty bit": {
    kind: 6,
    run(mmu) {
      kernel(mmu, 20, KERNEL_TABLE).enter();
      mmu.x.load32(LOW);
    },
  },
  "remapped BAR": {
    kind: 7,
    run(mmu) {
      kernel(mmu, 20, KERNEL_TABLE).enter();
      mmu.x.load32(LOW + 300 * 4096);
      mmu.x.mapMmio(300, 1);
    },
  },
  "DMA write": {
    kind: 8,
    run(mmu) {
      const space = kernel(mmu, 20, KERNEL_TABLE);
      space.enter();
      mmu.x.load32(LOW);
      space.page(KERNEL_TABLE, LOW, 77, 3);
    },
  },
};

describe("the checker", () => {
  it.each(Object.entries(SCENARIOS))("catches: %s", (_name, { kind, run }) => {
    const right = new Mmu(8 << 20);
    run(right);
    expect(right.ending().kind).toBe("done");
    expect(right.x.checkShadow()).toBe(0);
    const wrong = new Mmu(8 << 20);
    wrong.x.seedMutation(kind);
    run(wrong);
    expect(wrong.x.checkShadow()).not.toBe(0);
  });

  it("catches every flipped bit of the host page in a shadow leaf, and of the tags and addend in a cache entry", () => {
    const mmu = new Mmu(8 << 20);
    kernel(mmu, 20, KERNEL_TABLE).enter();
    for (let n = 0; n < 8; n++) mmu.x.store32(LOW + n * 4096 + 4, 1);
    mmu.x.describeWalk(LOW + 4096, 1, 0);
    const record = mmu.x.walkRecordAddress();
    const leaf = mmu.view.getUint32(record + 160, true);
    const addend = mmu.view.getUint32(record + 176 + 12, true);
    const words = mmu.u32;
    // The supervisor cache's entry of the same page: found by its contents.
    const cached =
      words.findIndex(
        (word, at) => at * 4 > record + 208 && at % 4 === 3 && word === addend && (words[at - 3] as number) >>> 12 === (LOW + 4096) >>> 12,
      ) *
        4 -
      12;
    let caught = 0;
    for (const [at, first, last] of [
      [leaf, 12, 31],
      [leaf + 4, 0, 31],
      [cached, 0, 31],
      [cached + 4, 0, 31],
      [cached + 12, 12, 31],
    ] as const) {
      for (let bit = first; bit <= last; bit++) {
        words[at / 4] = ((words[at / 4] as number) ^ (1 << bit)) >>> 0;
        try {
          if (mmu.x.checkShadow() !== 0) caught++;
        } catch {
          caught++; // the flipped address led the checker out of memory
        }
        words[at / 4] = ((words[at / 4] as number) ^ (1 << bit)) >>> 0;
      }
    }
    expect(caught).toBe(20 + 32 + 32 + 32 + 20);
    mmu.check("all bits restored");
  });
});

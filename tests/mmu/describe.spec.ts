/** What the Paging panel reads: one address through guest tables, shadow and caches; and the counters' names. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { SHADOW_COUNTERS } from "../../asm/isa/shadow-counters";
import { kernel, PTE } from "./guest";
import { Cr0, Cr4, Mmu } from "./harness";

const LOW = 0xc0000000;

describe("describeWalk", () => {
  it("names every level of a mapped page, before and after its first use", () => {
    const mmu = new Mmu(8 << 20);
    kernel(mmu, 20, 10).enter();
    const at = mmu.x.walkRecordAddress();
    const u32 = (offset: number): number => mmu.view.getUint32(at + offset, true);
    expect(mmu.x.describeWalk(LOW + 0x5123, 1, 0)).toBe(0);
    expect([u32(8), u32(12), u32(16), u32(24)]).toEqual([1, 1, 0x5123, 3]); // 32-bit, level 1, physical, P and W
    // Level 2 and 1: index, physical address, value.
    expect([u32(64), u32(68), u32(72), u32(80)]).toEqual([1, 0x300, 20 * 4096 + 0xc00, (10 << 12) | 3]);
    expect([u32(96), u32(100), u32(104), u32(112)]).toEqual([1, 5, 10 * 4096 + 20, (5 << 12) | 3]);
    // Nothing shadowed yet, and looking changed nothing.
    expect([u32(128 + 4), u32(144), u32(160)]).toEqual([0, 0, 0]);
    expect(mmu.counter("walks")).toBe(0);
    expect(mmu.physical32(10 * 4096 + 20)).toBe((5 << 12) | 3);
    mmu.x.store32(LOW + 0x5123, 1);
    mmu.x.describeWalk(LOW + 0x5123, 1, 0);
    expect(u32(112)).toBe((5 << 12) | 3 | PTE.A | PTE.D);
    expect((u32(160 + 4) & 0xfffff000) >>> 0).toBe(mmu.x.guestFrameHost(5));
    expect(u32(160 + 8)).toBe(5);
    expect(u32(176) & 0xfffff000).toBe((LOW + 0x5000) | 0);
  });

  it("says why an access would fault", () => {
    const mmu = new Mmu(8 << 20);
    const space = kernel(mmu, 20, 10);
    space.enter();
    const at = mmu.x.walkRecordAddress();
    const outcome = (linear: number, want: number, user: number): number[] => [
      mmu.x.describeWalk(linear, want, user),
      mmu.view.getUint32(at + 4, true),
      mmu.view.getUint32(at + 12, true),
    ];
    expect(outcome(LOW + 0x5000, 2, 1)).toEqual([1, 7, 1]);
    expect(outcome(0x1000, 1, 0)).toEqual([1, 0, 2]);
    mmu.x.mapAbsent(5, 1);
    expect(outcome(LOW + 0x5000, 1, 0)[0]).toBe(2);
    mmu.control({ cr0: (Cr0.PE | Cr0.PG) >>> 0, cr4: Cr4.PAE });
    expect(outcome(LOW, 1, 0)).toEqual([1, 0, 3]);
    mmu.control({ cr0: Cr0.PE });
    expect(outcome(0x1234, 1, 0)[0]).toBe(0);
    expect(mmu.view.getUint32(at + 16, true)).toBe(0x1234);
    expect(mmu.counter("trueFaults")).toBe(0);
  });
});

describe("shadow counters", () => {
  it("have the same names in the same order in the core, in the shared list and in --stats", () => {
    const source = readFileSync(fileURLToPath(new URL("../../asm/mmu/counters.ts", import.meta.url)), "utf8");
    const core = [...source.matchAll(/^ {2}(\w+) = (\d+),/gm)].map((match) => [match[1], Number(match[2])]);
    expect(core).toEqual(SHADOW_COUNTERS.map(([name], n) => [name, n]));
    expect(SHADOW_COUNTERS.map(([name]) => name)).toEqual([
      "hiddenFaults",
      "trueFaults",
      "rootsLive",
      "rootSwitches",
      "tables",
      "entriesDropped",
      "walks",
      "slowStores",
    ]);
  });
});

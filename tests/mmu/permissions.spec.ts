/**
 * SDM 3A "Determination of Access Rights" as a full cross product: privilege × R/W × U/S × NX × WP × SMEP × SMAP × A × D
 * × page size, for 32-bit and PAE paging. Each case is an access after the tables were rewritten under a living shadow.
 */
import { describe, expect, it } from "vitest";
import { Cr0, Cr4 } from "./harness";
import type { Access } from "./model";
import { Pair } from "./pair";

const DIRECTORY = 0x1000;
const TABLE = 0x2000;
const PDPT = 0x3000;
const LINEAR = 0x00405123;
const ACCESSES: readonly Access[] = ["read", "write", "fetch"];
const WHO = [
  { cpl: 0, ac: false, privilege: "current" },
  { cpl: 0, ac: true, privilege: "current" },
  { cpl: 3, ac: true, privilege: "current" },
  { cpl: 3, ac: false, privilege: "system" },
] as const;

/** All control-register settings that rights depend on. */
function* controls(): Generator<{ cr0: number; cr4: number }> {
  for (const wp of [0, Cr0.WP])
    for (const smep of [0, Cr4.SMEP])
      for (const smap of [0, Cr4.SMAP]) for (const pse of [0, Cr4.PSE]) yield { cr0: (Cr0.PE | Cr0.PG | wp) >>> 0, cr4: smep | smap | pse };
}

function run(pair: Pair, describeCase: () => string, entries: readonly [number, number][]): number {
  let cases = 0;
  for (const { cpl, ac, privilege } of WHO) {
    for (const access of ACCESSES) {
      if (privilege === "system" && access === "fetch") continue;
      // Each access meets the tables with A and D as the case has them.
      for (const [physical, value] of entries) pair.entry32(physical, value);
      pair.model.cpl = cpl;
      pair.model.ac = ac;
      pair.apply();
      const [got, expected] = pair.access(LINEAR, access, privilege);
      const text = (): string => `${describeCase()}, CPL ${cpl}${ac ? " AC" : ""} ${privilege} ${access}`;
      if (JSON.stringify(got) !== JSON.stringify(expected))
        throw new Error(`${text()}: ${JSON.stringify(got)}, expected ${JSON.stringify(expected)}`);
      for (const [physical] of entries) {
        const value = new DataView((pair.model.pages.get(physical >>> 12) as Uint8Array).buffer).getUint32(physical & 0xfff, true);
        if (pair.mmu.physical32(physical) !== value)
          throw new Error(`${text()}: entry ${pair.mmu.physical32(physical).toString(16)}, expected ${value.toString(16)}`);
      }
      cases++;
    }
    pair.mmu.check(describeCase());
  }
  return cases;
}

describe("access rights", () => {
  it("32-bit paging, 4 KB and 4 MB pages", () => {
    const pair = new Pair(2048);
    let cases = 0;
    pair.model.cr3 = DIRECTORY;
    for (const { cr0, cr4 } of controls()) {
      Object.assign(pair.model, { cr0, cr4 });
      for (let d = 0; d < 16; d++) {
        // RW, US, PS, A
        const pde = ((d & 4 ? 0x400000 : TABLE) | 1 | ((d & 3) << 1) | (d & 4 ? 0x80 : 0) | (d & 8 ? 0x20 : 0)) >>> 0;
        for (let p = 0; p < 32; p++) {
          // P, RW, US, A, D
          const pte = 0x7000 | (p & 7) | ((p & 0x18) << 2);
          const directory = DIRECTORY + (LINEAR >>> 22) * 4;
          cases += run(pair, () => `CR0 ${cr0.toString(16)} CR4 ${cr4.toString(16)} PDE ${pde.toString(16)} PTE ${pte.toString(16)}`, [
            [directory, pde],
            [TABLE + ((LINEAR >>> 12) & 1023) * 4, pte],
          ]);
        }
      }
    }
    expect(cases).toBe(16 * 16 * 32 * 11);
  });

  it("PAE paging, 4 KB and 2 MB pages, with and without NXE", () => {
    const pair = new Pair(2048);
    let cases = 0;
    pair.entry64(PDPT, DIRECTORY | 1, 0);
    pair.model.loadPdptes(PDPT);
    pair.mmu.x.loadPdptes(BigInt(PDPT));
    pair.model.cr3 = PDPT;
    for (const { cr0, cr4 } of controls()) {
      for (const nxe of [false, true]) {
        Object.assign(pair.model, { cr0, cr4: cr4 | Cr4.PAE, nxe });
        for (let d = 0; d < 16; d++) {
          // RW, US, PS, NX
          const low = ((d & 4 ? 0x400000 : TABLE) | 1 | ((d & 3) << 1) | (d & 4 ? 0xa0 : 0)) >>> 0;
          const high = d & 8 ? 0x80000000 : 0;
          for (let p = 0; p < 16; p++) {
            // P, RW, US, NX
            const directory = DIRECTORY + ((LINEAR >>> 21) & 511) * 8;
            const table = TABLE + ((LINEAR >>> 12) & 511) * 8;
            cases += run(
              pair,
              () => `CR0 ${cr0.toString(16)} CR4 ${cr4.toString(16)} NXE ${nxe} PDE ${high.toString(16)}:${low.toString(16)} PTE case ${p}`,
              [
                [directory, low],
                [directory + 4, high],
                [table, 0x7000 | (p & 7)],
                [table + 4, p & 8 ? 0x80000000 : 0],
              ],
            );
          }
        }
      }
    }
    expect(cases).toBe(16 * 2 * 16 * 16 * 11);
  });
});

describe("reserved bits", () => {
  it("of a 4 MB page: exactly bits 17-21 fault; 13-16 are physical address bits 32-35", () => {
    const pair = new Pair(2048);
    Object.assign(pair.model, { cr0: (Cr0.PE | Cr0.PG) >>> 0, cr4: Cr4.PSE, cr3: DIRECTORY });
    pair.apply();
    for (let bit = 12; bit < 22; bit++) {
      pair.entry32(DIRECTORY + 4, (0x400000 | 0x83 | (1 << bit)) >>> 0);
      const [got, expected] = pair.access(LINEAR, "read");
      expect(got, `bit ${bit}`).toEqual(expected);
      expect(got.kind, `bit ${bit}`).toBe(bit >= 17 ? "fault" : "done");
      if (got.kind === "fault") expect(got.error).toBe(9);
    }
    expect(pair.mmu.mmio).toEqual(pair.model.mmio);
    expect(pair.mmu.mmio.map((access) => Math.floor(access.address / 2 ** 32))).toEqual([1, 2, 4, 8]);
  });

  it("of PAE entries: 36-62 always, 63 without NXE, 13-20 of a 2 MB page", () => {
    const pair = new Pair(2048);
    pair.entry64(PDPT, DIRECTORY | 1, 0);
    Object.assign(pair.model, { cr0: (Cr0.PE | Cr0.PG) >>> 0, cr4: Cr4.PAE, cr3: PDPT });
    pair.pdptes(PDPT);
    for (const nxe of [false, true]) {
      pair.model.nxe = nxe;
      pair.apply();
      for (let bit = 12; bit < 64; bit++) {
        const bits: [number, number] = bit < 32 ? [(1 << bit) >>> 0, 0] : [0, (1 << (bit - 32)) >>> 0];
        pair.entry64(DIRECTORY + 16, (0x400000 | 0x83 | bits[0]) >>> 0, bits[1]);
        const [large, expectedLarge] = pair.access(LINEAR, "read");
        expect(large, `2 MB page, bit ${bit}`).toEqual(expectedLarge);
        expect(large.kind === "fault", `2 MB page, bit ${bit}`).toBe((bit >= 13 && bit <= 20) || (bit >= 36 && (bit < 63 || !nxe)));
        pair.entry64(DIRECTORY + 16, TABLE | 3, 0);
        pair.entry64(TABLE + 5 * 8, bits[0] | 3, bits[1]);
        const [small, expectedSmall] = pair.access(LINEAR, "read");
        expect(small, `4 KB page, bit ${bit}`).toEqual(expectedSmall);
        expect(small.kind === "fault", `4 KB page, bit ${bit}`).toBe(bit >= 36 && (bit < 63 || !nxe));
        pair.mmu.check(`bit ${bit}`);
      }
    }
  });

  it("of PDPTEs: #GP, and the registers keep their values", () => {
    const pair = new Pair(64);
    pair.entry64(PDPT, DIRECTORY | 1, 0);
    expect(pair.pdptes(PDPT)).toEqual([{ kind: "done" }, { kind: "done" }]);
    for (let bit = 0; bit < 64; bit++) {
      const reserved = bit === 1 || bit === 2 || (bit >= 5 && bit <= 8) || bit >= 36;
      pair.entry64(PDPT + 8, bit < 32 ? ((1 << bit) | 1) >>> 0 : 1, bit < 32 ? 0 : (1 << (bit - 32)) >>> 0);
      const [got, expected] = pair.pdptes(PDPT);
      expect(got.kind).toBe(expected.kind);
      expect(got.kind === "fault", `bit ${bit}`).toBe(reserved);
      if (got.kind === "fault") expect([got.vector, got.error]).toEqual([13, 0]);
      // Not present: reserved bits do not matter.
      pair.entry64(PDPT + 8, bit < 32 ? ((1 << bit) & ~1) >>> 0 : 0, bit < 32 ? 0 : (1 << (bit - 32)) >>> 0);
      expect(pair.pdptes(PDPT)[0].kind, `bit ${bit}, not present`).toBe("done");
    }
  });
});

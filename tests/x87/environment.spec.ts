/** FNSTENV, FLDENV, FNSAVE, FRSTOR in their four layouts, and FXSAVE, FXRSTOR. SDM Vol 1 "x87 FPU State Image" figures. */
import { beforeEach, describe, expect, it } from "vitest";
import { DATA, type Extended, FpuMachine } from "./fpu-machine";

let machine: FpuMachine;
beforeEach(async () => {
  machine = await FpuMachine.create();
});

/** `[disp32]` of DATA + offset, little-endian. */
const at = (offset = 0): string => [0, 8, 16, 24].map((n) => (((DATA + offset) >>> n) & 0xff).toString(16).padStart(2, "0")).join(" ");
const u16 = (offset: number): number => new DataView(machine.readBytes(DATA + offset, 2).slice().buffer).getUint16(0, true);
const u32 = (offset: number): number => new DataView(machine.readBytes(DATA + offset, 4).slice().buffer).getUint32(0, true);
const ONE: Extended = { head: 0x3fff, significand: 1n << 63n };
const ZERO: Extended = { head: 0, significand: 0n };
const QNAN: Extended = { head: 0x7fff, significand: 3n << 62n };
const POINTERS = { fpuIp: 0x12345678, fpuCs: 0x1b, fpuDp: 0x9abcdef0, fpuDs: 0x23, fpuOpcode: 0x5a5 };

describe("environment", () => {
  beforeEach(() => {
    machine.load(0x37c, ONE, ZERO, QNAN);
    machine.set(POINTERS);
  });

  it("32-bit protected mode", () => {
    machine.run(`d9 35 ${at()}`);
    expect([0, 4, 8, 12, 16, 20, 24].map(u32)).toEqual([
      0xffff037c, 0xffff0000, 0xffffffe4, 0x12345678, 0x05a5001b, 0x9abcdef0, 0xffff0023,
    ]);
    expect(machine.get("fpuControl")).toBe(0x37f); // masks all exceptions
  });
  it("16-bit protected mode", () => {
    machine.run(`66 d9 35 ${at()}`);
    expect([0, 2, 4, 6, 8, 10, 12].map(u16)).toEqual([0x037c, 0, 0xffe4, 0x5678, 0x001b, 0xdef0, 0x0023]);
  });
  it("real mode, both sizes: linear addresses and opcode", () => {
    machine.set({ cr0: 0x30, fpuIp: 0x5678, fpuCs: 0x1b00, fpuDp: 0xdef0, fpuDs: 0x2300 });
    machine.run(`d9 35 ${at()}`);
    const code = 0x1b000 + 0x5678;
    const data = 0x23000 + 0xdef0;
    expect([12, 16, 20, 24].map(u32)).toEqual([
      0xffff0000 + (code & 0xffff),
      ((code >> 16) << 12) | 0x5a5,
      0xffff0000 + (data & 0xffff),
      (data >> 16) << 12,
    ]);
    machine.run(`66 d9 35 ${at()}`);
    expect([6, 8, 10, 12].map(u16)).toEqual([code & 0xffff, ((code >> 4) & 0xf000) | 0x5a5, data & 0xffff, (data >> 4) & 0xf000]);
  });

  for (const [name, prefix, cr0] of [
    ["32-bit protected", "", 0x31],
    ["16-bit protected", "66", 0x31],
    ["32-bit real", "", 0x30],
    ["16-bit real", "66", 0x30],
  ] as const) {
    it(`FNSAVE and FRSTOR, ${name}: what was saved comes back, and FNSAVE initializes`, () => {
      machine.set({ cr0, fpuIp: 0x1234, fpuDp: 0x2345, fpuCs: 0, fpuDs: 0, fpuStatus: 0x4100 });
      const before = [0, 1, 2].map((n) => machine.read(n));
      machine.run(`${prefix} dd 35 ${at()}`);
      expect([machine.get("fpuControl"), machine.get("fpuStatus"), machine.get("fpuTag"), machine.get("fpuIp")]).toEqual([
        0x37f, 0, 0xffff, 0,
      ]);
      machine.run(`${prefix} dd 25 ${at()}`);
      expect([0, 1, 2].map((n) => machine.read(n))).toEqual(before);
      expect([machine.get("fpuControl"), machine.get("fpuStatus"), machine.get("fpuIp"), machine.get("fpuDp")]).toEqual([
        0x37c, 0x4100, 0x1234, 0x2345,
      ]);
      machine.run(`d9 35 ${at()}`);
      expect(u16(8)).toBe(0xffe4);
      // The opcode has no place in the 16-bit protected layout.
      expect(machine.get("fpuOpcode")).toBe(name === "16-bit protected" ? 0 : 0x5a5);
    });
  }

  it("FLDENV with unmasked flags sets ES and B; reserved control bits stay as they are", () => {
    machine.core.memory.write(DATA, new Uint8Array(28));
    machine.core.memory.write(DATA, Uint8Array.of(0xc0, 0xff, 0, 0, 0x04, 0x38));
    machine.run(`d9 25 ${at()}`);
    expect([machine.get("fpuControl"), machine.get("fpuStatus")]).toEqual([0x1f40, 0xb884]);
  });
});

describe("last-instruction pointers", () => {
  it("follow every instruction but the control instructions", () => {
    machine.load(0x37f, ONE, ONE);
    machine.run(`d8 05 ${at(0x40)}`);
    const first = [0x10000, 0x08, DATA + 0x40, 0x10, 0x005];
    const pointers = (): number[] => ["fpuIp", "fpuCs", "fpuDp", "fpuDs", "fpuOpcode"].map((name) => machine.get(name));
    expect(pointers()).toEqual(first);
    for (const control of [`d9 2d ${at(0x50)}`, `d9 3d ${at(0x50)}`, "df e0", "db e2", "9b", `dd 3d ${at(0x50)}`]) {
      machine.run(`90 ${control}`, 2);
      expect(pointers(), control).toEqual(first);
    }
    machine.run("90 d9 c9", 2); // FXCH: no memory operand, so the data pointer stays
    expect(pointers()).toEqual([0x10001, 0x08, DATA + 0x40, 0x10, 0x1c9]);
  });
  it("count prefixes as part of the instruction, and do not follow one that faults", () => {
    machine.load(0x37f, ONE);
    machine.run(`90 3e d8 05 ${at()}`, 2);
    expect(machine.get("fpuIp")).toBe(0x10001);
    machine.set({ ds_limit: 0xfff });
    expect(machine.run(`90 90 d8 05 ${at()}`, 3)).toBe(13);
    expect(machine.get("fpuIp")).toBe(0x10001);
  });
});

describe("FXSAVE and FXRSTOR", () => {
  it("keep the whole state", () => {
    machine.load(0x27f, ONE, ZERO, QNAN);
    machine.set({ ...POINTERS, mxcsr: 0x5fa1, fpuStatus: 0x0001 });
    const xmm = new Uint8Array(machine.core.buffer, machine.core.stateOffset("xmm"), 128);
    xmm.set(Array.from({ length: 128 }, (_, n) => n * 3));
    machine.core.memory.write(DATA, new Uint8Array(512).fill(0xee));
    machine.run(`0f ae 05 ${at()}`);
    expect([u16(0), u16(2), u16(4), u16(6), u32(8), u16(12), u32(16), u16(20), u32(24)]).toEqual([
      0x27f, 0x0001, 0b111, 0x5a5, 0x12345678, 0x1b, 0x9abcdef0, 0x23, 0x5fa1,
    ]);
    expect(machine.readBytes(DATA + 464, 48)).toEqual(new Uint8Array(48).fill(0xee));
    machine.run("db e3");
    machine.set({ mxcsr: 0x1f80 });
    new Uint8Array(machine.core.buffer, machine.core.stateOffset("xmm"), 128).fill(0);
    machine.run(`0f ae 0d ${at()}`);
    expect([machine.get("fpuControl"), machine.get("fpuStatus"), machine.get("fpuIp"), machine.get("mxcsr")]).toEqual([
      0x27f, 0x0001, 0x12345678, 0x5fa1,
    ]);
    expect([0, 1, 2].map((n) => machine.read(n))).toEqual([ONE, ZERO, QNAN]);
    expect(new Uint8Array(machine.core.buffer, machine.core.stateOffset("xmm"), 128)).toEqual(
      Uint8Array.from({ length: 128 }, (_, n) => n * 3),
    );
  });
  it("refuse a misaligned image and reserved MXCSR bits with #GP", () => {
    expect(machine.run(`0f ae 05 ${at(8)}`)).toBe(13);
    machine.reset();
    machine.run(`0f ae 05 ${at()}`);
    machine.core.memory.write(DATA + 26, Uint8Array.of(0x01));
    expect(machine.run(`0f ae 0d ${at()}`)).toBe(13);
  });
  it("do not wait for a pending #MF", () => {
    machine.load(0x37b, ONE);
    machine.set({ fpuStatus: 0x8084 });
    expect(machine.run(`0f ae 05 ${at()}`)).toBeUndefined();
  });
});

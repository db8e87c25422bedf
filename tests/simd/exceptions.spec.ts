/** Who is asked first: units switched off, #XM or #UD, alignment, pending x87 errors. SDM 3A chapter 13, Vol 2 Tables 2-18 to 2-26. */
import { beforeEach, describe, expect, it } from "vitest";
import { DATA } from "../x87/fpu-machine";
import { SimdMachine } from "./simd-machine";

const UD = 6;
const NM = 7;
const GP = 13;
const MF = 16;
const XM = 19;
const CR0 = 0x31;
const CR4 = 0x600;

let machine: SimdMachine;
beforeEach(async () => {
  machine = await SimdMachine.create();
});

/** ModRM 05: [disp32]. */
const address = (at: number): string => [0, 8, 16, 24].map((shift) => ((at >> shift) & 0xff).toString(16)).join(" ");

describe("an unmasked SIMD exception", () => {
  // 0 ÷ 0 in the low lane with #I unmasked.
  const arm = (): void => {
    machine.setXmm(0, new Uint8Array(16));
    machine.setXmm(1, new Uint8Array(16));
    machine.mxcsr = 0x1f80 & ~0x80;
  };

  it("is #XM, with the flag set and the destination unchanged", () => {
    arm();
    expect(machine.run("f3 0f 5e c1")).toBe(XM);
    expect(machine.mxcsr).toBe(0x1f01);
    expect([...machine.getXmm(0)]).toEqual(new Array(16).fill(0));
  });
  it("is #UD without CR4.OSXMMEXCPT", () => {
    arm();
    machine.fpu.set({ cr4: CR4 & ~0x400 });
    expect(machine.run("f3 0f 5e c1")).toBe(UD);
    expect(machine.mxcsr).toBe(0x1f01);
  });
  it("is not raised by a flag that LDMXCSR sets", () => {
    machine.fpu.core.memory.write(DATA, Uint8Array.of(0x3f, 0, 0, 0));
    expect(machine.run(`0f ae 15 ${address(DATA)} f3 0f 58 c1`, 2)).toBeUndefined();
    expect(machine.mxcsr).toBe(0x3f);
  });
  it("of one element leaves the whole register", () => {
    machine.mxcsr = 0x1f80 & ~0x200; // #Z
    const one = Uint8Array.of(0, 0, 0x80, 0x3f);
    machine.setXmm(0, Uint8Array.of(...one, ...one, ...one, ...one));
    machine.setXmm(1, Uint8Array.of(0, 0, 0x40, 0x40, ...one, 0, 0, 0, 0, ...one)); // 1 ÷ 3, 1, 0, 1
    expect(machine.run("0f 5e c1")).toBe(XM);
    // #P of the first lane is hidden: #Z comes before any result.
    expect(machine.mxcsr & 0x3f).toBe(4);
    expect([...machine.getXmm(0)]).toEqual([...one, ...one, ...one, ...one]);
  });
  it("of a comparison leaves EFLAGS", () => {
    machine.mxcsr = 0x1f00;
    machine.fpu.set({ eflags: 0x8d7 });
    machine.setXmm(1, Uint8Array.of(0, 0, 0xc0, 0x7f)); // a quiet NaN is invalid for COMISS
    expect(machine.run("0f 2f c1")).toBe(XM);
    const stack = machine.fpu.get("rsp");
    const pushed = new DataView(machine.fpu.core.memory.read(stack, 12).buffer);
    expect(pushed.getUint32(8, true) & 0x8d5).toBe(0x8d5);
    expect(machine.run("0f 2e c1")).toBeUndefined(); // but not for UCOMISS
  });
});

describe("SSE switched off", () => {
  it.each([
    ["CR0.EM", { cr0: CR0 | 4 }, UD],
    ["CR0.TS", { cr0: CR0 | 8 }, NM],
    ["CR0.EM and TS", { cr0: CR0 | 12 }, UD],
    ["CR4.OSFXSR = 0", { cr4: CR4 & ~0x200 }, UD],
  ])("%s", (_, state, vector) => {
    for (const code of ["0f 58 c1", "66 0f 38 17 c1", "66 0f 3a df c1 01", "f2 0f 2a c0"]) {
      machine.fpu.reset();
      machine.fpu.set(state);
      expect([code, machine.run(code)]).toEqual([code, vector]);
    }
  });
  it("does not concern MMX without OSFXSR", () => {
    machine.fpu.set({ cr4: 0 });
    expect(machine.run("0f fc c1")).toBeUndefined();
  });
});

describe("alignment", () => {
  it("is #GP(0) for 16 bytes, not for scalars, MOVUPS or string comparison", () => {
    const at = address(DATA + 8);
    const trapped = (code: string): number | undefined => {
      machine.fpu.reset();
      return machine.run(code);
    };
    for (const code of ["0f 58 05", "66 0f 38 01 05", "0f 28 05", "66 0f 5a 05"])
      expect([code, trapped(`${code} ${at}`)]).toEqual([code, GP]);
    for (const code of ["f2 0f 58 05", "0f 10 05", "0f 5a 05", "f3 0f e6 05"])
      expect([code, trapped(`${code} ${at}`)]).toEqual([code, undefined]);
    expect(trapped(`66 0f 3a 62 05 ${at} 00`)).toBeUndefined();
  });
  it("MXCSR.MM lifts it for instructions that compute, not for moves", () => {
    const at = address(DATA + 8);
    machine.mxcsr = 0x21f80;
    for (const code of ["0f 58 05", "66 0f ef 05", "66 0f 38 dc 05"])
      expect([code, machine.run(`${code} ${at}`)]).toEqual([code, undefined]);
    expect(machine.run(`0f 28 05 ${at}`)).toBe(GP);
  });
});

describe("a pending x87 error", () => {
  // FNINIT; #Z unmasked by FLDCW; 1 ÷ 0.
  const prepare = (): void => {
    machine.fpu.core.memory.write(DATA, Uint8Array.of(0x7b, 0x03));
    machine.run(`db e3 d9 2d ${address(DATA)} d9 e8 d9 ee de f9`, 5);
  };
  it("is #MF before any instruction that touches an MMX register", () => {
    for (const code of [
      "0f fc c1",
      "0f 77",
      "0f 6f c1",
      "0f 2a c1",
      "0f 2d c1",
      "66 0f 2a c1",
      "f2 0f d6 c1",
      "f3 0f d6 c1",
      "0f c5 c1 00",
    ]) {
      machine.fpu.reset();
      prepare();
      expect([code, machine.run(code)]).toEqual([code, MF]);
    }
  });
  it("waits through SSE, and through CVTPI2PS and CVTPI2PD from memory", () => {
    prepare();
    const at = address(DATA);
    for (const code of ["0f 58 c1", "66 0f fc c1", `0f 2a 05 ${at}`, `66 0f 2a 05 ${at}`])
      expect([code, machine.run(code)]).toEqual([code, undefined]);
  });
  it("goes to FERR# while CR0.NE is 0", () => {
    prepare();
    machine.fpu.set({ cr0: CR0 & ~0x20 });
    expect(machine.run("0f fc c1")).toBeUndefined();
    expect(machine.fpu.get("ferr")).toBe(1);
    expect(machine.fpu.get("rip")).toBe(0x10000); // not begun
    machine.fpu.set({ ignne: 1 });
    expect(machine.run("0f fc c1")).toBeUndefined();
    expect(machine.fpu.get("rip")).toBe(0x10003);
  });
});

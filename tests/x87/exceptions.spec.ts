/** #MF, #NM, FERR# and IGNNE#: when an x87 instruction may run. SDM Vol 1 "Handling x87 FPU Exceptions in Software", 3A "CR0". */
import { beforeEach, describe, expect, it } from "vitest";
import { DATA, type Extended, FpuMachine } from "./fpu-machine";

const ONE: Extended = { head: 0x3fff, significand: 1n << 63n };
const ZERO: Extended = { head: 0, significand: 0n };
const STACK = 0x8000;
const at = [0, 8, 16, 24].map((n) => ((DATA >>> n) & 0xff).toString(16).padStart(2, "0")).join(" ");

let machine: FpuMachine;
beforeEach(async () => {
  machine = await FpuMachine.create();
});
const pushedEip = (): number => new DataView(machine.readBytes(STACK - 12, 4).slice().buffer).getUint32(0, true);
/** ST(0) = 1 ÷ 0 with #Z unmasked: the exception waits. */
const divideByZero = (): void => {
  machine.load(0x37b, ONE, ZERO);
  expect(machine.run("d8 f1")).toBeUndefined();
  expect(machine.get("fpuStatus")).toBe(0x8084);
};

describe("deferred #MF", () => {
  it("comes with the next waiting instruction, whose address is pushed", () => {
    divideByZero();
    expect(machine.read(0)).toEqual(ONE); // operands unaltered
    expect(machine.run("90 90 d9 e8", 3)).toBe(16);
    expect(pushedEip()).toBe(0x10002);
    expect(machine.read(0)).toEqual(ONE);
  });
  it("comes with FWAIT", () => {
    divideByZero();
    expect(machine.run("9b")).toBe(16);
  });
  it("does not come with FN… instructions", () => {
    for (const code of ["df e0", `d9 3d ${at}`, `dd 3d ${at}`, `d9 35 ${at}`, `dd 35 ${at}`, "db e2", "db e3"]) {
      machine.reset();
      divideByZero();
      expect(machine.run(code), code).toBeUndefined();
    }
  });
  it("is raised by FLDCW that unmasks a flag already set, at the next instruction", () => {
    machine.load(0x37f, ONE, ZERO);
    machine.run("d8 f1");
    machine.core.memory.write(DATA, Uint8Array.of(0x7b, 0x03));
    expect(machine.run(`d9 2d ${at}`)).toBeUndefined();
    expect(machine.get("fpuStatus") & 0x8080).toBe(0x8080);
    expect(machine.run("d9 d0")).toBe(16);
  });
  it("is over after FNCLEX", () => {
    divideByZero();
    machine.run("db e2");
    expect(machine.get("fpuStatus")).toBe(0);
    expect(machine.run("d9 e8")).toBeUndefined();
  });
});

describe("CR0", () => {
  it("TS or EM: #NM for x87 instructions; #UD, then #NM for FXSAVE", () => {
    for (const [cr0, fxsave] of [
      [0x39, 7],
      [0x35, 6],
    ] as const) {
      machine.reset();
      machine.set({ cr0 });
      expect(machine.run("d9 e8")).toBe(7);
      machine.reset();
      machine.set({ cr0 });
      expect(machine.run("df e0")).toBe(7);
      machine.reset();
      machine.set({ cr0 });
      expect(machine.run(`0f ae 05 ${at}`)).toBe(fxsave);
    }
  });
  it("FWAIT traps only when both MP and TS are set", () => {
    for (const [cr0, vector] of [
      [0x31, undefined],
      [0x33, undefined],
      [0x39, undefined],
      [0x35, undefined],
      [0x3b, 7],
    ] as const) {
      machine.reset();
      machine.set({ cr0 });
      expect(machine.run("9b"), cr0.toString(16)).toBe(vector);
    }
  });
});

describe("CR0.NE = 0: FERR# and IGNNE#", () => {
  beforeEach(() => {
    divideByZero();
    machine.set({ cr0: 0x11 });
  });
  it("the next waiting instruction asserts FERR# and does not start", () => {
    expect(machine.get("ferr")).toBe(0);
    expect(machine.run("d9 e8")).toBeUndefined();
    expect(machine.get("ferr")).toBe(1);
    expect(machine.get("rip")).toBe(0x10000);
    expect(machine.read(0)).toEqual(ONE);
  });
  it("time goes on while it waits, and an interrupt ends the wait", () => {
    machine.run("d9 e8");
    machine.core.run(machine.core.ticks + 100);
    expect(machine.get("rip")).toBe(0x10000);
    machine.set({ eflags: 0x202 });
    machine.core.setIntr(true);
    machine.core.run(machine.core.ticks + 100);
    expect(pushedEip()).toBe(0x10000);
  });
  it("IGNNE# lets it run", () => {
    machine.set({ ignne: 1 });
    machine.run("d9 e8");
    expect(machine.get("rip")).toBe(0x10002);
  });
  it("FERR# falls when the error is cleared", () => {
    machine.run("d9 e8");
    machine.run("db e2");
    expect(machine.get("ferr")).toBe(0);
    machine.run("d9 e8");
    expect(machine.get("rip")).toBe(0x10002);
  });
});

describe("memory operands", () => {
  it("a fault of a store comes before its masked exceptions, and nothing changes", () => {
    machine.load(0x37f); // empty stack
    machine.set({ ds_limit: 0xfff });
    expect(machine.run(`d9 15 ${at}`)).toBe(13);
    expect(machine.get("fpuStatus")).toBe(0);
  });
  it("a store that an unmasked exception forbids touches no memory", () => {
    // As an Intel Xeon does for FST, FIST, FISTP, FBSTP and FSTP of 80 bits, whether the page or the segment is at fault.
    for (const code of ["d9 15", "dd 15", "db 15", "df 35", "db 3d", "df 3d"]) {
      machine.load(0x37e); // empty stack, #I unmasked
      machine.set({ ds_limit: 0xfff });
      expect(machine.run(`${code} ${at}`), code).toBeUndefined();
      expect(machine.get("fpuStatus"), code).toBe(0x80c1);
    }
  });
  it("an unmasked #I leaves memory and stack alone", () => {
    machine.load(0x37e);
    machine.core.memory.write(DATA, Uint8Array.of(1, 2, 3, 4));
    expect(machine.run(`d9 1d ${at}`)).toBeUndefined();
    expect(Array.from(machine.readBytes(DATA, 4))).toEqual([1, 2, 3, 4]);
    expect([machine.get("fpuStatus"), machine.get("fpuTag")]).toEqual([0x80c1, 0xffff]);
  });
});

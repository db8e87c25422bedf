/** RESET#: SDM 3A Table "IA-32 and Intel 64 Processor States Following Power-up, Reset, or INIT"; time-stamp counter. */
import { describe, expect, it } from "vitest";
import { createCore } from "../tools/core";
import { program } from "./flat-program";

const AFTER_RESET: Readonly<Record<string, bigint>> = {
  eflags: 2n,
  eip: 0xfff0n,
  cr0: 0x60000010n,
  cr2: 0n,
  cr3: 0n,
  cr4: 0n,
  cs_selector: 0xf000n,
  cs_base: 0xffff0000n,
  cs_limit: 0xffffn,
  ss_selector: 0n,
  ss_base: 0n,
  ss_limit: 0xffffn,
  gdtr_base: 0n,
  gdtr_limit: 0xffffn,
  idtr_base: 0n,
  idtr_limit: 0xffffn,
  tr_selector: 0n,
  tr_limit: 0xffffn,
  ldtr_limit: 0xffffn,
  eax: 0n,
  ebx: 0n,
  ecx: 0n,
  esi: 0n,
  edi: 0n,
  ebp: 0n,
  esp: 0n,
  edx: 0xf41n,
  mxcsr: 0x1f80n,
  fpuControl: 0x40n,
  fpuStatus: 0n,
  fpuTag: 0x5555n,
  efer: 0n,
  cpl: 0n,
};

describe("reset", () => {
  it("gives the power-up state, from the start and again later", async () => {
    const core = await createCore();
    const state = (): Record<string, bigint> => Object.fromEntries(Object.keys(AFTER_RESET).map((name) => [name, core.getRegister(name)]));
    expect(state()).toEqual(AFTER_RESET);
    core.setRegisters({
      eax: 5n,
      cr0: 0x11n,
      cr4: 0x10n,
      cs_base: 0n,
      cpl: 3n,
      halted: 1n,
      nmiPending: 1n,
      pendingDebug: 1n,
      redelivery: 1n,
    });
    core.reset();
    expect(state()).toEqual(AFTER_RESET);
    for (const name of ["halted", "nmiPending", "pendingDebug", "redelivery"]) expect(core.getRegister(name), name).toBe(0n);
  });

  it("leaves RAM, ticks and instructions", async () => {
    const { core } = await program("nop\nnop\nnop\nhlt");
    core.run(100);
    core.memory.write(0x5000, Uint8Array.of(0xa5));
    const before = [core.ticks, core.instructions];
    core.reset();
    expect([core.ticks, core.instructions]).toEqual(before);
    expect(core.memory.read(0x5000, 1)[0]).toBe(0xa5);
  });
});

describe("time-stamp counter", () => {
  it("is exact at the instruction, at the rate the host set", async () => {
    const { core, register } = await program("rdtsc\nmov ebx, eax\nnop\nnop\nrdtsc\nsub eax, ebx\nhlt");
    core.setTsc(1000n, 0, 2.5);
    core.run(100);
    expect(register("ebx")).toBe(1000);
    // Four instructions later.
    expect(register("eax")).toBe(10);
  });

  it("is 0 after reset and what WRMSR wrote after that", async () => {
    const { core, register } = await program("mov ecx, 16\nmov eax, 0x100\nmov edx, 7\nwrmsr\nrdtsc\nhlt");
    core.run(100);
    expect([register("edx"), register("eax")]).toEqual([7, 0x101]);
    core.reset();
    core.setRegisters({ cs_base: 0n, cs_selector: 0n, eip: 0x10000n & 0xffffn, eflags: 2n });
    core.memory.write(0, Uint8Array.of(0x0f, 0x31, 0xf4));
    core.step(1);
    expect([register("edx"), register("eax")]).toEqual([0, 0]);
  });

  it("carries between the halves of elapsed time and rate", async () => {
    const { core, register } = await program("rdtsc\nhlt");
    const ticks = 2 ** 40 + 12345;
    core.ticks = ticks;
    core.setTsc(5n, 0, 3.25);
    core.run(ticks + 100);
    const expected = 5n + ((BigInt(ticks) * BigInt(3.25 * 2 ** 32)) >> 32n);
    expect((BigInt(register("edx")) << 32n) | BigInt(register("eax"))).toBe(expected);
  });
});

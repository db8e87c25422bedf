/** The state hash sees everything: any byte of RAM, any register, any field of any device. */
import { beforeAll, describe, expect, it } from "vitest";
import type { Booted } from "../boot/machines";
import { builtIn, createMachine } from "../boot/machines";
import { flipDevices, flipFlags, flipRam, flipRegisters, ramAddresses, teachingUnderWay } from "./flips";

const quick = process.env.TEST_TIER === "quick";
let booted: Booted;

beforeAll(async () => {
  booted = await teachingUnderWay();
});

describe("the state hash changes", () => {
  it("with a byte of RAM", async () => {
    const { flips, unseen } = await flipRam(booted, ramAddresses(quick ? 64 : 16));
    expect(unseen).toEqual([]);
    expect(flips).toBeGreaterThan(8);
  });

  it("with a register", async () => {
    const { flips, unseen } = await flipRegisters(booted, true);
    expect(unseen).toEqual([]);
    expect(flips).toBeGreaterThan(150);
    expect(await flipFlags(booted)).toEqual({ flips: 6, unseen: [] });
  });

  it("with a field of a device", async () => {
    const { flips, unseen } = await flipDevices(booted, true);
    expect(unseen).toEqual([]);
    expect(flips).toBeGreaterThan(200);
  });

  it("and with nothing else", async () => {
    const hash = await booted.machine.stateHash();
    booted.core.checkShadow();
    await booted.machine.stats();
    expect(await booted.machine.stateHash()).toBe(hash);
  });
});

describe("the teaching kernel", () => {
  const end = async (slice?: number): Promise<string> => {
    const { machine } = await createMachine({ boot: builtIn("teaching"), memoryMb: 4 });
    await machine.run({ instructions: 60_000_000, ...(slice === undefined ? {} : { sliceInstructions: slice }) });
    expect(machine.exit?.reason).toBe("halted");
    return machine.stateHash();
  };

  it("ends in the same state however it is cut", { timeout: 1_800_000 }, async () => {
    const whole = await end();
    for (const slice of quick ? [997] : [1, 2, 3, 1000, 1_000_000]) expect(await end(slice), `slices of ${slice}`).toBe(whole);
  });
});

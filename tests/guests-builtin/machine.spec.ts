/** The built-in guests on Vitrine's own machine: text, ends, and the exact counts of `exits`. */
import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { assembleGuest, findBuiltInGuest } from "../../bios/index";
import { Machine, type RunLimits } from "../../web/machine/machine";
import { exitsCommandLine, expectedExits } from "../boot/exits";
import { coreWasm } from "../tools/core";

const built = existsSync(new URL("../../dist/core/core.wasm", import.meta.url));
const LIMIT: RunLimits = { instructions: 60_000_000 };

interface Booted {
  readonly machine: Machine;
  output(): string;
}

async function boot(id: string, commandLine?: string): Promise<Booted> {
  const guest = findBuiltInGuest(id)!;
  const image = assembleGuest(guest);
  const machine = await Machine.create(
    {
      memoryMb: 16,
      clock: { kind: "deterministic" },
      boot:
        guest.boot === "sector"
          ? { kind: "sector", image }
          : { kind: "multiboot", kernel: image, commandLine: commandLine ?? guest.commandLine },
    },
    { wasm: coreWasm() },
  );
  let text = "";
  machine.serial(0).onData((bytes) => {
    text += Buffer.from(bytes).toString("latin1");
  });
  return { machine, output: () => text };
}

describe.skipIf(!built)(`built-in guests on the machine${built ? "" : " (skipped: run npm run build:core)"}`, () => {
  it("hello greets, echoes and halts on q", async () => {
    const { machine, output } = await boot("hello");
    await machine.run({ ...LIMIT, text: "\n> " });
    machine.serial(0).write("abc\rq");
    const { reason, exit } = await machine.run(LIMIT);
    expect([reason, exit?.reason]).toEqual(["exit", "halted"]);
    expect(output()).toContain("> abc\r\n\r\nHalting.\r\n");
  });

  it("the teaching kernel passes its own checks", async () => {
    const { machine, output } = await boot("teaching");
    const { exit } = await machine.run(LIMIT);
    expect(output()).not.toContain("FAIL");
    expect(output()).toContain("teaching kernel: all 35 checks passed\r\n");
    expect(exit?.reason).toBe("halted");
  });

  it.each([
    { cpuid: 100, in: 7, out: 5, movcr3: 3, invlpg: 9, hlt: 4, rdmsr: 6, pf: 11 },
    { cpuid: 0, in: 0, out: 0, movcr3: 0, invlpg: 0, hlt: 1, rdmsr: 0, pf: 0 },
    { cpuid: 3, in: 1000, out: 2000, movcr3: 1, invlpg: 1, hlt: 1, rdmsr: 1, pf: 500 },
    { cpuid: 1, in: 2, out: 3, movcr3: 40, invlpg: 50, hlt: 60, rdmsr: 70, pf: 0 },
  ])("exits shows exactly the counts of %j", async (counts) => {
    const { machine, output } = await boot("exits", exitsCommandLine(counts));
    const { exit } = await machine.run(LIMIT);
    expect([output(), exit?.reason]).toEqual(["done\r\n", "halted"]);
    const { exits, exitsTotal } = await machine.stats();
    expect(exits).toMatchObject(expectedExits(counts));
    expect(Object.values(exits).reduce((sum, count) => sum + count, 0)).toBe(exitsTotal);
  });

  it("pingpong keeps two address spaces apart and frees a page table", async () => {
    const { machine, output } = await boot("pingpong", "rounds=1000 ptfree=1000");
    const { exit } = await machine.run(LIMIT);
    expect(output()).toBe("1000 rounds, both spaces kept their own\r\n1000 writes to a freed page table\r\ndone\r\n");
    expect(exit?.reason).toBe("halted");
  });

  /** Shadow counters of a whole run. */
  const shadowAfter = async (commandLine: string): Promise<Record<string, number>> => {
    const { machine } = await boot("pingpong", commandLine);
    await machine.run(LIMIT);
    return (await machine.stats()).shadow;
  };

  it("a warm switch of address spaces costs at most two hidden faults", async () => {
    const [some, more] = [await shadowAfter("rounds=1000"), await shadowAfter("rounds=2000")];
    expect(more.rootSwitches! - some.rootSwitches!).toBe(2000);
    expect((more.hiddenFaults! - some.hiddenFaults!) / 2000).toBeLessThanOrEqual(2);
  });

  it("a freed page table costs no more slow stores after 64", async () => {
    const [few, many] = [await shadowAfter("ptfree=1000"), await shadowAfter("ptfree=9000")];
    expect(many.slowStores).toBe(few.slowStores);
    expect(many.slowStores! - (await shadowAfter("ptfree=1")).slowStores!).toBeLessThanOrEqual(68);
  });
});

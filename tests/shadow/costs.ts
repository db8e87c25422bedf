/** What the shadow tables cost where it matters: switches of address space, and a page that was a page table once. */
import type { MachineStats } from "../../web/machine/stats";
import { builtIn, createMachine } from "../boot/machines";
import { FAR, type LinuxGuest, linuxBoot, PROMPT } from "../boot/prepared-guests";

const END = 400_000_000;

/** Counters of a whole run of the guest `pingpong` (bios/README.md). */
async function statsAfter(commandLine: string): Promise<MachineStats> {
  const { machine, output } = await createMachine({ boot: builtIn("pingpong", commandLine), memoryMb: 16 });
  const { exit } = await machine.run({ instructions: END });
  if (exit?.reason !== "halted" || !output().endsWith("done\r\n")) throw new Error(`pingpong ${commandLine}: ${output()} ${exit?.message}`);
  return machine.stats();
}

export interface SwitchCost {
  readonly switches: number;
  readonly hiddenFaultsPerSwitch: number;
}

/** Two address spaces that take turns, `rounds` times each after as many rounds of warm-up. */
export async function switchCost(rounds: number): Promise<SwitchCost> {
  const [warm, whole] = [(await statsAfter(`rounds=${rounds}`)).shadow, (await statsAfter(`rounds=${2 * rounds}`)).shadow];
  const switches = whole.rootSwitches! - warm.rootSwitches!;
  return { switches, hiddenFaultsPerSwitch: (whole.hiddenFaults! - warm.hiddenFaults!) / switches };
}

export interface FreedTableCost {
  /** Stores to the freed table that the MMU still tracked. */
  readonly tracked: number;
  /** What 8000 further stores cost in slow stores of any kind. */
  readonly later: number;
}

/** Stores to a page that was a page table and is one no more. */
export async function freedTableCost(): Promise<FreedTableCost> {
  // Counts of four digits each: the guest prints them, and its digits lie beside its code.
  const [one, some, many] = [await statsAfter("ptfree=1"), await statsAfter("ptfree=1000"), await statsAfter("ptfree=9000")];
  return {
    // The first store is tracked too; before it, the guest writes to tables that are in use.
    tracked: many.exits.ShadowWrite! - (one.exits.ShadowWrite! - 1),
    later: many.shadow.slowStores! - some.shadow.slowStores!,
  };
}

/**
 * Two processes of a booted Linux that talk through a pipe; measured over `instructions` after as many of warm-up.
 * `flush` is the textbook's way, for comparison.
 */
export async function linuxSwitchCost(guest: LinuxGuest, instructions: number, shadow: "keep" | "flush"): Promise<SwitchCost> {
  const { machine } = await createMachine({ boot: linuxBoot(guest), memoryMb: guest.files.memoryMb, shadow });
  if ((await machine.run({ text: PROMPT, instructions: FAR })).reason !== "text") throw new Error(`${guest.id} does not reach its prompt`);
  machine.serial(0).write("yes | while read line; do :; done\n");
  await machine.run({ instructions: machine.instructions + instructions });
  const warm = (await machine.stats()).shadow;
  await machine.run({ instructions: machine.instructions + instructions });
  const whole = (await machine.stats()).shadow;
  const switches = whole.rootSwitches! - warm.rootSwitches!;
  return { switches, hiddenFaultsPerSwitch: (whole.hiddenFaults! - warm.hiddenFaults!) / switches };
}

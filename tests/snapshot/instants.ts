/**
 * A deterministic Linux boot, saved at random instants: each file loads and saves to the same bytes, and the machine that
 * goes on from it is, 10 million instructions later, in the state of the run that never stopped. Used by the spec and, at
 * full count, by `npm run accept -- 3.2`.
 */

import { Machine } from "../../web/machine/machine";
import { MemorySource } from "../../web/snapshot/byte-store";
import { createMachine } from "../boot/machines";
import { type LinuxGuest, linuxBoot } from "../boot/prepared-guests";
import { random } from "../tools/core";
import { snapshotBytes, wasm } from "./small-machine";

/** Every boot here takes longer. */
const BOOT_INSTRUCTIONS = 250_000_000;
const FURTHER = 10_000_000;

export interface InstantsReport {
  readonly instants: number;
  /** Not the same bytes again, by instant. */
  readonly unequalFiles: readonly number[];
  /** Another state after going on. */
  readonly unequalStates: readonly number[];
  readonly largestFile: number;
}

export async function checkInstants(guest: LinuxGuest, count: number, seed = 1): Promise<InstantsReport> {
  const next = random(seed);
  const instants = Array.from({ length: count }, () => next() % BOOT_INSTRUCTIONS).sort((a, b) => a - b);
  const { machine } = await createMachine({ boot: linuxBoot(guest), memoryMb: guest.files.memoryMb });
  const unequalFiles: number[] = [];
  const unequalStates: number[] = [];
  let largestFile = 0;
  /** What the run that never stops has to be, in the order of the instants. */
  const expected: { readonly instant: number; readonly hash: string }[] = [];
  const compareUpTo = async (instructions: number): Promise<void> => {
    while (expected.length > 0 && expected[0]!.instant + FURTHER <= instructions) {
      const { instant, hash } = expected.shift()!;
      await machine.run({ instructions: instant + FURTHER });
      if ((await machine.stateHash()) !== hash) unequalStates.push(instant);
    }
  };
  for (const [n, instant] of instants.entries()) {
    await compareUpTo(instant);
    await machine.run({ instructions: instant });
    const bytes = await snapshotBytes(machine);
    largestFile = Math.max(largestFile, bytes.length);
    // Every third comes page by page, as over a network.
    const copy = await Machine.fromSnapshot(new MemorySource(bytes), { wasm: await wasm(), lazy: n % 3 === 2 });
    if (!Buffer.from(await snapshotBytes(copy)).equals(Buffer.from(bytes))) unequalFiles.push(instant);
    await copy.run({ instructions: instant + FURTHER });
    expected.push({ instant, hash: await copy.stateHash() });
  }
  await compareUpTo(Number.POSITIVE_INFINITY);
  return { instants: count, unequalFiles, unequalStates, largestFile };
}

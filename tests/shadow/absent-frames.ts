/**
 * A boot whose RAM comes one frame at a time, each when it is first touched and some time later, against the same boot
 * with all of it there. The state at the end must be the same, to the bit.
 */
import { createMachine } from "../boot/machines";
import { FAR, type LinuxGuest, linuxBoot, PROMPT } from "../boot/prepared-guests";
import { random } from "../tools/core";

export interface AbsentBoot {
  readonly hash: string;
  readonly frames: number;
  readonly instructions: number;
  readonly reachedPrompt: boolean;
}

/** `seed`: which frames come at once, which after a turn of the event loop, which after a timer. */
export async function bootWithAbsentFrames(guest: LinuxGuest, seed: number, last = FAR): Promise<AbsentBoot> {
  const next = random(seed);
  let frames = 0;
  const zeros = new Uint8Array(4096);
  const { machine } = await createMachine({
    boot: linuxBoot(guest),
    memoryMb: guest.files.memoryMb,
    ramProvider: async () => {
      frames++;
      const delay = next() % 64;
      if (delay === 0) await new Promise((resolve) => setTimeout(resolve, 1));
      else if (delay < 32) await new Promise((resolve) => setImmediate(resolve));
      return zeros;
    },
  });
  const { reason } = await machine.run({ instructions: last, text: PROMPT });
  const delivered = frames;
  return { hash: await machine.stateHash(), frames: delivered, instructions: machine.instructions, reachedPrompt: reason === "text" };
}

/** The same with all frames present. */
export async function bootWithAllFrames(guest: LinuxGuest, last = FAR): Promise<AbsentBoot> {
  const { machine } = await createMachine({ boot: linuxBoot(guest), memoryMb: guest.files.memoryMb });
  const { reason } = await machine.run({ instructions: last, text: PROMPT });
  return { hash: await machine.stateHash(), frames: 0, instructions: machine.instructions, reachedPrompt: reason === "text" };
}

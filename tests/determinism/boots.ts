/** The same Linux boot again and again: cut into slices, or saved and loaded on the way. All must end in the same state. */
import { type Booted, createMachine } from "../boot/machines";
import { FAR, type LinuxGuest, linuxBoot, PROMPT } from "../boot/prepared-guests";

export interface BootEnd {
  readonly hash: string;
  readonly instructions: number;
  readonly reachedPrompt: boolean;
}

export interface BootOptions {
  /** Cut the run every so many instructions. */
  readonly slice?: number;
  /** Save, and go on in a new machine, at each of these instruction counts. */
  readonly moveAt?: readonly number[];
  /** End here even without the prompt. */
  readonly last?: number;
}

export async function bootTo(guest: LinuxGuest, options: BootOptions = {}): Promise<BootEnd> {
  const create = (): Promise<Booted> => createMachine({ boot: linuxBoot(guest), memoryMb: guest.files.memoryMb });
  let { machine } = await create();
  for (const instructions of options.moveAt ?? []) {
    await machine.run({ instructions });
    const state = await machine.save();
    machine = (await create()).machine;
    machine.load(state);
  }
  const slice = options.slice === undefined ? {} : { sliceInstructions: options.slice };
  const { reason } = await machine.run({ text: PROMPT, instructions: options.last ?? FAR, ...slice });
  return { hash: await machine.stateHash(), instructions: machine.instructions, reachedPrompt: reason === "text" };
}

/** A Linux boot that stops every so many instructions and lets the shadow checker (asm/mmu/checker.ts) look. */
import { type Booted, createMachine } from "../boot/machines";
import { FAR, type LinuxGuest, linuxBoot, PROMPT } from "../boot/prepared-guests";

export interface Finding {
  /** Finding of asm/mmu/checker.ts. */
  readonly what: number;
  readonly instructions: number;
  /** Entry's address, linear address, found, expected. */
  readonly report: readonly string[];
}

export interface CheckedBoot extends Booted {
  readonly checks: number;
  readonly finding: Finding | undefined;
  readonly reachedPrompt: boolean;
}

export interface CheckOptions {
  readonly every: number;
  /** Stop here even without the prompt. */
  readonly last?: number;
  /** Mutation of asm/mmu/mutation.ts to seed before the first instruction. */
  readonly mutation?: number;
  /** `--shadow flush`. */
  readonly flush?: boolean;
}

/** What the checker says now, or undefined. */
export function lookAt({ core, machine }: Booted): Finding | undefined {
  const what = core.checkShadow();
  if (what === 0) return undefined;
  const words = new Uint32Array(core.buffer, core.exports.checkReportAddress!(), 5);
  return { what, instructions: machine.instructions, report: Array.from(words.subarray(1), (word) => `0x${word.toString(16)}`) };
}

/** Boots until the shell's prompt, the first finding, or `last`. */
export async function checkedBoot(guest: LinuxGuest, options: CheckOptions): Promise<CheckedBoot> {
  const booted = await createMachine({
    boot: linuxBoot(guest),
    memoryMb: guest.files.memoryMb,
    shadow: options.flush ? "flush" : "keep",
  });
  booted.core.exports.seedMutation!(options.mutation ?? 0);
  const last = options.last ?? FAR;
  for (let checks = 1; ; checks++) {
    const instructions = Math.min(last, checks * options.every);
    const { reason } = await booted.machine.run({ instructions, text: PROMPT });
    const finding = lookAt(booted);
    if (finding || reason !== "instructions" || instructions === last)
      return { ...booted, checks, finding, reachedPrompt: reason === "text" };
  }
}

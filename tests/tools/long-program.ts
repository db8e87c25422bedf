/** Programs of 64-bit code for tests: assembled, wrapped as an unpacked kernel, entered in 64-bit mode at 16 MB with 4 GB mapped to themselves. */
import { assemble } from "../../web/assembler/assemble";
import type { BootConfig } from "../../web/machine/config";
import { elf64 } from "../boot-loaders/images";

export const START = 0x1000000;
/** Where the loader put the PML4 (web/machine/boot/boot-plan.ts). */
export const PML4 = 0x94000;

export interface LongProgram {
  readonly boot: BootConfig;
  readonly labels: ReadonlyMap<string, number>;
  readonly bytes: Uint8Array;
}

/** Throws with the first error of the source. */
export function longProgram(source: string): LongProgram {
  const { bytes, labels, errors } = assemble(`bits 64\norg ${START}\n${source}`);
  if (errors.length > 0) throw new Error(`line ${errors[0]!.line - 2}: ${errors[0]!.message}`);
  const kernel = elf64(BigInt(START), { physical: START, linear: BigInt(START), contents: bytes });
  return { boot: { kind: "linux", kernel, commandLine: "" }, labels, bytes };
}

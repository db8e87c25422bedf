/** The user's own kernel, initrd or boot image, and the machine made of them. */
import type { MachineEntry, MachineSettings } from "./machines";

export interface OwnFile {
  readonly file: File;
  /** What it seems to be. */
  readonly description: string;
}

export interface OwnFiles {
  readonly image: OwnFile | undefined;
  readonly initrd: OwnFile | undefined;
  /** What is wrong with the choice; empty if nothing. */
  readonly message: string;
}

export const NO_FILES: OwnFiles = { image: undefined, initrd: undefined, message: "" };
export const OWN_ID = "own";
export const OWN_DEFAULTS: MachineSettings = { memoryMb: 128, commandLine: "console=ttyS0" };

export function ownMachine(image: OwnFile, initrd: OwnFile | undefined, defaults: MachineSettings): MachineEntry {
  return {
    id: OWN_ID,
    group: "own",
    title: image.file.name,
    description: image.description,
    licence: "",
    boot: "auto",
    image: { kind: "file", name: image.file.name, file: image.file },
    ...(initrd ? { initrd: { kind: "file", name: initrd.file.name, file: initrd.file } } : {}),
    defaults,
    takesCommandLine: true,
  };
}

/** The user's own kernel, initrd or boot image, and the machine made of them. */
import type { ImageKind } from "../protocol/image-kind";
import type { BootKind, FirmwareSources } from "../protocol/recipe";
import type { MachineEntry, MachineSettings } from "./machines";

export interface OwnFile {
  readonly file: File;
  readonly kind: ImageKind;
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

const DRIVE_IMAGES: Partial<Record<ImageKind, BootKind>> = { cd: "cdrom", disk: "disk", floppy: "floppy" };
/** Only firmware boots it. */
export const needsFirmware = (image: OwnFile): boolean => DRIVE_IMAGES[image.kind] !== undefined;

/** `firmware` for what needs it. */
export function ownMachine(
  image: OwnFile,
  initrd: OwnFile | undefined,
  defaults: MachineSettings,
  firmware: FirmwareSources | undefined,
): MachineEntry {
  return {
    id: OWN_ID,
    group: "own",
    title: image.file.name,
    description: image.description,
    licence: "",
    boot: DRIVE_IMAGES[image.kind] ?? "auto",
    image: { kind: "file", name: image.file.name, file: image.file },
    ...(firmware && needsFirmware(image) ? { firmware } : {}),
    ...(initrd && !needsFirmware(image) ? { initrd: { kind: "file", name: initrd.file.name, file: initrd.file } } : {}),
    defaults,
    takesCommandLine: !needsFirmware(image),
  };
}

const PROGRAM_SETTINGS: MachineSettings = { memoryMb: 16, commandLine: "" };

/** A program of the Assembler tab. */
export function programMachine(image: Uint8Array<ArrayBuffer>, kind: "sector" | "flat32", startsPaused: boolean): MachineEntry {
  return {
    id: "program",
    group: "own",
    title: "Assembled program",
    description: kind === "sector" ? "Boot sector" : "Multiboot kernel",
    licence: "",
    boot: kind === "sector" ? "sector" : "multiboot",
    image: { kind: "file", name: "Assembled program", file: new Blob([image]) },
    defaults: PROGRAM_SETTINGS,
    takesCommandLine: false,
    startsPaused,
  };
}

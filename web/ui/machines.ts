/**
 * The machines that the page offers: prepared guests from the manifest, built-in ones, and the user's own files. Each
 * is data; booting turns it into a recipe.
 */

import { MANIFEST_NAME, type Manifest, type PreparedFile, parseManifest } from "../guests/manifest";
import type { CpuModel } from "../lib/cpu-models";

export { sizeText } from "../lib/size-text";

import type { AttachedDisk, DiskBus, DriveBoot, FirmwareSources, ImageSource, Recipe } from "../protocol/recipe";
import type { SnapshotSource } from "../protocol/snapshots";
import type { TypedStep } from "./typed-input";

/** What the user may change before booting. */
export interface MachineSettings {
  readonly memoryMb: number;
  readonly commandLine: string;
  /** Hot code is translated to WebAssembly. */
  readonly isTranslated?: boolean;
  /** Left out: what the machine comes with. */
  readonly cpu?: CpuModel;
  /** With firmware: what it tries first, and the controller of the browser's disks. */
  readonly bootFirst?: DriveBoot;
  readonly diskBus?: DiskBus;
}

/** Do two settings say the same? */
export const isSame = (a: MachineSettings, b: MachineSettings): boolean =>
  a.memoryMb === b.memoryMb &&
  a.commandLine === b.commandLine &&
  (a.isTranslated ?? false) === (b.isTranslated ?? false) &&
  a.cpu === b.cpu &&
  a.bootFirst === b.bootFirst &&
  (a.diskBus ?? "virtio") === (b.diskBus ?? "virtio");

export interface MachineEntry {
  readonly id: string;
  readonly group: "prepared" | "builtin" | "own";
  readonly title: string;
  readonly description: string;
  /** Licence of the guest's software; empty for the user's own. */
  readonly licence: string;
  readonly boot: Recipe["boot"];
  readonly image: ImageSource;
  readonly initrd?: ImageSource;
  /** The image is a CD. */
  readonly firmware?: FirmwareSources;
  /** Follow the initrd where the machine has disks. */
  readonly diskInitrds?: readonly ImageSource[];
  /** What it was booted with. */
  readonly disks?: readonly AttachedDisk[];
  readonly defaults: MachineSettings;
  /** False where the boot protocol has no command line. */
  readonly takesCommandLine: boolean;
  /** It is built, and waits before its first instruction. */
  readonly startsPaused?: boolean;
  /** Goes on with this snapshot instead of booting. */
  readonly resume?: SnapshotSource;
  /** Typed for the user. */
  readonly typed?: readonly TypedStep[];
}

export const LEAST_MEMORY_MB = 1;
export const MOST_MEMORY_MB = 2048;

export function recipeOf(entry: MachineEntry, settings: MachineSettings): Recipe {
  return {
    boot: entry.boot,
    image: entry.image,
    ...(entry.initrd ? { initrd: entry.initrd } : {}),
    ...(entry.firmware ? { firmware: entry.firmware } : {}),
    commandLine: settings.commandLine,
    memoryMb: settings.memoryMb,
    ...(settings.isTranslated ? { isTranslated: true } : {}),
    ...(settings.cpu ? { cpu: settings.cpu } : {}),
    ...(settings.bootFirst ? { bootFirst: settings.bootFirst } : {}),
    ...(settings.diskBus ? { diskBus: settings.diskBus } : {}),
    ...(entry.disks && entry.disks.length > 0 ? { disks: entry.disks, diskInitrds: entry.diskInitrds ?? [] } : {}),
  };
}

/** What it boots from, with the disks that it has. */
export const bootImages = ({ image, initrd, firmware, disks = [], diskInitrds = [] }: MachineEntry): ImageSource[] => [
  image,
  ...(firmware ? [firmware.rom, firmware.videoRom] : []),
  ...(initrd ? [initrd] : []),
  ...(disks.length > 0 ? diskInitrds : []),
];

/** What is sent over the network to boot it, in bytes. */
export function downloadBytes(entry: MachineEntry): number {
  return bootImages(entry).reduce((sum, image) => sum + (image.kind === "url" ? (image.gzip?.bytes ?? image.bytes) : 0), 0);
}

/** The unpacked kernel is preferred: the guest then spares itself its decompression. `folder`: the guests' absolute address, with a slash at its end. */
export function preparedMachines(manifest: Manifest, folder: string): MachineEntry[] {
  const files = new Map(manifest.components.flatMap((component) => component.files).map((file) => [file.path, file]));
  return manifest.guests.map((guest) => {
    const initrd = guest.initrd === undefined ? undefined : files.get(guest.initrd);
    return {
      id: guest.id,
      group: "prepared",
      title: guest.title,
      description: guest.description,
      licence: guest.licence,
      boot: guest.firmware === undefined ? "linux" : "cdrom",
      image: remoteImage(
        files.get(guest.vmlinux ?? guest.kernel)!,
        folder,
        `${guest.title}: ${guest.firmware === undefined ? "kernel" : "CD"}`,
      ),
      ...(guest.firmware !== undefined && guest.videoFirmware !== undefined
        ? {
            firmware: {
              rom: remoteImage(files.get(guest.firmware)!, folder, `${guest.title}: BIOS`),
              videoRom: remoteImage(files.get(guest.videoFirmware)!, folder, `${guest.title}: video BIOS`),
            },
          }
        : {}),
      ...(initrd ? { initrd: remoteImage(initrd, folder, `${guest.title}: initrd`) } : {}),
      ...(guest.diskInitrds
        ? { diskInitrds: guest.diskInitrds.map((path) => remoteImage(files.get(path)!, folder, `${guest.title}: disk tools`)) }
        : {}),
      defaults: { memoryMb: guest.memoryMb, commandLine: guest.commandLine },
      takesCommandLine: guest.firmware === undefined,
    };
  });
}

function remoteImage(file: PreparedFile, folder: string, name: string): ImageSource {
  const urlOf = (path: string): string => folder + path.split("/").map(encodeURIComponent).join("/");
  return {
    kind: "url",
    name,
    url: urlOf(file.path),
    bytes: file.size,
    sha256: file.sha256,
    ...(file.gzip ? { gzip: { url: urlOf(file.gzip.path), bytes: file.gzip.size } } : {}),
  };
}

export type ManifestAnswer =
  | { readonly kind: "found"; readonly manifest: Manifest }
  /** The server has no guests, or it is none of ours. */
  | { readonly kind: "none" }
  | { readonly kind: "unreachable" }
  | { readonly kind: "damaged"; readonly message: string };

/** Asks for the manifest in a folder of guests. Never rejects. */
export async function fetchManifest(folder: string): Promise<ManifestAnswer> {
  let response: Response;
  try {
    response = await fetch(folder + MANIFEST_NAME, { cache: "no-cache" });
  } catch {
    return { kind: "unreachable" };
  }
  // Servers for single-page sites answer every address with a page.
  if (!response.ok || response.headers.get("Content-Type")?.includes("text/html")) return { kind: "none" };
  try {
    return { kind: "found", manifest: parseManifest(await response.text(), "The server's list of guests") };
  } catch (error) {
    return { kind: "damaged", message: error instanceof Error ? error.message : String(error) };
  }
}

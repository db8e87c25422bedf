/**
 * What to boot, as plain data: it crosses from the page to the worker, and later issues put it into links. The worker
 * turns it into bytes and a machine configuration.
 */

import type { CpuModel } from "../lib/cpu-models";

/** Where a file of a recipe comes from. `name` is what people call it, in progress and errors. */
export type ImageSource =
  | {
      readonly kind: "url";
      readonly name: string;
      /** Absolute. */
      readonly url: string;
      /** Size of the contents. */
      readonly bytes: number;
      /** Of the contents, 64 hexadecimal digits. */
      readonly sha256: string;
      /** The same contents in gzip at another address; preferred, being smaller. */
      readonly gzip?: { readonly url: string; readonly bytes: number };
    }
  | { readonly kind: "file"; readonly name: string; readonly file: Blob }
  | { readonly kind: "builtin"; readonly name: string; readonly id: string };

/** Firmware boots the image: a CD, a hard disk, a floppy disk. */
export const DRIVE_BOOTS = ["cdrom", "disk", "floppy"] as const;
export type DriveBoot = (typeof DRIVE_BOOTS)[number];
export const isDriveBoot = (boot: BootKind): boot is DriveBoot => boot === "cdrom" || boot === "disk" || boot === "floppy";
/** `auto`: told apart by the first bytes of the image. */
export type BootKind = "auto" | "sector" | "linux" | "multiboot" | DriveBoot;

/** The ROMs of a machine that starts with firmware. */
export interface FirmwareSources {
  readonly rom: ImageSource;
  readonly videoRom: ImageSource;
}

export const DISK_BUSES = ["virtio", "ide"] as const;
export type DiskBus = (typeof DISK_BUSES)[number];

/** A disk of web/storage/disk-library.ts. */
export interface AttachedDisk {
  readonly id: string;
  readonly name: string;
}

export interface Recipe {
  readonly boot: BootKind;
  /** The boot sector, kernel or multiboot image. */
  readonly image: ImageSource;
  readonly initrd?: ImageSource;
  /** For what firmware boots. */
  readonly firmware?: FirmwareSources;
  readonly commandLine: string;
  readonly memoryMb: number;
  /** Hot code is translated to WebAssembly (`accel: "jit"`). */
  readonly isTranslated?: boolean;
  /** Default: what the kernel needs. */
  readonly cpu?: CpuModel;
  /** What firmware tries first. Default: what the machine was made to boot. */
  readonly bootFirst?: DriveBoot;
  /** The controller of the browser's disks, where there is firmware. Default virtio. */
  readonly diskBus?: DiskBus;
  /** Disks of this browser, in the guest's order. */
  readonly disks?: readonly AttachedDisk[];
  /** Follow the initrd where there are disks. */
  readonly diskInitrds?: readonly ImageSource[];
}

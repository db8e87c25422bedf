/** Drives of the board beside virtio's: two floppy drives, four on IDE. */
import type { BlockDevice } from "../storage/block-device";

/** Floppy drives A and B; IDE primary master and slave, secondary master and slave. */
export const DRIVE_SLOTS = ["fda", "fdb", "hda", "hdb", "hdc", "hdd"] as const;
export type DriveSlot = (typeof DRIVE_SLOTS)[number];

/** What firmware may boot from. */
export const BOOT_DEVICES = ["floppy", "disk", "cdrom"] as const;
export type BootDevice = (typeof BOOT_DEVICES)[number];

export interface DriveConfig {
  readonly slot: DriveSlot;
  /** `floppy` in fda and fdb, the others elsewhere. */
  readonly media: BootDevice;
  /** Left out: a removable drive without a medium. */
  readonly disk?: BlockDevice | undefined;
}

export const isFloppySlot = (slot: DriveSlot): boolean => slot === "fda" || slot === "fdb";

/** Drives of the board beside virtio's: two floppy drives, four on IDE. */
import type { BlockDevice } from "../storage/block-device";
import { cylindersOf } from "./devices/ata-identity";
import { DEFAULT_FLOPPY, floppyGeometry } from "./devices/floppy-geometry";
import type { IdePlace } from "./devices/ide";
import { AtaDisk, CdRom } from "./devices/ide-commands";

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

/** On IDE: 0 to 3, primary master to secondary slave. */
export const placeOf = (slot: DriveSlot): number => DRIVE_SLOTS.indexOf(slot) - 2;

/** What is on the two cables: primary master and slave, secondary master and slave. `onTray`: a guest wants its disc out. */
export function idePlaces(drives: readonly DriveConfig[], onTray: (slot: DriveSlot) => void): (IdePlace | undefined)[] {
  const places: (IdePlace | undefined)[] = [undefined, undefined, undefined, undefined];
  for (const { slot, media, disk } of drives) {
    if (isFloppySlot(slot)) continue;
    const serial = `vitrine-${slot}`;
    places[placeOf(slot)] = {
      commands: media === "cdrom" ? new CdRom(serial, (_drive, isOut) => isOut && onTray(slot)) : new AtaDisk(serial),
      disk,
    };
  }
  return places;
}

/** What is in floppy drives A and B. */
export const floppyDisks = (drives: readonly DriveConfig[]): (BlockDevice | undefined)[] =>
  (["fda", "fdb"] as const).map((slot) => drives.find((drive) => drive.slot === slot)?.disk);

/** Drive types as CMOS cell 10h has them. There is always a drive A, B where it was asked for; an empty one is for 1.44 MB. */
export function floppyTypes(drives: readonly DriveConfig[]): number[] {
  const typeOf = (disk: BlockDevice | undefined): number => ((disk && floppyGeometry(disk.bytes)) ?? DEFAULT_FLOPPY).driveType;
  const [a, b] = floppyDisks(drives);
  return [typeOf(a), ...(drives.some(({ slot }) => slot === "fdb") ? [typeOf(b)] : [])];
}

/** Cylinders of a disk beyond which BIOS calls need another geometry. */
const MOST_BIOS_CYLINDERS = 1024;

/** CMOS cell 39h: two bits an IDE place, 1 where BIOS calls count by a translated geometry (LBA). */
export function translations(drives: readonly DriveConfig[]): number {
  let bits = 0;
  for (const { slot, media, disk } of drives)
    if (media === "disk" && cylindersOf(Math.floor(disk!.bytes / 512)) > MOST_BIOS_CYLINDERS) bits |= 1 << (2 * placeOf(slot));
  return bits;
}

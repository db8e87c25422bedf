/** Machines that start with firmware and boot an image: a CD, an IDE disk or a floppy disk. Disks of this browser are on virtio or IDE. */
import { ImageUnreadable } from "../lib/errors";
import type { MachineConfig } from "../machine/config";
import { CD_BLOCK } from "../machine/devices/atapi";
import type { DriveConfig } from "../machine/drives";
import { DRIVE_BOOTS, type DriveBoot, type ImageSource, type Recipe } from "../protocol/recipe";
import type { BlockDevice } from "../storage/block-device";
import { MemoryDisk } from "../storage/memory-disk";
import { ReadOnlyView } from "../storage/read-only-view";

const SECTOR = 512;
const SLOTS = { cdrom: "hdc", disk: "hda", floppy: "fda" } as const;

/** On IDE beside a CD drive. */
const HARD_DISK_SLOTS = ["hda", "hdb", "hdd"] as const;

/**
 * What a disk or floppy disk is written is in memory, and in snapshots; the image file stays as it is. There is a CD drive and a
 * floppy drive in any case, for media that come later. Throws ImageUnreadable.
 */
export async function firmwareMachine(
  recipe: Recipe & { readonly boot: DriveBoot },
  image: Uint8Array,
  disks: readonly BlockDevice[],
  load: (source: ImageSource) => Promise<Uint8Array>,
): Promise<MachineConfig> {
  const { boot: media, firmware, memoryMb, isTranslated, cpu, bootFirst = media } = recipe;
  if (!firmware) throw new ImageUnreadable(recipe.image.name, "It needs firmware to boot.", "Prepare the guest grub on the server.");
  const [rom, videoRom] = await Promise.all([load(firmware.rom), load(firmware.videoRom)]);
  const unit = media === "cdrom" ? CD_BLOCK : SECTOR;
  const memory = new MemoryDisk(Math.ceil(image.length / unit) * unit, { name: recipe.image.name, contents: image });
  const boots: DriveConfig = { slot: SLOTS[media], media, disk: media === "cdrom" ? new ReadOnlyView(memory) : memory };
  const drives: DriveConfig[] = media === "cdrom" ? [boots] : [boots, { slot: SLOTS.cdrom, media: "cdrom" }];
  if (recipe.diskBus === "ide") {
    const free = HARD_DISK_SLOTS.filter((slot) => slot !== boots.slot);
    if (disks.length > free.length)
      throw new ImageUnreadable(
        "disks",
        `There is room for ${free.length} on IDE beside what it boots.`,
        "Detach some, or put them on virtio.",
      );
    drives.push(...disks.map((disk, n): DriveConfig => ({ slot: free[n]!, media: "disk", disk })));
  }
  return {
    boot: { kind: "firmware", rom, videoRom, bootOrder: [bootFirst, ...DRIVE_BOOTS.filter((kind) => kind !== bootFirst)] },
    ...{ memoryMb, cpu, disks: recipe.diskBus === "ide" ? [] : disks, drives, accel: isTranslated ? "jit" : "interp" },
  };
}

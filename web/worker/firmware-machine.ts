/** Machines that start with firmware and boot one image: a CD, an IDE disk or a floppy disk. Disks of this browser are on virtio. */
import { ImageUnreadable } from "../lib/errors";
import type { MachineConfig } from "../machine/config";
import { CD_BLOCK } from "../machine/devices/atapi";
import type { DriveConfig } from "../machine/drives";
import type { DriveBoot, ImageSource, Recipe } from "../protocol/recipe";
import type { BlockDevice } from "../storage/block-device";
import { MemoryDisk } from "../storage/memory-disk";
import { ReadOnlyView } from "../storage/read-only-view";

const SECTOR = 512;
const SLOTS = { cdrom: "hdc", disk: "hda", floppy: "fda" } as const;

/** What a disk or floppy disk is written is in memory, and in snapshots; the image file stays as it is. Throws ImageUnreadable. */
export async function firmwareMachine(
  recipe: Recipe & { readonly boot: DriveBoot },
  image: Uint8Array,
  disks: readonly BlockDevice[],
  load: (source: ImageSource) => Promise<Uint8Array>,
): Promise<MachineConfig> {
  const { boot: media, firmware, memoryMb, isTranslated } = recipe;
  if (!firmware) throw new ImageUnreadable(recipe.image.name, "It needs firmware to boot.", "Prepare the guest grub on the server.");
  const [rom, videoRom] = await Promise.all([load(firmware.rom), load(firmware.videoRom)]);
  const unit = media === "cdrom" ? CD_BLOCK : SECTOR;
  const memory = new MemoryDisk(Math.ceil(image.length / unit) * unit, { name: recipe.image.name, contents: image });
  const drive: DriveConfig = { slot: SLOTS[media], media, disk: media === "cdrom" ? new ReadOnlyView(memory) : memory };
  return {
    boot: { kind: "firmware", rom, videoRom, bootOrder: [media] },
    ...{ memoryMb, disks, drives: [drive], accel: isTranslated ? "jit" : "interp" },
  };
}

/** The page's drives: media put in, taken out and given back as images, and which drives are at work. */
import { ImageUnreadable } from "../lib/errors";
import { CD_BLOCK } from "../machine/devices/atapi";
import type { DriveSlot } from "../machine/drives";
import type { Machine } from "../machine/machine";
import type { Handlers } from "../protocol/channel";
import type { DriveState, MediumSource } from "../protocol/drives";
import type { ImageSource } from "../protocol/recipe";
import { type BlockDevice, CHUNK_BYTES } from "../storage/block-device";
import { MemoryDisk } from "../storage/memory-disk";
import { ReadOnlyView } from "../storage/read-only-view";

const SECTOR = 512;
/** Read at once, on the way to an image. */
const PIECE_BYTES = 16 * CHUNK_BYTES;

export interface DriveServiceParts {
  readonly machine: () => Machine;
  readonly load: (source: ImageSource) => Promise<Uint8Array>;
  /** The machine stands still while it has been told true more often than false. */
  readonly hold: (on: boolean) => void;
}

export class DriveService {
  readonly #parts: DriveServiceParts;
  /** As of the last look, by slot. */
  #accesses = new Map<string, number>();

  constructor(parts: DriveServiceParts) {
    this.#parts = parts;
  }

  readonly handlers: Pick<Handlers, "change-medium" | "export-medium"> = {
    "change-medium": async ({ slot, medium, force }) => {
      const { media } = this.#parts.machine();
      const drive = media.drives.find((each) => each.slot === slot);
      await media.change(slot as DriveSlot, medium ? await this.#open(medium, drive?.media === "cdrom") : undefined, { force });
      return { drives: this.look() };
    },
    "export-medium": async ({ slot }) => {
      const machine = this.#parts.machine();
      const disk = machine.config.drives.find((drive) => drive.slot === slot)?.disk;
      if (!disk) throw new ImageUnreadable(slot, "The drive is empty.", "");
      this.#parts.hold(true);
      try {
        await machine.disksQuiet();
        const pieces: Blob[] = [];
        for (let offset = 0; offset < disk.bytes; offset += PIECE_BYTES) {
          const piece = await disk.read(offset, Math.min(PIECE_BYTES, disk.bytes - offset));
          pieces.push(new Blob([piece as Uint8Array<ArrayBuffer>]));
        }
        return { image: new Blob(pieces) };
      } finally {
        this.#parts.hold(false);
      }
    },
  };

  async #open(medium: NonNullable<MediumSource>, isCd: boolean): Promise<BlockDevice> {
    if (medium.kind === "blank") return new MemoryDisk(medium.bytes, { name: medium.name });
    const contents = await this.#parts.load(medium);
    const unit = isCd ? CD_BLOCK : SECTOR;
    if (contents.length === 0) throw new ImageUnreadable(medium.name, "It is empty.", "Choose another image.");
    const disk = new MemoryDisk(Math.ceil(contents.length / unit) * unit, { name: medium.name, contents });
    return isCd ? new ReadOnlyView(disk) : disk;
  }

  /** Every drive; `isActive`: since the last look. */
  look(): DriveState[] {
    const before = this.#accesses;
    const drives = this.#parts.machine().media.drives;
    this.#accesses = new Map(drives.map(({ slot, accesses }) => [slot, accesses]));
    return drives.map(({ accesses, ...drive }) => ({ ...drive, isActive: accesses !== (before.get(drive.slot) ?? 0) && accesses > 0 }));
  }
}

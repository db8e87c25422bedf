/**
 * Drives while the machine runs: media put in and taken out, by the user or by a guest that opens its tray. What a user
 * changes is an input of the run that going back in time does not cross: the medium is outside the machine.
 */
import { BadArgument } from "../lib/errors";
import type { BlockDevice } from "../storage/block-device";
import type { ResolvedConfig } from "./config";
import { floppyGeometry, MOST_FLOPPY_BYTES } from "./devices/floppy-geometry";
import { type BootDevice, DRIVE_SLOTS, type DriveConfig, type DriveSlot, isFloppySlot, placeOf } from "./drives";
import type { History } from "./history";
import type { Pc } from "./pc";
import type { Scheduler } from "./scheduler";

export interface DriveView {
  readonly slot: DriveSlot;
  readonly media: BootDevice;
  /** The name of what is in it. */
  readonly medium: string | undefined;
  readonly isRemovable: boolean;
  /** The guest has locked the tray. */
  readonly isLocked: boolean;
  /** Requests that the drive has given to its medium since that was put in. */
  readonly accesses: number;
}

interface Parts {
  readonly config: ResolvedConfig;
  readonly pc: Pc;
  readonly history: History;
  readonly scheduler: Scheduler;
  readonly isRunning: () => boolean;
  readonly tick: () => number;
  readonly heard: (tick: number, slot: DriveSlot, medium: string | null) => void;
}

export class Media {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
    parts.pc.onTray = (slot) => this.#apply(slot, undefined);
  }

  /** Every drive of the board beside virtio's, by slot; drive A is there with firmware in any case. */
  get drives(): DriveView[] {
    const { pc } = this.#parts;
    return this.#configs.map(({ slot, media, disk }) => {
      const drive = isFloppySlot(slot) ? undefined : pc.ide?.drive(placeOf(slot));
      return {
        ...{ slot, media, medium: disk?.name, isRemovable: media !== "disk", isLocked: drive?.isLocked ?? false },
        accesses: (isFloppySlot(slot) ? pc.floppy?.accesses(DRIVE_SLOTS.indexOf(slot)) : drive?.accesses) ?? 0,
      };
    });
  }

  get #configs(): readonly DriveConfig[] {
    const { config, pc } = this.#parts;
    if (!pc.floppy || config.drives.some(({ slot }) => slot === "fda")) return config.drives;
    return [{ slot: "fda", media: "floppy" }, ...config.drives];
  }

  /**
   * Another medium, or none: at once, or between two instructions of a running machine; resolves to what was in the drive, which is the caller's again. Without
   * `force` a tray that the guest has locked stays closed, and the guest is told that somebody wants the disc. Rejects with
   * BadArgument.
   */
  async change(slot: DriveSlot, disk: BlockDevice | undefined, { force = false } = {}): Promise<BlockDevice | undefined> {
    const drive = this.#configs.find((each) => each.slot === slot);
    if (!drive) throw new BadArgument("slot", `${slot}: this machine has no such drive.`);
    if (drive.media === "disk") throw new BadArgument("slot", `${slot}: a hard disk stays where it is while the machine runs.`);
    if (drive.media === "floppy" && disk && floppyGeometry(disk.bytes) === undefined)
      throw new BadArgument("disk", `${disk.name} has ${disk.bytes} bytes; give a floppy disk of at most ${MOST_FLOPPY_BYTES} bytes.`);
    const { history, scheduler, isRunning, tick } = this.#parts;
    history.branch();
    if (!isRunning()) return this.#changeNow(slot, disk, force, tick());
    return new Promise((resolve, reject) =>
      scheduler.input((now) => {
        try {
          resolve(this.#changeNow(slot, disk, force, now));
        } catch (error) {
          reject(error);
        }
      }),
    );
  }

  #changeNow(slot: DriveSlot, disk: BlockDevice | undefined, force: boolean, tick: number): BlockDevice | undefined {
    const { history, pc, heard } = this.#parts;
    const ide = isFloppySlot(slot) ? undefined : pc.ide?.drive(placeOf(slot));
    if (ide?.isLocked && !force) {
      ide.wantOut();
      history.heard();
      throw new BadArgument("slot", `${slot}: the guest has locked the drive, and was told that you want the disc.`);
    }
    heard(tick, slot, disk?.name ?? null);
    const before = this.#apply(slot, disk);
    history.heard();
    return before;
  }

  #apply(slot: DriveSlot, disk: BlockDevice | undefined): BlockDevice | undefined {
    const { pc, history, config } = this.#parts;
    const followed = disk && history.disks.follow(disk);
    if (isFloppySlot(slot)) pc.floppy!.change(DRIVE_SLOTS.indexOf(slot), followed);
    else pc.ide!.drive(placeOf(slot))!.change(followed);
    // Snapshots are made of the configuration.
    const drives = config.drives as DriveConfig[];
    const n = drives.findIndex((each) => each.slot === slot);
    const before = drives[n]?.disk;
    if (n >= 0) drives[n] = { ...drives[n]!, disk };
    else drives.unshift({ slot, media: "floppy", disk });
    return before;
  }
}

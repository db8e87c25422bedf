/**
 * The disks of the page's machine: opened from this browser's library or put into it, kept in step with the machine's
 * memory, and flushed when the machine ends.
 */
import { DiskFailed, isEmulatorError } from "../lib/errors";
import type { KeptDisk } from "../lib/kept";
import type { Machine } from "../machine/machine";
import type { Send } from "../protocol/channel";
import type { AttachedDisk } from "../protocol/recipe";
import type { BlockDevice } from "../storage/block-device";
import { DiskLibrary } from "../storage/disk-library";
import { PatientDisk } from "../storage/patient-disk";
import { ReadOnlyView } from "../storage/read-only-view";
import type { StoredDisk } from "../storage/stored-disk";
import type { KeeperDisks } from "./keeper";

/** Trouble of one machine that is told; a guest repeats itself. */
const MOST_TOLD = 3;
const FULL = "Storage is full: the machine stands still";

interface Attached {
  readonly id: string;
  readonly disk: StoredDisk;
  /** As the machine has it. */
  readonly device: BlockDevice;
}

export class AttachedDisks implements KeeperDisks {
  readonly #send: Send;
  readonly #library: DiskLibrary;
  readonly #hold: (on: boolean) => void;
  #attached: Attached[] = [];

  /** `hold`: the machine stands still while it has been told true more often than false. */
  constructor(send: Send, hold: (on: boolean) => void, library = new DiskLibrary()) {
    this.#send = send;
    this.#hold = hold;
    this.#library = library;
  }

  /** In the guest's order. Throws DiskFailed, and then none stays open. */
  async open(disks: readonly AttachedDisk[]): Promise<readonly BlockDevice[]> {
    try {
      for (const { id } of disks) this.#attach(id, await this.#library.open(id));
    } catch (error) {
      await this.#giveUp();
      throw error;
    }
    return this.#attached.map(({ device }) => device);
  }

  #attach(id: string, disk: StoredDisk): BlockDevice {
    const device = new PatientDisk(disk, (isFull) => {
      this.#hold(isFull);
      this.#tell(
        FULL,
        isFull
          ? `${disk.name} cannot be written. Delete a disk or a kept machine, or free space on this computer: the machine then goes on by itself, and nothing is lost.`
          : "",
      );
    });
    this.#attached.push({ id, disk, device });
    return device;
  }

  async #giveUp(): Promise<void> {
    for (const { disk } of this.#attached.splice(0)) await disk.close().catch(() => {});
  }

  /** Those of a kept machine, as they were when it was kept. Throws DiskFailed, and then none stays open. */
  async openKept(disks: readonly KeptDisk[]): Promise<readonly BlockDevice[]> {
    const opened = await this.open(disks);
    try {
      for (const [n, { mark, name }] of disks.entries()) {
        const { disk } = this.#attached[n]!;
        if (disk.readOnly)
          throw new DiskFailed(
            name,
            "in-use",
            "a machine in another tab writes to it, or another disk builds upon it.",
            "Switch that machine off, or delete that disk, then continue this one.",
          );
        await disk.goBack(mark);
      }
    } catch (error) {
      await this.#giveUp();
      throw error;
    }
    return opened;
  }

  /** A new disk of the library for one of a snapshot. Throws DiskFailed. */
  async create({
    name,
    bytes,
    readOnly,
  }: {
    readonly name: string;
    readonly bytes: number;
    readonly readOnly: boolean;
  }): Promise<BlockDevice> {
    const { id } = await this.#library.create(name, bytes);
    const device = this.#attach(id, await this.#library.open(id));
    return readOnly ? new ReadOnlyView(device) : device;
  }

  /** Takes those that `create` has made out of the library again. */
  async discard(): Promise<void> {
    const ids = this.#attached.map(({ id }) => id);
    await this.#giveUp();
    for (const id of ids) await this.#library.remove(id).catch(() => {});
  }

  /** Whether each of so many disks of the machine is here, and this machine writes to it. */
  canKeep(count: number): boolean {
    return this.#attached.length === count && this.#attached.every(({ disk }) => !disk.readOnly);
  }

  async mark(): Promise<readonly KeptDisk[]> {
    const kept: KeptDisk[] = [];
    for (const { id, disk } of this.#attached) kept.push({ id, name: disk.name, mark: await disk.mark() });
    return kept;
  }

  async forgetBefore(kept: readonly KeptDisk[]): Promise<void> {
    for (const { id, mark } of kept) await this.#attached.find((each) => each.id === id)?.disk.forgetMarksBefore(mark);
  }

  /** Tells the page what it should know, and makes durable what a machine that ended has written. */
  follow(machine: Machine): void {
    const disks = this.#attached.map(({ disk }) => disk);
    const busy = disks.filter(({ readOnly }) => readOnly).map(({ name }) => name);
    if (busy.length > 0)
      this.#tell(
        `${busy.join(", ")}: read-only`,
        "A machine in another tab writes to this disk, or another disk builds upon it, so this machine may only read it. To write here, switch that machine off, or attach that other disk, and boot again.",
      );
    let told = 0;
    machine.onLog(({ device, level, message }) => {
      if (level === "info" && device.startsWith("virtio-blk") && told++ < MOST_TOLD)
        this.#tell("A disk could not be used", `${message} The guest was told that its request failed.`);
    });
    machine.onExit(() => {
      for (const disk of disks)
        disk
          .flush()
          .catch((error: unknown) => this.#tell("A disk could not be stored", isEmulatorError(error) ? error.message : String(error)));
    });
  }

  #tell(title: string, text: string): void {
    this.#send({ type: "disk-trouble", title, text });
  }
}

/** Linux unpacks several archives in a row, each over the ones before. */
export function joined(parts: readonly Uint8Array[]): Uint8Array | undefined {
  if (parts.length < 2) return parts[0];
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

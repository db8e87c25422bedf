/** The disks of the page's machine: opened from this browser's library, and flushed when the machine ends. */
import { isEmulatorError } from "../lib/errors";
import type { Machine } from "../machine/machine";
import type { Send } from "../protocol/channel";
import type { AttachedDisk } from "../protocol/recipe";
import type { BlockDevice } from "../storage/block-device";
import { DiskLibrary } from "../storage/disk-library";

/** Trouble of one machine that is told; a guest repeats itself. */
const MOST_TOLD = 3;

export class AttachedDisks {
  readonly #send: Send;
  readonly #library: Pick<DiskLibrary, "open">;
  #disks: BlockDevice[] = [];

  constructor(send: Send, library: Pick<DiskLibrary, "open"> = new DiskLibrary()) {
    this.#send = send;
    this.#library = library;
  }

  /** In the guest's order. Throws DiskFailed, and then none stays open. */
  async open(disks: readonly AttachedDisk[]): Promise<readonly BlockDevice[]> {
    try {
      for (const { id } of disks) this.#disks.push(await this.#library.open(id));
    } catch (error) {
      for (const disk of this.#disks.splice(0)) await disk.close().catch(() => {});
      throw error;
    }
    return this.#disks;
  }

  /** Tells the page what it should know, and makes durable what a machine that ended has written. */
  follow(machine: Machine): void {
    const busy = this.#disks.filter(({ readOnly }) => readOnly).map(({ name }) => name);
    if (busy.length > 0)
      this.#tell(
        `${busy.join(", ")}: read-only`,
        "A machine in another tab writes to this disk, so this one may only read it. To write here, switch that machine off and boot again.",
      );
    let told = 0;
    machine.onLog(({ device, level, message }) => {
      if (level === "info" && device.startsWith("virtio-blk") && told++ < MOST_TOLD)
        this.#tell("A disk could not be used", `${message} The guest was told that its request failed.`);
    });
    machine.onExit(() => {
      for (const disk of this.#disks)
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

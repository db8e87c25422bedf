/**
 * A published machine in the page: starts with the small snapshot, and takes the rest from its server when the guest
 * touches it, and in the background when it is quiet. A server that does not answer makes the guest wait, which it does not notice.
 */
import { SnapshotIncompatible } from "../lib/errors";
import { Machine, type MachineOptions } from "../machine/machine";
import type { Send } from "../protocol/channel";
import type { SnapshotSource } from "../protocol/snapshots";
import { BlobSource } from "../snapshot/byte-store";
import { snapshotDisk } from "../snapshot/snapshot-disk";
import { SnapshotFile } from "../snapshot/snapshot-file";
import { OverlayDisk } from "../storage/overlay-disk";
import { RangeSource } from "../storage/range-source";

const TELL_EVERY_MS = 250;
/** A guest that has asked for nothing for so long has what it needs. */
const QUIET_MS = 4000;
/** Half a megabyte. */
const AHEAD_BLOCKS = 128;
const MOST_QUIET_WAITS = 10;

export type PublishedSource = Extract<SnapshotSource, { readonly kind: "published" }>;

export interface PublishedMachine {
  readonly machine: Machine;
  /** Brings all of its memory and disks; resolves when they are here, or the machine has ended. */
  bringAll(): Promise<void>;
}

/** Throws SnapshotIncompatible, DownloadFailed. */
export async function openPublished({ hot, whole }: PublishedSource, options: MachineOptions, send: Send): Promise<PublishedMachine> {
  let waiting: string | undefined;
  let toldAt = 0;
  let progress = { done: 0, total: 1 };
  const tell = (): void => send({ type: "fetched", ...progress, waiting });
  const onWaiting = (reason: string | undefined): void => {
    waiting = reason;
    tell();
  };
  const source = await RangeSource.open(whole.url, { size: whole.bytes, onWaiting });
  // What the guest touches lies here and there.
  source.ahead = 0;
  const parent = await SnapshotFile.open(source);
  if (parent.id !== whole.id) throw new SnapshotIncompatible("file", "the server has another file by now. Open the link again.");
  const file = await SnapshotFile.open(new BlobSource(hot), { parent });
  const machine = await Machine.fromSnapshot(file, {
    ...options,
    lazy: true,
    disk: (record, n) => new OverlayDisk(snapshotDisk(file.disk(n), record), record.readOnly),
    disksAreFilled: true,
  });
  const follow =
    (share: number, of: number) =>
    (done: number, total: number): void => {
      progress = { done: share + Math.floor((done / Math.max(1, total)) * of), total: 1000 };
      const now = performance.now();
      if (done < total && now - toldAt < TELL_EVERY_MS) return;
      toldAt = now;
      tell();
    };
  return {
    machine,
    bringAll: async () => {
      tell();
      // The line belongs to what the guest touches first.
      for (let before = -1, waits = 0; before !== source.fetchedBytes && waits < MOST_QUIET_WAITS; waits++) {
        before = source.fetchedBytes;
        await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
      }
      source.ahead = AHEAD_BLOCKS;
      const { disks } = machine;
      const goesOn = (): boolean => machine.state !== "ended";
      await machine.frames.bringAll(follow(0, disks.length > 0 ? 500 : 1000), goesOn);
      for (const [n, disk] of disks.entries()) {
        const tellDisk = follow(500 + (500 * n) / disks.length, 500 / disks.length);
        if (disk instanceof OverlayDisk) await disk.bringAll(tellDisk, goesOn);
      }
      progress = { done: 1, total: 1 };
      tell();
    },
  };
}

/** The worker's part of snapshots: opens one as a machine, writes one, has one kept. Knows nothing of workers. */
import { AssertionFailed, BadArgument } from "../lib/errors";
import { Machine, type MachineOptions } from "../machine/machine";
import type { CapturedSnapshot, SaveSnapshotOptions } from "../machine/snapshotting";
import type { Handlers, Send } from "../protocol/channel";
import type { Created } from "../protocol/commands";
import type { Saved, SaveHandle } from "../protocol/snapshots";
import { BlobSource, type ByteSink, MemorySink } from "../snapshot/byte-store";
import type { ComponentRecord } from "../snapshot/manifest";
import { SnapshotFile } from "../snapshot/snapshot-file";
import { chunkLength } from "../storage/block-device";
import type { AttachedDisks } from "./attached-disks";
import { Keeper } from "./keeper";
import { claimSlot, type KeptMachine, openKept } from "./kept-store";
import { openPublished, type PublishedSource } from "./published-machine";

export interface SnapshotServiceOptions {
  readonly send: Send;
  machine(): Machine | undefined;
  /** How machines are made here. */
  machineOptions(): Promise<MachineOptions>;
  /** The machine is this one from now on. */
  adopt(machine: Machine): Created;
  readonly disks: AttachedDisks;
  /** Stands still while it has been told true more often than false. */
  hold(on: boolean): void;
}

type SnapshotHandlers = Pick<Handlers, "resume" | "save-snapshot" | "measure-snapshot" | "keep" | "keep-now">;
const PROGRESS_MS = 100;
const FRAME_BYTES = 4096;

export class SnapshotService {
  readonly #options: SnapshotServiceOptions;
  #keeper: Keeper | undefined;
  /** Resolves when all of the machine is here. */
  #arriving: Promise<void> = Promise.resolve();

  constructor(options: SnapshotServiceOptions) {
    this.#options = options;
  }

  readonly handlers: SnapshotHandlers = {
    resume: async ({ source }) => {
      if (source.kind === "published") return this.#resumePublished(source);
      const kept = source.kind === "kept" ? await this.#openKept(source.slot) : undefined;
      const file = source.kind === "blob" ? await SnapshotFile.open(new BlobSource(source.blob)) : kept!.file;
      const tell = this.#progress((done, total) => ({
        type: "progress",
        progress: { step: "check", name: file.manifest.title, done, total },
      }));
      const options = { ...(await this.#options.machineOptions()), onProgress: tell };
      const { disks } = this.#options;
      if (kept && kept.disks.length > 0) {
        const opened = await disks.openKept(kept.disks);
        return this.#options.adopt(await Machine.fromSnapshot(file, { ...options, disk: (_, n) => opened[n]!, disksAreFilled: true }));
      }
      if (source.kind === "kept" || !source.keepDisks) return this.#options.adopt(await Machine.fromSnapshot(file, options));
      try {
        return this.#options.adopt(await Machine.fromSnapshot(file, { ...options, disk: (record) => disks.create(record) }));
      } catch (error) {
        await disks.discard();
        throw error;
      }
    },
    "save-snapshot": async ({ title, components, target }) => {
      const machine = this.#machine;
      const tell = this.#progress((done, total) => ({ type: "saving", done, total: done < total ? total : 0 }));
      // What disks hold is written while they stand still; memory is kept as it is now while the guest goes on.
      const holds = machine.disks.length > 0;
      if (holds) this.#options.hold(true);
      const saved: Savable = holds ? { save: (sink, options) => machine.saveSnapshot(sink, options), drop: () => {} } : machine.capture();
      try {
        const options = { title, ...(components ? { components: components as readonly ComponentRecord[] } : {}), onProgress: tell };
        return target ? await saveTo(target, saved, options) : await saveToBlob(saved, options);
      } finally {
        saved.drop();
        if (holds) this.#options.hold(false);
        this.#options.send({ type: "saving", done: 0, total: 0 });
      }
    },
    "measure-snapshot": async () => {
      const machine = this.#machine;
      let bytes = machine.frames.usedCount * FRAME_BYTES;
      for (const disk of machine.disks) for await (const index of disk.dataChunks()) bytes += chunkLength(disk.bytes, index);
      return { bytes };
    },
    keep: async ({ slot, title, components }) => {
      const machine = this.#machine;
      const { disks, hold } = this.#options;
      if (!("indexedDB" in globalThis) || !disks.canKeep(machine.disks.length)) return { kept: false };
      if (!(await claimSlot(slot))) return { kept: false };
      await this.#arriving;
      this.#keeper = new Keeper({
        machine,
        slot,
        title,
        components: components as readonly ComponentRecord[] | undefined,
        disks,
        hold,
        onFailed: (reason) => this.#options.send({ type: "keep-failed", reason }),
      });
      return { kept: true };
    },
    "keep-now": async () => {
      await this.#keeper?.keepNow();
      return null;
    },
  };

  async #resumePublished(source: PublishedSource): Promise<Created> {
    const { machineOptions, send, adopt } = this.#options;
    const { machine, bringAll } = await openPublished(source, await machineOptions(), send);
    this.#arriving = bringAll().catch((error: unknown) => {
      // What is missing is asked for again when the guest touches it, and then the machine ends with the reason.
      send({ type: "fetched", done: 0, total: 1, waiting: error instanceof Error ? error.message : String(error) });
      return new Promise<never>(() => {});
    });
    return adopt(machine);
  }

  /** The user paused the machine, or it has ended. */
  stopped(): void {
    void this.#keeper?.stopped();
  }

  get #machine(): Machine {
    const machine = this.#options.machine();
    if (!machine) throw new AssertionFailed("the page saves a machine that exists");
    return machine;
  }

  async #openKept(slot: string): Promise<KeptMachine> {
    if (!(await claimSlot(slot)))
      throw new BadArgument("This machine", "it is already continued in another tab. Use that one, or close it and try again.");
    return openKept(slot);
  }

  #progress(event: (done: number, total: number) => Parameters<Send>[0]): (done: number, total: number) => void {
    let toldAt = 0;
    return (done, total) => {
      const now = performance.now();
      if (done < total && now - toldAt < PROGRESS_MS) return;
      toldAt = now;
      this.#options.send(event(done, total));
    };
  }
}

type Savable = CapturedSnapshot;

async function saveTo(target: SaveHandle, machine: Savable, options: SaveSnapshotOptions): Promise<Saved> {
  const stream = await target.createWritable();
  const sink: ByteSink = { write: (position, data) => stream.write({ type: "write", position, data }) };
  try {
    const { size } = await machine.save(sink, options);
    await stream.close();
    return { bytes: size, blob: null };
  } catch (error) {
    await stream.abort().catch(() => {});
    throw error;
  }
}

async function saveToBlob(machine: Savable, options: SaveSnapshotOptions): Promise<Saved> {
  const sink = new MemorySink();
  const { size } = await machine.save(sink, options);
  return { bytes: size, blob: sink.toBlob() };
}

/**
 * Keeps a running machine in the browser's database: a whole snapshot first, then what has changed since, at most every
 * 30 s of running, when the user pauses and when the page goes out of sight. The guest goes on meanwhile.
 */
import type { KeptDisk, KeptHead } from "../lib/kept";
import type { Machine } from "../machine/machine";
import type { CapturedSnapshot } from "../machine/snapshotting";
import type { WriteTracker } from "../machine/write-tracker";
import { MemorySink } from "../snapshot/byte-store";
import type { ComponentRecord } from "../snapshot/manifest";
import type { WrittenSnapshot } from "../snapshot/writer";
import { forgetKept, putBase, putDelta } from "./kept-store";

/** What a crash may cost. */
const EVERY_MS = 30_000;
const LOOK_EVERY_MS = 1000;
/** The first is worth waiting for until the machine has something to lose. */
const FIRST_AFTER_MS = 10_000;
/** When what changed is this share of a whole snapshot, a whole one is made anew. */
const MOST_OF_BASE = 0.5;
const PREVIEW_LINES = 8;

/** The machine's disks, which are kept in step with its memory. */
export interface KeeperDisks {
  /** Those that it has, marked as they are now. */
  mark(): Promise<readonly KeptDisk[]>;
  /** What is kept now is there for good. */
  forgetBefore(kept: readonly KeptDisk[]): Promise<void>;
}

export interface KeeperOptions {
  readonly machine: Machine;
  readonly slot: string;
  readonly title: string;
  readonly components: readonly ComponentRecord[] | undefined;
  readonly disks: KeeperDisks;
  /** The machine stands still while true. */
  hold(on: boolean): void;
  readonly onFailed: (reason: string) => void;
}

interface Base {
  readonly id: string;
  readonly bytes: number;
  readonly changed: WriteTracker;
}

export class Keeper {
  readonly #options: KeeperOptions;
  #base: Base | undefined;
  /** Instructions of what is kept: a machine that has not run since is kept already. */
  #keptInstructions = -1;
  #lastMs = performance.now() - EVERY_MS + FIRST_AFTER_MS;
  #running: Promise<void> | undefined;
  #isOver = false;
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(options: KeeperOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS);
  }

  #look(): void {
    if (this.#options.machine.state === "running" && performance.now() - this.#lastMs >= EVERY_MS) void this.keepNow();
  }

  /** The machine was paused: kept as it is. It has ended: nothing is left to continue. */
  async stopped(): Promise<void> {
    if (this.#options.machine.state !== "ended") return this.keepNow();
    if (this.#isOver) return;
    this.#end();
    await this.#running?.catch(() => {});
    await forgetKept(this.#options.slot).catch(() => {});
  }

  /** Resolves when the machine's present state is kept, or cannot be. */
  async keepNow(): Promise<void> {
    if (this.#running) await this.#running;
    const { machine } = this.#options;
    if (this.#isOver || machine.state === "ended" || machine.instructions === this.#keptInstructions) return;
    this.#running = this.#keep().catch((error) => this.#fail(error));
    await this.#running;
    this.#running = undefined;
  }

  async #keep(): Promise<void> {
    const { machine, title, components } = this.#options;
    this.#lastMs = performance.now();
    const base = this.#base;
    const instructions = machine.instructions;
    const options = { title, ...(components ? { components } : {}) };
    const sink = new MemorySink();
    if (base) {
      // Frozen when it is captured: until it is written, the guest goes on writing.
      const same = new Uint8Array(machine.config.memoryMb * 256);
      const { captured, disks } = await this.#capture(() => {
        for (let frame = 0; frame < same.length; frame++) same[frame] = base.changed.has(frame) ? 0 : 1;
        return machine.capture((frame) => same[frame] === 1);
      });
      const written = await captured.save(sink, { ...options, parent: { id: base.id, isParents: (frame) => same[frame] === 1 } });
      if (written.size <= base.bytes * MOST_OF_BASE) {
        if (!this.#isOver) await putDelta(this.#options.slot, sink.toBytes(), this.#head(written, base.bytes, disks));
        await this.#options.disks.forgetBefore(disks);
        this.#keptInstructions = instructions;
        return;
      }
      this.#base = undefined;
      return this.#keep();
    }
    let changed!: WriteTracker;
    const { captured, disks } = await this.#capture(() => {
      changed = machine.trackWrites();
      return machine.capture();
    });
    const written = await captured.save(sink, options);
    if (!this.#isOver) await putBase(this.#options.slot, sink.toBytes(), this.#head(written, 0, disks));
    await this.#options.disks.forgetBefore(disks);
    this.#base = { id: written.id, bytes: written.size, changed };
    this.#keptInstructions = instructions;
  }

  /** Memory and disks of one moment. A machine without disks need not stop for it. */
  async #capture(take: () => CapturedSnapshot): Promise<{ readonly captured: CapturedSnapshot; readonly disks: readonly KeptDisk[] }> {
    const { machine, disks, hold } = this.#options;
    if (machine.disks.length === 0) return { captured: take(), disks: [] };
    hold(true);
    try {
      await machine.disksQuiet();
      return { disks: await disks.mark(), captured: take() };
    } finally {
      hold(false);
    }
  }

  #head({ manifest, size }: WrittenSnapshot, baseBytes: number, disks: readonly KeptDisk[]): KeptHead {
    return {
      slot: this.#options.slot,
      title: manifest.title,
      savedAt: Date.now(),
      bytes: size + baseBytes,
      memoryMb: manifest.machine.memoryMb,
      instructions: manifest.instructions,
      terminal: manifest.terminal.slice(-PREVIEW_LINES),
      ...(disks.length > 0 ? { disks } : {}),
    };
  }

  #fail(error: unknown): void {
    this.#end();
    const isFull = error instanceof DOMException && error.name === "QuotaExceededError";
    this.#options.onFailed(
      isFull
        ? "The browser's storage is full: this machine is not kept for later any more. Save a snapshot to a file."
        : `This machine cannot be kept for later any more: ${error instanceof Error ? error.message : String(error)}`,
    );
  }

  #end(): void {
    this.#isOver = true;
    clearInterval(this.#timer);
  }
}

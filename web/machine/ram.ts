/**
 * Guest RAM as the machine handles it: whole 4 KB frames, some of which may not have come yet. Where a provider is
 * given, every frame is absent at power-on and asked for when the core first touches it. Virtual time waits
 * meanwhile, so that the run does not depend on when frames come.
 */
import { assert } from "../lib/assert";
import { BadArgument, SnapshotIncompatible } from "../lib/errors";
import { hex } from "../lib/hex";
import type { ImageTarget } from "../snapshot/saved-image";
import type { RamProvider } from "./config";
import type { Core, GuestMemory } from "./core";
import { isZero } from "./state-hash";

export const FRAME_BYTES = 4096;

/** RAM contents without the frames that are zero. */
export interface RamImage {
  readonly bytes: number;
  readonly frames: ReadonlyMap<number, Uint8Array>;
}

export class Ram {
  readonly #core: Core;
  readonly #memory: GuestMemory;
  readonly #provider: RamProvider | undefined;
  /** One byte a frame, 1 = present; undefined when all are. */
  readonly #present: Uint8Array | undefined;

  constructor(core: Core, provider: RamProvider | undefined) {
    this.#core = core;
    this.#memory = core.memory;
    this.#provider = provider;
    if (!provider) return;
    this.#present = new Uint8Array(this.frameCount);
    core.markAbsent(0, this.frameCount);
  }

  get frameCount(): number {
    return this.#memory.ramBytes / FRAME_BYTES;
  }

  /** Brings the frame whose absence ended the core's run: at once (undefined), or when the promise resolves. Rejects as the provider does. */
  deliver(): Promise<void> | undefined {
    assert(this.#provider !== undefined, "only a provider leaves frames absent");
    return this.#bring(this.#core.missingFrame);
  }

  #bring(frame: number): Promise<void> | undefined {
    const answer = this.#provider!(frame);
    if (answer instanceof Promise) return answer.then((contents) => this.#put(frame, contents));
    this.#put(frame, answer);
    return undefined;
  }

  /** Brings every frame that has not come, one after another, while the machine may run. Rejects as the provider does. */
  async bringAll(onProgress: (done: number, total: number) => void, goesOn: () => boolean): Promise<void> {
    for (let frame = 0; this.#present && frame < this.frameCount && goesOn(); frame++) {
      if (this.#present[frame] === 0) await this.#bring(frame);
      if (frame % 256 === 0) onProgress(frame, this.frameCount);
    }
    onProgress(this.frameCount, this.frameCount);
  }

  /** How many frames are there and not all zero. */
  get usedCount(): number {
    let count = 0;
    for (let frame = 0; frame < this.frameCount; frame++) if (this.#present?.[frame] !== 0 && this.readFrame(frame)) count++;
    return count;
  }

  /** Frames that the guest has touched, or that have been brought otherwise; undefined: all are there. */
  get presentFrames(): readonly number[] | undefined {
    return this.#present && Array.from(this.#present.keys()).filter((frame) => this.#present![frame] === 1);
  }

  #put(frame: number, contents: Uint8Array): void {
    // The guest and `bringAll` may both have asked for it; since the first came the guest may have written to it.
    if (this.#present![frame] === 1) return;
    this.#core.deliverFrame(frame, checked(frame, contents));
    this.#present![frame] = 1;
  }

  /** Whether the frame's contents have come. */
  isPresent(frame: number): boolean {
    return this.#present?.[frame] !== 0;
  }

  /** Which frames have not come now. */
  absence(): (frame: number) => boolean {
    const present = this.#present?.slice();
    return (frame) => present?.[frame] === 0;
  }

  /** As `original`; undefined when all zero. */
  async originalUnlessZero(frame: number): Promise<Uint8Array | undefined> {
    return unlessZero(await this.original(frame));
  }

  /** What the provider gives for a frame. */
  async original(frame: number): Promise<Uint8Array> {
    return checked(frame, await this.#provider!(frame));
  }

  /** Makes the frames of a range present, before the machine itself writes there. */
  async demand(address: number, length: number): Promise<void> {
    if (!this.#present || length === 0) return;
    const last = Math.floor((address + length - 1) / FRAME_BYTES);
    for (let frame = Math.floor(address / FRAME_BYTES); frame <= last; frame++) if (this.#present[frame] === 0) await this.#bring(frame);
  }

  /** As `demand`, also where the core has something else than RAM: firmware's shadow. */
  async restore(address: number, length: number): Promise<void> {
    if (!this.#present) return;
    for (let at = address; at < address + length; at += FRAME_BYTES) {
      const contents = checked(at / FRAME_BYTES, await this.#provider!(at / FRAME_BYTES));
      this.#put(at / FRAME_BYTES, contents);
      this.#memory.write(at, contents);
    }
  }

  /** A frame's contents, absent ones as they will come; undefined when all zero. The bytes are the caller's. */
  readFrame(frame: number): Uint8Array | undefined | Promise<Uint8Array | undefined> {
    if (!this.#present || this.#present[frame] === 1) {
      const view = this.#memory.view?.(frame);
      if (view) return isZero(view) ? undefined : view.slice();
      return unlessZero(this.#memory.read(frame * FRAME_BYTES, FRAME_BYTES));
    }
    const answer = this.#provider!(frame);
    if (answer instanceof Promise) return answer.then((contents) => unlessZero(checked(frame, contents)));
    return unlessZero(checked(frame, answer));
  }

  async image(): Promise<RamImage> {
    const frames = new Map<number, Uint8Array>();
    for (let frame = 0; frame < this.frameCount; frame++) {
      const answer = this.readFrame(frame);
      const contents = answer instanceof Promise ? await answer : answer;
      if (contents) frames.set(frame, contents.slice());
    }
    return { bytes: this.#memory.ramBytes, frames };
  }

  /** Where a snapshot's pages go while nothing runs: RAM as after power-on, all zero or absent. */
  get target(): ImageTarget {
    return {
      write: (frame, contents) => {
        if (this.#present?.[frame] === 0) this.#put(frame, contents);
        else this.#memory.write(frame * FRAME_BYTES, contents);
      },
      clear: (frame) => {
        if (this.#present?.[frame] === 0) this.#put(frame, ZEROS);
      },
      read: (frame) => this.#memory.read(frame * FRAME_BYTES, FRAME_BYTES),
    };
  }

  /** Replaces all of RAM. Throws SnapshotIncompatible when the image is of another size. */
  load(image: RamImage): void {
    if (image.bytes !== this.#memory.ramBytes)
      throw new SnapshotIncompatible(
        "ram",
        `It holds ${image.bytes / 0x100000} MB, but the machine has ${this.#memory.ramBytes / 0x100000} MB.`,
      );
    for (const [frame, contents] of image.frames)
      if (!Number.isInteger(frame) || frame < 0 || frame >= this.frameCount || contents.length !== FRAME_BYTES)
        throw new SnapshotIncompatible("ram", `Frame ${hex(frame)} does not exist or is not ${FRAME_BYTES} bytes long.`);
    for (let frame = 0; frame < this.frameCount; frame++) {
      const contents = image.frames.get(frame);
      if (this.#present?.[frame] === 0) this.#put(frame, contents ?? ZEROS);
      else if (contents || !isZero(this.#memory.read(frame * FRAME_BYTES, FRAME_BYTES)))
        this.#memory.write(frame * FRAME_BYTES, contents ?? ZEROS);
    }
  }
}

const ZEROS = new Uint8Array(FRAME_BYTES);

const unlessZero = (contents: Uint8Array): Uint8Array | undefined => (isZero(contents) ? undefined : contents);

function checked(frame: number, contents: Uint8Array): Uint8Array {
  if (!(contents instanceof Uint8Array) || contents.length !== FRAME_BYTES)
    throw new BadArgument("ramProvider", `it gave something other than ${FRAME_BYTES} bytes for frame ${hex(frame)}.`);
  return contents;
}

/**
 * RAM as it was at a moment, while the machine goes on: nothing is copied but frames that are about to be written for the first
 * time since, and those only until the reader is done with them. The core says which (`Core.keepFrames`).
 */
import type { Core } from "./core";
import { FRAME_BYTES, type Ram } from "./ram";
import { type FrameReader, isZero } from "./state-hash";

/** So long somebody who reads many frames keeps the machine waiting. */
const TURN_MS = 3;

export interface FrozenOptions {
  /** Of these frames the reader knows already what they hold. */
  readonly isParents: (frame: number) => boolean;
  /** Lets the machine run. */
  readonly yield: () => Promise<void>;
  readonly now: () => number;
}

/** The moments of one machine that are still being read. */
export class FrozenMoments {
  readonly #core: Core;
  readonly #ram: Ram;
  readonly #open = new Set<FrozenRam>();

  constructor(core: Core, ram: Ram) {
    this.#core = core;
    this.#ram = ram;
  }

  /** False: this core cannot tell, and whoever wants a moment must copy it. */
  get isPossible(): boolean {
    return this.#core.keepFrames !== undefined && this.#core.memory.view !== undefined;
  }

  /** This moment. Must be given back with `end`. */
  begin(options: FrozenOptions): FrozenRam {
    const frozen = new FrozenRam(this.#core, this.#ram, options);
    this.#open.add(frozen);
    // Frames that were written since an older moment have been copied for it by then, so the latest one's epoch is enough.
    this.#core.keepFrames!(this.#core.beginWriteEpoch(), (frame) => {
      for (const each of this.#open) each.keep(frame);
    });
    return frozen;
  }

  end(frozen: FrozenRam): void {
    this.#open.delete(frozen);
    frozen.drop();
    if (this.#open.size === 0) this.#core.keepFrames!(0, undefined);
  }
}

export class FrozenRam {
  readonly #core: Core;
  readonly #ram: Ram;
  readonly #options: FrozenOptions;
  /** Frames whose contents had not come yet: they will hold what the provider gives. */
  readonly #absent: (frame: number) => boolean;
  /** 1: nobody asks for it any more. */
  readonly #done: Uint8Array;
  readonly #kept = new Map<number, Uint8Array | undefined>();
  #turnBegan: number;

  constructor(core: Core, ram: Ram, options: FrozenOptions) {
    this.#core = core;
    this.#ram = ram;
    this.#options = options;
    this.#absent = ram.absence();
    this.#done = new Uint8Array(ram.frameCount);
    this.#turnBegan = options.now();
  }

  /** Bytes of copies. */
  get bytes(): number {
    return this.#kept.size * FRAME_BYTES;
  }

  /** The frame is about to be written. */
  keep(frame: number): void {
    if (frame >= this.#done.length || this.#done[frame] === 1 || this.#kept.has(frame)) return;
    if (this.#absent(frame) || this.#options.isParents(frame)) return;
    const view = this.#core.memory.view!(frame);
    this.#kept.set(frame, !view || isZero(view) ? undefined : view.slice());
  }

  readonly read: FrameReader = (frame) => {
    const now = this.#options.now();
    if (now - this.#turnBegan < TURN_MS) return this.#read(frame);
    return this.#options.yield().then(() => {
      this.#turnBegan = this.#options.now();
      return this.#read(frame);
    });
  };

  #read(frame: number): ReturnType<FrameReader> {
    if (this.#kept.has(frame)) return this.#kept.get(frame);
    return this.#absent(frame) ? this.#ram.originalUnlessZero(frame) : this.#ram.readFrame(frame);
  }

  /** It will not be read again. */
  readonly release = (frame: number): void => {
    this.#done[frame] = 1;
    this.#kept.delete(frame);
  };

  drop(): void {
    this.#done.fill(1);
    this.#kept.clear();
  }
}

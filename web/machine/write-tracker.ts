/** Which frames of RAM have been written since it was made, by guest, devices or host: what an incremental snapshot saves. */
import type { Core } from "./core";

export class WriteTracker {
  readonly #core: Core;
  readonly #epoch: number;

  constructor(core: Core) {
    this.#core = core;
    this.#epoch = core.beginWriteEpoch();
  }

  /** The frame may differ from what it was when tracking began. */
  has(frame: number): boolean {
    return this.#core.frameEpoch(frame) >= this.#epoch;
  }
}

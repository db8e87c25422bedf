/**
 * RAM as it was at some moments, newest first cheap: the contents at the last moment, and for each moment before it what
 * the frames held that changed until the next one. Which frames changed tell the core's write epochs.
 */
import type { Core } from "./core";
import { FRAME_BYTES, type Ram } from "./ram";
import { isZero } from "./state-hash";

/** `null`: zeros. `absent`: as the provider gives it. */
type Contents = Uint8Array | null | "absent";

/** What frames held at a moment, of those that changed until the next. */
export type FrameChanges = Map<number, Contents>;

const ZEROS = new Uint8Array(FRAME_BYTES);
const sizeOf = (contents: Contents | undefined): number => (contents instanceof Uint8Array ? FRAME_BYTES : 0);

export class RamJournal {
  readonly #core: Core;
  readonly #ram: Ram;
  /** Each frame as it was at the last moment. */
  readonly #last: Contents[] = [];
  #epoch = 0;
  /** Held in memory, changes that were handed out included. */
  bytes = 0;

  constructor(core: Core, ram: Ram) {
    this.#core = core;
    this.#ram = ram;
    for (let frame = 0; frame < ram.frameCount; frame++) {
      this.#last[frame] = this.#now(frame);
      this.bytes += sizeOf(this.#last[frame]);
    }
    this.#epoch = core.beginWriteEpoch();
  }

  #now(frame: number): Contents {
    if (!this.#ram.isPresent(frame)) return "absent";
    const { memory } = this.#core;
    const view = memory.view?.(frame) ?? memory.read(frame * FRAME_BYTES, FRAME_BYTES);
    return isZero(view) ? null : view.slice();
  }

  /** A new moment; what changed since the one before. */
  mark(): FrameChanges {
    const changes: FrameChanges = new Map();
    for (let frame = 0; frame < this.#last.length; frame++) {
      if (this.#core.frameEpoch(frame) < this.#epoch) continue;
      const now = this.#now(frame);
      changes.set(frame, this.#last[frame]!);
      this.#last[frame] = now;
      this.bytes += sizeOf(now);
    }
    this.#epoch = this.#core.beginWriteEpoch();
    return changes;
  }

  /** Back to an earlier moment: `changes` from it to the last one, oldest first. It becomes the last one. */
  async restore(changes: readonly FrameChanges[]): Promise<void> {
    const wanted = new Map<number, Contents>();
    for (let frame = 0; frame < this.#last.length; frame++)
      if (this.#core.frameEpoch(frame) >= this.#epoch) wanted.set(frame, this.#last[frame]!);
    for (const [frame, contents] of changes.toReversed().flatMap((each) => [...each])) {
      this.bytes -= sizeOf(this.#last[frame]);
      this.#last[frame] = contents;
      wanted.set(frame, contents);
    }
    for (const [frame, contents] of wanted) {
      // A frame that had not come stays here: it holds what will come.
      const bytes = contents === "absent" ? await this.#ram.original(frame) : (contents ?? ZEROS);
      if (this.#ram.isPresent(frame)) this.#core.memory.write(frame * FRAME_BYTES, bytes);
    }
    this.#epoch = this.#core.beginWriteEpoch();
  }

  /** Joins the changes of two moments that follow each other; the later moment is forgotten. */
  join(earlier: FrameChanges, later: FrameChanges): void {
    for (const [frame, contents] of later) {
      if (earlier.has(frame)) this.bytes -= sizeOf(contents);
      else earlier.set(frame, contents);
    }
  }

  forget(changes: FrameChanges): void {
    for (const contents of changes.values()) this.bytes -= sizeOf(contents);
  }
}

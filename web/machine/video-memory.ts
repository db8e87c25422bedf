/**
 * A screen's memory. Where the guest sees it as plain memory (a linear frame buffer) it lies in the core, so that writing to
 * it costs what writing to RAM does; otherwise it is an array here. Which of its pages were written tells the core's
 * write epochs, so that nobody looks at a picture that has not changed.
 */
import type { Core } from "./core";
import type { VideoMemory } from "./device";

const PAGE = 4096;

/** The part of the core that holds placed memory. */
export type VideoCore = Pick<Core, "memory" | "mapRam" | "mapDevice" | "beginWriteEpoch" | "frameEpoch">;

export class CoreVideoMemory implements VideoMemory {
  /** While it is placed nowhere, and where the core cannot hold it. */
  #own: Uint8Array;
  #first: number | undefined;
  /** The core's memory and where each page lies in it; found anew when the core's memory has grown. */
  #all = new Uint8Array(0);
  readonly #pages: Uint32Array;
  #epoch = 0;
  /** Something was written through this object since the last `takeWritten`. */
  #written = true;

  constructor(
    private readonly core: Partial<VideoCore> & Pick<Core, "memory">,
    readonly bytes: number,
  ) {
    this.#own = new Uint8Array(bytes);
    this.#pages = new Uint32Array(bytes / PAGE);
  }

  place(first: number | undefined): void {
    const { core } = this;
    if (first === this.#first || !core.mapRam || !core.mapDevice) return;
    // Over RAM it would take RAM away.
    const wanted = first !== undefined && first >= core.memory.ramBytes && first + this.bytes <= 2 ** 32 ? first : undefined;
    const contents = this.read(0, this.bytes);
    if (this.#first !== undefined) core.mapDevice(this.#first, this.bytes);
    this.#first = wanted;
    this.#written = true;
    if (wanted === undefined) {
      this.#own = contents;
      return;
    }
    core.mapRam(wanted, this.bytes);
    this.#own = new Uint8Array(0);
    this.#findPages();
    core.memory.write(wanted, contents);
  }

  #findPages(): void {
    for (let page = 0; page < this.#pages.length; page++) {
      const view = this.core.memory.view!(this.#first! / PAGE + page)!;
      this.#pages[page] = view.byteOffset;
      if (page === 0) this.#all = new Uint8Array(view.buffer as ArrayBuffer);
    }
  }

  /** The array that holds `offset`, and where. */
  #at(offset: number): number {
    if (this.#first === undefined) return offset;
    if (this.#all.length === 0) this.#findPages();
    return this.#pages[offset >>> 12]! + (offset & 0xfff);
  }

  get(offset: number): number {
    const at = this.#at(offset);
    return (this.#first === undefined ? this.#own : this.#all)[at]!;
  }

  set(offset: number, value: number): void {
    const at = this.#at(offset);
    (this.#first === undefined ? this.#own : this.#all)[at] = value;
    this.#written = true;
    if (this.#first !== undefined) this.core.memory.notice?.(this.#first + offset, 1);
  }

  read(offset: number, length: number): Uint8Array {
    if (this.#first === undefined) return this.#own.slice(offset, offset + length);
    return this.core.memory.read(this.#first + offset, length);
  }

  write(offset: number, data: Uint8Array): void {
    this.#written = true;
    if (this.#first === undefined) this.#own.set(data, offset);
    else this.core.memory.write(this.#first + offset, data);
  }

  /** Whether bytes of the range may have been written since the last call that said so. */
  takeWritten(offset: number, length: number): boolean {
    const { core } = this;
    let written = this.#written;
    this.#written = false;
    if (this.#first === undefined || !core.frameEpoch || !core.beginWriteEpoch) return written;
    const first = Math.floor((this.#first + offset) / PAGE);
    const last = Math.floor((this.#first + offset + Math.max(1, length) - 1) / PAGE);
    for (let frame = first; !written && frame <= last; frame++) written = core.frameEpoch(frame) >= this.#epoch;
    if (written) this.#epoch = core.beginWriteEpoch();
    return written;
  }
}

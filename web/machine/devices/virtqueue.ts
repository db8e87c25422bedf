/**
 * One split virtqueue (virtio 1.1, 2.6): three tables in guest memory, through which a driver hands chains of buffers to
 * a device and gets them back. The driver's tables are read with distrust: what is wrong in them is a value (`Broken`),
 * after which the device stops and asks to be reset.
 *
 *   descriptors   16 bytes each: address u64, length u32, flags u16, next u16
 *   available     flags u16, index u16, ring u16 * size, used_event u16                 written by the driver
 *   used          flags u16, index u16, (id u32, length u32) * size, avail_event u16    written by the device
 */
import { bool, type StateOf, state, u16, u32 } from "../../snapshot/schema";
import type { Dma } from "../device";

const DESCRIPTOR_BYTES = 16;
const DescriptorFlag = { Next: 1, Write: 2, Indirect: 4 } as const;
/** In the available ring's flags: the driver wants no interrupt. */
const NO_INTERRUPT = 1;
/** More buffers than this in one chain are refused, as QEMU does. */
const MOST_SEGMENTS = 1024;

export interface Segment {
  readonly address: number;
  readonly length: number;
}

/** What one entry of the available ring stands for; every segment lies in RAM. */
export interface Chain {
  /** Index of its first descriptor, by which it is given back. */
  readonly head: number;
  /** What the device reads, in order. */
  readonly outs: readonly Segment[];
  /** What the device writes, in order. */
  readonly ins: readonly Segment[];
}

/** A driver did what no driver may; the reason, for the log. */
export class Broken {
  constructor(readonly reason: string) {}
}

export const queueFields = {
  size: u16,
  enabled: bool,
  descriptorsLow: u32,
  descriptorsHigh: u32,
  availableLow: u32,
  availableHigh: u32,
  usedLow: u32,
  usedHigh: u32,
  /** Entries of the available ring that were taken, modulo 2^16. */
  taken: u16,
  /** Entries of the used ring that were written, modulo 2^16. */
  given: u16,
  /** `given` when the driver was last told, if it was. */
  told: u16,
  wasTold: bool,
};
const schema = state("virtqueue", 1, queueFields);
export type QueueState = StateOf<typeof schema>;

export class Virtqueue {
  /** `mostEntries`: what the device allows, a power of two. */
  constructor(
    readonly dma: Dma,
    readonly mostEntries: number,
    public s: QueueState,
  ) {}

  get #descriptors(): number {
    return this.s.descriptorsHigh * 2 ** 32 + this.s.descriptorsLow;
  }
  get #available(): number {
    return this.s.availableHigh * 2 ** 32 + this.s.availableLow;
  }
  get #used(): number {
    return this.s.usedHigh * 2 ** 32 + this.s.usedLow;
  }

  /** Back to what a driver finds after a device reset. */
  reset(): void {
    this.s = { ...initialQueue, size: this.mostEntries };
  }

  /** All three tables in the one block that a legacy driver names by its page (virtio 1.1, 2.6.2). */
  placeLegacy(page: number): void {
    const { s } = this;
    const descriptors = page * 4096;
    const available = descriptors + DESCRIPTOR_BYTES * s.size;
    const used = Math.ceil((available + 6 + 2 * s.size) / 4096) * 4096;
    s.descriptorsLow = descriptors >>> 0;
    s.descriptorsHigh = Math.floor(descriptors / 2 ** 32);
    s.availableLow = available >>> 0;
    s.availableHigh = Math.floor(available / 2 ** 32);
    s.usedLow = used >>> 0;
    s.usedHigh = Math.floor(used / 2 ** 32);
    s.enabled = page !== 0;
  }

  get legacyPage(): number {
    return Math.floor(this.#descriptors / 4096) >>> 0;
  }

  #u16(address: number): number {
    const bytes = this.dma.read(address, 2);
    return bytes[0]! | (bytes[1]! << 8);
  }

  /** Whether the tables lie in RAM and the size is one that a queue can have. */
  #tablesAreGood(): boolean {
    const { size } = this.s;
    return (
      isQueueSize(size, this.mostEntries) &&
      this.dma.contains(this.#descriptors, DESCRIPTOR_BYTES * size) &&
      this.dma.contains(this.#available, 6 + 2 * size) &&
      this.dma.contains(this.#used, 6 + 8 * size)
    );
  }

  /** The next chain of the driver; undefined if there is none. */
  take(features: { readonly indirect: boolean; readonly eventIndex: boolean }): Chain | Broken | undefined {
    if (!this.#tablesAreGood()) return new Broken("a queue's tables do not lie in RAM");
    const { s } = this;
    const index = this.#u16(this.#available + 2);
    const waiting = (index - s.taken) & 0xffff;
    if (waiting === 0) return undefined;
    if (waiting > s.size) return new Broken(`the available index went from ${s.taken} to ${index} in a queue of ${s.size}`);
    const head = this.#u16(this.#available + 4 + 2 * (s.taken % s.size));
    const chain = this.#chain(head, features.indirect);
    if (chain instanceof Broken) return chain;
    s.taken = (s.taken + 1) & 0xffff;
    // Tells the driver from which entry on it has to notify.
    if (features.eventIndex) this.dma.write(this.#used + 4 + 8 * s.size, Uint8Array.of(s.taken & 0xff, s.taken >> 8));
    return chain;
  }

  #chain(head: number, mayBeIndirect: boolean): Chain | Broken {
    const outs: Segment[] = [];
    const ins: Segment[] = [];
    let [table, entries, isIndirect] = [this.#descriptors, this.s.size, false];
    let next = head;
    for (let seen = 0; ; seen++) {
      if (next >= entries) return new Broken(`descriptor ${next} does not exist (there are ${entries})`);
      if (seen >= entries) return new Broken(`the chain at descriptor ${head} runs in a circle`);
      const bytes = this.dma.read(table + DESCRIPTOR_BYTES * next, DESCRIPTOR_BYTES);
      const view = new DataView(bytes.buffer, bytes.byteOffset, DESCRIPTOR_BYTES);
      const address = view.getUint32(4, true) * 2 ** 32 + view.getUint32(0, true);
      const length = view.getUint32(8, true);
      const flags = view.getUint16(12, true);
      if (!this.dma.contains(address, length)) return new Broken(`descriptor ${next} names memory outside RAM`);
      if ((flags & DescriptorFlag.Indirect) !== 0) {
        const isTable = length > 0 && length % DESCRIPTOR_BYTES === 0 && (flags & DescriptorFlag.Next) === 0;
        if (!mayBeIndirect || isIndirect || !isTable) return new Broken(`descriptor ${next} is no proper indirect one`);
        [table, entries, isIndirect] = [address, length / DESCRIPTOR_BYTES, true];
        next = 0;
        seen = -1;
        continue;
      }
      const isIn = (flags & DescriptorFlag.Write) !== 0;
      if (!isIn && ins.length > 0) return new Broken(`descriptor ${next} is to be read after one that is to be written`);
      if (length > 0) (isIn ? ins : outs).push({ address, length });
      if (outs.length + ins.length > MOST_SEGMENTS) return new Broken(`a chain has more than ${MOST_SEGMENTS} buffers`);
      if ((flags & DescriptorFlag.Next) === 0) return { head, outs, ins };
      next = view.getUint16(14, true);
    }
  }

  /** Gives a chain back, with the number of bytes written to it. True: the driver wants an interrupt. */
  give(head: number, written: number, eventIndex: boolean): boolean {
    if (!this.#tablesAreGood()) return false;
    const { s } = this;
    const entry = new Uint8Array(8);
    const view = new DataView(entry.buffer);
    view.setUint32(0, head, true);
    view.setUint32(4, written, true);
    this.dma.write(this.#used + 4 + 8 * (s.given % s.size), entry);
    s.given = (s.given + 1) & 0xffff;
    this.dma.write(this.#used + 2, Uint8Array.of(s.given & 0xff, s.given >> 8));
    if (!eventIndex) return (this.#u16(this.#available) & NO_INTERRUPT) === 0;
    // The driver names the entry with which it wants to be told (virtio 1.1, 2.6.7.2).
    const event = this.#u16(this.#available + 4 + 2 * s.size);
    const isWanted = !s.wasTold || ((s.given - event - 1) & 0xffff) < ((s.given - s.told) & 0xffff);
    s.told = s.given;
    s.wasTold = true;
    return isWanted;
  }
}

export const isQueueSize = (size: number, most: number): boolean => size > 0 && size <= most && (size & (size - 1)) === 0;

const initialQueue: QueueState = {
  size: 0,
  enabled: false,
  descriptorsLow: 0,
  descriptorsHigh: 0,
  availableLow: 0,
  availableHigh: 0,
  usedLow: 0,
  usedHigh: 0,
  taken: 0,
  given: 0,
  told: 0,
  wasTold: false,
};

/** Total length of segments, in bytes. */
export const lengthOf = (segments: readonly Segment[]): number => segments.reduce((sum, { length }) => sum + length, 0);

/** Bytes `from` to `from + length` of what the segments hold in a row, as segments. */
export function sliceSegments(segments: readonly Segment[], from: number, length: number): Segment[] {
  const result: Segment[] = [];
  let at = 0;
  for (const segment of segments) {
    const first = Math.max(from, at);
    const last = Math.min(from + length, at + segment.length);
    if (last > first) result.push({ address: segment.address + first - at, length: last - first });
    at += segment.length;
  }
  return result;
}

export function readSegments(dma: Dma, segments: readonly Segment[]): Uint8Array {
  const result = new Uint8Array(lengthOf(segments));
  let at = 0;
  for (const { address, length } of segments) {
    result.set(dma.read(address, length), at);
    at += length;
  }
  return result;
}

/** Writes as much as fits. */
export function writeSegments(dma: Dma, segments: readonly Segment[], data: Uint8Array): void {
  let at = 0;
  for (const { address, length } of segments) {
    const part = data.subarray(at, at + length);
    if (part.length > 0) dma.write(address, part);
    at += part.length;
  }
}

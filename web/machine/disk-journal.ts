/**
 * What disks held before they were written, so that going back in time takes them along. Off, it costs nothing: every
 * operation goes straight through.
 */
import { type BlockDevice, CHUNK_BYTES, type DiskChunk, isZero } from "../storage/block-device";

interface Before {
  readonly disk: BlockDevice;
  readonly offset: number;
  readonly data: Uint8Array;
}

export class DiskJournal {
  #entries: Before[] = [];
  /** Entries forgotten at the old end. */
  #forgotten = 0;
  isOn = false;
  /** Held in memory. */
  bytes = 0;

  /** The same disk, whose writes are noted. */
  follow(disk: BlockDevice): BlockDevice {
    return new JournaledDisk(disk, this);
  }

  /** A moment, for `rollBack` and `forget`. */
  get mark(): number {
    return this.#forgotten + this.#entries.length;
  }

  /** Must be called before the range is written. */
  async note(disk: BlockDevice, offset: number, length: number, leaveZeros: boolean): Promise<void> {
    for (let at = 0; at < length; at += CHUNK_BYTES) {
      const data = await disk.read(offset + at, Math.min(CHUNK_BYTES, length - at));
      if (leaveZeros && isZero(data)) continue;
      this.#entries.push({ disk, offset: offset + at, data });
      this.bytes += data.length;
    }
  }

  /** Puts back what was written since; no request may be under way. Rejects with DiskFailed. */
  async rollBack(mark: number): Promise<void> {
    while (this.mark > mark && this.#entries.length > 0) {
      const { disk, offset, data } = this.#entries.at(-1)!;
      await disk.write(offset, data);
      this.#entries.pop();
      this.bytes -= data.length;
    }
  }

  /** Nobody goes back beyond `mark` any more. */
  forget(mark: number): void {
    const gone = this.#entries.splice(0, Math.max(0, mark - this.#forgotten));
    this.#forgotten += gone.length;
    for (const { data } of gone) this.bytes -= data.length;
  }
}

class JournaledDisk implements BlockDevice {
  constructor(
    readonly disk: BlockDevice,
    readonly journal: DiskJournal,
  ) {}
  get name(): string {
    return this.disk.name;
  }
  get bytes(): number {
    return this.disk.bytes;
  }
  get readOnly(): boolean {
    return this.disk.readOnly;
  }
  read(offset: number, length: number): Promise<Uint8Array> {
    return this.disk.read(offset, length);
  }
  async write(offset: number, data: Uint8Array): Promise<void> {
    if (!this.journal.isOn) return this.disk.write(offset, data);
    // The caller may change its data as soon as this returns.
    const copy = data.slice();
    await this.journal.note(this.disk, offset, copy.length, false);
    return this.disk.write(offset, copy);
  }
  async trim(offset: number, length: number): Promise<void> {
    if (this.journal.isOn) await this.journal.note(this.disk, offset, length, true);
    return this.disk.trim(offset, length);
  }
  flush(): Promise<void> {
    return this.disk.flush();
  }
  dataChunks(): AsyncIterable<number> {
    return this.disk.dataChunks();
  }
  replace(chunks: AsyncIterable<DiskChunk> | Iterable<DiskChunk>): Promise<void> {
    return this.disk.replace(chunks);
  }
  close(): Promise<void> {
    return this.disk.close();
  }
}

/**
 * A disk whose guest does not hear that its storage is full: what cannot be written waits, and is tried again until there
 * is room. Meanwhile `onFull` has the machine stand still. Every other failure is passed on.
 */
import { DiskFailed } from "../lib/errors";
import type { BlockDevice, DiskChunk } from "./block-device";

const RETRY_MS = 1000;

export class PatientDisk<D extends BlockDevice = BlockDevice> implements BlockDevice {
  /** Ends the waiting: what waits fails with the reason. */
  #isClosed = false;
  #waiting = 0;

  constructor(
    readonly disk: D,
    /** True: storage is full, with the reason; false: it goes on. */
    private readonly onFull: (isFull: boolean, reason: string) => void,
    private readonly wait: () => Promise<void> = () => new Promise((resolve) => setTimeout(resolve, RETRY_MS)),
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
  write(offset: number, data: Uint8Array): Promise<void> {
    const mine = data.slice();
    return this.#patiently(() => this.disk.write(offset, mine));
  }
  trim(offset: number, length: number): Promise<void> {
    return this.#patiently(() => this.disk.trim(offset, length));
  }
  flush(): Promise<void> {
    return this.#patiently(() => this.disk.flush());
  }
  dataChunks(): AsyncIterable<number> {
    return this.disk.dataChunks();
  }
  replace(chunks: AsyncIterable<DiskChunk> | Iterable<DiskChunk>): Promise<void> {
    return this.disk.replace(chunks);
  }
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.disk.close();
  }

  /** What waits fails from now on, as it would have at first. */
  giveUp(): void {
    this.#isClosed = true;
  }

  async #patiently(action: () => Promise<void>): Promise<void> {
    let isWaiting = false;
    try {
      for (;;) {
        try {
          await action();
          return;
        } catch (error) {
          if (!(error instanceof DiskFailed) || error.problem !== "full" || this.#isClosed) throw error;
          if (!isWaiting) {
            isWaiting = true;
            if (++this.#waiting === 1) this.onFull(true, error.reason);
          }
          await this.wait();
        }
      }
    } finally {
      if (isWaiting && --this.#waiting === 0) this.onFull(false, "");
    }
  }
}

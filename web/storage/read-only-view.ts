/** A disk that the guest may not write, over one that its owner may still give new contents as a whole. */
import { type BlockDevice, checkWritable, type DiskChunk } from "./block-device";

export class ReadOnlyView implements BlockDevice {
  readonly readOnly = true;
  constructor(private readonly disk: BlockDevice) {}

  get name(): string {
    return this.disk.name;
  }
  get bytes(): number {
    return this.disk.bytes;
  }
  read(offset: number, length: number): Promise<Uint8Array> {
    return this.disk.read(offset, length);
  }
  async write(): Promise<void> {
    checkWritable(this);
  }
  async trim(): Promise<void> {
    checkWritable(this);
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

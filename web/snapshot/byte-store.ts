/**
 * Where snapshot files are read from and written to: a file, a Blob, memory, a server that answers range requests.
 * Both sides work by position, so that nobody has to hold a file as a whole.
 */

/** Random access for reading. */
export interface ByteSource {
  /** In bytes. */
  readonly size: number;
  /** Exactly these bytes, which lie within `size`; they are the caller's. Rejects if they cannot be had. */
  read(position: number, length: number): Promise<Uint8Array>;
}

/** Writing in any order; what was never written in between reads as zeros. */
export interface ByteSink {
  /** The bytes may change once the promise has resolved. */
  write(position: number, bytes: Uint8Array): Promise<void>;
}

/** A file that was chosen or dropped, or any other Blob. */
export class BlobSource implements ByteSource {
  constructor(readonly blob: Blob) {}
  get size(): number {
    return this.blob.size;
  }
  async read(position: number, length: number): Promise<Uint8Array> {
    return new Uint8Array(await this.blob.slice(position, position + length).arrayBuffer());
  }
}

export class MemorySource implements ByteSource {
  constructor(readonly bytes: Uint8Array) {}
  get size(): number {
    return this.bytes.length;
  }
  async read(position: number, length: number): Promise<Uint8Array> {
    return this.bytes.slice(position, position + length);
  }
}

interface Piece {
  readonly position: number;
  readonly bytes: Uint8Array;
}

/** Collects what is written, in pieces that do not overlap. For downloads (as a Blob) and tests. */
export class MemorySink implements ByteSink {
  readonly #pieces: Piece[] = [];

  async write(position: number, bytes: Uint8Array): Promise<void> {
    if (bytes.length > 0) this.#pieces.push({ position, bytes: bytes.slice() });
  }

  /** All of it in order, gaps filled with zeros. The parts are those that were kept, not copies. */
  parts(): Uint8Array<ArrayBuffer>[] {
    const parts: Uint8Array[] = [];
    let end = 0;
    for (const { position, bytes } of this.#pieces.sort((a, b) => a.position - b.position)) {
      if (position > end) parts.push(new Uint8Array(position - end));
      parts.push(bytes);
      end = position + bytes.length;
    }
    return parts as Uint8Array<ArrayBuffer>[];
  }

  toBlob(): Blob {
    return new Blob(this.parts(), { type: "application/octet-stream" });
  }

  toBytes(): Uint8Array<ArrayBuffer> {
    const parts = this.parts();
    const result = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      result.set(part, at);
      at += part.length;
    }
    return result;
  }
}

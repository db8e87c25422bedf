/**
 * QEMU's image format qcow2, versions 2 and 3, to be read: clusters by two levels of tables, zero and compressed
 * clusters, subclusters, backing files (docs/interop/qcow2 of QEMU). All numbers are big-endian. Whatever the tables
 * say is checked before it is used; what cannot be read here (encryption, another data file, zstd) is refused by name.
 */
import { DiskFailed } from "../lib/errors";
import { inflatePrefix } from "../lib/inflate";
import { type BlockDevice, CHUNK_BYTES, checkRange, checkWritable, chunkLength, isZero, SECTOR_BYTES } from "./block-device";

/** A file by position, as snapshots have it. */
export interface FileSource {
  readonly size: number;
  read(position: number, length: number): Promise<Uint8Array>;
}

/** What lies below an image. */
export type Backing = Pick<BlockDevice, "bytes" | "read" | "dataChunks" | "close">;

export interface Qcow2Options {
  readonly name: string;
  /** Opens the backing file by the name and format (null: not said) in the image. Left out: images with one are refused. */
  readonly backing?: (name: string, format: string | null) => Promise<Backing>;
}

export const QCOW2_MAGIC = 0x514649fb;
const V2_HEADER_BYTES = 72;
const V3_HEADER_BYTES = 104;
const MOST_NAME_BYTES = 1023;
const MOST_L1_BYTES = 32 * 0x100000;
/** 64 TB: what its tables would take is bounded by what the file holds. */
const MOST_BYTES = 2 ** 46;
/** L2 tables and unpacked clusters that are kept. */
const KEPT = 16;
const Incompatible = { Dirty: 1n, Corrupt: 2n, DataFile: 4n, Compression: 8n, ExtendedL2: 16n } as const;
const BACKING_FORMAT = 0xe2792aca;
const OFFSET = 0x00fffffffffffe00n;
const COMPRESSED = 1n << 62n;
const ZERO = 1n;
const SUBCLUSTERS = 32;

interface Header {
  readonly version: number;
  readonly bytes: number;
  readonly clusterBits: number;
  readonly l1Offset: number;
  readonly l1Size: number;
  readonly hasSubclusters: boolean;
  readonly backing: { readonly name: string; readonly format: string | null } | undefined;
  /** Snapshots inside the image, which are not read. */
  readonly snapshots: number;
}

export const isQcow2 = (head: Uint8Array): boolean =>
  head.length >= 4 && new DataView(head.buffer, head.byteOffset).getUint32(0) === QCOW2_MAGIC;

export class Qcow2Disk implements BlockDevice {
  readonly readOnly = true;
  readonly #source: FileSource;
  readonly #l1: BigUint64Array;
  readonly #backing: Backing | undefined;
  readonly #tables = new Map<number, Promise<DataView>>();
  readonly #unpacked = new Map<bigint, Promise<Uint8Array>>();

  private constructor(
    readonly name: string,
    source: FileSource,
    readonly header: Header,
    l1: BigUint64Array,
    backing: Backing | undefined,
  ) {
    this.#source = source;
    this.#l1 = l1;
    this.#backing = backing;
  }

  /** Throws DiskFailed, and then the backing file is closed again. */
  static async open(source: FileSource, options: Qcow2Options): Promise<Qcow2Disk> {
    const { name } = options;
    const header = await readHeader(source, name);
    const entrySpan = entriesOf(header) * 2 ** header.clusterBits;
    if (header.l1Size * 8 > MOST_L1_BYTES || header.l1Size < Math.ceil(header.bytes / entrySpan))
      damaged(name, "its first table has not the size of the disk");
    const bytes = await readExactly(source, header.l1Offset, header.l1Size * 8, name, "its first table");
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const l1 = BigUint64Array.from({ length: header.l1Size }, (_, n) => view.getBigUint64(n * 8));
    if (header.backing && !options.backing)
      throw new DiskFailed(
        name,
        "missing",
        `it builds upon another file, ${shown(header.backing.name)}.`,
        "Make one image of both first: vitrine disk convert, or qemu-img convert.",
      );
    const backing = header.backing && (await options.backing!(header.backing.name, header.backing.format));
    return new Qcow2Disk(name, source, header, l1, backing);
  }

  get bytes(): number {
    return this.header.bytes;
  }

  get clusterBytes(): number {
    return 2 ** this.header.clusterBits;
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    checkRange(this, offset, length);
    const result = new Uint8Array(length);
    // Subclusters are the smallest unit that tables tell of.
    const unit = this.header.hasSubclusters ? this.clusterBytes / SUBCLUSTERS : this.clusterBytes;
    for (let at = 0; at < length; ) {
      const place = offset + at;
      const part = Math.min(unit - (place % unit), length - at);
      const contents = await this.#readPart(place, part);
      if (contents) result.set(contents, at);
      at += part;
    }
    return result;
  }

  /** A part of one unit; undefined: zeros. */
  async #readPart(place: number, length: number): Promise<Uint8Array | undefined> {
    const within = place % this.clusterBytes;
    const entry = await this.#entry(place);
    if (entry === undefined) return this.#below(place, length);
    if ((entry.word & COMPRESSED) !== 0n) return (await this.#unpack(entry.word)).subarray(within, within + length);
    if (this.header.hasSubclusters) {
      const n = BigInt(Math.floor((within * SUBCLUSTERS) / this.clusterBytes));
      if (((entry.bitmap >> (n + 32n)) & 1n) !== 0n) return undefined;
      if (((entry.bitmap >> n) & 1n) === 0n) return this.#below(place, length);
    } else if (this.header.version >= 3 && (entry.word & ZERO) !== 0n) return undefined;
    const host = Number(entry.word & OFFSET);
    if (host === 0) return this.#below(place, length);
    if (host % this.clusterBytes !== 0) damaged(this.name, `the cluster of byte ${place} lies crooked`);
    return readPadded(this.#source, host + within, length, this.name);
  }

  async #below(place: number, length: number): Promise<Uint8Array | undefined> {
    const inside = Math.min(length, (this.#backing?.bytes ?? 0) - place);
    if (inside <= 0) return undefined;
    return this.#backing!.read(place, inside);
  }

  /** The cluster's entry in its L2 table; undefined: there is no table. */
  async #entry(place: number): Promise<{ readonly word: bigint; readonly bitmap: bigint } | undefined> {
    const cluster = Math.floor(place / this.clusterBytes);
    const entries = entriesOf(this.header);
    const table = Number(this.#l1[Math.floor(cluster / entries)]! & OFFSET);
    if (table === 0) return undefined;
    const view = await kept(this.#tables, table, async () => {
      if (table % this.clusterBytes !== 0) damaged(this.name, "a table lies crooked");
      const bytes = await readExactly(this.#source, table, this.clusterBytes, this.name, "a table");
      return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    });
    const at = (cluster % entries) * (this.header.hasSubclusters ? 16 : 8);
    return { word: view.getBigUint64(at), bitmap: this.header.hasSubclusters ? view.getBigUint64(at + 8) : 0n };
  }

  #unpack(word: bigint): Promise<Uint8Array> {
    return kept(this.#unpacked, word, async () => {
      const offsetBits = BigInt(62 - (this.header.clusterBits - 8));
      const place = Number(word & ((1n << offsetBits) - 1n));
      const sectors = Number((word & (COMPRESSED - 1n)) >> offsetBits) + 1;
      const length = sectors * SECTOR_BYTES - (place % SECTOR_BYTES);
      const packed = await readPadded(this.#source, place, length, this.name);
      try {
        return inflatePrefix(packed, this.clusterBytes);
      } catch {
        return damaged(this.name, "a compressed cluster cannot be unpacked");
      }
    });
  }

  async *dataChunks(): AsyncGenerator<number> {
    const below = new Set<number>();
    if (this.#backing) for await (const index of this.#backing.dataChunks()) below.add(index);
    const span = entriesOf(this.header) * this.clusterBytes;
    for (let index = 0; index * CHUNK_BYTES < this.bytes; index++) {
      const isBlank = (this.#l1[Math.floor((index * CHUNK_BYTES) / span)]! & OFFSET) === 0n;
      if (isBlank && below.size === 0 && span > CHUNK_BYTES) {
        // To the end of what the missing table would tell of.
        index = ((Math.floor((index * CHUNK_BYTES) / span) + 1) * span) / CHUNK_BYTES - 1;
        continue;
      }
      const offset = index * CHUNK_BYTES;
      const length = chunkLength(this.bytes, index);
      if (below.has(index) || (await this.#mayHold(offset, length))) if (!isZero(await this.read(offset, length))) yield index;
    }
  }

  /** Whether a table of the image itself says something of the range. */
  async #mayHold(offset: number, length: number): Promise<boolean> {
    for (let place = offset; place < offset + length; place = (Math.floor(place / this.clusterBytes) + 1) * this.clusterBytes) {
      const entry = await this.#entry(place);
      if (entry && (entry.word !== 0n || entry.bitmap !== 0n)) return true;
    }
    return false;
  }

  async write(): Promise<void> {
    checkWritable(this);
  }
  async trim(): Promise<void> {
    checkWritable(this);
  }
  async replace(): Promise<void> {
    checkWritable(this);
  }
  async flush(): Promise<void> {}
  async close(): Promise<void> {
    await this.#backing?.close();
  }
}

const entriesOf = ({ clusterBits, hasSubclusters }: Header): number => 2 ** (clusterBits - (hasSubclusters ? 4 : 3));
const shown = (text: string): string => text.replace(/[^\x20-\x7e]/g, "?").slice(0, 200);

function damaged(name: string, what: string): never {
  throw new DiskFailed(name, "damaged", `as a qcow2 image: ${what}.`, "Get it again, or have qemu-img check look at it.");
}

function unsupported(name: string, what: string): never {
  throw new DiskFailed(name, "unreadable", `as a qcow2 image, ${what}.`, "qemu-img convert -O qcow2 makes one that can be read.");
}

async function readExactly(source: FileSource, position: number, length: number, name: string, what: string): Promise<Uint8Array> {
  if (position + length > source.size) damaged(name, `${what} lies beyond the end of the file`);
  return source.read(position, length);
}

/** The end of a file whose last cluster is not written out is zero. */
async function readPadded(source: FileSource, position: number, length: number, name: string): Promise<Uint8Array> {
  if (position >= source.size) damaged(name, "a cluster lies beyond the end of the file");
  const bytes = await source.read(position, Math.min(length, source.size - position));
  if (bytes.length === length) return bytes;
  const padded = new Uint8Array(length);
  padded.set(bytes);
  return padded;
}

/** One of the last few, or made now. One that fails is not kept. */
function kept<K, V>(cache: Map<K, Promise<V>>, key: K, make: () => Promise<V>): Promise<V> {
  const value = cache.get(key) ?? make();
  cache.delete(key);
  cache.set(key, value);
  if (cache.size > KEPT) cache.delete(cache.keys().next().value!);
  value.catch(() => cache.delete(key));
  return value;
}

async function readHeader(source: FileSource, name: string): Promise<Header> {
  const first = await source.read(0, Math.min(source.size, 4096));
  if (first.length < V2_HEADER_BYTES || !isQcow2(first)) damaged(name, "it is none, or cut short");
  const view = new DataView(first.buffer, first.byteOffset, first.length);
  const number = (at: number): number => {
    const value = view.getBigUint64(at);
    return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : damaged(name, "a number in its header is not possible");
  };
  const version = view.getUint32(4);
  if (version !== 2 && version !== 3) unsupported(name, `it is of version ${version}; 2 and 3 are known`);
  if (version === 3 && first.length < V3_HEADER_BYTES) damaged(name, "it is cut short");
  const incompatible = version === 3 ? view.getBigUint64(72) : 0n;
  const headerBytes = version === 3 ? view.getUint32(100) : V2_HEADER_BYTES;
  const hasCompressionType = version === 3 && headerBytes > V3_HEADER_BYTES && first.length > V3_HEADER_BYTES;
  if (view.getUint32(32) !== 0) unsupported(name, "it is encrypted");
  if ((incompatible & Incompatible.DataFile) !== 0n) unsupported(name, "its data is in another file");
  if ((incompatible & Incompatible.Compression) !== 0n && (!hasCompressionType || first[V3_HEADER_BYTES] !== 0))
    unsupported(name, "its clusters are compressed by another method than deflate (zstd)");
  if (incompatible >> 5n !== 0n) unsupported(name, "it has features that are not known here");
  const clusterBits = view.getUint32(20);
  const hasSubclusters = (incompatible & Incompatible.ExtendedL2) !== 0n;
  if (clusterBits < (hasSubclusters ? 14 : 9) || clusterBits > 21) damaged(name, `clusters of 2^${clusterBits} bytes are not possible`);
  const bytes = number(24);
  if (bytes === 0 || bytes % SECTOR_BYTES !== 0 || bytes > MOST_BYTES) damaged(name, `a disk of ${bytes} bytes is not possible here`);
  const nameAt = number(8);
  const nameLength = view.getUint32(16);
  if (nameAt !== 0 && (nameLength > MOST_NAME_BYTES || nameAt + nameLength > 2 ** clusterBits))
    damaged(name, "the name of its backing file is not possible");
  const text = async (at: number, length: number): Promise<string> =>
    new TextDecoder().decode(await readExactly(source, at, length, name, "a name"));
  const backing =
    nameAt === 0 || nameLength === 0
      ? undefined
      : { name: await text(nameAt, nameLength), format: backingFormat(view, headerBytes, nameAt) };
  return {
    version,
    bytes,
    clusterBits,
    l1Offset: number(40),
    l1Size: view.getUint32(36),
    hasSubclusters,
    backing,
    snapshots: view.getUint32(60),
  };
}

/** The header's extensions: type, length, data, filled up to 8 bytes. */
function backingFormat(view: DataView, headerBytes: number, end: number): string | null {
  for (let at = headerBytes; at + 8 <= Math.min(end, view.byteLength); ) {
    const [type, length] = [view.getUint32(at), view.getUint32(at + 4)];
    if (type === 0 || at + 8 + length > view.byteLength) return null;
    if (type === BACKING_FORMAT) return new TextDecoder().decode(new Uint8Array(view.buffer, view.byteOffset + at + 8, length));
    at += 8 + Math.ceil(length / 8) * 8;
  }
  return null;
}

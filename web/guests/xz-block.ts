/**
 * One-block .xz files, as the Linux build packs kernels (The .xz File Format 1.2). `xz-decompress` knows no branch
 * filter and not every check, so the LZMA2 data is wrapped anew as a plain stream without either; both are then done
 * here. The check covers the final bytes, so a wrong filter cannot go unnoticed.
 *
 *   ┌───────────────┬──────────────┬────────────┬───────┬───────┬─────────────────────────────┬───────────────┐
 *   │ stream header │ block header │ LZMA2 data │ pad 4 │ check │ index: unpadded, unpacked   │ stream footer │
 *   │ 12 bytes      │ 4 n bytes    │            │       │       │ size of each block          │ 12 bytes      │
 *   └───────────────┴──────────────┴────────────┴───────┴───────┴─────────────────────────────┴───────────────┘
 */
import { ImageUnreadable } from "../lib/errors";
import { undoX86BranchFilter } from "./branch-filter";
import { collect } from "./byte-reader";
import { crc32, crc64 } from "./checksum";
import { unxz } from "./xz";

export const XZ_MAGIC: readonly number[] = [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00];
const HEADER_BYTES = 12;
const FOOTER_MAGIC = [0x59, 0x5a];
const FILTER_LZMA2 = 0x21;
const FILTER_X86 = 0x04;
const HAS_COMPRESSED_SIZE = 0x40;
const HAS_UNCOMPRESSED_SIZE = 0x80;
/** Check sizes in bytes by check ID (2.1.1.2). */
const CHECK_BYTES = [0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64];
const CHECK_NONE = 0;
const CHECK_CRC32 = 1;
const CHECK_CRC64 = 4;
/** No kernel is this large; a damaged size must not allocate the host's memory. */
export const UNPACKED_LIMIT = 256 << 20;

interface XzBlock {
  readonly lzma2: Uint8Array;
  readonly dictionaryProperty: number;
  readonly x86Filter: boolean;
  readonly unpackedBytes: number;
  readonly checkId: number;
  readonly check: DataView;
}

function damaged(what: string): ImageUnreadable {
  return new ImageUnreadable("kernel", `has a damaged xz payload (${what}).`, "Fetch the kernel again.");
}

function unsupported(what: string): ImageUnreadable {
  return new ImageUnreadable(
    "kernel",
    `is packed as xz with ${what}, which cannot be unpacked here.`,
    "Boot the packed kernel: it unpacks itself.",
  );
}

/** Unpacks a whole one-block .xz file. Throws ImageUnreadable. */
export async function unpackXzBlock(file: Uint8Array): Promise<Uint8Array> {
  const block = readBlock(file);
  const unpacked = await collect(unxz([wrapPlain(block)], "kernel payload"), block.unpackedBytes, "kernel payload").catch(
    (error: unknown) => {
      throw damaged(error instanceof Error ? error.message : String(error));
    },
  );
  if (unpacked.length !== block.unpackedBytes) throw damaged("it unpacks to another size than it states");
  if (block.x86Filter) undoX86BranchFilter(unpacked);
  if (block.checkId === CHECK_CRC32 && crc32(unpacked) !== block.check.getUint32(0, true)) throw damaged("CRC-32 differs");
  if (block.checkId === CHECK_CRC64 && crc64(unpacked) !== block.check.getBigUint64(0, true)) throw damaged("CRC-64 differs");
  return unpacked;
}

/** Reads backwards from the footer: only the index tells where the block's data ends. */
function readBlock(file: Uint8Array): XzBlock {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (file.length < 2 * HEADER_BYTES + 8 || !XZ_MAGIC.every((byte, at) => file[at] === byte)) throw damaged("no header");
  if (file[file.length - 2] !== FOOTER_MAGIC[0] || file[file.length - 1] !== FOOTER_MAGIC[1]) throw damaged("no footer");
  if (crc32(file.subarray(6, 8)) !== view.getUint32(8, true)) throw damaged("header CRC differs");
  const footer = file.subarray(file.length - 8, file.length - 2);
  if (crc32(footer) !== view.getUint32(file.length - HEADER_BYTES, true)) throw damaged("footer CRC differs");
  if (file[6] !== footer[4] || file[7] !== footer[5]) throw damaged("header and footer disagree");
  const checkId = file[7]! & 15;
  if (![CHECK_NONE, CHECK_CRC32, CHECK_CRC64].includes(checkId)) throw unsupported(`check ${checkId}`);

  const indexBytes = (view.getUint32(file.length - 8, true) + 1) * 4;
  const indexAt = file.length - HEADER_BYTES - indexBytes;
  if (indexAt <= HEADER_BYTES) throw damaged("index size");
  const index = new Numbers(file.subarray(indexAt, indexAt + indexBytes - 4));
  if (crc32(index.bytes) !== view.getUint32(file.length - HEADER_BYTES - 4, true)) throw damaged("index CRC differs");
  if (index.byte() !== 0) throw damaged("no index");
  const blocks = index.number();
  if (blocks !== 1) throw unsupported(`${blocks} blocks`);
  const unpaddedBytes = index.number();
  const unpackedBytes = index.number();
  if (unpackedBytes > UNPACKED_LIMIT) throw damaged(`${unpackedBytes} bytes is more than any kernel has`);

  const headerBytes = (file[HEADER_BYTES]! + 1) * 4;
  const dataAt = HEADER_BYTES + headerBytes;
  const checkBytes = CHECK_BYTES[checkId]!;
  const checkAt = HEADER_BYTES + Math.ceil((unpaddedBytes - checkBytes) / 4) * 4;
  const dataEnd = HEADER_BYTES + unpaddedBytes - checkBytes;
  if (headerBytes < 8 || dataEnd <= dataAt || checkAt + checkBytes !== indexAt) throw damaged("block size");
  if (file.subarray(dataEnd, checkAt).some((byte) => byte !== 0)) throw damaged("padding is not zero");
  const header = new Numbers(file.subarray(HEADER_BYTES, dataAt - 4));
  if (crc32(header.bytes) !== view.getUint32(dataAt - 4, true)) throw damaged("block header CRC differs");
  return {
    lzma2: file.subarray(dataAt, dataEnd),
    ...readFilters(header),
    unpackedBytes,
    checkId,
    check: new DataView(file.buffer, file.byteOffset + checkAt, checkBytes),
  };
}

function readFilters(header: Numbers): { dictionaryProperty: number; x86Filter: boolean } {
  header.byte();
  const flags = header.byte();
  if (flags & HAS_COMPRESSED_SIZE) header.number();
  if (flags & HAS_UNCOMPRESSED_SIZE) header.number();
  let x86Filter = false;
  for (let filter = 0; filter <= (flags & 3); filter++) {
    const id = header.number();
    const propertyBytes = header.number();
    if (id === FILTER_LZMA2 && propertyBytes === 1) return { dictionaryProperty: header.byte(), x86Filter };
    // The filter's optional property is a start offset, which kernels do not use.
    if (id !== FILTER_X86 || propertyBytes !== 0 || x86Filter) throw unsupported(`filter ${id}`);
    x86Filter = true;
  }
  throw unsupported("no LZMA2");
}

/** Bytes and the format's variable-length integers (1.2), in order. */
class Numbers {
  #at = 0;
  constructor(readonly bytes: Uint8Array) {}

  byte(): number {
    if (this.#at >= this.bytes.length) throw damaged("a header ends too early");
    return this.bytes[this.#at++]!;
  }

  number(): number {
    let value = 0;
    for (let scale = 1; scale <= 2 ** 49; scale *= 128) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    throw damaged("a number is too large");
  }
}

function encodeNumber(value: number): number[] {
  const bytes: number[] = [];
  for (; value >= 128; value = Math.floor(value / 128)) bytes.push((value % 128) | 128);
  return [...bytes, value];
}

const littleEndian32 = (value: number): number[] => [value & 255, (value >>> 8) & 255, (value >>> 16) & 255, value >>> 24];
const withCrc = (bytes: readonly number[]): number[] => [...bytes, ...littleEndian32(crc32(Uint8Array.from(bytes)))];
const padded4 = (bytes: readonly number[]): number[] => [...bytes, ...new Array<number>(-bytes.length & 3).fill(0)];

/** Dictionary size by property byte (5.3.1): 2 or 3 times a power of two, from 4 KB. */
const dictionaryBytes = (property: number): number => (2 | (property & 1)) * 2 ** ((property >> 1) + 11);

/** The smallest dictionary that reaches back over the whole output: kernels ask for up to 128 MB, and use 16. */
function smallestDictionary(stated: number, unpackedBytes: number): number {
  let property = 0;
  while (property < stated && dictionaryBytes(property) < unpackedBytes) property++;
  return property;
}

function wrapPlain(block: XzBlock): Uint8Array {
  const streamFlags = [0, CHECK_NONE];
  const filter = [FILTER_LZMA2, 1, smallestDictionary(block.dictionaryProperty, block.unpackedBytes)];
  // Size byte 2: (2 + 1) * 4 bytes with the CRC. Flags 0: one filter, no sizes.
  const header = withCrc(padded4([2, 0, ...filter]));
  const index = withCrc(padded4([0, 1, ...encodeNumber(header.length + block.lzma2.length), ...encodeNumber(block.unpackedBytes)]));
  const footer = [...littleEndian32(index.length / 4 - 1), ...streamFlags];
  const before = [...XZ_MAGIC, ...withCrc(streamFlags), ...header];
  const after = [
    ...new Array<number>(-(header.length + block.lzma2.length) & 3).fill(0),
    ...index,
    ...littleEndian32(crc32(Uint8Array.from(footer))),
    ...footer,
    ...FOOTER_MAGIC,
  ];
  const file = new Uint8Array(before.length + block.lzma2.length + after.length);
  file.set(before);
  file.set(block.lzma2, before.length);
  file.set(after, before.length + block.lzma2.length);
  return file;
}

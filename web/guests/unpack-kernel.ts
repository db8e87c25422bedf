/**
 * Takes the ELF `vmlinux` out of a bzImage (kernel documentation "The Linux/x86 Boot Protocol", payload_offset and
 * payload_length). Entering it directly saves the guest its own decompression: some two billion instructions for
 * Debian's kernel. Runs in Node and in the page's worker.
 */
import { ImageUnreadable } from "../lib/errors";
import { collect, streamChunks } from "./byte-reader";
import { LZ4_LEGACY_MAGIC, unpackLz4Legacy } from "./lz4";
import { UNPACKED_LIMIT, unpackXzBlock, XZ_MAGIC } from "./xz-block";

const SETUP_SECTORS = 0x1f1;
const SIGNATURE = 0x202;
const VERSION = 0x206;
const PAYLOAD_OFFSET = 0x248;
const PAYLOAD_LENGTH = 0x24c;
const HEADER_END = 0x250;
/** "payload_offset" came with protocol 2.08. */
const PAYLOAD_SINCE = 0x208;
const SECTOR_BYTES = 512;
/** The build appends the unpacked size to formats that do not end with it. */
const SIZE_BYTES = 4;

const HDRS = [0x48, 0x64, 0x72, 0x53];
const ELF = [0x7f, 0x45, 0x4c, 0x46];
const GZIP = [0x1f, 0x8b];
const FOREIGN: readonly (readonly [string, readonly number[]])[] = [
  ["zstd", [0x28, 0xb5, 0x2f, 0xfd]],
  ["bzip2", [0x42, 0x5a, 0x68]],
  ["lzma", [0x5d, 0x00, 0x00]],
  ["lzop", [0x89, 0x4c, 0x5a, 0x4f]],
];

/** Fields of an ELF file header and of a program header, by class (System V gABI). `word` reads an address or size. */
const ELF32 = {
  headerBytes: 52,
  programHeaders: 28,
  sectionHeaders: 32,
  programCount: 44,
  sectionCount: 48,
  programHeaderBytes: 32,
  sectionHeaderBytes: 40,
  fileOffset: 4,
  fileBytes: 16,
  word: (view: DataView, at: number): number => view.getUint32(at, true),
} as const;
const ELF64 = {
  headerBytes: 64,
  programHeaders: 32,
  sectionHeaders: 40,
  programCount: 56,
  sectionCount: 60,
  programHeaderBytes: 56,
  sectionHeaderBytes: 64,
  fileOffset: 8,
  fileBytes: 32,
  word: (view: DataView, at: number): number => Number(view.getBigUint64(at, true)),
} as const;
type Layout = typeof ELF32 | typeof ELF64;
const CLASS = 4;
const CLASS_64 = 2;

const begins = (data: Uint8Array, magic: readonly number[], at = 0): boolean => magic.every((byte, index) => data[at + index] === byte);

/** Throws ImageUnreadable: not a bzImage, damaged, or packed in a format that only the kernel itself unpacks. */
export async function unpackKernel(bzImage: Uint8Array): Promise<Uint8Array> {
  const payload = findPayload(bzImage);
  const vmlinux = await unpackPayload(payload);
  if (!begins(vmlinux, ELF))
    throw new ImageUnreadable("kernel", "has a payload that is no ELF file.", "Boot the packed kernel: it unpacks itself.");
  return vmlinux.subarray(0, elfEnd(vmlinux));
}

/**
 * Where the ELF file itself ends. A relocatable kernel's relocations are packed behind it, a megabyte that only its own
 * unpacking code uses; without them the section headers are the end, which shows whether the file is whole.
 */
function elfEnd(vmlinux: Uint8Array): number {
  const elf = vmlinux[CLASS] === CLASS_64 ? ELF64 : ELF32;
  if (vmlinux.length < elf.headerBytes) return vmlinux.length;
  const view = new DataView(vmlinux.buffer, vmlinux.byteOffset, vmlinux.byteLength);
  const end = elf.word(view, elf.sectionHeaders) + view.getUint16(elf.sectionCount, true) * elf.sectionHeaderBytes;
  const isLast = [...segmentEnds(view, elf)].every((segment) => segment <= end);
  return isLast && end <= vmlinux.length ? end : vmlinux.length;
}

function* segmentEnds(view: DataView, elf: Layout): Generator<number> {
  const first = elf.word(view, elf.programHeaders);
  const end = first + view.getUint16(elf.programCount, true) * elf.programHeaderBytes;
  if (end > view.byteLength) return;
  for (let at = first; at < end; at += elf.programHeaderBytes)
    yield elf.word(view, at + elf.fileOffset) + elf.word(view, at + elf.fileBytes);
}

function findPayload(bzImage: Uint8Array): Uint8Array {
  if (bzImage.length < HEADER_END || !begins(bzImage, HDRS, SIGNATURE))
    throw new ImageUnreadable("kernel", "is not a Linux bzImage (no HdrS at 202h).", "Choose a vmlinuz or bzImage.");
  const view = new DataView(bzImage.buffer, bzImage.byteOffset, bzImage.byteLength);
  const offset = view.getUint32(PAYLOAD_OFFSET, true);
  const length = view.getUint32(PAYLOAD_LENGTH, true);
  if (view.getUint16(VERSION, true) < PAYLOAD_SINCE || offset === 0 || length <= SIZE_BYTES)
    throw new ImageUnreadable("kernel", "does not say where its packed part is.", "Boot it as it is.");
  // 0 stands for 4, from the time before the field existed.
  const start = ((bzImage[SETUP_SECTORS]! || 4) + 1) * SECTOR_BYTES + offset;
  if (start + length > bzImage.length)
    throw new ImageUnreadable("kernel", "is truncated: its packed part is not all there.", "Fetch it again.");
  return bzImage.subarray(start, start + length);
}

async function unpackPayload(payload: Uint8Array): Promise<Uint8Array> {
  if (begins(payload, ELF)) return payload.slice();
  if (begins(payload, GZIP)) return gunzip(payload);
  const packed = payload.subarray(0, payload.length - SIZE_BYTES);
  const unpackedBytes = new DataView(payload.buffer, payload.byteOffset + packed.length).getUint32(0, true);
  if (unpackedBytes > UNPACKED_LIMIT)
    throw new ImageUnreadable("kernel", `says it unpacks to ${unpackedBytes} bytes, which no kernel has.`, "Fetch it again.");
  if (begins(payload, LZ4_LEGACY_MAGIC)) return unpackLz4Legacy(packed, unpackedBytes);
  if (begins(payload, XZ_MAGIC)) {
    const unpacked = await unpackXzBlock(packed);
    if (unpacked.length !== unpackedBytes)
      throw new ImageUnreadable("kernel", `unpacks to ${unpacked.length} bytes but says ${unpackedBytes}.`, "Fetch it again.");
    return unpacked;
  }
  const format = FOREIGN.find(([, magic]) => begins(payload, magic))?.[0] ?? "an unknown format";
  throw new ImageUnreadable(
    "kernel",
    `is packed with ${format}, which cannot be unpacked here.`,
    "Boot the packed kernel: it unpacks itself.",
  );
}

async function gunzip(payload: Uint8Array): Promise<Uint8Array> {
  const damaged = (): ImageUnreadable => new ImageUnreadable("kernel", "has a damaged gzip payload.", "Fetch it again.");
  const stream = new Blob([payload.slice()]).stream().pipeThrough(new DecompressionStream("gzip"));
  const unpacked = await collect(streamChunks(stream), UNPACKED_LIMIT, "kernel payload").catch(() => {
    throw damaged();
  });
  // RFC 1952, 2.3.1: the size ends a member. Not every host's stream complains when a file ends too early.
  if (new DataView(payload.buffer, payload.byteOffset + payload.length - SIZE_BYTES).getUint32(0, true) !== unpacked.length)
    throw damaged();
  return unpacked;
}

/**
 * Checks an initrd before a kernel meets it: a truncated or foreign file would otherwise end as a kernel panic
 * minutes later. Knows what Linux accepts (kernel documentation "initramfs buffer format"): cpio archives and
 * compressed ones, in a row, with zeros between; or one file-system image. Contents are not interpreted.
 */

import { BadGzip, checkGzipMember } from "../../lib/inflate";
import { ascii, ImageReader } from "./image-reader";

const CPIO_HEADER_BYTES = 110;
const CPIO_FIELDS_AT = 6;
const CPIO_FILE_SIZE = 6;
const CPIO_NAME_SIZE = 11;
const CPIO_TRAILER = "TRAILER!!!";
const LONGEST_NAME = 4097;

/** Compression formats whose end can be told without decoding; each check refuses or returns. */
const TO_THE_END: readonly { readonly magic: readonly number[]; readonly name: string; check(image: ImageReader, start: number): void }[] =
  [
    { magic: [0xfd, ...ascii("7zXZ"), 0], name: "xz", check: checkXz },
    { magic: [0x28, 0xb5, 0x2f, 0xfd], name: "zstd", check: checkZstd },
    { magic: [0x02, 0x21, 0x4c, 0x18], name: "lz4", check: checkLz4 },
    { magic: ascii("BZh"), name: "bzip2", check: checkBzip2 },
    { magic: [0x5d, 0, 0], name: "lzma", check: () => {} },
    { magic: [0x89, ...ascii("LZO")], name: "lzop", check: checkLzop },
  ];

/** File systems of old-style ramdisks: magic and where it stands. */
const FILE_SYSTEMS: readonly { readonly at: number; readonly magic: readonly number[] }[] = [
  { at: 1080, magic: [0x53, 0xef] }, // ext2
  { at: 0, magic: ascii("hsqs") },
  { at: 0, magic: ascii("-rom1fs-") },
  { at: 0, magic: [0x45, 0x3d, 0xcd, 0x28] }, // cramfs
  { at: 1040, magic: [0x7f, 0x13] }, // minix
  { at: 1040, magic: [0x8f, 0x13] },
];

/** Throws ImageUnreadable when the file is not a whole initrd. */
export function checkInitrd(data: Uint8Array): void {
  const image: ImageReader = new ImageReader(data, "initrd");
  if (image.length === 0) image.refuse("is empty", "choose another file or leave it out");
  if (FILE_SYSTEMS.some(({ at, magic }) => image.matches(at, magic))) return;
  let segments = 0;
  for (let at = 0; at < image.length; ) {
    if (data[at] === 0) at++;
    else {
      at = checkSegment(image, at);
      segments++;
    }
  }
  if (segments === 0) image.refuse("contains only zeros", "choose another file");
}

/** One archive; returns the offset after it. */
function checkSegment(image: ImageReader, start: number): number {
  if (isCpio(image, start)) return walkCpio(image, start);
  if (image.matches(start, [0x1f, 0x8b, 8])) {
    try {
      return checkGzipMember(image.data, start);
    } catch (error) {
      if (error instanceof BadGzip) image.refuse(`is a gzip archive that ${error.message}`, "fetch it again");
      throw error;
    }
  }
  const format = TO_THE_END.find(({ magic }) => image.matches(start, magic));
  if (!format) {
    if (start === 0)
      image.refuse("is neither a cpio archive nor a compressed one nor a file system that Linux knows", "choose another file");
    else image.refuse(`has bytes at ${start} that are no archive`, "it is damaged; fetch it again");
  }
  format.check(image, start);
  return image.length;
}

const isCpio = (image: ImageReader, at: number): boolean => image.matches(at, ascii("070701")) || image.matches(at, ascii("070702"));

function walkCpio(image: ImageReader, start: number): number {
  const aligned = (offset: number): number => start + Math.ceil((offset - start) / 4) * 4;
  for (let at = start; ; ) {
    if (!isCpio(image, at))
      image.refuse(
        `is a cpio archive with no entry at byte ${at} and no ${CPIO_TRAILER} before it`,
        "it is truncated or damaged; fetch it again",
      );
    const nameBytes = cpioField(image, at, CPIO_NAME_SIZE);
    const fileBytes = cpioField(image, at, CPIO_FILE_SIZE);
    if (nameBytes === 0 || nameBytes > LONGEST_NAME)
      image.refuse(`is a cpio archive with an impossible name length at byte ${at}`, "it is damaged; fetch it again");
    const name = String.fromCharCode(...image.bytes(at + CPIO_HEADER_BYTES, nameBytes - 1));
    const contents = aligned(at + CPIO_HEADER_BYTES + nameBytes);
    if (name === CPIO_TRAILER) return Math.min(contents, image.length);
    image.bytes(contents, fileBytes);
    at = aligned(contents + fileBytes);
  }
}

function cpioField(image: ImageReader, entry: number, field: number): number {
  const digits = String.fromCharCode(...image.bytes(entry + CPIO_FIELDS_AT + field * 8, 8));
  if (!/^[0-9a-fA-F]{8}$/.test(digits))
    image.refuse(`is a cpio archive with a header field that is no number at byte ${entry}`, "it is damaged; fetch it again");
  return Number.parseInt(digits, 16);
}

function truncated(image: ImageReader, format: string): never {
  return image.refuse(`is ${format} data that ends too early`, "fetch it again");
}

/** The stream footer ends in "YZ"; streams may be padded with zeros in fours. */
function checkXz(image: ImageReader, start: number): void {
  let end = image.length;
  while (end - 4 > start && image.u32(end - 4) === 0) end -= 4;
  if ((end - start) % 4 !== 0 || end - start < 32 || !image.matches(end - 2, ascii("YZ"))) truncated(image, "xz");
}

/** RFC 8878, 3.1.1: frames of blocks, each with its size; skippable frames between. */
function checkZstd(image: ImageReader, start: number): void {
  for (let at = start; at < image.length; ) {
    if (image.data[at] === 0) {
      at++;
      continue;
    }
    const magic = image.u32(at);
    if (magic >>> 4 === 0x184d2a5) {
      image.bytes(at + 8, image.u32(at + 4));
      at += 8 + image.u32(at + 4);
      continue;
    }
    if (magic !== 0xfd2fb528) image.refuse(`is zstd data with bytes at ${at} that are no frame`, "it is damaged; fetch it again");
    at = zstdFrame(image, at + 4);
  }
}

function zstdFrame(image: ImageReader, start: number): number {
  const descriptor = image.u8(start);
  const singleSegment = (descriptor & 0x20) !== 0;
  const contentSizeBytes = [singleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6]!;
  let at = start + 1 + (singleSegment ? 0 : 1) + [0, 1, 2, 4][descriptor & 3]! + contentSizeBytes;
  for (;;) {
    const header = image.u16(at) | (image.u8(at + 2) << 16);
    const type = (header >> 1) & 3;
    if (type === 3) image.refuse("is zstd data with a block of a reserved type", "it is damaged; fetch it again");
    // A run-length block holds one byte whatever its size.
    const bytes = type === 1 ? 1 : header >> 3;
    image.bytes(at + 3, bytes);
    at += 3 + bytes;
    if (header & 1) break;
  }
  if (descriptor & 4) {
    image.bytes(at, 4);
    at += 4;
  }
  return at;
}

/** Legacy frame: 32-bit sizes before blocks, to the end of the file. */
function checkLz4(image: ImageReader, start: number): void {
  let at = start + 4;
  while (at < image.length) {
    if (image.length - at < 4) truncated(image, "lz4");
    const bytes = image.u32(at);
    at += 4;
    // A further frame's magic may stand where a block size does; 0 is padding.
    if (bytes === 0x184c2102 || bytes === 0) continue;
    image.bytes(at, bytes);
    at += bytes;
  }
}

/** The end-of-stream mark 177245385090h and a CRC, at any bit position of the last 11 bytes. */
function checkBzip2(image: ImageReader, start: number): void {
  const tail = image.data.subarray(Math.max(start, image.length - 11));
  let value = 0n;
  for (const byte of tail) value = (value << 8n) | BigInt(byte);
  for (let padding = 0n; padding < 8n; padding++) if (((value >> (padding + 32n)) & 0xffffffffffffn) === 0x177245385090n) return;
  truncated(image, "bzip2");
}

/** A block of uncompressed size 0 ends the file. */
function checkLzop(image: ImageReader, start: number): void {
  if (image.length - start < 16 || image.u32(image.length - 4) !== 0) truncated(image, "lzop");
}

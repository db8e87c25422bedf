/**
 * The Linux setup header at offset 1F1h of a bzImage and of the zero page (kernel documentation "The Linux/x86
 * Boot Protocol"). Reads and checks a bzImage's header; makes one for a vmlinux that comes without.
 */

import { hex } from "../../lib/hex";
import { ONE_MB } from "./boot-plan";
import { ascii, type ImageReader } from "./image-reader";

/** Offsets in the bzImage and in the zero page alike. */
export const Setup = {
  start: 0x1f1,
  setupSectors: 0x1f1,
  sysSize: 0x1f4,
  videoMode: 0x1fa,
  bootFlag: 0x1fe,
  jumpOffset: 0x201,
  signature: 0x202,
  version: 0x206,
  loaderType: 0x210,
  loadFlags: 0x211,
  code32Start: 0x214,
  ramdiskImage: 0x218,
  ramdiskSize: 0x21c,
  commandLine: 0x228,
  initrdAddressMax: 0x22c,
  kernelAlignment: 0x230,
  relocatable: 0x234,
  extendedLoadFlags: 0x236,
  commandLineSize: 0x238,
  payloadOffset: 0x248,
  payloadLength: 0x24c,
  preferredAddress: 0x258,
  initSize: 0x260,
  /** The zero page's next field: a longer header is cut here. */
  end: 0x290,
} as const;

const BOOT_FLAG = 0xaa55;
const HDRS = ascii("HdrS");
const LOADED_HIGH = 0x01;
const KERNEL_64 = 0x01;
const SECTOR_BYTES = 512;
const PARAGRAPH = 16;
/** "cmd_line_ptr" came with 2.02; before, loaders passed the command line in another way. */
const OLDEST = 0x202;
const VERSION_64 = 0x20c;
/** Boot loaders without a number of their own say FFh. */
export const LOADER_UNDEFINED = 0xff;

/** "PE Format": where a file that begins as a DOS program says where its PE header is, and fields of that header. */
const Pe = {
  magic: ascii("MZ"),
  headerOffset: 0x3c,
  signature: [...ascii("PE"), 0, 0],
  optionalHeader: 24,
  pe32: 0x10b,
  /** From the optional header of PE32 on: number of data directories, and the fifth of them, the certificate table. */
  directoryCount: 92,
  certificateTable: 96 + 4 * 8,
  certificateIndex: 4,
} as const;

const PAYLOAD_MAGICS: readonly (readonly number[])[] = [
  [0x1f, 0x8b], // gzip
  [0xfd, ...ascii("7zXZ"), 0], // xz
  [0x02, 0x21, 0x4c, 0x18], // lz4, legacy frame
  [0x28, 0xb5, 0x2f, 0xfd], // zstd
  ascii("BZh"), // bzip2
  [0x5d, 0, 0], // lzma
  [0x89, ...ascii("LZO")], // lzop
  [0x7f, ...ascii("ELF")], // not compressed
];

export interface BzImage {
  /** Bytes 1F1h to the end of the header, to be copied to the same offset of the zero page. */
  readonly header: Uint8Array;
  /** The protected-mode part, loaded at 1 MB. */
  readonly code: Uint8Array;
  readonly entry: number;
  /** Exclusive end of all memory the kernel uses before it knows the memory map. */
  readonly end: number;
  readonly initrdAddressMax: number;
  readonly commandLineSize: number;
  /** "2.15". */
  readonly version: string;
}

export const isBzImage = (image: ImageReader): boolean => image.matches(Setup.signature, HDRS);

/** Its protected-mode code goes on to 64-bit code, and checks for it. */
export function is64BitOnly(image: ImageReader): boolean {
  if (image.length < Setup.extendedLoadFlags + 2) return false;
  return image.u16(Setup.version) >= VERSION_64 && (image.u16(Setup.extendedLoadFlags) & KERNEL_64) !== 0;
}

export function readBzImage(image: ImageReader): BzImage {
  if (image.u16(Setup.bootFlag) !== BOOT_FLAG)
    image.refuse("has a Linux header but no 55 AA at offset 510", "it is damaged; fetch it again");
  const version = image.u16(Setup.version);
  const since = <T>(first: number, value: () => T, otherwise: T): T => (version >= first ? value() : otherwise);
  const versionText = `${version >> 8}.${String(version & 0xff).padStart(2, "0")}`;
  if (version < OLDEST || version > 0x2ff)
    image.refuse(`speaks boot protocol ${versionText}, but 2.02 or a later 2.x is needed (Linux 2.4 or later)`, "use another kernel");
  if ((image.u8(Setup.loadFlags) & LOADED_HIGH) === 0) image.refuse("is a zImage, which loads below 1 MB", "use a bzImage");

  // 0 stands for 4, from the time before the field existed.
  const setupBytes = ((image.u8(Setup.setupSectors) || 4) + 1) * SECTOR_BYTES;
  const paragraphs = since(0x204, () => image.u32(Setup.sysSize), image.u16(Setup.sysSize));
  // The last paragraph may be incomplete: the size is rounded up.
  const codeBytes = Math.min(paragraphs * PARAGRAPH, Math.max(image.length - setupBytes, paragraphs * PARAGRAPH - PARAGRAPH + 1));
  if (paragraphs === 0) image.refuse("has no protected-mode code", "it is damaged; fetch it again");
  const code = image.bytes(setupBytes, codeBytes);

  const entry = image.u32(Setup.code32Start);
  if (entry < ONE_MB || entry >= ONE_MB + code.length)
    image.refuse(`has its entry point at ${hex(entry)}, outside its code`, "it is damaged; fetch it again");
  since(0x208, () => demandPayload(image, setupBytes, code), undefined);
  demandCertificates(image);

  const preferred = since(0x20a, () => image.u32(Setup.preferredAddress), ONE_MB);
  const initSize = since(0x20a, () => image.u32(Setup.initSize), code.length);
  const relocatable = since(0x205, () => image.u8(Setup.relocatable) !== 0, false);
  // A relocatable kernel unpacks itself at the preferred address or above where it was loaded, whichever is higher.
  const runAt = relocatable || preferred >= ONE_MB ? Math.max(preferred, ONE_MB) : ONE_MB;
  return {
    header: image.bytes(Setup.start, Math.min(Setup.signature + image.u8(Setup.jumpOffset), Setup.end) - Setup.start),
    code,
    entry,
    end: Math.max(ONE_MB + code.length, runAt + initSize),
    initrdAddressMax: since(0x203, () => image.u32(Setup.initrdAddressMax), 0x37ffffff),
    commandLineSize: since(0x206, () => image.u32(Setup.commandLineSize), 255),
    version: versionText,
  };
}

/** A stated payload must lie inside the code and begin as one of the formats the protocol lists. */
function demandPayload(image: ImageReader, setupBytes: number, code: Uint8Array): void {
  const [offset, length] = [image.u32(Setup.payloadOffset), image.u32(Setup.payloadLength)];
  if (offset === 0 || length === 0) return;
  if (offset + length > code.length) image.refuse("has a compressed payload that ends outside its code", "it is damaged; fetch it again");
  if (!PAYLOAD_MAGICS.some((magic) => image.matches(setupBytes + offset, magic)))
    image.refuse("has a payload in no known compression format", "it is damaged; fetch it again");
}

/**
 * A kernel that was signed for Secure Boot has its signature behind the code. Nothing here needs it, but it is the end of
 * the file: what is cut off there was fetched only in part.
 */
function demandCertificates(image: ImageReader): void {
  if (!image.matches(0, Pe.magic)) return;
  const header = image.u32(Pe.headerOffset);
  const optional = header + Pe.optionalHeader;
  if (!image.matches(header, Pe.signature) || image.u16(optional) !== Pe.pe32) return;
  if (image.u32(optional + Pe.directoryCount) <= Pe.certificateIndex) return;
  const table = optional + Pe.certificateTable;
  image.bytes(image.u32(table), image.u32(table + 4));
}

/** A header for a vmlinux without its bzImage: what a 32-bit kernel reads from it at boot. */
export function synthesizedHeader(start: number, bytes: number): Uint8Array {
  const header = new Uint8Array(0x268 - Setup.start);
  const view = new DataView(header.buffer);
  const at = (offset: number): number => offset - Setup.start;
  view.setUint16(at(Setup.videoMode), 0xffff, true);
  view.setUint16(at(Setup.bootFlag), BOOT_FLAG, true);
  // The jump over the header: EBh and the distance from 202h to its end.
  view.setUint8(at(0x200), 0xeb);
  view.setUint8(at(Setup.jumpOffset), 0x268 - Setup.signature);
  header.set(HDRS, at(Setup.signature));
  view.setUint16(at(Setup.version), VERSION_64, true);
  view.setUint8(at(Setup.loadFlags), LOADED_HIGH);
  view.setUint32(at(Setup.code32Start), start, true);
  view.setUint32(at(Setup.initrdAddressMax), 0x7fffffff, true);
  view.setUint32(at(Setup.kernelAlignment), ONE_MB, true);
  view.setUint32(at(Setup.commandLineSize), 2047, true);
  view.setUint32(at(Setup.preferredAddress), start, true);
  view.setUint32(at(Setup.initSize), bytes, true);
  return header;
}

/**
 * ELF32 executables for the i386 (System V gABI, "Object Files" and "Program Loading"): the loadable segments and
 * the physical entry point. Every table is checked against the file's length first. Relocatable and shared
 * objects are refused: nothing here relocates.
 */
import { hex } from "../../lib/hex";
import { ascii, type ImageReader } from "./image-reader";

export interface ElfSegment {
  readonly physical: number;
  readonly linear: number;
  /** File contents: a view of the image. */
  readonly data: Uint8Array;
  /** Size in memory; what exceeds `data` is cleared. */
  readonly memoryBytes: number;
}

export interface ElfImage {
  /** Guest-physical address of the first instruction. */
  readonly entry: number;
  readonly segments: readonly ElfSegment[];
  /** Lowest and (exclusive) highest guest-physical address used. */
  readonly start: number;
  readonly end: number;
}

const ELF_MAGIC = [0x7f, ...ascii("ELF")];
const CLASS_32 = 1;
const CLASS_64 = 2;
const LITTLE_ENDIAN = 1;
const EXECUTABLE = 2;
const MACHINE_386 = 3;
const PT_LOAD = 1;
const HEADER_BYTES = 52;
const PROGRAM_HEADER_BYTES = 32;
const SECTION_HEADER_BYTES = 40;
/** More program headers than any kernel has; a larger count means a damaged header. */
const MOST_SEGMENTS = 128;

export const isElf = (image: ImageReader): boolean => image.matches(0, ELF_MAGIC);

export function readElf(image: ImageReader): ElfImage {
  if (image.u8(4) === CLASS_64) image.refuse("is a 64-bit ELF file, but this machine's CPU is 32-bit", "use an i386 kernel");
  if (image.u8(4) !== CLASS_32) image.refuse(`has ELF class ${image.u8(4)}, which does not exist`, "it is damaged; fetch it again");
  if (image.u8(5) !== LITTLE_ENDIAN) image.refuse("is a big-endian ELF file, not one for x86", "use an i386 kernel");
  if (image.u16(18) !== MACHINE_386) image.refuse(`is an ELF file for machine ${image.u16(18)}, not i386 (3)`, "use an i386 kernel");
  if (image.u16(16) !== EXECUTABLE) image.refuse(`is an ELF file of type ${image.u16(16)}, not an executable (2)`, "use a linked kernel");

  const tableOffset = image.u32(28);
  const count = image.u16(44);
  if (image.u16(42) !== PROGRAM_HEADER_BYTES || count === 0 || count > MOST_SEGMENTS || tableOffset < HEADER_BYTES)
    image.refuse("has no valid ELF program headers", "it is damaged or not a kernel; choose another file");
  demandSectionHeaders(image);

  const segments: ElfSegment[] = [];
  for (let i = 0; i < count; i++) {
    const header = tableOffset + i * PROGRAM_HEADER_BYTES;
    if (image.u32(header) !== PT_LOAD) continue;
    const [offset, linear, physical, fileBytes, memoryBytes] = [4, 8, 12, 16, 20].map((field) => image.u32(header + field)) as [
      number,
      number,
      number,
      number,
      number,
    ];
    if (memoryBytes === 0) continue;
    if (fileBytes > memoryBytes)
      image.refuse(`has an ELF segment with more bytes in the file than in memory (number ${i})`, "it is damaged; fetch it again");
    if (physical + memoryBytes > 0x100000000)
      image.refuse(`has an ELF segment that ends above 4 GB (number ${i})`, "it is damaged; fetch it again");
    segments.push({ physical, linear, data: image.bytes(offset, fileBytes), memoryBytes });
  }
  if (segments.length === 0) image.refuse("is an ELF file with nothing to load", "choose a kernel");
  demandNoOverlap(image, segments);
  return {
    entry: physicalEntry(image, segments),
    segments,
    start: Math.min(...segments.map((s) => s.physical)),
    end: Math.max(...segments.map((s) => s.physical + s.memoryBytes)),
  };
}

/** Section headers are not needed to load, but they stand at the end: a table that is cut off shows a truncated file. */
function demandSectionHeaders(image: ImageReader): void {
  const offset = image.u32(32);
  const count = image.u16(48);
  if (offset !== 0 && count !== 0) image.bytes(offset, count * SECTION_HEADER_BYTES);
}

function demandNoOverlap(image: ImageReader, segments: readonly ElfSegment[]): void {
  const sorted = [...segments].sort((a, b) => a.physical - b.physical);
  for (let i = 1; i < sorted.length; i++) {
    const before = sorted[i - 1]!;
    if (before.physical + before.memoryBytes > sorted[i]!.physical)
      image.refuse(`has ELF segments that overlap at ${hex(sorted[i]!.physical)}`, "it is damaged; fetch it again");
  }
}

/** Linux states e_entry as a physical address, many other kernels as a linear one: the segments tell which. */
function physicalEntry(image: ImageReader, segments: readonly ElfSegment[]): number {
  const entry = image.u32(24);
  for (const s of segments) if (entry >= s.physical && entry < s.physical + s.memoryBytes) return entry;
  for (const s of segments) if (entry >= s.linear && entry < s.linear + s.memoryBytes) return entry - s.linear + s.physical;
  return image.refuse(`has its ELF entry point ${hex(entry)} outside every segment`, "it is damaged; fetch it again");
}

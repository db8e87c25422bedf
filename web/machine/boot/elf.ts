/**
 * ELF32 executables for the i386 and ELF64 executables for x86-64 (System V gABI, "Object Files" and "Program Loading"):
 * the loadable segments, the physical entry point, and notes. Every table is checked against the file's length first.
 * Relocatable and shared objects are refused: nothing here relocates.
 */
import { hex } from "../../lib/hex";
import { ascii, ImageReader } from "./image-reader";

export interface ElfSegment {
  readonly physical: number;
  readonly linear: bigint;
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
  /** ELF64: 64-bit code. */
  readonly is64Bit: boolean;
  readonly notes: readonly ElfNote[];
}

export interface ElfNote {
  /** Without the NUL at its end. */
  readonly owner: string;
  readonly type: number;
  readonly data: Uint8Array;
}

const ELF_MAGIC = [0x7f, ...ascii("ELF")];
const LITTLE_ENDIAN = 1;
const EXECUTABLE = 2;
const PT_LOAD = 1;
const PT_NOTE = 4;
/** More program headers than any kernel has; a larger count means a damaged header. */
const MOST_SEGMENTS = 128;

/** Where the fields of the file header, program headers and section headers stand, by class. */
interface Layout {
  readonly machine: number;
  readonly machineName: string;
  readonly headerBytes: number;
  readonly entry: number;
  readonly programHeaders: number;
  readonly sectionHeaders: number;
  /** Of e_phentsize; e_phnum and e_shnum stand 2 and 6 behind it. */
  readonly programHeaderSize: number;
  readonly programHeaderBytes: number;
  readonly sectionHeaderBytes: number;
  /** In a program header: file offset, linear and physical address, bytes in the file and in memory. */
  readonly fields: readonly [offset: number, linear: number, physical: number, fileBytes: number, memoryBytes: number];
  readonly is64Bit: boolean;
}
const ELF32: Layout = {
  machine: 3,
  machineName: "i386",
  headerBytes: 52,
  entry: 24,
  programHeaders: 28,
  sectionHeaders: 32,
  programHeaderSize: 42,
  programHeaderBytes: 32,
  sectionHeaderBytes: 40,
  fields: [4, 8, 12, 16, 20],
  is64Bit: false,
};
const ELF64: Layout = {
  machine: 62,
  machineName: "x86-64",
  headerBytes: 64,
  entry: 24,
  programHeaders: 32,
  sectionHeaders: 40,
  programHeaderSize: 54,
  programHeaderBytes: 56,
  sectionHeaderBytes: 64,
  fields: [8, 16, 24, 32, 40],
  is64Bit: true,
};
const CLASS_32 = 1;
const CLASS_64 = 2;

export const isElf = (image: ImageReader): boolean => image.matches(0, ELF_MAGIC);
/** 64-bit code, as far as the file's first bytes say. */
export const isElf64 = (image: ImageReader): boolean => image.matches(0, [...ELF_MAGIC, CLASS_64]);

/** Address or size of the file's class. */
function word(image: ImageReader, { is64Bit }: Layout, at: number): bigint {
  return is64Bit ? image.u64(at) : BigInt(image.u32(at));
}
/** The same where only numbers below 2^53 make sense; larger ones lie beyond every file and memory. */
const size = (image: ImageReader, layout: Layout, at: number): number => Number(word(image, layout, at));

/** `longMode`: the machine's CPU has 64-bit mode, so ELF64 may be read. */
export function readElf(image: ImageReader, longMode = false): ElfImage {
  const fileClass = image.u8(4);
  if (fileClass === CLASS_64 && !longMode)
    image.refuse("is a 64-bit ELF file, but this machine's CPU is 32-bit", "choose the CPU model x86-64-v2, or an i386 kernel");
  if (fileClass !== CLASS_32 && fileClass !== CLASS_64)
    image.refuse(`has ELF class ${fileClass}, which does not exist`, "it is damaged; fetch it again");
  const layout = fileClass === CLASS_64 ? ELF64 : ELF32;
  const { machine, machineName } = layout;
  if (image.u8(5) !== LITTLE_ENDIAN) image.refuse("is a big-endian ELF file, not one for x86", "use a kernel for x86");
  if (image.u16(18) !== machine)
    image.refuse(`is an ELF file for machine ${image.u16(18)}, not ${machineName} (${machine})`, `use an ${machineName} kernel`);
  if (image.u16(16) !== EXECUTABLE) image.refuse(`is an ELF file of type ${image.u16(16)}, not an executable (2)`, "use a linked kernel");

  const tableOffset = size(image, layout, layout.programHeaders);
  const count = image.u16(layout.programHeaderSize + 2);
  const headerSize = image.u16(layout.programHeaderSize);
  if (headerSize !== layout.programHeaderBytes || count === 0 || count > MOST_SEGMENTS || tableOffset < layout.headerBytes)
    image.refuse("has no valid ELF program headers", "it is damaged or not a kernel; choose another file");
  demandSectionHeaders(image, layout);

  const segments: ElfSegment[] = [];
  const notes: ElfNote[] = [];
  for (let i = 0; i < count; i++) {
    const header = tableOffset + i * layout.programHeaderBytes;
    const type = image.u32(header);
    const [offset, physical, fileBytes, memoryBytes] = ([0, 2, 3, 4] as const).map((n) =>
      size(image, layout, header + layout.fields[n]),
    ) as [number, number, number, number];
    if (type === PT_NOTE) notes.push(...readNotes(new ImageReader(image.bytes(offset, fileBytes), image.role)));
    if (type !== PT_LOAD || memoryBytes === 0) continue;
    if (fileBytes > memoryBytes)
      image.refuse(`has an ELF segment with more bytes in the file than in memory (number ${i})`, "it is damaged; fetch it again");
    if (physical + memoryBytes > 0x100000000)
      image.refuse(`has an ELF segment that ends above 4 GB (number ${i})`, "it is damaged; fetch it again");
    segments.push({ physical, linear: word(image, layout, header + layout.fields[1]), data: image.bytes(offset, fileBytes), memoryBytes });
  }
  if (segments.length === 0) image.refuse("is an ELF file with nothing to load", "choose a kernel");
  demandNoOverlap(image, segments);
  return {
    entry: physicalEntry(image, word(image, layout, layout.entry), segments),
    segments,
    start: Math.min(...segments.map((s) => s.physical)),
    end: Math.max(...segments.map((s) => s.physical + s.memoryBytes)),
    is64Bit: layout.is64Bit,
    notes,
  };
}

/** Notes are padded to 4 bytes in both classes, as Linux and its tools have it. */
function readNotes(image: ImageReader): ElfNote[] {
  const notes: ElfNote[] = [];
  const padded = (bytes: number): number => Math.ceil(bytes / 4) * 4;
  for (let at = 0; at + 12 <= image.length; ) {
    const [ownerBytes, dataBytes, type] = [image.u32(at), image.u32(at + 4), image.u32(at + 8)];
    const owner = image.bytes(at + 12, ownerBytes);
    const dataAt = at + 12 + padded(ownerBytes);
    notes.push({ owner: String.fromCharCode(...owner.subarray(0, -1)), type, data: image.bytes(dataAt, dataBytes) });
    at = dataAt + padded(dataBytes);
  }
  return notes;
}

/** Section headers are not needed to load, but they stand at the end: a table that is cut off shows a truncated file. */
function demandSectionHeaders(image: ImageReader, layout: Layout): void {
  const offset = size(image, layout, layout.sectionHeaders);
  const count = image.u16(layout.programHeaderSize + 6);
  if (offset !== 0 && count !== 0) image.bytes(offset, count * layout.sectionHeaderBytes);
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
function physicalEntry(image: ImageReader, entry: bigint, segments: readonly ElfSegment[]): number {
  for (const s of segments) if (entry >= s.physical && entry < s.physical + s.memoryBytes) return Number(entry);
  for (const s of segments) if (entry >= s.linear && entry < s.linear + BigInt(s.memoryBytes)) return Number(entry - s.linear) + s.physical;
  return image.refuse(`has its ELF entry point ${entry.toString(16)}h outside every segment`, "it is damaged; fetch it again");
}

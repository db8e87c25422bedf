/**
 * Multiboot 1 ("Multiboot Specification version 0.6.96"): a kernel with a header in its first 8 KB, loaded as ELF
 * or by the addresses in that header ("a.out kludge"), entered in flat 32-bit protected mode with EAX = 2BADB002h
 * and EBX = the information structure: memory, memory map, command line, modules, loader name.
 */

import { hex } from "../../lib/hex";
import {
  type BootPlan,
  bootGdt,
  CONVENTIONAL_END,
  commandLineBytes,
  demandRam,
  GDT,
  ONE_MB,
  pageUp,
  protectedModeEntry,
  TABLES,
  ZERO_PAGE,
} from "./boot-plan";
import { type ElfSegment, isElf, readElf } from "./elf";
import { ascii, ImageReader } from "./image-reader";
import { unreadable } from "./image-role";
import { memoryMap } from "./memory-map";
import { mpTable, type ProcessorIdentity } from "./mp-table";

export interface MultibootImages {
  readonly kernel: Uint8Array;
  readonly commandLine: string;
  readonly modules?: readonly { readonly data: Uint8Array; readonly commandLine: string }[];
}

const HEADER_MAGIC = 0x1badb002;
const LOADER_MAGIC = 0x2badb002;
const SEARCH_BYTES = 8192;
/** Header flags: the low half must be understood, the high half may be ignored. */
const Flag = { pageAlign: 1, memoryInfo: 2, videoMode: 4, addresses: 0x10000 } as const;
/** The mode that flag 2 names is a wish: without the information's bits 11 and 12 the kernel knows that it was not met. */
const UNDERSTOOD = Flag.pageAlign | Flag.memoryInfo | Flag.videoMode;
/** Information structure: which fields are valid, and where they stand. */
const Info = {
  flags: 0,
  memLower: 4,
  memUpper: 8,
  commandLine: 16,
  moduleCount: 20,
  modules: 24,
  mapLength: 44,
  map: 48,
  loaderName: 64,
  bytes: 116,
} as const;
const InfoFlag = { memory: 1 << 0, commandLine: 1 << 2, modules: 1 << 3, memoryMap: 1 << 6, loaderName: 1 << 9 } as const;
const INFO = ZERO_PAGE;
const LOADER_NAME = "Vitrine";
const LONGEST_COMMAND_LINE = 4095;
const MAP_ENTRY_BYTES = 24;
const MODULE_ENTRY_BYTES = 16;

interface Loaded {
  readonly segments: readonly ElfSegment[];
  readonly entry: number;
  readonly end: number;
}

/** Whether the file has a multiboot header (for choosing a loader by content). */
export const isMultiboot = (data: Uint8Array): boolean => findHeader(new ImageReader(data, "kernel")) !== undefined;

/** Throws ImageUnreadable. `cpu`: for the MP table, if it has a local APIC. */
export function planMultiboot(images: MultibootImages, ramBytes: number, cpu?: ProcessorIdentity): BootPlan {
  const image: ImageReader = new ImageReader(images.kernel, "kernel");
  if (image.length === 0) image.refuse("is empty", "choose another file");
  const header = findHeader(image);
  if (header === undefined)
    image.refuse("has no multiboot header (1BADB002h) in its first 8 KB", "choose a multiboot 1 kernel, or boot it as Linux");
  const flags = image.u32(header + 4);
  if (flags & 0xffff & ~UNDERSTOOD)
    image.refuse(
      `demands multiboot features that are not known (flags ${hex(flags)})`,
      "it is damaged or made for a newer loader; choose another file",
    );

  const kernel = flags & Flag.addresses ? loadByAddresses(image, header) : loadElf(image);
  for (const s of kernel.segments)
    if (s.physical < CONVENTIONAL_END && s.physical + s.memoryBytes > INFO)
      image.refuse(
        `loads at ${hex(s.physical)}, where the boot information stands (${hex(INFO)}-${hex(CONVENTIONAL_END)})`,
        "link it at 1 MB or above",
      );
  demandRam("kernel", kernel.end, ramBytes);

  const modules = placeModules(images.modules ?? [], pageUp(Math.max(kernel.end, ONE_MB)), ramBytes);
  return {
    writes: [
      ...kernel.segments.map((s) => ({ address: s.physical, data: s.data })),
      ...modules.map(({ address, data }) => ({ address, data })),
      ...information(images.commandLine, modules, ramBytes),
      { address: GDT, data: bootGdt() },
      ...biosData(),
      ...(cpu ? mpTable(cpu) : []),
    ],
    clears: kernel.segments
      .map((s) => ({ address: s.physical + s.data.length, length: s.memoryBytes - s.data.length }))
      .filter((clear) => clear.length > 0),
    registers: protectedModeEntry(kernel.entry, { rax: LOADER_MAGIC, rbx: INFO }),
    summary: `multiboot kernel up to ${hex(kernel.end)}, entry ${hex(kernel.entry)}, ${modules.length} modules${
      flags & Flag.videoMode ? ", without the video mode that it asks for" : ""
    }`,
  };
}

/** What a BIOS leaves of itself and some kernels (Xen) look for: the segment of its extended data area, and the KB of memory below it. */
const biosData = (): { address: number; data: Uint8Array }[] => [
  { address: 0x40e, data: Uint8Array.of((CONVENTIONAL_END >> 4) & 0xff, CONVENTIONAL_END >> 12) },
  { address: 0x413, data: Uint8Array.of((CONVENTIONAL_END >> 10) & 0xff, CONVENTIONAL_END >> 18) },
];

/** The header is 4-byte aligned and its three first words add up to 0. */
function findHeader(image: ImageReader): number | undefined {
  const last = Math.min(image.length, SEARCH_BYTES) - 12;
  for (let at = 0; at <= last; at += 4)
    if (image.u32(at) === HEADER_MAGIC && ((HEADER_MAGIC + image.u32(at + 4) + image.u32(at + 8)) & 0xffffffff) === 0) return at;
  return undefined;
}

function loadElf(image: ImageReader): Loaded {
  if (!isElf(image)) image.refuse("has a multiboot header without load addresses and is not ELF", "it is damaged; fetch it again");
  return readElf(image);
}

/** Header fields header_addr, load_addr, load_end_addr (0: to the end of the file), bss_end_addr (0: none), entry_addr. */
function loadByAddresses(image: ImageReader, header: number): Loaded {
  const [headerAddress, load, loadEnd, bssEnd, entry] = [12, 16, 20, 24, 28].map((field) => image.u32(header + field)) as [
    number,
    number,
    number,
    number,
    number,
  ];
  const start = header - (headerAddress - load);
  if (headerAddress < load || start < 0)
    image.refuse("has multiboot load addresses that do not match its header's place", "it is damaged; fetch it again");
  const bytes = loadEnd === 0 ? image.length - start : loadEnd - load;
  if (bytes <= 0 || load + bytes > 0x100000000)
    image.refuse("has a multiboot load range that is empty or above 4 GB", "it is damaged; fetch it again");
  const data = image.bytes(start, bytes);
  const end = Math.max(load + bytes, bssEnd);
  if (entry < load || entry >= load + bytes)
    image.refuse(`has its entry point ${hex(entry)} outside what is loaded`, "it is damaged; fetch it again");
  return { segments: [{ physical: load, linear: BigInt(load), data, memoryBytes: end - load }], entry, end };
}

interface PlacedModule {
  readonly address: number;
  readonly data: Uint8Array;
  readonly commandLine: string;
}

function placeModules(modules: NonNullable<MultibootImages["modules"]>, first: number, ramBytes: number): PlacedModule[] {
  let address = first;
  return modules.map(({ data, commandLine }, i) => {
    const role = `module ${i + 1}` as const;
    if (data.length === 0) new ImageReader(data, role).refuse("is empty", "choose another file or leave it out");
    demandRam(role, address + data.length, ramBytes);
    const placed = { address, data, commandLine };
    address = pageUp(address + data.length);
    return placed;
  });
}

/** The structure and all it points to. */
function information(commandLine: string, modules: readonly PlacedModule[], ramBytes: number): { address: number; data: Uint8Array }[] {
  const writes: { address: number; data: Uint8Array }[] = [];
  let free = TABLES;
  const place = (data: Uint8Array): number => {
    const address = free;
    free += Math.ceil(data.length / 8) * 8;
    if (free > CONVENTIONAL_END) throw unreadable("command line", "is too long together with those of the modules", "shorten them");
    writes.push({ address, data });
    return address;
  };

  const info = new DataView(new ArrayBuffer(Info.bytes));
  const set = (field: number, value: number): void => info.setUint32(field, value, true);
  set(Info.flags, InfoFlag.memory | InfoFlag.commandLine | InfoFlag.modules | InfoFlag.memoryMap | InfoFlag.loaderName);
  set(Info.memLower, CONVENTIONAL_END / 1024);
  set(Info.memUpper, Math.max(0, ramBytes - ONE_MB) / 1024);
  set(Info.commandLine, place(commandLineBytes(commandLine, LONGEST_COMMAND_LINE)));
  set(Info.loaderName, place(Uint8Array.from([...ascii(LOADER_NAME), 0])));

  const ranges = memoryMap(ramBytes);
  const map = new DataView(new ArrayBuffer(ranges.length * MAP_ENTRY_BYTES));
  for (const [i, range] of ranges.entries()) {
    const at = i * MAP_ENTRY_BYTES;
    // "size" does not count itself.
    map.setUint32(at, MAP_ENTRY_BYTES - 4, true);
    map.setBigUint64(at + 4, BigInt(range.base), true);
    map.setBigUint64(at + 12, BigInt(range.length), true);
    map.setUint32(at + 20, range.type, true);
  }
  set(Info.mapLength, map.byteLength);
  set(Info.map, place(new Uint8Array(map.buffer)));

  const table = new DataView(new ArrayBuffer(modules.length * MODULE_ENTRY_BYTES));
  for (const [i, module] of modules.entries()) {
    const at = i * MODULE_ENTRY_BYTES;
    table.setUint32(at, module.address, true);
    table.setUint32(at + 4, module.address + module.data.length, true);
    table.setUint32(at + 8, place(commandLineBytes(module.commandLine, LONGEST_COMMAND_LINE)), true);
  }
  set(Info.moduleCount, modules.length);
  set(Info.modules, place(new Uint8Array(table.buffer)));
  writes.push({ address: INFO, data: new Uint8Array(info.buffer) });
  return writes;
}

/**
 * Linux by its boot protocol (kernel documentation "The Linux/x86 Boot Protocol"): a bzImage (also memtest86+) entered at
 * its protected-mode code ("32-bit Boot Protocol"), or an unpacked vmlinux entered directly, which saves the guest its
 * decompression: a 32-bit one in the same way, a 64-bit one in 64-bit mode, or by PVH where it says how and its bzImage
 * is not there. No firmware runs; the zero page says what firmware would have found.
 */

import { hex } from "../../lib/hex";
import {
  type BootPlan,
  bootGdt,
  COMMAND_LINE,
  COMMAND_LINE_BYTES,
  commandLineBytes,
  demandRam,
  GDT,
  longModeEntry,
  longModeTables,
  ONE_MB,
  pageDown,
  pageUp,
  protectedModeEntry,
  ZERO_PAGE,
} from "./boot-plan";
import { isElf, isElf64, readElf } from "./elf";
import { ImageReader, sizeText } from "./image-reader";
import { unreadable } from "./image-role";
import { checkInitrd } from "./initrd";
import { mpTable, type ProcessorIdentity } from "./mp-table";
import { pvhEntry, pvhInformation } from "./pvh";
import { is64BitOnly, isBzImage, readBzImage, synthesizedHeader } from "./setup-header";
import { zeroPage } from "./zero-page";

export interface LinuxImages {
  readonly kernel: Uint8Array;
  readonly initrd?: Uint8Array;
  readonly commandLine: string;
  /** For an unpacked vmlinux: the bzImage it came from, whose setup header is passed on. */
  readonly bzImage?: Uint8Array;
}

/** The kernel's part of the plan, before initrd and command line are placed. */
interface Kernel {
  readonly writes: BootPlan["writes"];
  readonly clears: BootPlan["clears"];
  readonly entry: number;
  readonly end: number;
  readonly header: Uint8Array;
  readonly initrdAddressMax: number;
  readonly commandLineSize: number;
  readonly summary: string;
  /** How it is entered: in flat protected mode, in 64-bit mode, or by PVH. */
  readonly mode: "protected" | "long" | "pvh";
}

/** Does the kernel need a CPU with 64-bit mode, as far as its header says? */
export function wantsLongMode(kernel: Uint8Array): boolean {
  const image = new ImageReader(kernel, "kernel");
  return isBzImage(image) ? is64BitOnly(image) : isElf64(image);
}

/** Throws ImageUnreadable. `ramBytes` is the machine's RAM; `longMode`: its CPU has 64-bit mode; `cpu`: for the MP table, if it has a local APIC. */
export function planLinux(images: LinuxImages, ramBytes: number, longMode: boolean, cpu?: ProcessorIdentity): BootPlan {
  const image = new ImageReader(images.kernel, "kernel");
  if (image.length === 0) image.refuse("is empty", "choose another file");
  if (!longMode && isBzImage(image) && is64BitOnly(image))
    image.refuse("is a 64-bit kernel, but this machine's CPU is 32-bit", "choose the CPU model x86-64-v2, or an i386 kernel");
  const kernel = isElf(image) ? planVmlinux(image, images.bzImage, longMode) : planBzImage(image);
  demandRam("kernel", kernel.end, ramBytes);

  const commandLine = commandLineBytes(images.commandLine, Math.min(kernel.commandLineSize, COMMAND_LINE_BYTES - 1));
  const initrd = images.initrd && placeInitrd(images.initrd, kernel, ramBytes);
  const initrdPlace = initrd && { address: initrd.address, bytes: initrd.data.length };
  const writes = [
    ...kernel.writes,
    ...(kernel.mode === "pvh"
      ? pvhInformation(ramBytes, initrdPlace)
      : [{ address: ZERO_PAGE, data: zeroPage({ header: kernel.header, ramBytes, initrd: initrdPlace }) }]),
    { address: COMMAND_LINE, data: commandLine },
    ...(kernel.mode === "long" ? longModeTables() : [{ address: GDT, data: bootGdt() }]),
    ...(cpu ? mpTable(cpu) : []),
  ];
  if (initrd) writes.push(initrd);
  return {
    writes,
    clears: kernel.clears,
    registers:
      kernel.mode === "long"
        ? longModeEntry(kernel.entry, { rsi: ZERO_PAGE })
        : protectedModeEntry(kernel.entry, kernel.mode === "pvh" ? { rbx: ZERO_PAGE } : { rsi: ZERO_PAGE }),
    summary: initrd ? `${kernel.summary}, initrd of ${sizeText(initrd.data.length)} at ${hex(initrd.address)}` : kernel.summary,
  };
}

const ENTRY_NAMES = { protected: "entry", long: "64-bit entry", pvh: "PVH entry" } as const;

function planBzImage(image: ImageReader): Kernel {
  if (!isBzImage(image)) {
    const packed = image.matches(0, [0x1f, 0x8b]) ? "is a gzip file" : "is neither a Linux bzImage (HdrS at 202h) nor an ELF file";
    image.refuse(packed, "choose a vmlinuz, a bzImage or an unpacked vmlinux");
  }
  const { code, version, ...rest } = readBzImage(image);
  return {
    ...rest,
    writes: [{ address: ONE_MB, data: code }],
    clears: [],
    mode: "protected",
    summary: `bzImage (protocol ${version}) of ${sizeText(code.length)} at 1 MB`,
  };
}

function planVmlinux(image: ImageReader, bzImage: Uint8Array | undefined, longMode: boolean): Kernel {
  const elf = readElf(image, longMode);
  if (elf.start < ONE_MB)
    image.refuse(`loads at ${hex(elf.start)}, below 1 MB, so it is not Linux`, "boot it as multiboot if it has that header");
  const setup = bzImage && readSetup(bzImage);
  const pvh = setup ? undefined : pvhEntry(elf.notes);
  if (pvh !== undefined && !elf.segments.some((s) => pvh >= s.physical && pvh < s.physical + s.memoryBytes))
    image.refuse(`has its PVH entry point ${hex(pvh)} outside every segment`, "it is damaged; fetch it again");
  const entry = pvh ?? elf.entry;
  const mode = pvh !== undefined ? "pvh" : elf.is64Bit ? "long" : "protected";
  return {
    writes: elf.segments.map((s) => ({ address: s.physical, data: s.data })),
    clears: elf.segments
      .map((s) => ({ address: s.physical + s.data.length, length: s.memoryBytes - s.data.length }))
      .filter((c) => c.length > 0),
    entry,
    mode,
    end: elf.end,
    header: setup?.header ?? synthesizedHeader(elf.start, elf.end - elf.start),
    initrdAddressMax: setup?.initrdAddressMax ?? 0x7fffffff,
    commandLineSize: setup?.commandLineSize ?? 2047,
    summary: `vmlinux of ${sizeText(elf.end - elf.start)} at ${hex(elf.start)}, ${ENTRY_NAMES[mode]} ${hex(entry)}`,
  };
}

function readSetup(data: Uint8Array): ReturnType<typeof readBzImage> {
  const image = new ImageReader(data, "setup header");
  if (!isBzImage(image)) image.refuse("is not a Linux bzImage (HdrS at 202h)", "choose the vmlinuz that the vmlinux came from");
  return readBzImage(image);
}

/** As high as the kernel and the RAM allow, on a page boundary. */
function placeInitrd(data: Uint8Array, kernel: Kernel, ramBytes: number): { address: number; data: Uint8Array } {
  checkInitrd(data);
  const address = pageDown(Math.min(ramBytes, kernel.initrdAddressMax + 1) - data.length);
  if (address < pageUp(kernel.end))
    throw unreadable(
      "initrd",
      `of ${sizeText(data.length)} does not fit between the kernel (up to ${sizeText(kernel.end)}) and the end of RAM (${sizeText(ramBytes)})`,
      "give the machine more memory",
    );
  return { address, data };
}

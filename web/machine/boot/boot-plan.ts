/**
 * What a boot loader decides: bytes to write, ranges to clear, registers to set. Pure data, so that loaders are
 * tested without a machine. Also the two CPU states that direct boot enters with (real mode as after a BIOS,
 * flat 32-bit protected mode) and the part of low memory the loaders use.
 *
 *   0x00000 ┌───────────────────────────┐
 *           │ real-mode vectors         │  sector boot only
 *   0x00500 │ 256 HLT stubs             │
 *   0x07C00 │ boot sector               │
 *   0x90000 ├───────────────────────────┤
 *           │ zero page / multiboot info│  4 KB
 *   0x91000 │ command line              │  4 KB
 *   0x92000 │ GDT                       │  32 bytes
 *   0x93000 │ multiboot, PVH tables     │
 *   0x94000 │ page tables of 64-bit     │  24 KB; multiboot's may reach to here
 *           │ entry                     │
 *   0x9FC00 └───────────────────────────┘  end of conventional memory, as an EBDA would leave it
 */
import { sizeText } from "./image-reader";
import { type ImageRole, unreadable } from "./image-role";

/** Register values by the names of asm/isa/cpu-state.ts; registers not named keep their power-on values. */
export type EntryRegisters = Record<string, bigint>;

export interface BootPlan {
  /** Guest-physical addresses; later writes win. */
  readonly writes: readonly { readonly address: number; readonly data: Uint8Array }[];
  /** Ranges set to zero before the writes (BSS: RAM is not empty after a reboot). */
  readonly clears: readonly { readonly address: number; readonly length: number }[];
  /** Mapped read-only before the first instruction, whole frames; RAM of the same addresses is not there then. */
  readonly roms?: readonly { readonly address: number; readonly data: Uint8Array }[];
  readonly registers: EntryRegisters;
  /** One line for logs and the page: what was loaded and where. */
  readonly summary: string;
  /** If the guest halts at the address a real-mode vector stub leads to, what happened; else undefined. */
  explainHalt?(linear: number): string | undefined;
}

export const ZERO_PAGE = 0x90000;
export const COMMAND_LINE = 0x91000;
export const COMMAND_LINE_BYTES = 0x1000;
export const GDT = 0x92000;
export const TABLES = 0x93000;
export const PAGE_TABLES = 0x94000;
export const CONVENTIONAL_END = 0x9fc00;
export const ONE_MB = 0x100000;

/** Selectors of the boot GDT, as the Linux and multiboot protocols want them (__BOOT_CS, __BOOT_DS). */
const CODE_SELECTOR = 0x10;
const DATA_SELECTOR = 0x18;
/** Null, null, 4 GB code (execute/read, accessed), 4 GB data (read/write, accessed): SDM 3A "Segment Descriptors". */
const BOOT_GDT: readonly bigint[] = [0n, 0n, 0x00cf9b000000ffffn, 0x00cf93000000ffffn];
/** The same with 64-bit code (L, not D). */
const LONG_GDT: readonly bigint[] = BOOT_GDT.with(2, 0x00af9b000000ffffn);

function segment(name: string, selector: number, base: number, limit: number, attributes: number): EntryRegisters {
  return {
    [`${name}_selector`]: BigInt(selector),
    [`${name}_base`]: BigInt(base),
    [`${name}_limit`]: BigInt(limit),
    [`${name}_attributes`]: BigInt(attributes),
  };
}

/** Attribute bits of cpu-state.ts: descriptor bits 40-47 in 0-7, 52-55 in 8-11. */
const FLAT_CODE = 0xc9b;
const FLAT_DATA = 0xc93;
const LONG_CODE = 0xa9b;
const REAL_MODE_CODE = 0x09b;
const REAL_MODE_DATA = 0x093;
const EFLAGS_RESERVED_ONE = 0x2n;
/** CR0.ET reads as 1 on every CPU since the 486. */
const CR0_ET = 0x10n;
const CR0_PE = 0x1n;

/** Little-endian quadwords. */
const quadwords = (values: readonly bigint[]): Uint8Array => {
  const data = new Uint8Array(values.length * 8);
  const view = new DataView(data.buffer);
  for (const [i, value] of values.entries()) view.setBigUint64(i * 8, value, true);
  return data;
};
/** The GDT's bytes, to be written at `GDT`. */
export const bootGdt = (): Uint8Array => quadwords(BOOT_GDT);

/** Protected mode, paging off, interrupts off, flat 4 GB segments from the boot GDT, a stack below the zero page. */
export function protectedModeEntry(eip: number, general: Partial<Record<"rax" | "rbx" | "rsi", number>>): EntryRegisters {
  const registers: EntryRegisters = { ...segment("cs", CODE_SELECTOR, 0, 0xffffffff, FLAT_CODE) };
  for (const name of ["ds", "es", "fs", "gs", "ss"]) Object.assign(registers, segment(name, DATA_SELECTOR, 0, 0xffffffff, FLAT_DATA));
  for (const name of ["rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp"]) registers[name] = 0n;
  for (const [name, value] of Object.entries(general)) registers[name] = BigInt(value);
  return {
    ...registers,
    rsp: BigInt(ZERO_PAGE),
    rip: BigInt(eip),
    eflags: EFLAGS_RESERVED_ONE,
    cr0: CR0_PE | CR0_ET,
    cr3: 0n,
    cr4: 0n,
    cpl: 0n,
    gdtr_base: BigInt(GDT),
    gdtr_limit: BigInt(BOOT_GDT.length * 8 - 1),
    idtr_base: 0n,
    idtr_limit: 0n,
  };
}

const PAE = 1n << 5n;
/** EFER.LME and LMA. */
const LONG_MODE = 0x500n;
const CR0_PG = 1n << 31n;
/** Page-table entry bits: present, writable; in a page directory: a 2 MB page. */
const TABLE = 3n;
const LARGE_PAGE = 0x83n;
const IDENTITY_GB = 4;

/** Writes that go with `longModeEntry`: its GDT, and tables that map the first 4 GB to themselves with 2 MB pages. */
export function longModeTables(): BootPlan["writes"] {
  const table = (n: number): number => PAGE_TABLES + n * 4096;
  const entries = (count: number, at: (i: number) => number, bits: bigint): Uint8Array =>
    quadwords(Array.from({ length: count }, (_, i) => BigInt(at(i)) | bits));
  return [
    { address: GDT, data: quadwords(LONG_GDT) },
    { address: table(0), data: entries(1, () => table(1), TABLE) },
    { address: table(1), data: entries(IDENTITY_GB, (i) => table(2 + i), TABLE) },
    { address: table(2), data: entries(IDENTITY_GB * 512, (i) => i * 0x200000, LARGE_PAGE) },
  ];
}

/** 64-bit mode with the low 4 GB mapped to themselves (kernel documentation "64-bit Boot Protocol"), else as `protectedModeEntry`. */
export function longModeEntry(rip: number, general: Partial<Record<"rsi", number>>): EntryRegisters {
  return {
    ...protectedModeEntry(rip, general),
    ...segment("cs", CODE_SELECTOR, 0, 0xffffffff, LONG_CODE),
    cr0: CR0_PG | CR0_PE | CR0_ET,
    cr3: BigInt(PAGE_TABLES),
    cr4: PAE,
    efer: LONG_MODE,
  };
}

/** Real mode with every segment at 0 and the stack growing down from the boot image, interrupts off. */
export function realModeEntry(ip: number, dl: number): EntryRegisters {
  const registers: EntryRegisters = { ...segment("cs", 0, 0, 0xffff, REAL_MODE_CODE) };
  for (const name of ["ds", "es", "fs", "gs", "ss"]) Object.assign(registers, segment(name, 0, 0, 0xffff, REAL_MODE_DATA));
  for (const name of ["rax", "rbx", "rcx", "rsi", "rdi", "rbp"]) registers[name] = 0n;
  return {
    ...registers,
    rdx: BigInt(dl),
    rsp: BigInt(ip),
    rip: BigInt(ip),
    eflags: EFLAGS_RESERVED_ONE,
    cr0: CR0_ET,
    cpl: 0n,
    idtr_base: 0n,
    idtr_limit: 0x3ffn,
  };
}

/** NUL-terminated bytes of a command line; refuses what cannot be passed on unchanged. */
export function commandLineBytes(text: string, limit: number): Uint8Array {
  const bytes = new TextEncoder().encode(text);
  if (bytes.includes(0)) throw unreadable("command line", "contains a NUL character, which would end it", "remove it");
  if (bytes.length > limit)
    throw unreadable("command line", `is ${bytes.length} bytes long, but this kernel takes at most ${limit}`, "shorten it");
  const data = new Uint8Array(bytes.length + 1);
  data.set(bytes);
  return data;
}

/** Refuses a range that does not lie in RAM. `end` is exclusive. */
export function demandRam(role: ImageRole, end: number, ramBytes: number): void {
  const megabytes = Math.ceil(end / ONE_MB);
  if (end > ramBytes)
    throw unreadable(role, `needs at least ${megabytes} MB of RAM, but the machine has ${sizeText(ramBytes)}`, "give it more memory");
}

export const pageUp = (address: number): number => Math.ceil(address / 4096) * 4096;
export const pageDown = (address: number): number => Math.floor(address / 4096) * 4096;

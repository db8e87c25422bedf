/**
 * The PVH boot protocol (Xen "x86/HVM direct boot ABI"): a kernel that says by a note where it is entered in flat 32-bit
 * protected mode, with the address of an information structure in EBX.
 */
import { COMMAND_LINE, TABLES, ZERO_PAGE } from "./boot-plan";
import type { ElfNote } from "./elf";
import { memoryMap } from "./memory-map";

/** XEN_ELFNOTE_PHYS32_ENTRY. */
const ENTRY_NOTE = 18;
const MAGIC = 0x336ec578;
/** The first version with a memory map. */
const VERSION = 1;
const INFO = ZERO_PAGE;
/** struct hvm_start_info. */
const Info = { version: 4, moduleCount: 12, modules: 16, commandLine: 24, map: 40, mapEntries: 48, bytes: 56 } as const;
const MODULE_BYTES = 32;
const MAP_ENTRY_BYTES = 24;

/** Physical address of the entry point; undefined: the kernel has none. */
export function pvhEntry(notes: readonly ElfNote[]): number | undefined {
  const note = notes.find(({ owner, type, data }) => owner === "Xen" && type === ENTRY_NOTE && data.length >= 4);
  return note && new DataView(note.data.buffer, note.data.byteOffset).getUint32(0, true);
}

/** The structure at `ZERO_PAGE`, and what it points to. */
export function pvhInformation(
  ramBytes: number,
  initrd: { readonly address: number; readonly bytes: number } | undefined,
): { address: number; data: Uint8Array }[] {
  const modules = TABLES;
  const map = TABLES + MODULE_BYTES;
  const ranges = memoryMap(ramBytes);
  const info = new DataView(new ArrayBuffer(Info.bytes));
  info.setUint32(0, MAGIC, true);
  info.setUint32(Info.version, VERSION, true);
  info.setUint32(Info.moduleCount, initrd ? 1 : 0, true);
  info.setBigUint64(Info.modules, BigInt(initrd ? modules : 0), true);
  info.setBigUint64(Info.commandLine, BigInt(COMMAND_LINE), true);
  info.setBigUint64(Info.map, BigInt(map), true);
  info.setUint32(Info.mapEntries, ranges.length, true);

  const tables = new DataView(new ArrayBuffer(MODULE_BYTES + ranges.length * MAP_ENTRY_BYTES));
  tables.setBigUint64(0, BigInt(initrd?.address ?? 0), true);
  tables.setBigUint64(8, BigInt(initrd?.bytes ?? 0), true);
  for (const [i, range] of ranges.entries()) {
    const at = MODULE_BYTES + i * MAP_ENTRY_BYTES;
    tables.setBigUint64(at, BigInt(range.base), true);
    tables.setBigUint64(at + 8, BigInt(range.length), true);
    tables.setUint32(at + 16, range.type, true);
  }
  return [
    { address: INFO, data: new Uint8Array(info.buffer) },
    { address: TABLES, data: new Uint8Array(tables.buffer) },
  ];
}

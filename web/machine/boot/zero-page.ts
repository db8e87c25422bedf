/**
 * The Linux zero page, `struct boot_params` (kernel documentation "The zero page"): screen, memory map, setup
 * header, command line and initrd, as a BIOS boot loader would leave them.
 */
import { COMMAND_LINE, ONE_MB } from "./boot-plan";
import { memoryMap } from "./memory-map";
import { LOADER_UNDEFINED, Setup } from "./setup-header";

const Field = {
  cursorColumn: 0x00,
  cursorRow: 0x01,
  extendedKb: 0x02,
  videoMode: 0x06,
  columns: 0x07,
  egaMemory: 0x0a,
  rows: 0x0e,
  isVga: 0x0f,
  characterHeight: 0x10,
  alternateKb: 0x1e0,
  e820Count: 0x1e8,
  e820Table: 0x2d0,
} as const;
const E820_BYTES = 20;

export interface ZeroPage {
  readonly header: Uint8Array;
  readonly ramBytes: number;
  readonly initrd?: { readonly address: number; readonly bytes: number };
}

export function zeroPage({ header, ramBytes, initrd }: ZeroPage): Uint8Array {
  const page = new Uint8Array(4096);
  const view = new DataView(page.buffer);
  page.set(header, Setup.start);

  const extendedKb = Math.max(0, ramBytes - ONE_MB) / 1024;
  view.setUint16(Field.extendedKb, Math.min(extendedKb, 0xfc00), true);
  view.setUint32(Field.alternateKb, extendedKb, true);
  // 80x25 colour text, 8x16 characters: what a BIOS leaves behind.
  view.setUint8(Field.cursorColumn, 0);
  view.setUint8(Field.cursorRow, 0);
  view.setUint8(Field.videoMode, 3);
  view.setUint8(Field.columns, 80);
  view.setUint16(Field.egaMemory, 0x0003, true);
  view.setUint8(Field.rows, 25);
  view.setUint8(Field.isVga, 1);
  view.setUint16(Field.characterHeight, 16, true);

  const ranges = memoryMap(ramBytes);
  view.setUint8(Field.e820Count, ranges.length);
  for (const [i, range] of ranges.entries()) {
    const at = Field.e820Table + i * E820_BYTES;
    view.setBigUint64(at, BigInt(range.base), true);
    view.setBigUint64(at + 8, BigInt(range.length), true);
    view.setUint32(at + 16, range.type, true);
  }

  view.setUint8(Setup.loaderType, LOADER_UNDEFINED);
  view.setUint32(Setup.commandLine, COMMAND_LINE, true);
  view.setUint32(Setup.ramdiskImage, initrd?.address ?? 0, true);
  view.setUint32(Setup.ramdiskSize, initrd?.bytes ?? 0, true);
  return page;
}

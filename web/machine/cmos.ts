/**
 * What a PC's firmware and its guests expect in the battery-backed RAM beside the clock (IBM AT Technical Reference,
 * "CMOS RAM address map"; 34h-35h and 5Bh-5Dh are the extensions that SeaBIOS reads). Cells not named are zero.
 */
import { type DriveConfig, floppyTypes, translations } from "./drives";

const Cell = {
  Floppies: 0x10,
  Equipment: 0x14,
  BaseMemoryKb: 0x15,
  ExtendedMemoryKb: 0x17,
  ChecksumHigh: 0x2e,
  ChecksumLow: 0x2f,
  ExtendedMemoryKbFound: 0x30,
  MemoryAbove16MbIn64Kb: 0x34,
  BootOrderThird: 0x38,
  BootOrder: 0x3d,
  MemoryAbove4GbIn64Kb: 0x5b,
  DiskTranslations: 0x39,
  FurtherProcessors: 0x5f,
} as const;
/** Coprocessor and mouse are fitted. */
const EQUIPMENT = 0x06;
/** Boot order in SeaBIOS's nibbles (1 floppy, 2 disk, 3 CD-ROM): disk, floppy, then CD-ROM, as QEMU's default. */
const BOOT_FIRST_AND_SECOND = 0x12;
const BOOT_THIRD = 0x30;
const CHECKSUM_FIRST = 0x10;
const CHECKSUM_LAST = 0x2d;
const KB = 1024;
const MB = 1024 * KB;

/** Bit 0: there are floppy drives; bits 7-6: their number less one. */
const FLOPPIES_FITTED = 0x01;

/** Cells for a machine with this much RAM (bytes) below 4 GB and these drives, ready for `Rtc`. */
export function cmosCells(memoryBytes: number, drives: readonly DriveConfig[] = [], hasFloppies = false): Map<number, number> {
  const floppies = hasFloppies ? floppyTypes(drives) : [];
  const cells = new Map<number, number>();
  cells.set(Cell.DiskTranslations, translations(drives));
  const word = (cell: number, value: number) => {
    cells.set(cell, value & 0xff);
    cells.set(cell + 1, (value >> 8) & 0xff);
  };
  const extendedKb = Math.min(0xffff, Math.max(0, Math.floor((memoryBytes - MB) / KB)));
  cells.set(Cell.Equipment, EQUIPMENT | (floppies.length > 0 ? FLOPPIES_FITTED | ((floppies.length - 1) << 6) : 0));
  cells.set(Cell.Floppies, ((floppies[0] ?? 0) << 4) | (floppies[1] ?? 0));
  word(Cell.BaseMemoryKb, Math.min(640, Math.floor(memoryBytes / KB)));
  word(Cell.ExtendedMemoryKb, extendedKb);
  word(Cell.ExtendedMemoryKbFound, extendedKb);
  word(Cell.MemoryAbove16MbIn64Kb, Math.min(0xffff, Math.max(0, Math.floor((memoryBytes - 16 * MB) / (64 * KB)))));
  word(Cell.MemoryAbove4GbIn64Kb, 0);
  cells.set(Cell.BootOrder, BOOT_FIRST_AND_SECOND);
  cells.set(Cell.BootOrderThird, BOOT_THIRD);
  cells.set(Cell.FurtherProcessors, 0);
  let sum = 0;
  for (let cell = CHECKSUM_FIRST; cell <= CHECKSUM_LAST; cell++) sum += cells.get(cell) ?? 0;
  cells.set(Cell.ChecksumHigh, (sum >> 8) & 0xff);
  cells.set(Cell.ChecksumLow, sum & 0xff);
  return cells;
}

/**
 * The memory map that a BIOS would report through INT 15h E820 (ACPI "System Address Map Interfaces"): what the
 * Linux and multiboot loaders pass on. Conventional memory ends at 639 KB, as with an extended BIOS data area.
 */
import { CONVENTIONAL_END, ONE_MB } from "./boot-plan";

export const MemoryType = { Usable: 1, Reserved: 2 } as const;

export interface MemoryRange {
  readonly base: number;
  readonly length: number;
  readonly type: (typeof MemoryType)[keyof typeof MemoryType];
}

export function memoryMap(ramBytes: number): MemoryRange[] {
  const ranges: MemoryRange[] = [
    { base: 0, length: CONVENTIONAL_END, type: MemoryType.Usable },
    { base: CONVENTIONAL_END, length: 0xa0000 - CONVENTIONAL_END, type: MemoryType.Reserved },
    { base: 0xf0000, length: 0x10000, type: MemoryType.Reserved },
  ];
  if (ramBytes > ONE_MB) ranges.push({ base: ONE_MB, length: ramBytes - ONE_MB, type: MemoryType.Usable });
  return ranges;
}

/**
 * C0000h-FFFFFh as the host bridge's PAM registers want it (82441FX, 3.2.17): for each segment, reads from ROM or RAM, writes
 * to RAM or lost. The core holds one page a frame, so what is seen is all there is: a segment that goes back to reading
 * ROM gets the ROM's bytes, and the RAM behind it is forgotten; one that reads ROM and writes RAM begins as a copy of the
 * ROM, which is what firmware makes of it. Option ROM space without a ROM reads as zeros.
 */
import type { PamSegment } from "./devices/pci";
import type { CpuPins } from "./pc";

const FIRST = 0xc0000;
const END = 0x100000;
export const SHADOW = { first: FIRST, bytes: END - FIRST } as const;
const PamMode = { ReadRam: 1, WriteRam: 2 } as const;

export class ShadowRom {
  readonly #segments = new Map<number, PamSegment>();

  /** `rom` ends below 1 MB. */
  constructor(
    private readonly core: Pick<CpuPins, "memory" | "protect">,
    private readonly rom: Uint8Array,
  ) {}

  /** `isLoaded`: memory holds what belongs there already. */
  apply(segments: readonly PamSegment[], isLoaded: boolean): void {
    for (const segment of segments) {
      const { first, bytes, mode } = segment;
      if (this.#segments.get(first)?.mode === mode && !isLoaded) continue;
      this.#segments.set(first, segment);
      if (!isLoaded && (mode & PamMode.ReadRam) === 0) this.core.memory.write(first, this.#romBytes(first, bytes));
      this.core.protect?.(first, bytes, (mode & PamMode.WriteRam) === 0);
    }
  }

  isTouchedBy(address: number, length: number): boolean {
    return address < END && address + length > FIRST;
  }

  /** What of a range takes writes: bus masters cannot write where the processor cannot. */
  writable(address: number, length: number): { readonly first: number; readonly bytes: number }[] {
    const parts: { readonly first: number; readonly bytes: number }[] = [];
    const end = address + length;
    if (address < FIRST) parts.push({ first: address, bytes: FIRST - address });
    for (const [first, { bytes, mode }] of this.#segments) {
      const from = Math.max(address, first);
      const to = Math.min(end, first + bytes);
      if (from < to && (mode & PamMode.WriteRam) !== 0) parts.push({ first: from, bytes: to - from });
    }
    if (end > END) parts.push({ first: END, bytes: end - END });
    return parts;
  }

  #romBytes(first: number, length: number): Uint8Array {
    const result = new Uint8Array(length);
    const start = Math.max(END - this.rom.length, FIRST);
    const window = this.rom.subarray(-(END - start));
    for (let i = 0; i < length; i++) if (first + i >= start) result[i] = window[first + i - start]!;
    return result;
  }
}

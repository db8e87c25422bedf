/** IDENTIFY DEVICE and IDENTIFY PACKET DEVICE (ATA/ATAPI-6, 8.15 and 8.16): 256 words that tell what a drive is. */

/** Words that a drive's state changes. */
export interface AtaSettings {
  readonly sectors: number;
  readonly heads: number;
  readonly sectorsPerTrack: number;
  /** Sectors in a block of READ MULTIPLE; 0: not set. */
  readonly multiple: number;
  /** As SET FEATURES chose it: bits 7-3 kind, 2-0 number. */
  readonly transferMode: number;
  readonly serial: string;
}

export const MOST_MULTIPLE = 16;
export const DEFAULT_HEADS = 16;
export const DEFAULT_SECTORS_PER_TRACK = 63;
const MOST_CYLINDERS = 16383;
const MOST_LBA28 = 0x0fffffff;
const FIRMWARE = "1.0";
/** Set features: multiword DMA 2, ultra DMA 5. */
const MULTIWORD_MODES = 0x07;
const ULTRA_MODES = 0x3f;

export const cylindersOf = (sectors: number, heads = DEFAULT_HEADS, sectorsPerTrack = DEFAULT_SECTORS_PER_TRACK): number =>
  Math.min(MOST_CYLINDERS, Math.max(1, Math.floor(sectors / (heads * sectorsPerTrack))));

class Words {
  readonly bytes = new Uint8Array(512);
  readonly #view = new DataView(this.bytes.buffer);
  set(word: number, ...values: number[]): this {
    for (const [n, value] of values.entries()) this.#view.setUint16(2 * (word + n), value & 0xffff, true);
    return this;
  }
  long(word: number, value: number): this {
    return this.set(word, value % 0x10000, Math.floor(value / 0x10000));
  }
  /** Two characters a word, the first in the high byte. */
  text(word: number, words: number, text: string): this {
    const padded = text.padEnd(2 * words, " ").slice(0, 2 * words);
    for (let n = 0; n < words; n++) this.set(word + n, (padded.charCodeAt(2 * n) << 8) | padded.charCodeAt(2 * n + 1));
    return this;
  }
  /** Multiword and ultra DMA: which are there, and which is chosen. */
  modes(mode: number): this {
    const [kind, number] = [mode >> 3, mode & 7];
    return this.set(63, MULTIWORD_MODES | (kind === 4 ? 0x100 << number : 0)).set(88, ULTRA_MODES | (kind === 8 ? 0x100 << number : 0));
  }
}

export function identifyDisk(of: AtaSettings): Uint8Array {
  const { sectors, heads, sectorsPerTrack, multiple } = of;
  const cylinders = cylindersOf(sectors, heads, sectorsPerTrack);
  const chs = Math.min(cylinders * heads * sectorsPerTrack, MOST_LBA28);
  return (
    new Words()
      .set(0, 0x0040, cylindersOf(sectors), 0, DEFAULT_HEADS, 0, 0, DEFAULT_SECTORS_PER_TRACK)
      .text(10, 10, of.serial)
      .set(20, 3, 512, 4)
      .text(23, 4, FIRMWARE)
      .text(27, 20, "VITRINE HARDDISK")
      .set(47, 0x8000 | MOST_MULTIPLE, 1, 0x0f00, 0x4000, 0x0200, 0x0200, 0x0007, cylinders, heads, sectorsPerTrack)
      .long(57, chs)
      .set(59, multiple ? 0x0100 | multiple : 0)
      .long(60, Math.min(sectors, MOST_LBA28))
      .modes(of.transferMode)
      .set(64, 0x0003, 120, 120, 120, 120)
      .set(80, 0x00f0, 0x0016)
      // NOP, write cache; FLUSH CACHE (EXT), 48 bits.
      .set(82, 0x4020, 0x7400, 0x4000, 0x4020, 0x7400, 0x4000)
      .set(93, 0x6001)
      .long(100, sectors % 2 ** 32)
      .long(102, Math.floor(sectors / 2 ** 32)).bytes
  );
}

export function identifyPacketDevice(transferMode: number, serial: string): Uint8Array {
  return (
    new Words()
      // ATAPI, CD-ROM, removable, DRQ within 50 us, packets of 12 bytes.
      .set(0, 0x85c0)
      .text(10, 10, serial)
      .set(20, 3, 512, 4)
      .text(23, 4, FIRMWARE)
      .text(27, 20, "VITRINE CD-ROM")
      .set(48, 1, 0x0b00, 0, 0x0200, 0x0200, 0x0007)
      .modes(transferMode)
      .set(64, 0x0003, 120, 120, 120, 120)
      .set(71, 30, 30)
      .set(80, 0x001e).bytes
  );
}

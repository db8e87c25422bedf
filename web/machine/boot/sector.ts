/**
 * A raw image at 0000:7C00, entered in real mode as a BIOS enters a boot sector, but without a BIOS: no service
 * interrupts and no interrupt handlers exist. Every real-mode vector leads to its own HLT stub (interrupts are off
 * there, so the machine halts) and `explainHalt` names the vector.
 *
 * Longer images are loaded whole, which a BIOS would not do: a guest without disk services needs it.
 */

import { hex } from "../../lib/hex";
import { type BootPlan, CONVENTIONAL_END, realModeEntry } from "./boot-plan";
import { ImageReader, sizeText } from "./image-reader";

const LOAD_ADDRESS = 0x7c00;
const SECTOR_BYTES = 512;
const SIGNATURE_OFFSET = 510;
const STUBS = 0x500;
const VECTORS = 256;
const HLT = 0xf4;
const FIRST_DISK = 0x80;
/** Conventional memory above the load address. */
export const LARGEST_SECTOR_IMAGE = CONVENTIONAL_END - LOAD_ADDRESS;

export interface SectorOptions {
  /** DL at entry, the BIOS drive number. Default 80h. */
  readonly drive?: number;
  /** False: accept an image without 55AA at offset 510 and of any length (assembled snippets). Default true. */
  readonly signature?: boolean;
}

/** Throws ImageUnreadable. The image must be whole sectors with 55h AAh at offset 510 unless `signature` is false. */
export function planSector(data: Uint8Array, options: SectorOptions = {}): BootPlan {
  const image = new ImageReader(data, "boot image");
  if (image.length === 0) image.refuse("is empty", "choose another file");
  if (image.length > LARGEST_SECTOR_IMAGE)
    image.refuse(
      `is ${sizeText(image.length)}, but at most ${sizeText(LARGEST_SECTOR_IMAGE)} fit above 7C00h`,
      "a disk image would need a BIOS and a disk; choose a boot sector",
    );
  if (options.signature !== false) {
    if (image.length % SECTOR_BYTES !== 0)
      image.refuse(`is ${image.length} bytes, which is not a multiple of 512`, "choose a whole boot sector or image");
    if (!image.matches(SIGNATURE_OFFSET, [0x55, 0xaa]))
      image.refuse("has no boot signature (55 AA at offset 510)", "choose a boot sector; an image without a BIOS boot sector cannot start");
  }
  return {
    writes: [
      { address: 0, data: vectorTable() },
      { address: STUBS, data: new Uint8Array(VECTORS).fill(HLT) },
      { address: LOAD_ADDRESS, data },
    ],
    clears: [],
    registers: realModeEntry(LOAD_ADDRESS, options.drive ?? FIRST_DISK),
    summary: `boot image of ${sizeText(image.length)} at 0000:7C00, real mode, no BIOS`,
    explainHalt,
  };
}

/** Vector n leads to 0050:n, one HLT each. */
function vectorTable(): Uint8Array {
  const table = new Uint8Array(VECTORS * 4);
  const view = new DataView(table.buffer);
  for (let vector = 0; vector < VECTORS; vector++) {
    view.setUint16(vector * 4, vector, true);
    view.setUint16(vector * 4 + 2, STUBS >> 4, true);
  }
  return table;
}

/** `linear` is the address after the HLT. */
export function explainHalt(linear: number): string | undefined {
  const vector = linear - STUBS - 1;
  if (vector < 0 || vector >= VECTORS) return undefined;
  const number = `${vector.toString(16).toUpperCase().padStart(2, "0")}h`;
  if (vector < 0x10)
    return `interrupt or exception ${number} was raised, and the guest has no handler for it (vector at ${hex(vector * 4)})`;
  return `INT ${number} was called, but there is no BIOS: a boot image runs alone and talks through COM1 (port 3F8h)`;
}

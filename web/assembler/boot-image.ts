/** An assembled program as something that boots: a boot sector, or a flat multiboot kernel around 32-bit code. */
import type { Assembled } from "./assemble";
import type { LineError } from "./source-error";

export type ProgramKind = "sector" | "flat32";

export const PROGRAM_KINDS: Readonly<Record<ProgramKind, { readonly bits: 16 | 32; readonly org: number }>> = {
  /** Real mode at 0000:7C00, as a BIOS would enter it. */
  sector: { bits: 16, org: 0x7c00 },
  /** Protected mode with flat segments, entered at its first byte with the registers that multiboot promises. */
  flat32: { bits: 32, org: 0x100000 },
};

const SECTOR_BYTES = 512;
/** From 7C00 to the end of conventional memory. */
const LARGEST_SECTOR_IMAGE = 0x9fc00 - 0x7c00;
const LEAST_ORG = 0x100000;
const HEADER_BYTES = 32;
const MULTIBOOT_MAGIC = 0x1badb002;
/** The header says where everything goes. */
const ADDRESSES = 0x10000;

/** The image, or why the program cannot be booted so. The program must be without errors. */
export function bootImage(program: Assembled, kind: ProgramKind): Uint8Array<ArrayBuffer> | LineError {
  if (program.bytes.length === 0) return { line: 1, message: "the program is empty" };
  return kind === "sector" ? sector(program) : flat(program);
}

/** Filled with zeros to whole sectors, with 55 AA at offset 510, unless the program has put it there. */
function sector({ bytes, org }: Assembled): Uint8Array<ArrayBuffer> | LineError {
  const { org: expected } = PROGRAM_KINDS.sector;
  if (org !== expected) return { line: 1, message: `a boot sector is loaded at 0x7c00, not at 0x${org.toString(16)}: write org 0x7c00` };
  const hasSignature = bytes[510] === 0x55 && bytes[511] === 0xaa;
  if (bytes.length > 510 && !hasSignature)
    return {
      line: 1,
      message: `the bytes at offset 510 must be 55 AA: the first sector has ${Math.min(bytes.length, SECTOR_BYTES)} bytes of code`,
    };
  if (bytes.length > LARGEST_SECTOR_IMAGE) return { line: 1, message: "the program is larger than conventional memory" };
  const image = new Uint8Array(Math.ceil(bytes.length / SECTOR_BYTES) * SECTOR_BYTES);
  image.set(bytes);
  image.set([0x55, 0xaa], 510);
  return image;
}

function flat({ bytes, org }: Assembled): Uint8Array<ArrayBuffer> | LineError {
  if (org < LEAST_ORG) return { line: 1, message: `32-bit programs are loaded at 0x100000 or above, not at 0x${org.toString(16)}` };
  return flatImage(bytes, org, org);
}

/** Multiboot 0.6.96 "The address fields of Multiboot header": a header before the code, which is loaded at `org`. */
export function flatImage(bytes: Uint8Array, org: number, entry: number): Uint8Array<ArrayBuffer> {
  const image = new Uint8Array(HEADER_BYTES + bytes.length);
  const view = new DataView(image.buffer);
  const start = org - HEADER_BYTES;
  [MULTIBOOT_MAGIC, ADDRESSES, -(MULTIBOOT_MAGIC + ADDRESSES) >>> 0, start, start, org + bytes.length, org + bytes.length, entry].forEach(
    (field, n) => {
      view.setUint32(n * 4, field, true);
    },
  );
  image.set(bytes, HEADER_BYTES);
  return image;
}

/**
 * Tells what a file is by its first bytes, so that a user may drop any file and be told at once what it is good for.
 * The boot loaders check each image thoroughly; this only finds the right one.
 */

export type ImageKind =
  /** Linux boot protocol: "HdrS" in the setup header (Documentation/arch/x86/boot.rst). Memtest86+ has one too. */
  | "linux-kernel"
  /** An ELF file for x86 without a multiboot header: an unpacked Linux kernel. */
  | "elf"
  /** A multiboot 1 header within the first 8 KB. */
  | "multiboot"
  /** 55 AA at offset 510, whole sectors, small enough for conventional memory. */
  | "boot-sector"
  /** An ISO 9660 volume descriptor in sector 16. */
  | "cd"
  /** 55 AA at offset 510, of a floppy disk's size. */
  | "floppy"
  /** 55 AA at offset 510, larger. */
  | "disk"
  /** cpio, or something compressed that the kernel can unpack. */
  | "initrd"
  | "unknown";

export interface DetectedImage {
  readonly kind: ImageKind;
  /** For people: "Linux kernel (bzImage)". For `unknown`, what it seems to be: "an empty file". */
  readonly description: string;
}

/** So much of a file's beginning is enough. */
export const HEAD_BYTES = 0x8006;

const MULTIBOOT_MAGIC = 0x1badb002;
const SECTOR_BYTES = 512;
/** ECMA-119: the identifier of the first volume descriptor. */
const CD_IDENTIFIER = { at: 0x8001, text: "CD001" } as const;
const KB = 1024;
const FLOPPY_SIZES: readonly number[] = [720 * KB, 1200 * KB, 1440 * KB, 1680 * KB, 2880 * KB];
/** From 7C00 to the end of conventional memory (web/machine/boot/sector.ts). */
const LARGEST_SECTOR_IMAGE = 0x9fc00 - 0x7c00;
const X86_MACHINE = 3;
const X86_64_MACHINE = 62;

/** `head`: the first HEAD_BYTES of the file, or all of it if shorter. `size`: of the whole file in bytes. */
export function detectImage(head: Uint8Array, size: number): DetectedImage {
  if (size === 0) return { kind: "unknown", description: "an empty file" };
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const ascii = (at: number, length: number): string => String.fromCharCode(...head.subarray(at, at + length));
  const u16 = (at: number): number => (at + 2 <= head.length ? view.getUint16(at, true) : -1);

  if (ascii(0x202, 4) === "HdrS") return { kind: "linux-kernel", description: "Linux kernel (bzImage)" };
  if (hasMultibootHeader(view)) return { kind: "multiboot", description: "Multiboot kernel" };
  if (ascii(0, 4) === "\x7fELF") {
    if (u16(18) === X86_MACHINE && head[4] === 1) return { kind: "elf", description: "ELF kernel, 32-bit x86" };
    if (u16(18) === X86_64_MACHINE && head[4] === 2) return { kind: "elf", description: "ELF kernel, 64-bit x86" };
    return { kind: "unknown", description: "an ELF file, but not for x86" };
  }
  if (ascii(CD_IDENTIFIER.at, CD_IDENTIFIER.text.length) === CD_IDENTIFIER.text) return { kind: "cd", description: "CD image" };
  const archive = compression(ascii, head);
  if (archive) return { kind: "initrd", description: archive };
  if (u16(510) === 0xaa55) {
    if (size % SECTOR_BYTES !== 0) return { kind: "unknown", description: "a disk image that was cut short within a sector" };
    if (FLOPPY_SIZES.includes(size)) return { kind: "floppy", description: "Floppy disk image" };
    if (size > LARGEST_SECTOR_IMAGE) return { kind: "disk", description: "Disk image" };
    return { kind: "boot-sector", description: size === SECTOR_BYTES ? "Boot sector" : "Boot image" };
  }
  return { kind: "unknown", description: "a file of unknown kind" };
}

function hasMultibootHeader(view: DataView): boolean {
  // Multiboot 0.6.96, 3.1: 32-bit aligned, within the first 8192 bytes; magic + flags + checksum = 0 mod 2^32.
  for (let at = 0; at + 12 <= Math.min(view.byteLength, 8192); at += 4)
    if (
      view.getUint32(at, true) === MULTIBOOT_MAGIC &&
      ((MULTIBOOT_MAGIC + view.getUint32(at + 4, true) + view.getUint32(at + 8, true)) | 0) === 0
    )
      return true;
  return false;
}

/** The formats that Linux takes for an initramfs (init/initramfs.c, lib/decompress.c). */
function compression(ascii: (at: number, length: number) => string, head: Uint8Array): string | undefined {
  const starts = (...bytes: number[]): boolean => bytes.every((byte, i) => head[i] === byte);
  if (ascii(0, 6) === "070701" || ascii(0, 6) === "070702") return "initrd (cpio)";
  if (starts(0x1f, 0x8b)) return "initrd (gzip)";
  if (starts(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00)) return "initrd (xz)";
  if (starts(0x28, 0xb5, 0x2f, 0xfd)) return "initrd (zstd)";
  if (starts(0x02, 0x21, 0x4c, 0x18)) return "initrd (lz4)";
  if (starts(0x42, 0x5a, 0x68)) return "initrd (bzip2)";
  return undefined;
}

/** What a disk seems to hold, by its first sectors: for people, in lists and in `vitrine disk info`. */
import { type BlockDevice, SECTOR_BYTES } from "./block-device";

const HEAD_BYTES = 0x8800;
const MBR_ENTRIES = 0x1be;

/** A line each: partition table, partitions, file system. */
export async function describeContents(disk: Pick<BlockDevice, "bytes" | "read">): Promise<string[]> {
  const head = new Uint8Array(HEAD_BYTES);
  head.set(await disk.read(0, Math.min(HEAD_BYTES, disk.bytes)));
  const view = new DataView(head.buffer);
  const text = (at: number, length: number): string => String.fromCharCode(...head.subarray(at, at + length));
  const whole = fileSystem(view, text);
  if (whole) return [`holds: ${whole}`];
  if (head.every((byte) => byte === 0)) return ["holds: nothing at its beginning"];
  if (view.getUint16(510, true) !== 0xaa55) return ["holds: no partition table or file system that is known here"];
  if (text(512, 8) === "EFI PART") return ["holds: a GPT partition table"];
  const lines: string[] = [];
  for (let n = 0; n < 4; n++) {
    const at = MBR_ENTRIES + 16 * n;
    const [type, first, count] = [head[at + 4]!, view.getUint32(at + 8, true), view.getUint32(at + 12, true)];
    if (type !== 0)
      lines.push(`partition ${n + 1}: type ${type.toString(16).padStart(2, "0")}h, from sector ${first}, ${count * SECTOR_BYTES} bytes`);
  }
  return lines.length > 0 ? ["holds: an MBR partition table", ...lines] : ["holds: a boot sector"];
}

function fileSystem(view: DataView, text: (at: number, length: number) => string): string | undefined {
  if (view.getUint16(0x438, true) === 0xef53) {
    // Features: 4 (compatible) has a journal; 40h (incompatible) uses extents.
    const [compatible, incompatible] = [view.getUint32(0x45c, true), view.getUint32(0x460, true)];
    const name = (incompatible & 0x40) !== 0 ? "ext4" : (compatible & 4) !== 0 ? "ext3" : "ext2";
    const label = text(0x478, 16).replace(/\0.*$/s, "");
    return `${name} file system${label ? ` "${label.replace(/[^\x20-\x7e]/g, "?")}"` : ""}${(view.getUint16(0x43a, true) & 1) === 0 ? ", not cleanly unmounted" : ""}`;
  }
  if (text(0x8001, 5) === "CD001") return "ISO 9660 file system";
  if (/^FAT(12|16)/.test(text(0x36, 5)) || text(0x52, 5) === "FAT32") return "FAT file system";
  return text(3, 4) === "NTFS" ? "NTFS file system" : undefined;
}

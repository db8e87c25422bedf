/**
 * A ROM in place of everything else: it ends at 4 GiB, where the reset vector lies, and its last 128 KB appear once more
 * below 1 MiB. The CPU starts as RESET# leaves it, at F000:FFF0 with CS.base FFFF0000h (SDM 3A "First Instruction Executed").
 *
 *   size     below 4 GiB            below 1 MiB
 *   64 KB    FFFF0000h-FFFFFFFFh    F0000h-FFFFFh
 *   128 KB   FFFE0000h-FFFFFFFFh    E0000h-FFFFFh
 *   256 KB   FFFC0000h-FFFFFFFFh    E0000h-FFFFFh, its upper half
 *   16 MB    FF000000h-FFFFFFFFh    the same of its end; more would meet the APICs
 *
 * What lies below 1 MiB follows the host bridge's PAM registers from then on (shadow-rom.ts).
 */
import type { BootPlan } from "./boot-plan";
import { ONE_MB } from "./boot-plan";
import { ImageReader, sizeText } from "./image-reader";

const UNIT = 0x10000;
const LARGEST = 16 * ONE_MB;
const LOW_WINDOW = 0x20000;
const FOUR_GB = 2 ** 32;

/** Throws ImageUnreadable. A ROM has whole 64 KB, at most 16 MB. */
export function planFirmware(data: Uint8Array): BootPlan {
  const image = new ImageReader(data, "ROM");
  if (image.length === 0) image.refuse("is empty", "choose another file");
  if (image.length > LARGEST || image.length % UNIT !== 0)
    image.refuse(
      `is ${image.length % 1024 === 0 ? sizeText(image.length) : `${image.length} bytes`}, but a ROM has 64, 128 or 256 KB, or another multiple of 64 KB up to 16 MB`,
      "fill it up in front, so that its last 16 bytes stay the reset vector, or choose another file",
    );
  const low = data.subarray(-LOW_WINDOW);
  return {
    writes: [],
    clears: [],
    roms: [
      { address: FOUR_GB - data.length, data },
      { address: ONE_MB - low.length, data: low },
    ],
    registers: {},
    summary: `ROM of ${sizeText(data.length)} below 4 GB and below 1 MB, entered at the reset vector`,
  };
}

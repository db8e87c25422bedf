/** Files of Debian's packages that boot on a bare PC, kept in the guests' cache once they have been unpacked. */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { defaultGuestsFolder } from "../../web/guests/node/folder";
import { packageFiles } from "../tools/debian-packages";

/** What is wanted of each package. */
const FILES = {
  "grub-rescue-pc": ["usr/lib/grub-rescue/grub-rescue-cdrom.iso", "usr/lib/grub-rescue/grub-rescue-floppy.img"],
  ipxe: ["usr/lib/ipxe/ipxe.iso"],
  "memtest86+": ["usr/lib/memtest86+/memtest86+ia32.iso", "boot/memtest86+ia32.bin"],
  isolinux: ["usr/lib/ISOLINUX/isolinux.bin"],
  "syslinux-common": [
    "usr/lib/syslinux/memdisk",
    ...["ldlinux", "libcom32", "libutil", "hdt", "menu"].map((name) => `usr/lib/syslinux/modules/bios/${name}.c32`),
  ],
  seabios: ["usr/share/seabios/bios-256k.bin", "usr/share/seabios/bios.bin", "usr/share/seabios/vgabios-stdvga.bin"],
  "debian-installer-12-netboot-i386": ["text", "gtk"].flatMap((kind) =>
    ["linux", "initrd.gz"].map((name) => `usr/lib/debian-installer/images/12/i386/${kind}/debian-installer/i386/${name}`),
  ),
} as const;

export type PcPackage = keyof typeof FILES;

/** A package's file whose path ends so. Throws GuestsError where there is no mirror. */
export async function pcFile(name: PcPackage, ending: string, folder = defaultGuestsFolder()): Promise<Uint8Array> {
  const place = join(folder, ".cache/pc-files", name);
  const all: readonly string[] = FILES[name];
  const path = all.find((each) => each.endsWith(ending));
  if (path === undefined) throw new Error(`${name} has no ${ending} in the list of pc-files.ts`);
  if (!existsSync(place)) {
    const unfinished = `${place}.part`;
    mkdirSync(unfinished, { recursive: true });
    for (const file of await packageFiles([name], (each) => all.includes(each), folder))
      writeFileSync(join(unfinished, nameOf(file.name)), file.data);
    renameSync(unfinished, place);
  }
  return new Uint8Array(readFileSync(join(place, nameOf(path))));
}

const nameOf = (path: string): string => path.replaceAll("/", "+");

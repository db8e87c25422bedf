/** `--guest NAME`: a built-in guest, or the files and settings of a prepared one from the catalog. */
import { assembleGuest, BUILT_IN_GUESTS, findBuiltInGuest } from "../../bios/index";
import { type CatalogFile, findGuest } from "../guests/catalog";
import { GuestsError } from "../guests/guests-error";
import type { BootFiles } from "./boot-files";
import type { Environment } from "./environment";
import { BadOption } from "./run-options";

/** Linux unpacks several archives in a row, each over the ones before. */
function joined(parts: readonly Uint8Array[]): Uint8Array | undefined {
  if (parts.length < 2) return parts[0];
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** `append` replaces the guest's own command line; `hasDisks` adds what it needs for disks. Throws BadOption. */
export async function loadGuest(id: string, append: string | undefined, hasDisks: boolean, environment: Environment): Promise<BootFiles> {
  const builtIn = findBuiltInGuest(id);
  if (builtIn) {
    const image = assembleGuest(builtIn);
    if (builtIn.boot === "multiboot")
      return { boot: { kind: "multiboot", kernel: image, commandLine: `${id} ${append ?? builtIn.commandLine}` }, names: new Map() };
    if (append !== undefined) throw new BadOption(`--guest ${id}: a boot sector has no command line; leave out --append`);
    return { boot: { kind: "sector", image }, names: new Map() };
  }
  const guest = await findGuest(id).catch((error) => {
    if (!(error instanceof GuestsError)) throw error;
    const builtInIds = BUILT_IN_GUESTS.filter((each) => !each.internal).map((each) => each.id);
    throw new BadOption(`--guest ${id}: ${error.message}; built in are ${builtInIds.join(", ")}`);
  });
  const names = new Map<string, string>();
  const read = async (role: string, file: CatalogFile | undefined): Promise<Uint8Array | undefined> => {
    if (!file) return undefined;
    names.set(role, file.file);
    try {
      return await environment.readFile(file.file);
    } catch (error) {
      throw new BadOption(`--guest ${id}: ${error instanceof Error ? error.message : String(error)}; run npx vitrine guests prepare`);
    }
  };
  if (guest.firmware) {
    if (append !== undefined) throw new BadOption(`--guest ${id}: what boots from a CD has no command line; leave out --append`);
    const [rom, videoRom] = [(await read("ROM", guest.firmware))!, await read("video ROM", guest.videoFirmware)];
    const boot = { kind: "firmware", rom, serialConsole: true, bootOrder: ["cdrom"], ...(videoRom ? { videoRom } : {}) } as const;
    return { boot, names, memoryMb: guest.memoryMb, cdrom: await read("CD", guest.kernel) };
  }
  // The unpacked kernel saves the guest its own decompression; the packed one lends its header.
  const kernel = (await read("kernel", guest.vmlinux ?? guest.kernel))!;
  const bzImage = guest.vmlinux && (await read("setup header", guest.kernel));
  const parts = [guest.initrd, ...(hasDisks ? (guest.diskInitrds ?? []) : [])];
  const initrd = joined((await Promise.all(parts.map((part) => read("initrd", part)))).filter((part) => part !== undefined));
  return { boot: { kind: "linux", kernel, bzImage, initrd, commandLine: append ?? guest.commandLine }, names, memoryMb: guest.memoryMb };
}

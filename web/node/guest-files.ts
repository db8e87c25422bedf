/** `--guest NAME`: a built-in guest, or the files and settings of a prepared one from the catalog. */
import { assembleGuest, BUILT_IN_GUESTS, findBuiltInGuest } from "../../bios/index";
import { type CatalogFile, findGuest } from "../guests/catalog";
import { GuestsError } from "../guests/guests-error";
import type { BootFiles } from "./boot-files";
import type { Environment } from "./environment";
import { BadOption } from "./run-options";

/** `append` replaces the guest's own command line. Throws BadOption. */
export async function loadGuest(id: string, append: string | undefined, environment: Environment): Promise<BootFiles> {
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
  // The unpacked kernel saves the guest its own decompression; the packed one lends its header.
  const kernel = (await read("kernel", guest.vmlinux ?? guest.kernel))!;
  const bzImage = guest.vmlinux && (await read("setup header", guest.kernel));
  const initrd = await read("initrd", guest.initrd);
  return { boot: { kind: "linux", kernel, bzImage, initrd, commandLine: append ?? guest.commandLine }, names, memoryMb: guest.memoryMb };
}

/** `--guest NAME`: the files and settings of a prepared guest, from the guests folder's manifest. */
import { join } from "node:path";
import { GuestsError } from "../guests/guests-error";
import { defaultGuestsFolder } from "../guests/node/folder";
import { readManifest } from "../guests/node/store";
import type { BootFiles } from "./boot-files";
import type { Environment } from "./environment";
import { BadOption } from "./run-options";

/** `append` replaces the guest's own command line. Throws BadOption. */
export async function loadGuest(
  id: string,
  append: string | undefined,
  environment: Environment,
  folder = defaultGuestsFolder(),
): Promise<BootFiles> {
  const manifest = await readManifest(folder).catch((error) => {
    throw error instanceof GuestsError ? new BadOption(error.message) : error;
  });
  const guest = manifest?.guests.find((candidate) => candidate.id === id);
  if (!guest) {
    const known = manifest?.guests.map((candidate) => candidate.id).join(", ");
    throw new BadOption(
      `--guest ${id}: ${known ? `not among the prepared guests (${known})` : "nothing is prepared yet"}; vitrine guests prepare fetches them`,
    );
  }
  const names = new Map<string, string>();
  const read = async (role: string, path: string): Promise<Uint8Array> => {
    names.set(role, path);
    try {
      return await environment.readFile(join(folder, path));
    } catch (error) {
      throw new BadOption(
        `--guest ${id}: ${error instanceof Error ? error.message : String(error)}; vitrine guests prepare fetches it again`,
      );
    }
  };
  // The unpacked kernel saves the guest its own decompression; the packed one lends its header.
  const kernel = await read("kernel", guest.vmlinux ?? guest.kernel);
  const bzImage = guest.vmlinux === undefined ? undefined : await read("setup header", guest.kernel);
  const initrd = guest.initrd === undefined ? undefined : await read("initrd", guest.initrd);
  return { boot: { kind: "linux", kernel, bzImage, initrd, commandLine: append ?? guest.commandLine }, names, memoryMb: guest.memoryMb };
}

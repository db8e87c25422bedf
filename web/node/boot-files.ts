/** Reads the files that `vitrine run` names and makes a boot configuration of them. */
import { findFirmware } from "../guests/catalog";
import { GuestsError } from "../guests/guests-error";
import { isMultiboot } from "../machine/boot/multiboot";
import type { BootConfig } from "../machine/config";
import type { Environment } from "./environment";
import { BadOption, type RunOptions } from "./run-options";

/** What to boot, the names of its files by role (for error texts), and how much RAM it wants by itself. */
export interface BootFiles {
  readonly boot: BootConfig;
  readonly names: ReadonlyMap<string, string>;
  readonly memoryMb?: number;
  /** The CD that a guest boots from. */
  readonly cdrom?: Uint8Array | undefined;
}

async function preparedFirmware(): Promise<{ readonly rom: string; readonly videoRom: string | undefined }> {
  return findFirmware().catch((error: unknown) => {
    throw error instanceof GuestsError ? new BadOption(error.message) : error;
  });
}

/** Throws BadOption. `options` names a kernel, an image or drives. */
export async function readBootFiles(options: RunOptions, environment: Environment): Promise<BootFiles> {
  const names = new Map<string, string>();
  const read = async (flag: string, role: string, path: string): Promise<Uint8Array> => {
    names.set(role, path);
    try {
      return await environment.readFile(path);
    } catch (error) {
      throw new BadOption(`${flag} ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  if (options.image !== undefined) return { boot: { kind: "sector", image: await read("--image", "boot image", options.image) }, names };
  if (options.bios !== undefined || options.kernel === undefined) {
    const { rom, videoRom } = options.bios === undefined ? await preparedFirmware() : { rom: options.bios, videoRom: options.videoBios };
    return {
      boot: {
        ...{ kind: "firmware", rom: await read("--bios", "ROM", rom), serialConsole: options.drives.length > 0 },
        ...(videoRom === undefined ? {} : { videoRom: await read("--video-bios", "video ROM", videoRom) }),
        bootOrder: options.bootOrder ?? [...new Set(options.drives.map(({ media }) => media))],
      },
      names,
    };
  }

  const kernel = await read("--kernel", "kernel", options.kernel!);
  if (!isMultiboot(kernel)) {
    const commandLine = options.append ?? "";
    const initrd = options.initrd === undefined ? undefined : await read("--initrd", "initrd", options.initrd);
    return { boot: { kind: "linux", kernel, initrd, commandLine }, names };
  }
  // As in QEMU and GRUB Legacy, a multiboot command line begins with the file's name; kernels skip the first word.
  const commandLine = [options.kernel!, options.append].filter((part) => part !== undefined).join(" ");
  const modules: { data: Uint8Array; commandLine: string }[] = [];
  for (const entry of options.initrd?.split(",") ?? []) {
    const space = entry.indexOf(" ");
    const path = space < 0 ? entry : entry.slice(0, space);
    modules.push({ data: await read("--initrd", `module ${modules.length + 1}`, path), commandLine: entry });
  }
  return { boot: { kind: "multiboot", kernel, commandLine, modules }, names };
}

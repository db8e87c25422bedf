/**
 * SeaBIOS and its VGA BIOS, which v86 needs to boot, out of Debian's package `seabios`: the installed one, else from the
 * mirror into the guests' cache.
 */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { defaultGuestsFolder } from "../../web/guests/node/folder";
import { packageFiles } from "../tools/debian-packages";

const INSTALLED = "/usr/share/seabios";
const BIOS = "bios.bin";
const VGA_BIOS = "vgabios-stdvga.bin";

export interface Seabios {
  readonly bios: string;
  readonly vgabios: string;
}

/** The installed package's files, else the cache's, else fetched now. Throws GuestsError. */
export async function findSeabios(folder = defaultGuestsFolder(), installed = INSTALLED): Promise<Seabios> {
  const cached = join(folder, ".cache/seabios");
  for (const place of [installed, cached])
    if ([BIOS, VGA_BIOS].every((name) => existsSync(join(place, name)))) return { bios: join(place, BIOS), vgabios: join(place, VGA_BIOS) };
  mkdirSync(cached, { recursive: true });
  const wanted = (name: string): boolean => name.endsWith(`seabios/${BIOS}`) || name.endsWith(`seabios/${VGA_BIOS}`);
  for (const { name, data } of await packageFiles(["seabios"], wanted, folder)) writeFileSync(join(cached, basename(name)), data);
  return { bios: join(cached, BIOS), vgabios: join(cached, VGA_BIOS) };
}

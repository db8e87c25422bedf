/**
 * The prepared guests as programs want them: complete paths for the command line (`vitrine run --guest debian`), and
 * addresses with hashes and gzip copies for the server that the page loads them from.
 */
import { join } from "node:path";
import { GuestsError } from "./guests-error";
import { allFiles, type Guest, type Manifest, type PreparedFile } from "./manifest";
import { defaultGuestsFolder } from "./node/folder";
import { filesPresent, readManifest } from "./node/store";

export interface CatalogFile extends PreparedFile {
  /** Where it lies on this machine. */
  readonly file: string;
}

export interface CatalogGuest extends Omit<Guest, "kernel" | "vmlinux" | "initrd" | "diskInitrds" | "firmware" | "videoFirmware"> {
  readonly kernel: CatalogFile;
  /** The same kernel unpacked: boots with fewer instructions. Its setup header is in `kernel`. */
  readonly vmlinux?: CatalogFile;
  /** An uncompressed cpio archive; its gzip copy boots as well. */
  readonly initrd?: CatalogFile;
  /** Uncompressed cpio archives that follow the initrd where the machine has a disk. */
  readonly diskInitrds?: readonly CatalogFile[];
  /** Then `kernel` is a CD's image. */
  readonly firmware?: CatalogFile;
  readonly videoFirmware?: CatalogFile;
}

/** Only guests whose files are all there; empty if nothing is prepared. Throws GuestsError on a damaged manifest. */
export async function loadCatalog(folder = defaultGuestsFolder()): Promise<CatalogGuest[]> {
  const manifest = await readManifest(folder);
  if (!manifest) return [];
  const guests = manifest.guests.map((guest) => catalogGuest(folder, manifest, guest));
  const present = await Promise.all(guests.map((guest) => filesPresent(folder, guestFiles(guest))));
  return guests.filter((_, index) => present[index]);
}

/** Throws GuestsError "not-prepared", saying what to do. */
export async function findGuest(id: string, folder = defaultGuestsFolder()): Promise<CatalogGuest> {
  const guests = await loadCatalog(folder);
  const found = guests.find((guest) => guest.id === id);
  if (found) return found;
  const known = guests.length === 0 ? "none is" : `prepared: ${guests.map((guest) => guest.id).join(", ")}`;
  throw new GuestsError("not-prepared", `the guest "${id}" is not prepared (${known}): run \`npx vitrine guests prepare\``);
}

/** The prepared firmware and its screen's ROM. Throws GuestsError "not-prepared", saying what to do. */
export async function findFirmware(folder = defaultGuestsFolder()): Promise<{ readonly rom: string; readonly videoRom: string }> {
  const files = (await readManifest(folder))?.components.find(({ id }) => id === "seabios")?.files ?? [];
  const [rom, videoRom] = (["firmware", "video-firmware"] as const).map((role) => files.find((file) => file.role === role));
  if (!rom || !videoRom || !(await filesPresent(folder, [rom, videoRom])))
    throw new GuestsError(
      "not-prepared",
      "SeaBIOS is not prepared: run `npx vitrine guests prepare --only grub`, or give a ROM with --bios",
    );
  return { rom: join(folder, rom.path), videoRom: join(folder, videoRom.path) };
}

/** What a server may hand out, by address relative to the guests folder ("linux-image-686/.../vmlinux"). */
export interface ServedFile {
  readonly file: string;
  readonly size: number;
  readonly sha256: string;
  /** To be sent with Content-Encoding: gzip to whoever accepts it. */
  readonly gzip?: { readonly file: string; readonly size: number };
}

/** Everything that the manifest lists, and nothing else. Files never change under their address. */
export function servedFiles(manifest: Manifest, folder: string): Map<string, ServedFile> {
  const served = new Map<string, ServedFile>();
  for (const { path, size, sha256 } of allFiles(manifest)) served.set(path, { file: join(folder, path), size, sha256 });
  for (const { path, gzip } of manifest.components.flatMap((component) => component.files)) {
    if (gzip) served.set(path, { ...served.get(path)!, gzip: { file: join(folder, gzip.path), size: gzip.size } });
  }
  return served;
}

function catalogGuest(folder: string, manifest: Manifest, guest: Guest): CatalogGuest {
  const files = manifest.components.flatMap((component) => component.files);
  const find = (path: string): CatalogFile => ({ ...files.find((file) => file.path === path)!, file: join(folder, path) });
  const { kernel, vmlinux, initrd, diskInitrds, firmware, videoFirmware, ...rest } = guest;
  return {
    ...rest,
    kernel: find(kernel),
    ...(vmlinux === undefined ? {} : { vmlinux: find(vmlinux) }),
    ...(initrd === undefined ? {} : { initrd: find(initrd) }),
    ...(diskInitrds === undefined ? {} : { diskInitrds: diskInitrds.map(find) }),
    ...(firmware === undefined ? {} : { firmware: find(firmware) }),
    ...(videoFirmware === undefined ? {} : { videoFirmware: find(videoFirmware) }),
  };
}

const guestFiles = (guest: CatalogGuest): CatalogFile[] =>
  [guest.kernel, guest.vmlinux, guest.initrd, guest.firmware, guest.videoFirmware, ...(guest.diskInitrds ?? [])].filter(
    (file) => file !== undefined,
  );

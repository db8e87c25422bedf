/** Disk images as files: raw and qcow2, told apart by their first bytes; a qcow2 image with the files that it builds upon. */
import { realpath } from "node:fs/promises";
import { dirname, relative, resolve } from "node:path";
import { DiskFailed } from "../lib/errors";
import type { BlockDevice } from "../storage/block-device";
import { isQcow2, Qcow2Disk } from "../storage/qcow2";
import { diskFailure, FileDisk } from "./file-disk";
import { type OpenFile, openFile } from "./snapshot-files";

const MOST_BACKING_FILES = 16;

/**
 * Throws DiskFailed. A qcow2 image can only be read. A backing file must lie in the image's own folder or below: an
 * image from elsewhere could otherwise name any file of this computer, and its guest would read it.
 */
export function openImage(path: string, readOnly: boolean): Promise<BlockDevice> {
  return open(path, readOnly, null, []);
}

async function open(path: string, readOnly: boolean, format: string | null, above: readonly string[]): Promise<BlockDevice> {
  if (format !== null && format !== "raw" && format !== "qcow2")
    throw new DiskFailed(path, "unreadable", `it is a ${format} image.`, "qemu-img convert -O qcow2 makes one that can be read.");
  if (format === "raw" || (format === null && !(await looksLikeQcow2(path)))) return FileDisk.open(path, readOnly);
  if (!readOnly)
    throw new DiskFailed(
      path,
      "unwritable",
      "it is a qcow2 image, which can only be read.",
      `Attach it read-only (,ro), or make a raw image of it: vitrine disk convert ${path} disk.img`,
    );
  const file = await opened(path);
  const chain = [...above, await realpath(path).catch(() => path)];
  try {
    const disk = await Qcow2Disk.open(file, { name: path, backing: (name, below) => openBacking(path, name, below, chain) });
    return closing(disk, file);
  } catch (error) {
    await file.close();
    throw diskFailure(path, error, "unreadable");
  }
}

async function openBacking(image: string, name: string, format: string | null, chain: readonly string[]): Promise<BlockDevice> {
  const folder = dirname(chain.at(-1)!);
  const path = await realpath(resolve(folder, name)).catch(() => resolve(folder, name));
  if (relative(folder, path).startsWith("..") || /^[a-z]+:/i.test(name))
    throw new DiskFailed(
      image,
      "unreadable",
      `it builds upon ${name}, which is not in its folder.`,
      "Put both into one, or make one of both: qemu-img convert.",
    );
  if (chain.includes(path) || chain.length > MOST_BACKING_FILES)
    throw new DiskFailed(image, "damaged", `its backing files ${chain.includes(path) ? "lead back to it" : "are too many"}.`, "");
  return open(path, true, format, chain);
}

async function looksLikeQcow2(path: string): Promise<boolean> {
  const file = await opened(path);
  try {
    return isQcow2(await file.read(0, Math.min(4, file.size)));
  } finally {
    await file.close();
  }
}

const opened = (path: string): Promise<OpenFile> => openFile(path, (_, error) => diskFailure(path, error, "unreadable"));

function closing(disk: Qcow2Disk, file: OpenFile): Qcow2Disk {
  const close = disk.close.bind(disk);
  disk.close = async () => {
    await close();
    await file.close();
  };
  return disk;
}

/**
 * The guests folder: manifest, prepared files, licences. Files lie under a name that holds the hash of what they were
 * made from, and never change under it; a new manifest, renamed into place, is the only switch from old to new.
 *
 *   manifest.json
 *   COMPONENT/VERSION-KEY/FILE        debian kernels, initrd, memtest
 *   licences/PACKAGE_VERSION.copyright
 *   .cache/                           packages by SHA-256, broken downloads, the last index
 *   .staging/                         what is being written
 */
import { mkdir, mkdtemp, open, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { GuestsError } from "../guests-error";
import { allFiles, type Component, filesOf, MANIFEST_NAME, type Manifest, manifestText, parseManifest, type StoredFile } from "../manifest";
import type { OnProgress } from "../progress";
import {
  cacheFolder,
  fileSize,
  interrupted,
  onDisk,
  sha256Of,
  sha256OfFile,
  stagingFolder,
  throwIfInterrupted,
  writeAtomically,
} from "./files";

/** Undefined if nothing was ever prepared. Throws GuestsError "damaged" or "unsupported". */
export async function readManifest(folder: string): Promise<Manifest | undefined> {
  const path = join(folder, MANIFEST_NAME);
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return undefined;
    throw new GuestsError("file-system", `could not read ${path}: ${error.message}`, { cause: error });
  });
  return text === undefined ? undefined : parseManifest(text, path);
}

export const writeManifest = (folder: string, manifest: Manifest): Promise<void> =>
  writeAtomically(join(folder, MANIFEST_NAME), join(stagingFolder(folder), MANIFEST_NAME), manifestText(manifest));

/** Are the files there, with their sizes? Quick: hashes are for `verify`. */
export async function filesPresent(folder: string, files: readonly StoredFile[]): Promise<boolean> {
  const sizes = await Promise.all(files.map((file) => fileSize(join(folder, file.path))));
  return files.every((file, index) => sizes[index] === file.size);
}

export const componentPresent = (folder: string, component: Component): Promise<boolean> => filesPresent(folder, filesOf(component));

/** One line for each file that is missing or has other contents than the manifest says. */
export async function verifyFiles(folder: string, files: readonly StoredFile[], signal?: AbortSignal): Promise<string[]> {
  const problems: string[] = [];
  for (const file of files) {
    throwIfInterrupted(signal);
    const path = join(folder, file.path);
    if ((await fileSize(path)) === undefined) problems.push(`${file.path} is missing`);
    else if ((await sha256OfFile(path, signal)) !== file.sha256) problems.push(`${file.path} is not what was prepared (SHA-256 differs)`);
  }
  return problems;
}

export interface NewFile {
  /** Relative to the guests folder. */
  readonly path: string;
  readonly data: Uint8Array;
}

export const storedFile = ({ path, data }: NewFile): StoredFile => ({ path, sha256: sha256Of(data), size: data.length });

/** A new folder to write to before files get their places; on the same file system. */
export async function makeStaging(folder: string): Promise<string> {
  return onDisk(`write to ${folder}`, async () => {
    await mkdir(stagingFolder(folder), { recursive: true });
    return mkdtemp(join(stagingFolder(folder), "files-"));
  });
}

/** Writes all, then moves all into place. */
export async function storeFiles(folder: string, files: readonly NewFile[]): Promise<void> {
  const staging = await makeStaging(folder);
  try {
    for (const file of files) {
      const path = join(staging, file.path);
      await onDisk(`write ${join(folder, file.path)}`, async () => {
        await mkdir(dirname(path), { recursive: true });
        await writeFile(path, file.data);
      });
    }
    await moveIntoPlace(
      staging,
      folder,
      files.map((file) => file.path),
    );
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

export async function moveIntoPlace(staging: string, folder: string, paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    const place = join(folder, path);
    await onDisk(`write ${place}`, async () => {
      await mkdir(dirname(place), { recursive: true });
      await rename(join(staging, path), place);
    });
  }
}

/** Removes files of components that no manifest lists any more, and packages that the index has no more. */
export async function removeStale(
  folder: string,
  manifest: Manifest,
  componentIds: readonly string[],
  keepInCache: ReadonlySet<string>,
): Promise<void> {
  const kept = new Set(allFiles(manifest).flatMap((file) => [file.path, dirname(file.path)]));
  for (const top of [...componentIds, "licences"]) {
    for (const name of await readdir(join(folder, top)).catch(() => [])) {
      if (!kept.has(`${top}/${name}`)) await rm(join(folder, top, name), { recursive: true, force: true }).catch(() => {});
    }
  }
  for (const part of ["sha256", "partial"]) {
    const cache = join(cacheFolder(folder), part);
    for (const name of await readdir(cache).catch(() => []))
      if (!keepInCache.has(name)) await rm(join(cache, name), { force: true }).catch(() => {});
  }
  await rm(stagingFolder(folder), { recursive: true, force: true }).catch(() => {});
}

const LOCK_POLL_MS = 150;
/** A lock file is empty for a moment after it is made; one that stays empty was left by a crash. */
const EMPTY_LOCK_MS = 10_000;

/** Runs `work` while no other process prepares the same folder; waits for it to end. */
export async function locked<T>(
  folder: string,
  signal: AbortSignal | undefined,
  onProgress: OnProgress,
  work: () => Promise<T>,
): Promise<T> {
  const path = join(folder, ".lock");
  await onDisk(`create ${folder}`, () => mkdir(folder, { recursive: true }));
  for (let told = false; !(await tryLock(path)); told = true) {
    const owner = await lockOwner(path);
    if (owner === undefined) {
      await rm(path, { force: true });
      continue;
    }
    if (!told) onProgress({ step: "warning", message: `another preparation is running (process ${owner}); waiting for it` });
    await sleep(LOCK_POLL_MS, undefined, signal ? { signal } : {}).catch(() => {
      throw interrupted();
    });
  }
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}

async function tryLock(path: string): Promise<boolean> {
  return onDisk(`write ${path}`, async () => {
    const file = await open(path, "wx").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "EEXIST") return undefined;
      throw error;
    });
    await file?.writeFile(String(process.pid));
    await file?.close();
    return file !== undefined;
  });
}

/** The process that holds the lock; undefined if it is gone. */
async function lockOwner(path: string): Promise<string | undefined> {
  const text = await readFile(path, "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  const pid = Number(text);
  if (text === "" || !Number.isSafeInteger(pid) || pid <= 0) {
    const found = await stat(path).catch(() => undefined);
    return found && Date.now() - found.mtimeMs < EMPTY_LOCK_MS ? "unknown" : undefined;
  }
  try {
    process.kill(pid, 0);
    return text;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM" ? text : undefined;
  }
}

/**
 * Files of the guests folder: written beside their place and renamed, so that no reader ever sees a half file, and
 * failures of the disk told as what they are.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { GuestsError } from "../guests-error";

/** Runs a file operation; `doing` completes "could not ...". Throws GuestsError "disk-full" or "file-system". */
export async function onDisk<T>(doing: string, operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (error) {
    throw asDiskError(doing, error);
  }
}

/** Errors of this project and interruptions pass unchanged. */
export function asDiskError(doing: string, error: unknown): unknown {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  if (error instanceof GuestsError || typeof code !== "string" || code === "ABORT_ERR") return error;
  if (code === "ENOSPC" || code === "EDQUOT")
    return new GuestsError("disk-full", `the disk is full: could not ${doing}; free about 250 MB and run it again`, { cause: error });
  if (code === "EACCES" || code === "EPERM" || code === "EROFS")
    return new GuestsError("file-system", `could not ${doing}: no permission to write there (${code}); choose another folder with --dir`, {
      cause: error,
    });
  return new GuestsError("file-system", `could not ${doing}: ${(error as Error).message}`, { cause: error });
}

/** Size in bytes of a regular file, or undefined if there is none. */
export async function fileSize(path: string): Promise<number | undefined> {
  const found = await stat(path).catch(() => undefined);
  return found?.isFile() ? found.size : undefined;
}

/** `temporary` must be on the same file system as `path`. */
export async function writeAtomically(path: string, temporary: string, data: Uint8Array | string): Promise<void> {
  await onDisk(`write ${path}`, async () => {
    await mkdir(dirname(path), { recursive: true });
    await mkdir(dirname(temporary), { recursive: true });
    try {
      await writeFile(temporary, data);
      await rename(temporary, path);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  });
}

export const sha256Of = (data: Uint8Array): string => createHash("sha256").update(data).digest("hex");

export async function sha256OfFile(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash("sha256");
  await onDisk(`read ${path}`, async () => {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 18 })) {
      throwIfInterrupted(signal);
      hash.update(chunk as Uint8Array);
    }
  });
  return hash.digest("hex");
}

/** Throws GuestsError "interrupted". */
export function throwIfInterrupted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw interrupted();
}

export const interrupted = (): GuestsError => new GuestsError("interrupted", "interrupted: run it again to continue where it stopped");

/** The parts of a guests folder that are no guests. */
export const cacheFolder = (folder: string): string => join(folder, ".cache");
export const stagingFolder = (folder: string): string => join(folder, ".staging");

/**
 * Fetches a file whose SHA-256 is known into the cache: any mirror will do, a broken download goes on where it broke
 * (RFC 9110, 14 "Range Requests"), also in a later run, and only a file with the right hash gets its name.
 */
import { mkdir, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { GuestsError } from "../guests-error";
import type { StoredFile } from "../manifest";
import { cacheFolder, fileSize, interrupted, onDisk, sha256OfFile } from "./files";
import { asHttpError, HttpError, type HttpOptions, openUrl } from "./http";

export interface DownloadOptions extends HttpOptions {
  /** First pause before another attempt, in milliseconds; doubled each time. */
  readonly retryMs: number;
  /** Counts up as bytes arrive; may start above zero when a download is resumed. */
  readonly onBytes?: (received: number) => void;
}

const ATTEMPTS = 4;

export const cachedPath = (folder: string, sha256: string): string => join(cacheFolder(folder), "sha256", sha256);
const partialPath = (folder: string, sha256: string): string => join(cacheFolder(folder), "partial", sha256);

/** Path of the file in the cache, or undefined. A cached file whose bytes are not right is removed. */
export async function findCached(folder: string, file: StoredFile, signal?: AbortSignal): Promise<string | undefined> {
  const path = cachedPath(folder, file.sha256);
  if ((await fileSize(path)) === undefined) return undefined;
  if ((await fileSize(path)) === file.size && (await sha256OfFile(path, signal)) === file.sha256) return path;
  await rm(path, { force: true });
  return undefined;
}

/**
 * Path of the file in the cache after fetching it. `addresses` are complete URLs of the same file, tried in order.
 * Throws GuestsError "network", "hash-mismatch", "interrupted" or of the disk; a partial file is kept for next time.
 */
export async function download(folder: string, file: StoredFile, addresses: readonly string[], options: DownloadOptions): Promise<string> {
  let last: unknown;
  for (const address of addresses) {
    try {
      return await downloadFrom(folder, file, address, options);
    } catch (error) {
      if (!(error instanceof GuestsError) || (error.problem !== "network" && error.problem !== "hash-mismatch")) throw error;
      last = error;
    }
  }
  throw last ?? new GuestsError("network", `there is no address to fetch ${file.path} from`);
}

async function downloadFrom(folder: string, file: StoredFile, address: string, options: DownloadOptions): Promise<string> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await attemptFrom(folder, file, address, options);
    } catch (error) {
      if (!(error instanceof HttpError && error.retryable) || attempt === ATTEMPTS) throw error;
      await sleep(options.retryMs * 2 ** (attempt - 1), undefined, options.signal ? { signal: options.signal } : {}).catch(() => {
        throw interrupted();
      });
    }
  }
}

async function attemptFrom(folder: string, file: StoredFile, address: string, options: DownloadOptions): Promise<string> {
  const partial = partialPath(folder, file.sha256);
  await onDisk(`create ${partial}`, () => mkdir(join(partial, ".."), { recursive: true }));
  let have = (await fileSize(partial)) ?? 0;
  if (have > file.size) {
    await rm(partial, { force: true });
    have = 0;
  }
  const resumed = have > 0;
  if (have < file.size) await append(partial, have, file, address, options);
  if ((await sha256OfFile(partial, options.signal)) === file.sha256) return keep(folder, file, partial);
  await rm(partial, { force: true });
  // What an earlier run left may be to blame: once more, from the beginning.
  if (resumed) return attemptFrom(folder, file, address, options);
  throw new GuestsError(
    "hash-mismatch",
    `${address} is not the file that the index promises (SHA-256 differs): try another mirror or try later`,
  );
}

async function append(partial: string, have: number, file: StoredFile, address: string, options: DownloadOptions): Promise<void> {
  const answer = await openUrl(address, options, have).catch((error: unknown) => {
    // 416: the server's file is shorter than what is here, so one of the two is wrong.
    if (error instanceof HttpError && error.status === 416) return undefined;
    throw error;
  });
  if (answer === undefined) return;
  let received = answer.statusCode === 206 ? have : 0;
  const output = await onDisk(`write ${partial}`, () => open(partial, received > 0 ? "a" : "w"));
  try {
    for await (const chunk of answer as AsyncIterable<Uint8Array>) {
      received += chunk.length;
      if (received > file.size) return;
      await onDisk(`write ${partial}`, () => output.writeFile(chunk));
      options.onBytes?.(received);
    }
  } catch (error) {
    throw asHttpError(error, new URL(address), options);
  } finally {
    answer.destroy();
    await output.close();
  }
  if (received < file.size && answer.headers["content-length"] === undefined)
    throw new HttpError(`${address} ended after ${received} of ${file.size} bytes`, 0, true);
}

async function keep(folder: string, file: StoredFile, partial: string): Promise<string> {
  const path = cachedPath(folder, file.sha256);
  await onDisk(`write ${path}`, async () => {
    await mkdir(join(path, ".."), { recursive: true });
    await rename(partial, path);
  });
  return path;
}

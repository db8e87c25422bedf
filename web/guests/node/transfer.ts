/**
 * A prepared set as one tar file, for machines without a mirror or a network. The manifest comes first and decides
 * about the rest: importing takes exactly the files it lists, each with the size and SHA-256 it states.
 */
import { createHash, randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, rename, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { collect } from "../byte-reader";
import { GuestsError } from "../guests-error";
import {
  allFiles,
  emptyManifest,
  MANIFEST_NAME,
  type Manifest,
  manifestOf,
  manifestText,
  mergeManifests,
  parseManifest,
  type StoredFile,
} from "../manifest";
import type { OnProgress } from "../progress";
import { SUITE } from "../recipes";
import { type TarEntry, tarEnd, tarEntries, tarFileHeader, tarPadding } from "../tar";
import { onDisk, throwIfInterrupted } from "./files";
import { locked, makeStaging, moveIntoPlace, readManifest, verifyFiles, writeManifest } from "./store";

export interface TransferOptions {
  readonly folder: string;
  readonly only?: readonly string[] | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress: OnProgress;
}

const MANIFEST_LIMIT = 4 << 20;

/** Writes `file` and returns what it holds. Throws GuestsError; then there is no new file. */
export async function exportGuests(file: string, { folder, only, signal }: TransferOptions): Promise<Manifest> {
  const prepared = await readManifest(folder);
  const manifest = prepared && manifestOf(prepared, only ?? prepared.guests.map(({ id }) => id));
  const missing = only?.find((id) => !manifest?.guests.some((guest) => guest.id === id));
  if (!manifest || manifest.guests.length === 0 || missing !== undefined) {
    const what = missing === undefined ? "nothing is" : `the guest "${missing}" is not`;
    throw new GuestsError("not-prepared", `${what} prepared: run \`vitrine guests prepare\` first`);
  }
  const problems = await verifyFiles(folder, allFiles(manifest), signal);
  if (problems.length > 0) throw new GuestsError("damaged", `${problems[0]}: run \`vitrine guests prepare\` first`);
  const temporary = `${resolve(file)}.${randomBytes(4).toString("hex")}.part`;
  try {
    const output = await onDisk(`write ${file}`, () => open(temporary, "wx"));
    try {
      for await (const chunk of tarOf(folder, manifest, signal)) await onDisk(`write ${file}`, () => output.writeFile(chunk));
    } finally {
      await output.close();
    }
    await onDisk(`write ${file}`, () => rename(temporary, file));
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  return manifest;
}

async function* tarOf(folder: string, manifest: Manifest, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
  const text = new TextEncoder().encode(manifestText(manifest));
  yield tarFileHeader(MANIFEST_NAME, text.length);
  yield text;
  yield tarPadding(text.length);
  for (const { path, size } of allFiles(manifest)) {
    yield tarFileHeader(path, size);
    for await (const chunk of createReadStream(join(folder, path), { highWaterMark: 1 << 18 })) {
      throwIfInterrupted(signal);
      yield chunk as Uint8Array;
    }
    yield tarPadding(size);
  }
  yield tarEnd();
}

/** Returns the manifest of what was imported. Throws GuestsError; then the prepared set is as it was. */
export async function importGuests(file: string, options: TransferOptions): Promise<Manifest> {
  return locked(options.folder, options.signal, options.onProgress, async () => {
    const staging = await makeStaging(options.folder);
    try {
      const manifest = await unpackTo(staging, file, options.signal);
      await moveIntoPlace(
        staging,
        options.folder,
        allFiles(manifest).map(({ path }) => path),
      );
      const before = await readManifest(options.folder).catch(() => undefined);
      await writeManifest(options.folder, mergeManifests(before ?? emptyManifest(SUITE), manifest));
      return manifest;
    } finally {
      await rm(staging, { recursive: true, force: true });
    }
  });
}

async function unpackTo(staging: string, file: string, signal: AbortSignal | undefined): Promise<Manifest> {
  let manifest: Manifest | undefined;
  let expected = new Map<string, StoredFile>();
  const refuse = (reason: string): never => {
    throw new GuestsError("damaged", `${file} is not a whole export of guests (${reason}): export it again`);
  };
  for await (const entry of tarEntries(readFrom(file, signal), file)) {
    if (entry.type !== "file") refuse(`"${entry.name}" is no plain file`);
    if (!manifest) {
      if (entry.name !== MANIFEST_NAME) refuse(`it does not begin with ${MANIFEST_NAME}`);
      manifest = parseManifest(new TextDecoder().decode(await collect(entry.body, MANIFEST_LIMIT, file)), `the manifest in ${file}`);
      expected = new Map(allFiles(manifest).map((stored) => [stored.path, stored]));
      continue;
    }
    const stored = expected.get(entry.name) ?? refuse(`"${entry.name}" is not in its manifest, or is there twice`);
    expected.delete(entry.name);
    if (entry.size !== stored.size) refuse(`${entry.name} has ${entry.size} bytes instead of ${stored.size}`);
    if ((await writeEntry(join(staging, stored.path), entry)) !== stored.sha256) refuse(`the SHA-256 of ${entry.name} differs`);
  }
  const absent = expected.keys().next().value;
  if (absent !== undefined) refuse(`${absent} is missing`);
  return manifest ?? refuse("it is empty");
}

async function* readFrom(file: string, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
  const chunks = createReadStream(file, { highWaterMark: 1 << 18 })[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await onDisk(`read ${file}`, () => chunks.next());
      if (next.done) return;
      throwIfInterrupted(signal);
      yield next.value as Uint8Array;
    }
  } finally {
    await chunks.return?.();
  }
}

/** Returns the SHA-256 of what was written. */
async function writeEntry(path: string, entry: TarEntry): Promise<string> {
  const hash = createHash("sha256");
  const output = await onDisk(`write ${path}`, async () => {
    await mkdir(dirname(path), { recursive: true });
    return open(path, "wx");
  });
  try {
    for await (const chunk of entry.body) {
      hash.update(chunk);
      await onDisk(`write ${path}`, () => output.writeFile(chunk));
    }
  } finally {
    await output.close();
  }
  return hash.digest("hex");
}

/**
 * Snapshots in a folder as the tree that they make by building upon each other: opened with what they build upon, listed,
 * removed, made independent. The folder is all there is: a file's name is its name there, its id says which one is meant.
 */
import { readdir, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { SnapshotIncompatible } from "../lib/errors";
import type { ByteSink } from "../snapshot/byte-store";
import { imageForms, SnapshotFile } from "../snapshot/snapshot-file";
import { type OnSnapshotProgress, type WrittenSnapshot, writeSnapshot } from "../snapshot/writer";
import type { Environment } from "./environment";
import type { OpenFile } from "./snapshot-files";

const SUFFIX = ".vitrine";
/** Snapshots that build upon each other; the container's own limit is the same. */
const MOST_ANCESTORS = 64;

export interface LibraryEntry {
  readonly path: string;
  readonly id: string;
  readonly parent: string | null;
  readonly bytes: number;
  readonly title: string;
  readonly created: string;
  readonly instructions: number;
}

/** The snapshots of a folder, by name. What is no snapshot, or a damaged one, is left out. Rejects when the folder cannot be read. */
export async function readLibrary(folder: string, environment: Environment): Promise<LibraryEntry[]> {
  const entries: LibraryEntry[] = [];
  for (const name of (await readdir(folder)).filter((each) => each.endsWith(SUFFIX)).sort()) {
    const path = join(folder, name);
    let source: OpenFile | undefined;
    try {
      source = await environment.openFile(path);
      const { id, manifest, size } = await SnapshotFile.open(source);
      const { parent, title, created, instructions } = manifest;
      entries.push({ path, id, parent, bytes: size, title, created, instructions });
    } catch (error) {
      if (!(error instanceof SnapshotIncompatible) && source) throw error;
    } finally {
      await source?.close();
    }
  }
  return entries;
}

export interface OpenSnapshot {
  readonly file: SnapshotFile;
  close(): Promise<void>;
}

/** Opens a snapshot with all that it builds upon, which must lie in the same folder. Rejects as `openFile` does, and with SnapshotIncompatible. */
export async function openWithParents(path: string, environment: Environment): Promise<OpenSnapshot> {
  const sources: OpenFile[] = [];
  const close = async (): Promise<void> => {
    for (const source of sources) await source.close();
  };
  const source = async (file: string): Promise<OpenFile> => {
    const opened = await environment.openFile(file);
    sources.push(opened);
    return opened;
  };
  try {
    const first = await source(path);
    let wanted = (await SnapshotFile.open(first)).manifest.parent;
    const library = wanted === null ? [] : await readLibrary(dirname(path), environment);
    const chain: OpenFile[] = [first];
    while (wanted !== null) {
      const entry = library.find(({ id }) => id === wanted);
      if (!entry || chain.length > MOST_ANCESTORS)
        throw new SnapshotIncompatible(
          "file",
          entry
            ? `more than ${MOST_ANCESTORS} snapshots build upon each other.`
            : `it builds upon the snapshot ${wanted.slice(0, 16)}…, which is not in its folder. Put that one beside it.`,
        );
      chain.push(await source(entry.path));
      wanted = entry.parent;
    }
    let file: SnapshotFile | undefined;
    for (const each of chain.reverse()) file = await SnapshotFile.open(each, { parent: file });
    return { file: file!, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The snapshot as one that builds upon nothing, with the same state. Throws SnapshotIncompatible, and as the sink does. */
export async function writeWhole(file: SnapshotFile, sink: ByteSink, onProgress?: OnSnapshotProgress): Promise<WrittenSnapshot> {
  const { manifest } = file;
  const sections = [];
  for (const { name, optional } of file.stateSections)
    sections.push({ name, bytes: await file.readSection(name), ...(optional ? { optional } : {}) });
  const images = imageForms(manifest).map((form) => ({ ...form, read: (page: number) => file.image(form.name).readPage(page) }));
  return writeSnapshot({ sections, images }, { ...manifest, created: new Date(manifest.created) }, sink, onProgress);
}

/** The snapshots that build upon this one, and upon those, each after what it builds upon. */
export function descendants(library: readonly LibraryEntry[], id: string): LibraryEntry[] {
  const found: LibraryEntry[] = [];
  const add = (parent: string): void => {
    for (const entry of library)
      if (entry.parent === parent && !found.includes(entry)) {
        found.push(entry);
        add(entry.id);
      }
  };
  add(id);
  return found;
}

/** A file of the library. Undefined: it is no snapshot of its folder. */
export async function findEntry(
  path: string,
  environment: Environment,
): Promise<{ readonly entry: LibraryEntry | undefined; readonly library: readonly LibraryEntry[] }> {
  const library = await readLibrary(dirname(path), environment);
  return { library, entry: library.find((each) => resolve(each.path) === resolve(path)) };
}

/** Removes children before their parents, so that what an interruption leaves is whole. */
export async function removeAll(entries: readonly LibraryEntry[]): Promise<void> {
  for (const { path } of [...entries].reverse()) await rm(path);
}

/** Lines of the tree: those that build upon nothing here first, each followed by its branches. */
export function treeLines(library: readonly LibraryEntry[], describe: (entry: LibraryEntry) => string): string[] {
  const lines: string[] = [];
  const ids = new Set(library.map(({ id }) => id));
  const show = (entry: LibraryEntry, depth: number): void => {
    const orphan = entry.parent !== null && !ids.has(entry.parent) ? `, builds upon ${entry.parent.slice(0, 16)}…, which is not here` : "";
    lines.push(`${"  ".repeat(depth)}${describe(entry)}${orphan}`);
    for (const child of library) if (child.parent === entry.id) show(child, depth + 1);
  };
  for (const entry of library) if (entry.parent === null || !ids.has(entry.parent)) show(entry, 0);
  return lines;
}

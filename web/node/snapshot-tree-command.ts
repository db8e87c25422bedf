/** `vitrine snapshot tree`, `remove` and `flatten`: the snapshots of a folder that build upon each other. */
import { basename } from "node:path";
import { sizeText } from "../lib/size-text";
import type { Environment } from "./environment";
import { progressLine } from "./run-snapshot";
import {
  descendants,
  findEntry,
  type LibraryEntry,
  openWithParents,
  readLibrary,
  removeAll,
  treeLines,
  writeWhole,
} from "./snapshot-library";

export const TREE_FLAGS = ["--yes", "--with-children"] as const;

/** Why it cannot be done, in words; the verb says them. */
export class TreeProblem extends Error {}

const line = ({ path, title, bytes, created, instructions }: LibraryEntry): string =>
  `${basename(path)}  ${title}, ${sizeText(bytes)}, ${created}, ${instructions.toLocaleString("en")} instructions`;

/** Prints the tree of a folder. */
export async function tree(folders: readonly string[], json: boolean, environment: Environment): Promise<void> {
  if (folders.length > 1) throw new TreeProblem("tree needs one folder");
  const folder = folders[0] ?? ".";
  const library = await readLibrary(folder, environment).catch((error: unknown) => {
    throw new TreeProblem(`${folder}: ${(error as NodeJS.ErrnoException).code === "ENOENT" ? "no such folder" : String(error)}`);
  });
  if (json) environment.stdout(`${JSON.stringify(library, undefined, 2)}\n`);
  else environment.stdout(library.length === 0 ? `${folder}: no snapshots\n` : `${treeLines(library, line).join("\n")}\n`);
}

/** Says what would be freed; with `--yes` it is. What others build upon stays, unless they go too. */
export async function remove(files: readonly string[], flags: ReadonlySet<string>, environment: Environment): Promise<void> {
  const [path] = files;
  if (path === undefined || files.length > 1) throw new TreeProblem("remove needs one file");
  const { entry, library } = await findEntry(path, environment).catch(() => ({ entry: undefined, library: [] }));
  if (!entry) throw new TreeProblem(`${path}: there is no such snapshot`);
  const children = descendants(library, entry.id);
  const names = children.map((child) => basename(child.path)).join(", ");
  if (children.length > 0 && !flags.has("--with-children"))
    throw new TreeProblem(
      `${path}: ${names} ${children.length === 1 ? "builds" : "build"} upon it; flatten first what shall stay, or remove all with --with-children`,
    );
  const all = [entry, ...children];
  const bytes = sizeText(all.reduce((sum, each) => sum + each.bytes, 0));
  if (!flags.has("--yes")) {
    environment.stdout(
      `${[entry, ...children].map(line).join("\n")}\nremoving ${all.length === 1 ? "it" : "them"} frees ${bytes}; give --yes to do so\n`,
    );
    return;
  }
  await removeAll(all);
  environment.stdout(`removed ${[basename(path), ...(names ? [names] : [])].join(", ")}; ${bytes} are free\n`);
}

/** Writes a snapshot that builds upon nothing. Throws SnapshotIncompatible, and as files do. */
export async function flatten(files: readonly string[], environment: Environment): Promise<void> {
  const [path, target] = files;
  if (path === undefined || target === undefined || files.length > 2) throw new TreeProblem("flatten needs a snapshot and a new file");
  const opened = await openWithParents(path, environment);
  const sink = await environment.createFile(target);
  try {
    const { size } = await writeWhole(opened.file, sink, progressLine(environment, `Writing ${target}`));
    await sink.commit();
    environment.stdout(`${target}: ${sizeText(size)}, builds upon nothing\n`);
  } finally {
    await sink.discard();
    await opened.close();
  }
}

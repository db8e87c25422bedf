/**
 * A mirror's archive: from InRelease over the Packages index to the entries of the wanted packages, each step held
 * to the SHA-256 that the step before it gives. The result is kept in the cache for work without a network.
 */
import { createReadStream } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { createGunzip } from "node:zlib";
import type { Mirror } from "../apt-sources";
import { compareVersions, packageStanzas, type Stanza } from "../deb822";
import { GuestsError } from "../guests-error";
import { isPlainPath, type SignatureStatus, type StoredFile } from "../manifest";
import type { OnProgress } from "../progress";
import { ARCHITECTURES, type Architecture, COMPONENTS, type ComponentRecipe, SUITE } from "../recipes";
import { parseRelease, type Release } from "../release";
import { unxz } from "../xz";
import { type DownloadOptions, download } from "./download";
import { cacheFolder, sha256Of, stagingFolder, throwIfInterrupted, writeAtomically } from "./files";
import { fetchBytes, HttpError } from "./http";
import { checkInRelease, type SignatureTools } from "./signature";

/** One package as the index describes it. */
export interface PackageEntry {
  readonly package: string;
  readonly version: string;
  readonly architecture: string;
  readonly source: { readonly package: string; readonly version: string };
  readonly builtUsing?: string;
  readonly download: StoredFile;
}

export interface ArchiveIndex {
  readonly signature: SignatureStatus;
  /** By component id. */
  readonly entries: Readonly<Record<string, PackageEntry>>;
}

export interface ArchiveOptions extends DownloadOptions {
  readonly tools: SignatureTools;
  readonly onProgress: OnProgress;
}

const savedIndexPath = (folder: string): string => join(cacheFolder(folder), "index.json");

/** What the last look at a mirror found; undefined if there was none or it cannot be read. */
export async function savedIndex(folder: string): Promise<ArchiveIndex | undefined> {
  try {
    const index = JSON.parse(await readFile(savedIndexPath(folder), "utf8")) as ArchiveIndex;
    const usable = Object.values(index.entries).every(
      (entry) => isPlainPath(entry.download.path) && /^[0-9a-f]{64}$/.test(entry.download.sha256),
    );
    return usable && typeof index.signature.status === "string" ? index : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Asks the mirrors in order and saves what the first useful one says; `recipes` are those that must be there. Throws
 * the last mirror's GuestsError.
 */
export async function fetchIndex(
  folder: string,
  mirrors: readonly Mirror[],
  recipes: readonly ComponentRecipe[],
  options: ArchiveOptions,
): Promise<ArchiveIndex> {
  let last: unknown;
  for (const mirror of mirrors) {
    options.onProgress({ step: "index", mirror: mirror.url });
    try {
      const index = await fetchIndexFrom(folder, mirror, recipes, options);
      await writeAtomically(savedIndexPath(folder), join(stagingFolder(folder), "index.json"), `${JSON.stringify(index, undefined, 2)}\n`);
      return index;
    } catch (error) {
      throwIfInterrupted(options.signal);
      if (!(error instanceof GuestsError) || error.problem === "disk-full" || error.problem === "file-system") throw error;
      last = error;
      if (mirror !== mirrors.at(-1)) options.onProgress({ step: "warning", message: `${error.message}; trying the next mirror` });
    }
  }
  throw last;
}

async function fetchIndexFrom(
  folder: string,
  mirror: Mirror,
  recipes: readonly ComponentRecipe[],
  options: ArchiveOptions,
): Promise<ArchiveIndex> {
  const base = `${mirror.url}/dists/${SUITE}`;
  const what = `${base}/InRelease`;
  const inRelease = await fetchBytes(what, options).catch((error: unknown) => {
    if (error instanceof HttpError && error.status === 404)
      throw new GuestsError(
        "not-found",
        `${mirror.url} has no Debian "${SUITE}": give a mirror whose address ends in /debian, with --mirror URL`,
        { cause: error },
      );
    throw error;
  });
  const { text, signature } = await checkInRelease(inRelease, mirror.keyrings, options.tools, stagingFolder(folder), what);
  const release = parseRelease(text, what);
  if (release.codename !== SUITE)
    throw new GuestsError("damaged", `${what} is for "${release.codename}", not "${SUITE}": try another mirror`);
  if (release.validUntil !== undefined && Date.parse(release.validUntil) < Date.now())
    options.onProgress({
      step: "warning",
      message: `${mirror.url} has an index that was valid until ${release.validUntil}; it may be out of date`,
    });
  // Of an architecture that nobody asks for now, what was known stays.
  const entries: Record<string, PackageEntry> = { ...(await savedIndex(folder))?.entries };
  for (const architecture of ARCHITECTURES.filter((each) => recipes.some((recipe) => recipe.architecture === each))) {
    const stanzas = await fetchPackages(folder, base, architecture, release, options);
    for (const recipe of COMPONENTS.filter((each) => each.architecture === architecture)) {
      try {
        entries[recipe.id] = resolve(recipe, stanzas, mirror);
      } catch (error) {
        // What nobody asked for now may be missing.
        if (recipes.includes(recipe)) throw error;
        delete entries[recipe.id];
      }
    }
  }
  return { signature, entries };
}

/** Packages.xz, or .gz where a mirror has no .xz. It is large and soon old, so it does not stay in the cache. */
async function fetchPackages(
  folder: string,
  base: string,
  architecture: Architecture,
  release: Release,
  options: ArchiveOptions,
): Promise<readonly Stanza[]> {
  const directory = `main/binary-${architecture}`;
  const name = [`${directory}/Packages.xz`, `${directory}/Packages.gz`].find((path) => release.indexes.has(path));
  if (name === undefined) throw new GuestsError("not-found", `${base} has no packages for ${architecture}: try another mirror`);
  const { sha256, size } = release.indexes.get(name)!;
  // By its hash first: a mirror that is just being updated still has the old index under that name.
  const addresses = [`${base}/${directory}/by-hash/SHA256/${sha256}`, `${base}/${name}`];
  const file = await download(folder, { path: name, sha256, size }, addresses, { ...options, onBytes: () => {} });
  const compressed = createReadStream(file, { highWaterMark: 1 << 18 });
  const bytes = name.endsWith(".xz") ? unxz(compressed, name) : compressed.pipe(createGunzip());
  const wanted = (found: string): boolean =>
    COMPONENTS.some((recipe) => recipe.architecture === architecture && (recipe.package === found || recipe.follows?.test(found)));
  const stanzas: Stanza[] = [];
  try {
    for await (const stanza of packageStanzas(decoded(bytes, options.signal), wanted)) stanzas.push(stanza);
  } catch (error) {
    throw error instanceof GuestsError
      ? error
      : new GuestsError("damaged", `${base}/${name} cannot be unpacked: try another mirror`, { cause: error });
  } finally {
    compressed.destroy();
    await rm(file, { force: true });
  }
  return stanzas;
}

async function* decoded(bytes: AsyncIterable<Uint8Array>, signal: AbortSignal | undefined): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  for await (const chunk of bytes) {
    throwIfInterrupted(signal);
    yield decoder.decode(chunk, { stream: true });
  }
  yield decoder.decode();
}

/** The newest package of the recipe's name; for a meta package, of the one it depends on. */
function resolve(recipe: ComponentRecipe, stanzas: readonly Stanza[], mirror: Mirror): PackageEntry {
  const newest = (name: string): Stanza => {
    const found = stanzas.filter((stanza) => stanza.get("package") === name);
    if (found.length === 0)
      throw new GuestsError("not-found", `${mirror.url} has no package ${name}:${recipe.architecture}: try another mirror`);
    return found.reduce((best, next) => (compareVersions(next.get("version") ?? "", best.get("version") ?? "") > 0 ? next : best));
  };
  const named = newest(recipe.package);
  if (!recipe.follows) return entryOf(named, mirror);
  const dependencies = (named.get("depends") ?? "").split(/[,|]/).map((part) => part.trim().split(/[\s(:]/)[0]!);
  const real = dependencies.find((name) => recipe.follows!.test(name));
  if (real === undefined)
    throw new GuestsError("not-found", `the package ${recipe.package} of ${mirror.url} names no kernel: try another mirror`);
  return entryOf(newest(real), mirror);
}

function entryOf(stanza: Stanza, mirror: Mirror): PackageEntry {
  const field = (name: string): string => {
    const value = stanza.get(name);
    if (value === undefined)
      throw new GuestsError("damaged", `the index of ${mirror.url} lacks the ${name} of ${stanza.get("package")}: try another mirror`);
    return value;
  };
  const path = field("filename").replace(/^\.\//, "");
  const sha256 = field("sha256");
  const size = Number(field("size"));
  if (!isPlainPath(path) || !/^[0-9a-f]{64}$/.test(sha256) || !Number.isSafeInteger(size))
    throw new GuestsError(
      "damaged",
      `the index of ${mirror.url} describes ${stanza.get("package")} in a form that makes no sense: try another mirror`,
    );
  // "Source: NAME (VERSION)"; without it, or without the version, the binary's own.
  const source = /^(\S+)(?:\s+\(([^)]+)\))?/.exec(stanza.get("source") ?? "");
  const builtUsing = stanza.get("built-using");
  return {
    package: field("package"),
    version: field("version"),
    architecture: field("architecture"),
    source: { package: source?.[1] ?? field("package"), version: source?.[2] ?? field("version") },
    ...(builtUsing === undefined ? {} : { builtUsing }),
    download: { path, sha256, size },
  };
}

/** The mirror's name for a package, and the same on every other mirror. */
export const addressesOf = (mirrors: readonly Mirror[], file: StoredFile): string[] =>
  mirrors.map((mirror) => `${mirror.url}/${file.path.split("/").map(encodeURIComponent).join("/")}`);

/** Identifies what a recipe makes of a package: part of the path, so that files never change under their name. */
export const buildKey = (recipe: ComponentRecipe, entry: PackageEntry): string =>
  sha256Of(new TextEncoder().encode(`${recipe.id} ${recipe.recipe} ${entry.download.sha256}`)).slice(0, 8);

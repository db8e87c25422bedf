/**
 * Prepares the guests: Debian packages from a mirror, without apt, dpkg or root, become kernels, an initrd and a
 * manifest in the guests folder. Nothing outside that folder is touched; whatever fails, what was prepared before
 * stays usable; what is prepared already is not looked at twice.
 */
import { createReadStream } from "node:fs";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { ImageUnreadable } from "../lib/errors";
import { licenceName } from "./copyright";
import { debFiles } from "./deb";
import { GuestsError } from "./guests-error";
import {
  type Component,
  emptyManifest,
  filesOf,
  type Guest,
  type Manifest,
  mergeManifests,
  type PreparedFile,
  type SignatureStatus,
} from "./manifest";
import { type ArchiveIndex, type ArchiveOptions, addressesOf, buildKey, fetchIndex, type PackageEntry, savedIndex } from "./node/archive";
import { download, findCached } from "./node/download";
import { throwIfInterrupted } from "./node/files";
import { defaultGuestsFolder } from "./node/folder";
import { findMirrors } from "./node/mirrors";
import type { Environment } from "./node/proxy";
import { type SignatureTools, systemKeyrings } from "./node/signature";
import {
  componentPresent,
  locked,
  type NewFile,
  readManifest,
  removeStale,
  storedFile,
  storeFiles,
  verifyFiles,
  writeManifest,
} from "./node/store";
import type { GuestsProgress, OnProgress } from "./progress";
import { type BuiltFile, COMPONENTS, type ComponentRecipe, componentsOf, type GuestRecipe, guestRecipes, SUITE } from "./recipes";

/** What a preparation takes from the machine it runs on. */
export interface System {
  readonly env: Environment;
  readonly aptFolder: string;
  readonly signatureTools: SignatureTools;
  /** Milliseconds without a byte after which a connection is given up. */
  readonly idleMs: number;
  /** First pause before a failed download is tried again, in milliseconds. */
  readonly retryMs: number;
}

export interface PrepareOptions {
  /** Address of a mirror, or several with spaces between; otherwise DEBIAN_MIRROR, otherwise apt's own. */
  readonly mirror?: string | undefined;
  /** Use the cache only. */
  readonly offline?: boolean;
  /** Look for newer packages and compare every file with its hash, even if everything is prepared. */
  readonly refresh?: boolean;
  /** Guest ids; otherwise all but those on request that are not there yet. */
  readonly only?: readonly string[] | undefined;
  readonly onProgress?: OnProgress;
  readonly signal?: AbortSignal;
  readonly folder?: string | undefined;
  readonly system?: Partial<System>;
}

const compress = promisify(gzip);
const COPYRIGHT = /^usr\/share\/doc\/[^/]+\/copyright$/;
const GZIP_OS_FIELD = 9;
const GZIP_OS_UNKNOWN = 255;

/** The manifest of everything that is prepared afterwards. Throws GuestsError. */
export async function prepareGuests(options: PrepareOptions = {}): Promise<Manifest> {
  const folder = options.folder ?? defaultGuestsFolder();
  const there = await readManifest(folder).catch(() => undefined);
  const guests = guestRecipes(
    options.only,
    there?.guests.map(({ id }) => id),
  );
  const onProgress = options.onProgress ?? (() => {});
  const prepared = await preparedAlready(folder, guests, options);
  if (prepared) return prepared;
  return locked(folder, options.signal, onProgress, async () => {
    // Another process may have done it meanwhile.
    const now = await preparedAlready(folder, guests, options);
    if (now) return now;
    return new Preparation(folder, options, onProgress, await systemOf(options)).run(guests);
  });
}

async function systemOf(options: PrepareOptions): Promise<System> {
  const { system = {} } = options;
  return {
    env: system.env ?? process.env,
    aptFolder: system.aptFolder ?? "/etc/apt",
    signatureTools: system.signatureTools ?? { keyrings: await systemKeyrings(), gpgv: "gpgv" },
    idleMs: system.idleMs ?? 30_000,
    retryMs: system.retryMs ?? 1000,
  };
}

/** The manifest if it has all of these guests, made by today's recipes, with all their files. */
async function preparedAlready(folder: string, guests: readonly GuestRecipe[], options: PrepareOptions): Promise<Manifest | undefined> {
  if (options.refresh) return undefined;
  const manifest = await readManifest(folder).catch(() => undefined);
  if (!manifest) return undefined;
  for (const recipe of guests) {
    const guest = manifest.guests.find(({ id }) => id === recipe.id);
    if (!guest || JSON.stringify(guest) !== JSON.stringify(guestRecord(recipe, manifest.components))) return undefined;
  }
  const needed = new Set(guests.flatMap(componentsOf));
  for (const recipe of needed) {
    const component = manifest.components.find(({ id }) => id === recipe.id);
    if (component?.recipe !== recipe.recipe || !(await componentPresent(folder, component))) return undefined;
  }
  return manifest;
}

/** Undefined while a component it needs is not there. */
function guestRecord(recipe: GuestRecipe, components: readonly Component[]): Guest | undefined {
  const { kernelFrom, initrdFrom, firmwareFrom, diskToolsFrom = [], ...fixed } = recipe;
  const kernelSource = components.find(({ id }) => id === kernelFrom);
  const initrdSource = components.find(({ id }) => id === initrdFrom);
  const pathOf = (component: Component | undefined, role: PreparedFile["role"]): string | undefined =>
    component?.files.find((file) => file.role === role)?.path;
  const kernel = pathOf(kernelSource, firmwareFrom === undefined ? "kernel" : "cdrom");
  const firmwareSource = components.find(({ id }) => id === firmwareFrom);
  const [firmware, videoFirmware] = [pathOf(firmwareSource, "firmware"), pathOf(firmwareSource, "video-firmware")];
  const vmlinux = pathOf(kernelSource, "vmlinux");
  const initrd = pathOf(initrdSource, "initrd");
  const toolSources = diskToolsFrom.map((id) => components.find((component) => component.id === id));
  const diskInitrds =
    diskToolsFrom.length === 0 ? [] : [pathOf(kernelSource, "modules"), ...toolSources.map((tools) => pathOf(tools, "tools"))];
  if (kernel === undefined || (initrdFrom !== undefined && initrd === undefined) || diskInitrds.includes(undefined)) return undefined;
  if (firmwareFrom !== undefined && (firmware === undefined || videoFirmware === undefined)) return undefined;
  const sources = [kernelSource, initrdSource, firmwareSource, ...toolSources].filter((component) => component !== undefined);
  return {
    id: fixed.id,
    title: fixed.title,
    description: fixed.description,
    kernel,
    ...(vmlinux === undefined ? {} : { vmlinux }),
    ...(initrd === undefined ? {} : { initrd }),
    ...(diskInitrds.length === 0 ? {} : { diskInitrds: diskInitrds as string[] }),
    ...(firmware === undefined ? {} : { firmware }),
    ...(videoFirmware === undefined ? {} : { videoFirmware }),
    commandLine: fixed.commandLine,
    memoryMb: fixed.memoryMb,
    licence: [...new Set(sources.map((component) => component.licence))].join(", "),
    components: sources.map((component) => component.id),
  };
}

class Preparation {
  #totalBytes = 0;
  #finishedBytes = 0;
  /** Ids of components that have to be made again. */
  readonly #broken = new Set<string>();
  readonly #archiveOptions: ArchiveOptions;

  constructor(
    readonly folder: string,
    readonly options: PrepareOptions,
    readonly onProgress: OnProgress,
    readonly system: System,
  ) {
    this.#archiveOptions = {
      signal: options.signal,
      env: system.env,
      idleMs: system.idleMs,
      retryMs: system.retryMs,
      tools: system.signatureTools,
      onProgress,
    };
  }

  async run(guests: readonly GuestRecipe[]): Promise<Manifest> {
    let manifest = await this.#previous();
    const recipes = [...new Set(guests.flatMap(componentsOf))];
    const index = await this.#index(recipes, manifest);
    await this.#planDownloads(recipes, index, manifest);
    for (const guest of guests) {
      const components: Component[] = [];
      for (const recipe of componentsOf(guest)) {
        throwIfInterrupted(this.options.signal);
        components.push(await this.#component(recipe, index, manifest));
        manifest = mergeManifests(manifest, { ...emptyManifest(SUITE), components });
      }
      const record = guestRecord(guest, components);
      if (!record) throw new GuestsError("not-found", `the packages for ${guest.title} do not hold what it needs: try another mirror`);
      manifest = mergeManifests(manifest, { ...emptyManifest(SUITE), guests: [record] });
      await writeManifest(this.folder, manifest);
      this.onProgress({ step: "ready", guest: guest.id, title: guest.title });
    }
    const keep = new Set(Object.values(index.entries).map((entry) => entry.download.sha256));
    await removeStale(
      this.folder,
      manifest,
      COMPONENTS.map(({ id }) => id),
      keep,
    );
    return manifest;
  }

  /** What was prepared before, and which of it is no longer whole (to the last byte for `refresh`); an unreadable manifest is replaced. */
  async #previous(): Promise<Manifest> {
    const manifest = await readManifest(this.folder).catch((error: unknown) => {
      this.onProgress({ step: "warning", message: error instanceof Error ? error.message : String(error) });
      return undefined;
    });
    if (!manifest) return emptyManifest(SUITE);
    for (const component of manifest.components) {
      if (!(await this.#isWhole(component))) this.#broken.add(component.id);
    }
    return manifest;
  }

  async #isWhole(component: Component): Promise<boolean> {
    if (!this.options.refresh) return componentPresent(this.folder, component);
    return (await verifyFiles(this.folder, filesOf(component), this.options.signal)).length === 0;
  }

  /** From the last look at a mirror if that is enough, else from a mirror. */
  async #index(recipes: readonly ComponentRecipe[], manifest: Manifest): Promise<ArchiveIndex> {
    const saved = this.options.refresh && !this.options.offline ? undefined : await savedIndex(this.folder);
    const missing: string[] = [];
    for (const recipe of recipes) {
      const entry = saved?.entries[recipe.id];
      const have =
        entry && (this.#reusable(recipe, entry, manifest) ?? (await findCached(this.folder, entry.download, this.options.signal)));
      if (!have) missing.push(recipe.package);
    }
    if (saved && missing.length === 0) return saved;
    if (this.options.offline)
      throw new GuestsError(
        "offline",
        `not all packages are in the cache (missing: ${missing.join(", ")}): run it once with a network, or import a set made elsewhere`,
      );
    const mirrors = await findMirrors({ mirror: this.options.mirror, env: this.system.env, aptFolder: this.system.aptFolder });
    return fetchIndex(this.folder, mirrors, recipes, this.#archiveOptions);
  }

  /** The component as it is, if it is whole and was made from the same package by the same recipe. */
  #reusable(recipe: ComponentRecipe, entry: PackageEntry, manifest: Manifest): Component | undefined {
    const old = manifest.components.find(({ id }) => id === recipe.id);
    const same = old?.recipe === recipe.recipe && old.download.sha256 === entry.download.sha256;
    return same && !this.#broken.has(recipe.id) ? old : undefined;
  }

  async #planDownloads(recipes: readonly ComponentRecipe[], index: ArchiveIndex, manifest: Manifest): Promise<void> {
    for (const recipe of recipes) {
      const entry = index.entries[recipe.id]!;
      if (this.#reusable(recipe, entry, manifest) || (await findCached(this.folder, entry.download, this.options.signal))) continue;
      this.#totalBytes += entry.download.size;
    }
  }

  async #component(recipe: ComponentRecipe, index: ArchiveIndex, manifest: Manifest): Promise<Component> {
    const entry = index.entries[recipe.id]!;
    const old = this.#reusable(recipe, entry, manifest);
    if (old) return { ...old, signature: index.signature };
    const deb = (await findCached(this.folder, entry.download, this.options.signal)) ?? (await this.#download(entry));
    this.onProgress({ step: "unpack", package: entry.package });
    const { copyright, files, optional } = await this.#unpack(recipe, entry, deb);
    const built = await recipe.build(files, optional).catch((error: unknown) => {
      if (error instanceof ImageUnreadable) throw new GuestsError("unsupported", `${entry.package}: ${error.message}`, { cause: error });
      throw error;
    });
    throwIfInterrupted(this.options.signal);
    return this.#store(recipe, entry, index.signature, copyright, built);
  }

  async #download(entry: PackageEntry): Promise<string> {
    if (this.options.offline) throw new GuestsError("offline", `${entry.package} is not in the cache: run it once with a network`);
    const mirrors = await findMirrors({ mirror: this.options.mirror, env: this.system.env, aptFolder: this.system.aptFolder });
    const told = (received: number): GuestsProgress => ({
      step: "download",
      package: entry.package,
      receivedBytes: this.#finishedBytes + received,
      totalBytes: this.#totalBytes,
    });
    this.onProgress(told(0));
    const path = await download(this.folder, entry.download, addressesOf(mirrors, entry.download), {
      ...this.#archiveOptions,
      onBytes: (received) => this.onProgress(told(received)),
    });
    this.#finishedBytes += entry.download.size;
    return path;
  }

  /** In one pass over the package, ended as soon as everything is found. */
  async #unpack(
    recipe: ComponentRecipe,
    entry: PackageEntry,
    deb: string,
  ): Promise<{ copyright: Uint8Array; files: Uint8Array[]; optional: (Uint8Array | undefined)[] }> {
    const needed = [COPYRIGHT, ...recipe.wanted];
    const patterns = [...needed, ...(recipe.optional ?? [])];
    const found: (Uint8Array | undefined)[] = patterns.map(() => undefined);
    const wanted = (name: string): boolean => patterns.some((pattern) => pattern.test(name));
    for await (const file of debFiles(this.#read(deb), wanted, `package ${entry.package}`)) {
      const at = patterns.findIndex((pattern) => pattern.test(file.name));
      found[at] ??= file.data;
      if (found.every((data) => data !== undefined)) break;
    }
    const missing = found.indexOf(undefined);
    if (missing >= 0 && missing < needed.length)
      throw new GuestsError("not-found", `package ${entry.package} has no file like ${patterns[missing]!.source}: its layout has changed`);
    const [copyright, ...files] = found as [Uint8Array, ...Uint8Array[]];
    return { copyright, files: files.slice(0, recipe.wanted.length), optional: files.slice(recipe.wanted.length) };
  }

  async *#read(path: string): AsyncGenerator<Uint8Array> {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 18 })) {
      throwIfInterrupted(this.options.signal);
      yield chunk as Uint8Array;
    }
  }

  async #store(
    recipe: ComponentRecipe,
    entry: PackageEntry,
    signature: SignatureStatus,
    copyright: Uint8Array,
    built: readonly BuiltFile[],
  ): Promise<Component> {
    const version = entry.version.replace(/[^A-Za-z0-9.+~-]/g, "_");
    const directory = `${recipe.id}/${version}-${buildKey(recipe, entry)}`;
    const licence: NewFile = {
      path: `licences/${entry.package}_${version}${entry.architecture === "amd64" ? "_amd64" : ""}.copyright`,
      data: copyright,
    };
    const stored: NewFile[] = [licence];
    const files: PreparedFile[] = [];
    for (const file of built) {
      const plain: NewFile = { path: `${directory}/${file.name}`, data: file.data };
      const packed: NewFile | undefined = file.compressible ? { path: `${plain.path}.gz`, data: await gzipped(file.data) } : undefined;
      stored.push(plain, ...(packed ? [packed] : []));
      files.push({ role: file.role, ...storedFile(plain), ...(packed ? { gzip: storedFile(packed) } : {}) });
    }
    await storeFiles(this.folder, stored);
    const { download: origin, ...described } = entry;
    return {
      id: recipe.id,
      recipe: recipe.recipe,
      ...described,
      licence: licenceName(new TextDecoder().decode(copyright)),
      licenceFile: storedFile(licence),
      download: origin,
      signature,
      files,
    };
  }
}

/** The same bytes on every system. */
async function gzipped(data: Uint8Array): Promise<Uint8Array> {
  const packed = await compress(data, { level: 6 });
  packed[GZIP_OS_FIELD] = GZIP_OS_UNKNOWN;
  return packed;
}

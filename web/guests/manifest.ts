/**
 * guests/manifest.json: what is prepared, where it came from, under which licence, and the hash of every file. It
 * enters snapshot manifests, and it may come from another machine (`guests import`), so reading it checks all of it.
 */
import { GuestsError } from "./guests-error";

export const MANIFEST_NAME = "manifest.json";
export const MANIFEST_FORMAT = 1;

export interface StoredFile {
  /** Relative to the guests folder, with "/". */
  readonly path: string;
  readonly sha256: string;
  readonly size: number;
}

/** `modules` and `tools`: archives that may follow an initrd. `firmware` and `video-firmware`: what a PC's ROMs hold. */
export const FILE_ROLES = ["kernel", "vmlinux", "initrd", "modules", "tools", "firmware", "video-firmware", "cdrom", "floppy"] as const;
export type FileRole = (typeof FILE_ROLES)[number];

export interface PreparedFile extends StoredFile {
  readonly role: FileRole;
  /** The same contents in gzip, to be sent with Content-Encoding. */
  readonly gzip?: StoredFile;
}

export type SignatureStatus =
  | { readonly status: "verified"; readonly keyring: string }
  | { readonly status: "not-verifiable"; readonly reason: string };

/** What was made from one Debian package. */
export interface Component {
  readonly id: string;
  /** Number of the recipe that made the files from the package. */
  readonly recipe: number;
  readonly package: string;
  readonly version: string;
  readonly architecture: string;
  readonly source: { readonly package: string; readonly version: string };
  /** Debian's Built-Using: further sources whose code is in the binary. */
  readonly builtUsing?: string;
  readonly licence: string;
  readonly licenceFile: StoredFile;
  /** The package itself; `path` is relative to the mirror. */
  readonly download: StoredFile;
  /** Of the archive index that names the package's SHA-256. */
  readonly signature: SignatureStatus;
  readonly files: readonly PreparedFile[];
}

/** A machine to boot. File fields are paths of files in the components. */
export interface Guest {
  readonly id: string;
  readonly title: string;
  readonly description: string;
  /** With `firmware`: the image of a CD, from which firmware boots. */
  readonly kernel: string;
  readonly vmlinux?: string;
  readonly initrd?: string;
  /** Archives that follow the initrd where the machine has a disk: drivers, file systems, tools. */
  readonly diskInitrds?: readonly string[];
  /** What runs at the reset vector, and the ROM of its screen. */
  readonly firmware?: string;
  readonly videoFirmware?: string;
  readonly commandLine: string;
  readonly memoryMb: number;
  readonly licence: string;
  readonly components: readonly string[];
}

export interface Manifest {
  readonly format: typeof MANIFEST_FORMAT;
  readonly suite: string;
  readonly components: readonly Component[];
  readonly guests: readonly Guest[];
}

export const emptyManifest = (suite: string): Manifest => ({ format: MANIFEST_FORMAT, suite, components: [], guests: [] });

export const manifestText = (manifest: Manifest): string => `${JSON.stringify(manifest, undefined, 2)}\n`;

/** Every file that the manifest promises. */
export const filesOf = (component: Component): StoredFile[] => [
  component.licenceFile,
  ...component.files,
  ...component.files.flatMap((file) => (file.gzip ? [file.gzip] : [])),
];

export const allFiles = (manifest: Manifest): StoredFile[] => manifest.components.flatMap(filesOf);

/**
 * `added` wins over `base` wherever both have a component or guest of the same id. Older guests that share a replaced
 * component get its new files; one that needs a file which is no longer there is dropped.
 */
export function mergeManifests(base: Manifest, added: Manifest): Manifest {
  const merge = <T extends { readonly id: string }>(old: readonly T[], fresh: readonly T[]): T[] => [
    ...new Map([...old, ...fresh].map((item) => [item.id, item])).values(),
  ];
  const components = merge(base.components, added.components);
  const moved = base.guests.map((guest) => moveGuest(guest, base.components, components)).filter((guest) => guest !== undefined);
  return { ...added, components, guests: merge(moved, added.guests) };
}

/** The same guest with the files that stand for its old ones among `components`; undefined if one has no successor. */
function moveGuest(guest: Guest, before: readonly Component[], components: readonly Component[]): Guest | undefined {
  const successor = (path: string | undefined): string | undefined => {
    const old = before.find((component) => component.files.some((file) => file.path === path));
    const role = old?.files.find((file) => file.path === path)?.role;
    return components.find(({ id }) => id === old?.id)?.files.find((file) => file.role === role)?.path;
  };
  const [kernel, vmlinux, initrd] = [successor(guest.kernel), successor(guest.vmlinux), successor(guest.initrd)];
  const diskInitrds = guest.diskInitrds?.map(successor);
  const [firmware, videoFirmware] = [successor(guest.firmware), successor(guest.videoFirmware)];
  if ((guest.firmware && !firmware) || (guest.videoFirmware && !videoFirmware)) return undefined;
  if (kernel === undefined || (guest.vmlinux && !vmlinux) || (guest.initrd && !initrd) || diskInitrds?.includes(undefined))
    return undefined;
  return {
    ...guest,
    kernel,
    ...(vmlinux === undefined ? {} : { vmlinux }),
    ...(initrd === undefined ? {} : { initrd }),
    ...(diskInitrds === undefined ? {} : { diskInitrds: diskInitrds as string[] }),
    ...(firmware === undefined ? {} : { firmware }),
    ...(videoFirmware === undefined ? {} : { videoFirmware }),
  };
}

/** Only these guests and what they need. */
export function manifestOf(manifest: Manifest, ids: readonly string[]): Manifest {
  const guests = manifest.guests.filter((guest) => ids.includes(guest.id));
  const needed = new Set(guests.flatMap((guest) => guest.components));
  return { ...manifest, guests, components: manifest.components.filter((component) => needed.has(component.id)) };
}

/** A relative path of plain names: it cannot leave the folder, on any system, and cannot hide in it. */
export const isPlainPath = (path: string): boolean =>
  path.length <= 240 &&
  path.split("/").every((name) => /^[A-Za-z0-9_+~-][A-Za-z0-9._+~-]*$/.test(name) && !name.endsWith(".")) &&
  path.toLowerCase() !== MANIFEST_NAME;

/** Throws GuestsError "damaged" with the first thing that is wrong. */
export function parseManifest(text: string, what: string): Manifest {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new GuestsError("damaged", `${what} is not JSON: run \`vitrine guests prepare\` again`);
  }
  return new Checker(what).manifest(json);
}

type Fields = Readonly<Record<string, unknown>>;

class Checker {
  constructor(readonly what: string) {}

  manifest(json: unknown): Manifest {
    const fields = this.#object(json, "it");
    if (fields.format !== MANIFEST_FORMAT)
      throw new GuestsError(
        "unsupported",
        `${this.what} has format ${String(fields.format)}, but this version reads ${MANIFEST_FORMAT}: prepare the guests again`,
      );
    const manifest: Manifest = {
      format: MANIFEST_FORMAT,
      suite: this.#text(fields, "suite"),
      components: this.#list(fields, "components", (item) => this.#component(item)),
      guests: this.#list(fields, "guests", (item) => this.#guest(item)),
    };
    this.#references(manifest);
    return manifest;
  }

  #references(manifest: Manifest): void {
    const components = new Set(manifest.components.map((component) => component.id));
    const files = new Set(manifest.components.flatMap((component) => component.files.map((file) => file.path)));
    if (components.size !== manifest.components.length) this.#refuse("two components have the same id");
    if (new Set(manifest.guests.map((guest) => guest.id)).size !== manifest.guests.length) this.#refuse("two guests have the same id");
    const paths = allFiles(manifest).map((file) => file.path);
    if (new Set(paths).size !== paths.length) this.#refuse("a file is listed twice");
    for (const guest of manifest.guests) {
      const missingFile = [
        guest.kernel,
        guest.vmlinux,
        guest.initrd,
        guest.firmware,
        guest.videoFirmware,
        ...(guest.diskInitrds ?? []),
      ].find((path) => path !== undefined && !files.has(path));
      if (missingFile !== undefined) this.#refuse(`guest ${guest.id} needs ${missingFile}, which no component has`);
      const missing = guest.components.find((id) => !components.has(id));
      if (missing !== undefined) this.#refuse(`guest ${guest.id} needs the component ${missing}, which is not listed`);
    }
  }

  #component(json: unknown): Component {
    const fields = this.#object(json, "a component");
    const source = this.#object(fields.source, "a component's source");
    const builtUsing = fields.builtUsing === undefined ? {} : { builtUsing: this.#text(fields, "builtUsing") };
    return {
      id: this.#id(fields),
      recipe: this.#count(fields, "recipe"),
      package: this.#text(fields, "package"),
      version: this.#text(fields, "version"),
      architecture: this.#text(fields, "architecture"),
      source: { package: this.#text(source, "package"), version: this.#text(source, "version") },
      ...builtUsing,
      licence: this.#text(fields, "licence"),
      licenceFile: this.#file(fields.licenceFile),
      download: this.#file(fields.download),
      signature: this.#signature(fields.signature),
      files: this.#list(fields, "files", (item) => this.#preparedFile(item)),
    };
  }

  #preparedFile(json: unknown): PreparedFile {
    const fields = this.#object(json, "a file");
    const role = this.#text(fields, "role");
    const known = FILE_ROLES.find((each) => each === role) ?? this.#refuse(`a file has the unknown role "${role}"`);
    return { role: known, ...this.#file(json), ...(fields.gzip === undefined ? {} : { gzip: this.#file(fields.gzip) }) };
  }

  #signature(json: unknown): SignatureStatus {
    const fields = this.#object(json, "a signature");
    if (fields.status === "verified") return { status: "verified", keyring: this.#text(fields, "keyring") };
    if (fields.status === "not-verifiable") return { status: "not-verifiable", reason: this.#text(fields, "reason") };
    return this.#refuse("a signature has an unknown status");
  }

  #guest(json: unknown): Guest {
    const fields = this.#object(json, "a guest");
    const optional = (name: "vmlinux" | "initrd" | "firmware" | "videoFirmware"): Partial<Guest> =>
      fields[name] === undefined ? {} : { [name]: this.#text(fields, name) };
    return {
      id: this.#id(fields),
      title: this.#text(fields, "title"),
      description: this.#text(fields, "description"),
      kernel: this.#text(fields, "kernel"),
      ...optional("vmlinux"),
      ...optional("initrd"),
      ...(fields.diskInitrds === undefined ? {} : { diskInitrds: this.#texts(fields, "diskInitrds") }),
      ...optional("firmware"),
      ...optional("videoFirmware"),
      commandLine: this.#text(fields, "commandLine"),
      memoryMb: this.#count(fields, "memoryMb"),
      licence: this.#text(fields, "licence"),
      components: this.#texts(fields, "components"),
    };
  }

  #file(json: unknown): StoredFile {
    const fields = this.#object(json, "a file");
    const path = this.#text(fields, "path");
    const sha256 = this.#text(fields, "sha256");
    if (!isPlainPath(path)) this.#refuse(`"${path}" is not a path inside the guests folder`);
    if (!/^[0-9a-f]{64}$/.test(sha256)) this.#refuse(`the SHA-256 of ${path} is malformed`);
    return { path, sha256, size: this.#count(fields, "size") };
  }

  #id(fields: Fields): string {
    const id = this.#text(fields, "id");
    return /^[a-z0-9][a-z0-9.+-]*$/.test(id) ? id : this.#refuse(`"${id}" is no id`);
  }

  #text(fields: Fields, name: string): string {
    const value = fields[name];
    return typeof value === "string" ? value : this.#refuse(`"${name}" is missing or no text`);
  }

  #texts(fields: Fields, name: string): string[] {
    return this.#list(fields, name, (item) => (typeof item === "string" ? item : this.#refuse(`an item of "${name}" is no text`)));
  }

  #count(fields: Fields, name: string): number {
    const value = fields[name];
    return typeof value === "number" && Number.isSafeInteger(value) && value >= 0
      ? value
      : this.#refuse(`"${name}" is missing or no whole number`);
  }

  #list<T>(fields: Fields, name: string, item: (json: unknown) => T): T[] {
    const value = fields[name];
    return Array.isArray(value) ? value.map(item) : this.#refuse(`"${name}" is missing or no list`);
  }

  #object(json: unknown, name: string): Fields {
    return typeof json === "object" && json !== null && !Array.isArray(json)
      ? (json as Fields)
      : this.#refuse(`${name} is missing or no object`);
  }

  #refuse(reason: string): never {
    throw new GuestsError("damaged", `${this.what} is damaged (${reason}): prepare the guests again`);
  }
}

/**
 * The manifest of a snapshot file: what the file holds, readable before anything is unpacked. It is JSON in one fixed
 * form (key order, spacing, padding), so that equal contents give equal bytes, and whatever this build would not have
 * written is refused. It comes from strangers: every field is checked.
 */
import { BadArgument, SnapshotIncompatible } from "../lib/errors";
import { ALIGNMENT, alignUp, FORMAT_VERSION, HEAD_BYTES, MOST_MANIFEST_BYTES } from "./layout";

/** A file that took part: a kernel, an initrd, a disk. */
export interface FileRecord {
  readonly role: string;
  /** In bytes. */
  readonly size: number;
  /** 64 hexadecimal digits. */
  readonly sha256: string;
}

/** Somebody's work of which parts may lie in the machine's memory. */
export interface ComponentRecord {
  readonly id: string;
  /** SPDX-like short name, or "unknown". */
  readonly licence: string;
  readonly package?: string;
  readonly version?: string;
  readonly architecture?: string;
  /** The source package it was built from. */
  readonly source?: { readonly package: string; readonly version: string };
  /** Debian's Built-Using: further sources whose code is in it. */
  readonly builtUsing?: string;
  /** Of the package file. */
  readonly packageSha256?: string;
  readonly files: readonly FileRecord[];
}

/** What was booted when the machine was switched on. Only a firmware's ROM is in the file, as section `rom`. */
export interface BootRecord {
  readonly kind: "sector" | "linux" | "multiboot" | "firmware";
  /** Null: this kind has none. */
  readonly commandLine: string | null;
  readonly images: readonly FileRecord[];
}

/** A disk that was attached. Its contents are the image diskN of its place in the list. */
export interface DiskRecord {
  /** As the machine names it. */
  readonly name: string;
  /** A multiple of 512. */
  readonly bytes: number;
  readonly readOnly: boolean;
}

/** A drive on IDE or a floppy drive: which of the disks it holds, by its place in the list; null: none. */
export interface DriveRecord {
  readonly slot: string;
  readonly media: string;
  readonly disk: number | null;
}

/** The machine that the state fits. */
export interface MachineRecord {
  readonly memoryMb: number;
  readonly cpu: string;
  readonly clock: { readonly kind: "realtime" | "deterministic"; readonly ticksPerUs: number };
  readonly shadow: string;
  readonly com2: boolean;
  /** Null: not fitted. */
  readonly debugExitPort: number | null;
  /** Left out: 80h. */
  readonly postPort?: number;
  readonly epochSeconds: number;
  readonly boot: BootRecord;
  /** Left out where there is none. */
  readonly disks?: readonly DiskRecord[];
  /** Left out where there is none. Disks that no drive holds are on virtio-blk. */
  readonly drives?: readonly DriveRecord[];
  /** What firmware was told, where the machine began with firmware. */
  readonly firmware?: { readonly serialConsole: boolean; readonly bootOrder: readonly string[] };
}

/** How pages are packed: in runs of 1 MB or of 32 KB, each a gzip member of its own (page-runs.ts). */
export type RunCodec = "gzip-runs" | "gzip-runs-32k";
export type Codec = "none" | "gzip" | RunCodec;
export const isRunCodec = (codec: Codec): codec is RunCodec => codec === "gzip-runs" || codec === "gzip-runs-32k";

export interface SectionEntry {
  readonly name: string;
  readonly codec: Codec;
  /** Bytes of the contents. */
  readonly rawLength: number;
  /** Bytes in the file, padding not counted. */
  readonly length: number;
  /** From the beginning of the file, a multiple of 64. */
  readonly offset: number;
  /** Of the bytes in the file; for runs, of the runs' SHA-256 values one after another. */
  readonly sha256: string;
  /** A build that does not know this section may load the file without it. */
  readonly optional?: true;
}

export interface Manifest {
  readonly format: number;
  /** Which build wrote it. */
  readonly build: string;
  /** The snapshot that this one builds upon, by the SHA-256 of its first part; null: this one is whole. */
  readonly parent: string | null;
  readonly title: string;
  /** UTC, ISO 8601 to the second: 2025-01-31T12:00:00Z. */
  readonly created: string;
  /** Retired since power-on. */
  readonly instructions: number;
  readonly ticks: number;
  readonly machine: MachineRecord;
  readonly components: readonly ComponentRecord[];
  /** The last lines of the terminal (COM1), without control sequences. */
  readonly terminal: readonly string[];
  readonly sections: readonly SectionEntry[];
}

export const MOST_MEMORY_MB = 2048;
export const MOST_DISK_BYTES = 0x1000000000;
/** Contents of one section other than pages. */
export const MOST_SECTION_BYTES = 0x1000000;
/** Of all these sections together: what reading a file may take of the host's memory. */
const MOST_STATE_BYTES = 4 * MOST_SECTION_BYTES;
/** Gzip makes what it cannot compress a little longer. */
const MOST_STORED_BYTES = MOST_SECTION_BYTES + 0x4000;
export const MOST_TEXT = 4096;
export const MOST_TERMINAL_LINES = 50;
const MOST_SECTIONS = 256;
const MOST_ITEMS = 64;

/** Control characters, line and paragraph separators, marks that turn the writing direction, halves of surrogate pairs. */
const UNPRINTABLE = /[\p{Cc}\p{Cs}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** A text as manifests may hold it: one line, nothing that steers a terminal, at most `MOST_TEXT` UTF-16 units. */
export function plainText(text: string): string {
  return cutText(text.replace(UNPRINTABLE, " "), MOST_TEXT);
}

/** At most so many UTF-16 units, without a half character at the end. */
export function cutText(text: string, most: number): string {
  return text.slice(0, most).replace(/[\ud800-\udbff]$/u, "");
}

/** A date as manifests hold it. Throws BadArgument. */
export function dateText(date: Date): string {
  if (!(date.getTime() >= 0 && date.getUTCFullYear() <= 9999)) throw new BadArgument("created", "give a date from 1970 to 9999.");
  return `${date.toISOString().slice(0, 19)}Z`;
}

/** The widest a number of a section entry can get. */
const WIDEST = Number.MAX_SAFE_INTEGER;
const WIDEST_HASH = "0".repeat(64);

const textOf = (manifest: Manifest): string => JSON.stringify(manifest, undefined, 1);

/**
 * Bytes that the manifest takes behind the head, up to the first section. The room is reckoned for the widest section
 * entries, so that it is known before the sections are.
 */
function roomFor(manifest: Manifest): number {
  const widest = manifest.sections.map((entry) => ({
    ...entry,
    rawLength: WIDEST,
    length: WIDEST,
    offset: WIDEST,
    sha256: WIDEST_HASH,
  }));
  const bytes = new TextEncoder().encode(textOf({ ...manifest, sections: widest })).length + 1;
  return alignUp(HEAD_BYTES + bytes) - HEAD_BYTES;
}

/** The one form: JSON, blanks to the end of its last block, a line end. Throws BadArgument when there is too much of it. */
export function manifestBytes(manifest: Manifest): Uint8Array {
  const room = roomFor(manifest);
  if (HEAD_BYTES + room > MOST_MANIFEST_BYTES)
    throw new BadArgument("snapshot", "its description is longer than a megabyte; shorten the list of components.");
  const result = new Uint8Array(room).fill(0x20);
  result.set(new TextEncoder().encode(textOf(manifest)));
  result[room - 1] = 0x0a;
  return result;
}

/** Offset of the first section. */
export const firstOffset = (manifest: Manifest): number => HEAD_BYTES + roomFor(manifest);

/** Where everything ends and the trailer begins. */
export const endOfSections = (manifest: Manifest): number =>
  manifest.sections.reduce((end, entry) => end + alignUp(entry.length), firstOffset(manifest));

const refuse = (reason: string): never => {
  throw new SnapshotIncompatible("manifest", reason);
};

/** Throws SnapshotIncompatible with the first thing that is wrong. */
export function parseManifest(bytes: Uint8Array): Manifest {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    refuse("it is not JSON.");
  }
  const manifest = checkManifest(json);
  checkLayout(manifest);
  const canonical = manifestBytes(manifest);
  if (canonical.length !== bytes.length || canonical.some((byte, i) => byte !== bytes[i]))
    refuse("it holds what this build does not know, or is not in the form that Vitrine writes.");
  return manifest;
}

/** The manifest with its keys in their order. Throws SnapshotIncompatible. */
export function checkManifest(json: unknown): Manifest {
  const at = new Fields(json, "it");
  const format = at.count("format");
  if (format !== FORMAT_VERSION) refuse(`format version ${format} does not agree with the file's head.`);
  return {
    format,
    build: at.text("build"),
    parent: at.isNull("parent") ? null : at.sha256("parent"),
    title: at.text("title"),
    created: createdOf(at),
    instructions: at.count("instructions"),
    ticks: at.count("ticks"),
    machine: machineOf(at.object("machine")),
    components: at.list("components", MOST_ITEMS, (item) => componentOf(new Fields(item, "a component"))),
    terminal: at.list("terminal", MOST_TERMINAL_LINES, (item) => checkText(item, "a terminal line")),
    sections: at.list("sections", MOST_SECTIONS, (item) => sectionOf(new Fields(item, "a section"))),
  };
}

function createdOf(at: Fields): string {
  const created = at.text("created");
  const isDate = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(created) && !Number.isNaN(Date.parse(created));
  return isDate ? created : refuse("its date is malformed.");
}

function machineOf(at: Fields): MachineRecord {
  const memoryMb = at.count("memoryMb");
  if (memoryMb < 1 || memoryMb > MOST_MEMORY_MB) refuse(`a machine with ${memoryMb} MB of memory is not possible.`);
  const clock = at.object("clock");
  return {
    memoryMb,
    cpu: at.text("cpu"),
    clock: { kind: clock.choice("kind", ["realtime", "deterministic"]), ticksPerUs: clock.positive("ticksPerUs") },
    shadow: at.text("shadow"),
    com2: at.flag("com2"),
    debugExitPort: at.isNull("debugExitPort") ? null : at.count("debugExitPort"),
    ...(at.has("postPort") ? { postPort: at.count("postPort") } : {}),
    epochSeconds: at.count("epochSeconds"),
    boot: bootOf(at.object("boot")),
    ...(at.has("disks") ? { disks: at.list("disks", MOST_ITEMS, (item) => diskOf(new Fields(item, "a disk"))) } : {}),
    ...(at.has("drives") ? { drives: at.list("drives", MOST_ITEMS, (item) => driveOf(new Fields(item, "a drive"))) } : {}),
    ...(at.has("firmware") ? { firmware: firmwareOf(at.object("firmware")) } : {}),
  };
}

const driveOf = (at: Fields): DriveRecord => ({
  slot: at.text("slot"),
  media: at.text("media"),
  disk: at.isNull("disk") ? null : at.count("disk"),
});

const firmwareOf = (at: Fields): NonNullable<MachineRecord["firmware"]> => ({
  serialConsole: at.flag("serialConsole"),
  bootOrder: at.list("bootOrder", MOST_ITEMS, (item) => (typeof item === "string" ? item : refuse("a boot device is no text."))),
});

function diskOf(at: Fields): DiskRecord {
  const disk = { name: at.text("name"), bytes: at.count("bytes"), readOnly: at.flag("readOnly") };
  if (disk.bytes === 0 || disk.bytes % 512 !== 0 || disk.bytes > MOST_DISK_BYTES) refuse(`a disk of ${disk.bytes} bytes is not possible.`);
  return disk;
}

const bootOf = (at: Fields): BootRecord => ({
  kind: at.choice("kind", ["sector", "linux", "multiboot", "firmware"]),
  commandLine: at.isNull("commandLine") ? null : at.text("commandLine"),
  images: at.list("images", MOST_ITEMS, (item) => fileOf(new Fields(item, "an image"))),
});

const fileOf = (at: Fields): FileRecord => ({ role: at.text("role"), size: at.count("size"), sha256: at.sha256("sha256") });

function componentOf(at: Fields): ComponentRecord {
  const optional = (name: "package" | "version" | "architecture" | "builtUsing"): Partial<ComponentRecord> =>
    at.has(name) ? { [name]: at.text(name) } : {};
  const source = at.has("source") ? at.object("source") : undefined;
  return {
    id: at.text("id"),
    licence: at.text("licence"),
    ...optional("package"),
    ...optional("version"),
    ...optional("architecture"),
    ...(source ? { source: { package: source.text("package"), version: source.text("version") } } : {}),
    ...optional("builtUsing"),
    ...(at.has("packageSha256") ? { packageSha256: at.sha256("packageSha256") } : {}),
    files: at.list("files", MOST_ITEMS, (item) => fileOf(new Fields(item, "a component's file"))),
  };
}

function sectionOf(at: Fields): SectionEntry {
  const name = at.text("name");
  if (!/^[a-z0-9][a-z0-9-]{0,31}$/.test(name)) refuse("a section has an impossible name.");
  const codec = at.choice("codec", ["none", "gzip", "gzip-runs", "gzip-runs-32k"]);
  const rawLength = at.count("rawLength");
  const length = at.count("length");
  if (codec === "none" && length !== rawLength) refuse(`section ${name} has two lengths.`);
  if (!isRunCodec(codec) && (length > MOST_STORED_BYTES || rawLength > MOST_SECTION_BYTES)) refuse(`section ${name} is too large.`);
  const place = { name, codec, rawLength, length, offset: at.count("offset"), sha256: at.sha256("sha256") };
  if (!at.has("optional")) return place;
  return at.flag("optional") ? { ...place, optional: true } : refuse(`section ${name} is marked twice.`);
}

/** Sections have different names and follow each other without gaps. */
function checkLayout(manifest: Manifest): void {
  if (new Set(manifest.sections.map(({ name }) => name)).size !== manifest.sections.length) refuse("two sections have the same name.");
  const rawBytes = manifest.sections.reduce((sum, { codec, rawLength }) => sum + (isRunCodec(codec) ? 0 : rawLength), 0);
  if (rawBytes > MOST_STATE_BYTES) refuse("its sections are too large together.");
  let end = firstOffset(manifest);
  for (const { name, offset, length } of manifest.sections) {
    if (offset !== end) refuse(`section ${name} is not where it must be.`);
    end = alignUp(offset + length);
    if (end > Number.MAX_SAFE_INTEGER - ALIGNMENT) refuse(`section ${name} is too large.`);
  }
}

function checkText(value: unknown, what: string): string {
  if (typeof value !== "string") return refuse(`${what} is no text.`);
  return plainText(value) === value ? value : refuse(`${what} holds characters that cannot be shown, or is too long.`);
}

/** The fields of one JSON object, each checked as it is asked for. */
class Fields {
  readonly #fields: Readonly<Record<string, unknown>>;
  readonly #what: string;

  constructor(json: unknown, what: string) {
    if (typeof json !== "object" || json === null || Array.isArray(json)) refuse(`${what} is missing or no object.`);
    this.#fields = json as Readonly<Record<string, unknown>>;
    this.#what = what;
  }

  #refuse(name: string, wanted: string): never {
    return refuse(`"${name}" of ${this.#what} is missing or no ${wanted}.`);
  }

  has(name: string): boolean {
    return Object.hasOwn(this.#fields, name);
  }

  isNull(name: string): boolean {
    return this.#fields[name] === null;
  }

  text(name: string): string {
    const value = this.#fields[name];
    return typeof value === "string" ? checkText(value, `"${name}" of ${this.#what}`) : this.#refuse(name, "text");
  }

  count(name: string): number {
    const value = this.#fields[name];
    return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : this.#refuse(name, "whole number");
  }

  positive(name: string): number {
    const value = this.#fields[name];
    return Number.isFinite(value) && (value as number) > 0 ? (value as number) : this.#refuse(name, "number above 0");
  }

  flag(name: string): boolean {
    const value = this.#fields[name];
    return typeof value === "boolean" ? value : this.#refuse(name, "true or false");
  }

  sha256(name: string): string {
    const value = this.#fields[name];
    return typeof value === "string" && /^[0-9a-f]{64}$/.test(value) ? value : this.#refuse(name, "SHA-256");
  }

  choice<T extends string>(name: string, choices: readonly T[]): T {
    return choices.find((choice) => choice === this.#fields[name]) ?? this.#refuse(name, choices.join(" or "));
  }

  object(name: string): Fields {
    return new Fields(this.#fields[name], `"${name}"`);
  }

  list<T>(name: string, most: number, item: (json: unknown) => T): T[] {
    const value = this.#fields[name];
    if (!Array.isArray(value)) return this.#refuse(name, "list");
    if (value.length > most) refuse(`"${name}" has more than ${most} entries.`);
    return value.map(item);
  }
}

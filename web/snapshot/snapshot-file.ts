/**
 * Reads a snapshot file, which comes from a stranger: nothing is used before its SHA-256 was compared, nothing is
 * allocated before its size was checked against the file and a limit, and every byte of the file counts. All that is
 * wrong with the file is SnapshotIncompatible with its reason; failures to read are the source's own.
 */
import { sha256, toHex } from "../lib/sha256";
import type { ByteSource } from "./byte-store";
import { gunzip } from "./gzip";
import { DISK_PAGE_BYTES, diskImage, isImageSection, RAM, RAM_PAGE_BYTES, sectionsOf } from "./image-sections";
import {
  alignUp,
  FORMAT_VERSION,
  HEAD_BYTES,
  MAGIC,
  MOST_MANIFEST_BYTES,
  readHead,
  readTrailer,
  startsWith,
  TRAILER_BYTES,
} from "./layout";
import { endOfSections, isRunCodec, type Manifest, parseManifest, type SectionEntry } from "./manifest";
import { DAMAGED, type ImageForm, type OnImageProgress, refusalOf, SavedImage } from "./saved-image";

const MB = 0x100000;
/** The longest chain of snapshots that build upon each other. */
const MOST_ANCESTORS = 64;

export interface OpenOptions {
  /** The snapshot that this one builds upon. Without it the file can be looked at, but its RAM not be read. */
  readonly parent?: SnapshotFile | undefined;
}

/** Where the images of a machine with this manifest are, and how large. */
export function imageForms({ machine }: Manifest): ImageForm[] {
  const disks = (machine.disks ?? []).map(({ bytes }, n) => ({
    name: diskImage(n),
    pageCount: Math.ceil(bytes / DISK_PAGE_BYTES),
    pageBytes: DISK_PAGE_BYTES,
  }));
  return [{ name: RAM, pageCount: (machine.memoryMb * MB) / RAM_PAGE_BYTES, pageBytes: RAM_PAGE_BYTES }, ...disks];
}

export class SnapshotFile {
  readonly manifest: Manifest;
  /** SHA-256 of the first part, which names all the rest: the snapshot's name. 64 hexadecimal digits. */
  readonly id: string;
  readonly source: ByteSource;
  /** How many snapshots this one builds upon. */
  readonly ancestors: number;
  readonly #entries: ReadonlyMap<string, SectionEntry>;
  readonly #images: ReadonlyMap<string, SavedImage>;

  private constructor(source: ByteSource, { manifest, id }: Front, parent: SnapshotFile | undefined) {
    this.source = source;
    this.manifest = manifest;
    this.id = id;
    this.ancestors = parent ? parent.ancestors + 1 : 0;
    this.#entries = new Map(manifest.sections.map((entry) => [entry.name, entry]));
    const image = (form: ImageForm): SavedImage => new SavedImage(this, form, manifest.parent !== null, parent?.imageLike(form));
    this.#images = new Map(imageForms(manifest).map((form) => [form.name, image(form)]));
  }

  /** Reads and checks head, manifest and trailer; the sections are read when they are wanted. Throws SnapshotIncompatible. */
  static async open(source: ByteSource, { parent }: OpenOptions = {}): Promise<SnapshotFile> {
    const front = await readFront(source);
    const refuse = refusalOf("file");
    if (parent && front.manifest.parent === null) refuse("it is whole; no other snapshot belongs to it.");
    if (parent && front.manifest.parent !== parent.id) refuse("it builds upon another snapshot than the one that was given with it.");
    const file = new SnapshotFile(source, front, parent);
    if (file.ancestors > MOST_ANCESTORS) refuse(`more than ${MOST_ANCESTORS} snapshots build upon each other.`);
    return file;
  }

  /** Bytes of RAM. */
  get ramBytes(): number {
    return this.manifest.machine.memoryMb * MB;
  }

  /** Bytes of the whole file. */
  get size(): number {
    return this.source.size;
  }

  get ram(): SavedImage {
    return this.image(RAM);
  }

  /** By the names of `imageForms`. */
  image(name: string): SavedImage {
    return this.#images.get(name) ?? refusalOf(name)("the machine has no such disk.");
  }

  /** Contents of disk number n of the manifest. */
  disk(n: number): SavedImage {
    return this.image(diskImage(n));
  }

  /** This snapshot's image of the same form; undefined: it has none, so that nothing can build upon it. */
  imageLike({ name, pageCount }: ImageForm): SavedImage | undefined {
    const mine = imageForms(this.manifest).find((form) => form.name === name);
    return mine?.pageCount === pageCount ? this.#images.get(name) : undefined;
  }

  /** The sections of CPU, clock, devices and what else belongs to one part, in their order. */
  get stateSections(): readonly SectionEntry[] {
    return this.manifest.sections.filter(({ name }) => !isImageSection(name));
  }

  has(section: string): boolean {
    return this.#entries.has(section);
  }

  /** Contents of a section other than pages. Throws SnapshotIncompatible. */
  async readSection(name: string): Promise<Uint8Array> {
    const entry = this.entry(name);
    const refuse = refusalOf(name);
    if (isRunCodec(entry.codec)) return refuse("only pages come in runs.");
    const stored = await this.#readChecked(entry);
    return entry.codec === "none" ? stored : gunzip(stored, entry.rawLength, refuse);
  }

  /** All sections but those of images. */
  async readState(): Promise<Map<string, Uint8Array>> {
    const result = new Map<string, Uint8Array>();
    for (const { name } of this.stateSections) result.set(name, await this.readSection(name));
    return result;
  }

  /** Reads the whole file; progress counts runs of each image. Throws SnapshotIncompatible with the first thing that is wrong. */
  async verify(onProgress?: OnImageProgress): Promise<void> {
    await this.readState();
    const expected = new Set<string>();
    for (const [name, image] of this.#images) {
      await image.verify((done, total) => onProgress?.(done, total));
      const names = sectionsOf(name);
      for (const section of Object.values(names)) expected.add(section);
      await this.#checkPadding(this.entry(names.pages));
    }
    for (const { name } of this.manifest.sections)
      if (isImageSection(name) && !expected.has(name)) refusalOf(name)("the machine has no such disk.");
  }

  entry(name: string): SectionEntry {
    return this.#entries.get(name) ?? refusalOf(name)("it is missing.");
  }

  /** A section's bytes as they are in the file, when they have the hash that the manifest names. */
  async #readChecked({ name, offset, length, sha256: expected }: SectionEntry): Promise<Uint8Array> {
    const padded = await this.source.read(offset, alignUp(length));
    const bytes = padded.subarray(0, length);
    if (toHex(await sha256(bytes)) !== expected) refusalOf(name)(DAMAGED);
    demandZeros(name, padded.subarray(length));
    return bytes;
  }

  async #checkPadding({ name, offset, length }: SectionEntry): Promise<void> {
    demandZeros(name, await this.source.read(offset + length, alignUp(length) - length));
  }
}

function demandZeros(name: string, padding: Uint8Array): void {
  if (padding.some((byte) => byte !== 0)) refusalOf(name)("there are bytes behind it that belong to nothing.");
}

interface Front {
  readonly manifest: Manifest;
  readonly id: string;
}

/** The manifest, when head and trailer agree with it and with the file's size. */
async function readFront(source: ByteSource): Promise<Front> {
  const refuse = refusalOf("file");
  if (source.size === 0) refuse("it is empty. Save or download it again.");
  const head = await source.read(0, Math.min(HEAD_BYTES, source.size));
  if (!startsWith(head, MAGIC.subarray(0, Math.min(MAGIC.length, head.length))))
    refuse("it is not a snapshot of Vitrine. Choose a file that was saved by it.");
  if (head.length < HEAD_BYTES) refuse("it is cut short: not even its head is there. Copy or download it again.");
  const { version, manifestLength } = readHead(head);
  if (version > FORMAT_VERSION) refuse(`its format version ${version} is newer than this build's ${FORMAT_VERSION}. Use a newer Vitrine.`);
  if (version === 0) refuse("format version 0 does not exist. The file is damaged: copy or download it again.");
  const frontLength = HEAD_BYTES + manifestLength;
  if (frontLength > MOST_MANIFEST_BYTES || frontLength !== alignUp(frontLength))
    refuse("the length of its manifest is impossible. The file is damaged: copy or download it again.");
  if (frontLength + TRAILER_BYTES > source.size) refuse("it is cut short: it ends within its manifest. Copy or download it again.");
  const front = await source.read(0, frontLength);
  const trailer = readTrailer(await source.read(source.size - TRAILER_BYTES, TRAILER_BYTES));
  if (!trailer || trailer.fileLength !== source.size) refuse(describeLength(front.subarray(HEAD_BYTES), source.size));
  const id = toHex(await sha256(front));
  if (id !== trailer!.sha256) refusalOf("manifest")(DAMAGED);
  const manifest = parseManifest(front.subarray(HEAD_BYTES));
  if (endOfSections(manifest) + TRAILER_BYTES !== source.size) refuse("its sections do not fill it.");
  return { manifest, id };
}

/** Why a file does not end where it should. Its manifest, which may be damaged, is only asked for a figure. */
function describeLength(manifest: Uint8Array, size: number): string {
  try {
    const expected = endOfSections(parseManifest(manifest)) + TRAILER_BYTES;
    if (size < expected) return `it is cut short: ${size} of ${expected} bytes are there. Copy or download it again.`;
    if (size > expected) return `${size - expected} bytes follow its end. Copy or download it again.`;
  } catch {}
  return "its end is damaged. Copy or download it again.";
}

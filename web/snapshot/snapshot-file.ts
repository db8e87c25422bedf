/**
 * Reads a snapshot file, which comes from a stranger: nothing is used before its SHA-256 was compared, nothing is
 * allocated before its size was checked against the file and a limit, and every byte of the file counts. All that is
 * wrong with the file is SnapshotIncompatible with its reason; failures to read are the source's own.
 */
import { SnapshotIncompatible } from "../lib/errors";
import { sha256, toHex } from "../lib/sha256";
import type { ByteSource } from "./byte-store";
import { gunzip } from "./gzip";
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
import { endOfSections, type Manifest, parseManifest, type SectionEntry } from "./manifest";
import { decodePageTable, equalBytes, kindOf, numberOf, PAGE_BYTES, PageKind, type PageTable } from "./page-table";
import { decodeRuns, hashOfRuns, RUN_ENTRY_BYTES, RUN_PAGES, type Run, runCount } from "./ram-runs";
import { isRamSection, RAM_PAGES, RAM_RUNS, RAM_TABLE } from "./ram-sections";

const MB = 0x100000;
/** Unpacked runs kept for `readFrame`, 1 MB each. */
const RUNS_KEPT = 8;

/** Where RAM is loaded to: pages come in ascending order, zero pages not at all. */
export interface RamTarget {
  write(page: number, contents: Uint8Array): void;
  /** A page that was written before. */
  read(page: number): Uint8Array;
}

interface RamIndex {
  readonly table: PageTable;
  readonly runs: readonly Run[];
}

export class SnapshotFile {
  readonly manifest: Manifest;
  readonly #source: ByteSource;
  readonly #entries: ReadonlyMap<string, SectionEntry>;
  #index: Promise<RamIndex> | undefined;
  /** Runs that were unpacked for `readFrame`, the one used last at the end. */
  readonly #unpacked = new Map<number, Uint8Array>();

  private constructor(source: ByteSource, manifest: Manifest) {
    this.#source = source;
    this.manifest = manifest;
    this.#entries = new Map(manifest.sections.map((entry) => [entry.name, entry]));
  }

  /** Reads and checks head, manifest and trailer; the sections are read when they are wanted. Throws SnapshotIncompatible. */
  static async open(source: ByteSource): Promise<SnapshotFile> {
    return new SnapshotFile(source, await readFront(source));
  }

  /** Bytes of RAM. */
  get ramBytes(): number {
    return this.manifest.machine.memoryMb * MB;
  }

  /** Bytes of the whole file. */
  get size(): number {
    return this.#source.size;
  }

  /** The sections of CPU, clock and devices, in their order. */
  get stateSections(): readonly SectionEntry[] {
    return this.manifest.sections.filter(({ name }) => !isRamSection(name));
  }

  /** Contents of a section other than ram-pages. Throws SnapshotIncompatible. */
  async readSection(name: string): Promise<Uint8Array> {
    const entry = this.#entry(name);
    const refuse = refusalOf(name);
    if (entry.codec === "gzip-runs") refuse("only pages of RAM come in runs.");
    const stored = await this.#readChecked(entry);
    return entry.codec === "none" ? stored : gunzip(stored, entry.rawLength, refuse);
  }

  /** All sections but RAM. */
  async readState(): Promise<Map<string, Uint8Array>> {
    const result = new Map<string, Uint8Array>();
    for (const { name } of this.stateSections) result.set(name, await this.readSection(name));
    return result;
  }

  /**
   * Gives all of RAM to `target`, with a run of 1 MB in memory at a time. A damaged run is found when it is reached:
   * what `target` holds then is not to be used.
   */
  async loadRam(target: RamTarget, onProgress: (done: number, total: number) => void = () => {}): Promise<void> {
    const { table, runs } = await this.#ramIndex();
    let run: Uint8Array | undefined;
    let held = -1;
    for (let page = 0; page < table.entries.length; page++) {
      if (page % RUN_PAGES === 0) onProgress(page * PAGE_BYTES, this.ramBytes);
      const entry = table.entries[page]!;
      const value = numberOf(entry);
      if (kindOf(entry) === PageKind.Same) target.write(page, target.read(value));
      if (kindOf(entry) !== PageKind.Literal) continue;
      const wanted = Math.floor(value / RUN_PAGES);
      if (wanted !== held) {
        run = await this.#readRun(runs, wanted);
        held = wanted;
      }
      target.write(page, pageOf(run!, value));
    }
    await this.#checkPadding(this.#entry(RAM_PAGES));
    onProgress(this.ramBytes, this.ramBytes);
  }

  /** One page of RAM; undefined: it is all zero. Throws SnapshotIncompatible. */
  async readFrame(frame: number): Promise<Uint8Array | undefined> {
    const { table, runs } = await this.#ramIndex();
    const entry = table.entries[frame]!;
    if (kindOf(entry) === PageKind.Zero) return undefined;
    const index = numberOf(kindOf(entry) === PageKind.Same ? table.entries[numberOf(entry)]! : entry);
    const number = Math.floor(index / RUN_PAGES);
    const run = this.#unpacked.get(number) ?? (await this.#readRun(runs, number));
    this.#unpacked.delete(number);
    this.#unpacked.set(number, run);
    if (this.#unpacked.size > RUNS_KEPT) this.#unpacked.delete(this.#unpacked.keys().next().value!);
    return pageOf(run, index).slice();
  }

  /** Zero, equal and literal pages of RAM: how many there are. */
  async countPages(): Promise<{ readonly zero: number; readonly same: number; readonly literal: number }> {
    const { table } = await this.#ramIndex();
    let zero = 0;
    for (const entry of table.entries) if (kindOf(entry) === PageKind.Zero) zero++;
    return { zero, same: table.entries.length - zero - table.literals, literal: table.literals };
  }

  /** Reads the whole file. Throws SnapshotIncompatible with the first thing that is wrong. */
  async verify(onProgress?: (done: number, total: number) => void): Promise<void> {
    await this.readState();
    // Equal pages need no contents: the table says that their originals are literals.
    await this.loadRam({ write: () => {}, read: () => EMPTY }, onProgress);
  }

  #entry(name: string): SectionEntry {
    return this.#entries.get(name) ?? refusalOf(name)("it is missing.");
  }

  /** A section's bytes as they are in the file, when they have the hash that the manifest names. */
  async #readChecked({ name, offset, length, sha256: expected }: SectionEntry): Promise<Uint8Array> {
    const padded = await this.#source.read(offset, alignUp(length));
    const bytes = padded.subarray(0, length);
    if (toHex(await sha256(bytes)) !== expected) refusalOf(name)(DAMAGED);
    demandZeros(name, padded.subarray(length));
    return bytes;
  }

  async #checkPadding({ name, offset, length }: SectionEntry): Promise<void> {
    demandZeros(name, await this.#source.read(offset + length, alignUp(length) - length));
  }

  #ramIndex(): Promise<RamIndex> {
    this.#index ??= this.#readRamIndex();
    return this.#index;
  }

  /** Page table and run list, which agree with each other and with the machine's memory. */
  async #readRamIndex(): Promise<RamIndex> {
    const pages = this.#entry(RAM_PAGES);
    const demand = (condition: boolean, name: string, reason: string): void => {
      if (!condition) refusalOf(name)(reason);
    };
    demand(this.#entry(RAM_TABLE).rawLength === (this.ramBytes / PAGE_BYTES) * 4, RAM_TABLE, "it does not fit the machine's memory.");
    const table = decodePageTable(await this.readSection(RAM_TABLE), RAM_TABLE);
    const runsLength = runCount(table.literals) * RUN_ENTRY_BYTES;
    demand(this.#entry(RAM_RUNS).rawLength === runsLength, RAM_RUNS, "it does not fit the page table.");
    const runBytes = await this.readSection(RAM_RUNS);
    const runs = decodeRuns(runBytes, table.literals, RAM_RUNS);
    const length = runs.reduce((sum, run) => sum + run.length, 0);
    demand(pages.codec === "gzip-runs", RAM_PAGES, "it is not in runs.");
    demand(pages.rawLength === table.literals * PAGE_BYTES, RAM_PAGES, "it does not fit the page table.");
    demand(pages.length === length, RAM_PAGES, "it does not fit the list of runs.");
    demand(pages.sha256 === hashOfRuns(runBytes), RAM_PAGES, "its SHA-256 is not that of its runs.");
    return { table, runs };
  }

  async #readRun(runs: readonly Run[], number: number): Promise<Uint8Array> {
    const { offset, length, sha256: expected, rawLength } = runs[number]!;
    const stored = await this.#source.read(this.#entry(RAM_PAGES).offset + offset, length);
    const refuse = (reason: string): never => refusalOf(RAM_PAGES)(`run ${number}: ${reason}`);
    if (!equalBytes(await sha256(stored), expected)) refuse(DAMAGED);
    return gunzip(stored, rawLength, refuse);
  }
}

const EMPTY = new Uint8Array();
const DAMAGED = "its contents are damaged (their SHA-256 is another than announced).";

const refusalOf =
  (section: string) =>
  (reason: string): never => {
    throw new SnapshotIncompatible(section, reason);
  };

const pageOf = (run: Uint8Array, index: number): Uint8Array => {
  const at = (index % RUN_PAGES) * PAGE_BYTES;
  return run.subarray(at, at + PAGE_BYTES);
};

function demandZeros(name: string, padding: Uint8Array): void {
  if (padding.some((byte) => byte !== 0)) refusalOf(name)("there are bytes behind it that belong to nothing.");
}

/** The manifest, when head and trailer agree with it and with the file's size. */
async function readFront(source: ByteSource): Promise<Manifest> {
  const refuse = refusalOf("file");
  if (source.size === 0) refuse("it is empty.");
  const head = await source.read(0, Math.min(HEAD_BYTES, source.size));
  if (!startsWith(head, MAGIC.subarray(0, Math.min(MAGIC.length, head.length)))) refuse("it is not a snapshot of Vitrine.");
  if (head.length < HEAD_BYTES) refuse("it is cut short: not even its head is there.");
  const { version, manifestLength } = readHead(head);
  if (version > FORMAT_VERSION) refuse(`its format version ${version} is newer than this build's ${FORMAT_VERSION}. Use a newer Vitrine.`);
  if (version === 0) refuse("format version 0 does not exist.");
  const frontLength = HEAD_BYTES + manifestLength;
  if (frontLength > MOST_MANIFEST_BYTES || frontLength !== alignUp(frontLength)) refuse("the length of its manifest is impossible.");
  if (frontLength + TRAILER_BYTES > source.size) refuse("it is cut short: it ends within its manifest.");
  const front = await source.read(0, frontLength);
  const trailer = readTrailer(await source.read(source.size - TRAILER_BYTES, TRAILER_BYTES));
  if (!trailer || trailer.fileLength !== source.size) refuse(describeLength(front.subarray(HEAD_BYTES), source.size));
  if (toHex(await sha256(front)) !== trailer!.sha256) refusalOf("manifest")(DAMAGED);
  const manifest = parseManifest(front.subarray(HEAD_BYTES));
  if (endOfSections(manifest) + TRAILER_BYTES !== source.size) refuse("its sections do not fill it.");
  return manifest;
}

/** Why a file does not end where it should. Its manifest, which may be damaged, is only asked for a figure. */
function describeLength(manifest: Uint8Array, size: number): string {
  try {
    const expected = endOfSections(parseManifest(manifest)) + TRAILER_BYTES;
    if (size < expected) return `it is cut short: ${size} of ${expected} bytes are there. Copy or download it again.`;
    if (size > expected) return `${size - expected} bytes follow its end.`;
  } catch {}
  return "its end is damaged.";
}

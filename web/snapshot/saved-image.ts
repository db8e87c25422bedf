/**
 * One image of a snapshot file, RAM or a disk, as it is read: the page table and the list of runs first, which must agree
 * with each other and with the machine, then runs of 1 MB as they are wanted, each checked before use.
 */
import { SnapshotIncompatible } from "../lib/errors";
import { sha256 } from "../lib/sha256";
import type { ByteSource } from "./byte-store";
import { gunzip } from "./gzip";
import { sectionsOf } from "./image-sections";
import { isRunCodec, type SectionEntry } from "./manifest";
import { decodeRuns, hashOfRuns, RUN_ENTRY_BYTES, type Run, runBytesOf, runCount } from "./page-runs";
import { decodePageTable, equalBytes, kindOf, numberOf, PageKind, type PageTable } from "./page-table";

/** Bytes of unpacked runs kept for `readPage`. */
const KEPT_BYTES = 8 << 20;

/** Where an image is loaded to. Every page comes once, in ascending order. */
export interface ImageTarget {
  /** The bytes are only lent. */
  write(page: number, contents: Uint8Array): void | Promise<void>;
  /** The page is all zero. */
  clear(page: number): void | Promise<void>;
  /** A page that was written before. */
  read(page: number): Uint8Array | Promise<Uint8Array>;
}

/** What the image needs of its file. */
export interface SectionReader {
  readonly source: ByteSource;
  entry(section: string): SectionEntry;
  readSection(section: string): Promise<Uint8Array>;
}

const PROGRESS_BYTES = 0x100000;

export interface ImageForm {
  readonly name: string;
  readonly pageCount: number;
  readonly pageBytes: number;
}

export interface PageCounts {
  readonly zero: number;
  readonly same: number;
  readonly literal: number;
  readonly parent: number;
}

interface Index {
  readonly table: PageTable;
  readonly runs: readonly Run[];
}

export type OnImageProgress = (done: number, total: number) => void;

export class SavedImage {
  readonly #form: ImageForm;
  readonly #file: SectionReader;
  /** The same image of the parent; undefined with `hasParent`: it was not given. */
  readonly #parent: SavedImage | undefined;
  readonly #hasParent: boolean;
  #index: Promise<Index> | undefined;
  /** Runs that were unpacked for `readPage`, the one used last at the end. */
  readonly #unpacked = new Map<number, Promise<Uint8Array>>();

  constructor(file: SectionReader, form: ImageForm, hasParent: boolean, parent: SavedImage | undefined) {
    this.#file = file;
    this.#form = form;
    this.#hasParent = hasParent;
    this.#parent = parent;
  }

  get bytes(): number {
    return this.#form.pageCount * this.#form.pageBytes;
  }

  /**
   * Gives all pages to `target`, with a run in memory at a time. A damaged run is found when it is reached: what `target`
   * holds then is not to be used. Throws SnapshotIncompatible.
   */
  async load(target: ImageTarget, onProgress: OnImageProgress = () => {}): Promise<void> {
    const { table, runs } = await this.#loaded();
    const { pageBytes } = this.#form;
    let run: Uint8Array | undefined;
    let held = -1;
    for (let page = 0; page < table.entries.length; page++) {
      if ((page * pageBytes) % PROGRESS_BYTES === 0) onProgress(page * pageBytes, this.bytes);
      const entry = table.entries[page]!;
      const value = numberOf(entry);
      let contents: Uint8Array | undefined;
      if (kindOf(entry) === PageKind.Same) contents = await target.read(value);
      else if (kindOf(entry) === PageKind.Parent) contents = await this.#parents().readPage(page);
      else if (kindOf(entry) === PageKind.Literal) {
        const wanted = this.#runOf(value);
        if (wanted !== held) run = await this.#readRun(runs, wanted);
        held = wanted;
        contents = this.#pageOf(run!, value);
      }
      const done = contents ? target.write(page, contents) : target.clear(page);
      if (done) await done;
    }
    onProgress(this.bytes, this.bytes);
  }

  /** One page, the caller's; undefined: it is all zero. Throws SnapshotIncompatible. */
  async readPage(page: number): Promise<Uint8Array | undefined> {
    const { table, runs } = await this.#loaded();
    const entry = table.entries[page]!;
    if (kindOf(entry) === PageKind.Zero) return undefined;
    if (kindOf(entry) === PageKind.Parent) return this.#parents().readPage(page);
    const index = numberOf(kindOf(entry) === PageKind.Same ? table.entries[numberOf(entry)]! : entry);
    const number = this.#runOf(index);
    const run = this.#unpacked.get(number) ?? this.#readRun(runs, number);
    this.#unpacked.delete(number);
    this.#unpacked.set(number, run);
    if (this.#unpacked.size > KEPT_BYTES / this.#runBytes) this.#unpacked.delete(this.#unpacked.keys().next().value!);
    try {
      return this.#pageOf(await run, index).slice();
    } catch (error) {
      // A run that could not be fetched may be had later.
      this.#unpacked.delete(number);
      throw error;
    }
  }

  /** Whether the page's table, or the parent's, says that it is all zero. Reads no pages. Throws SnapshotIncompatible. */
  async isZeroPage(page: number): Promise<boolean> {
    const { table } = await this.#loaded();
    const kind = kindOf(table.entries[page]!);
    return kind === PageKind.Parent ? this.#parents().isZeroPage(page) : kind === PageKind.Zero;
  }

  /** Reads everything that this file has of the image; what it takes from its parent is the parent's. Throws SnapshotIncompatible. */
  async verify(onProgress: OnImageProgress = () => {}): Promise<void> {
    const { runs } = await this.#loaded();
    for (let number = 0; number < runs.length; number++) {
      onProgress(number, runs.length);
      await this.#readRun(runs, number);
    }
    onProgress(runs.length, runs.length);
  }

  async countPages(): Promise<PageCounts> {
    const { table } = await this.#loaded();
    const counts = [0, 0, 0, 0];
    for (const entry of table.entries) counts[kindOf(entry)]!++;
    const [zero, literal, same, parent] = counts as [number, number, number, number];
    return { zero, same, literal, parent };
  }

  #parents(): SavedImage {
    return (
      this.#parent ??
      refusalOf(this.#form.name)("it builds upon another snapshot, which was not given. Open that one together with this one.")
    );
  }

  get #runBytes(): number {
    const { codec } = this.#file.entry(sectionsOf(this.#form.name).pages);
    return isRunCodec(codec) ? runBytesOf(codec, this.#form.pageBytes) : refusalOf(sectionsOf(this.#form.name).pages)("it is not in runs.");
  }

  #runOf(index: number): number {
    return Math.floor((index * this.#form.pageBytes) / this.#runBytes);
  }

  #pageOf(run: Uint8Array, index: number): Uint8Array {
    const at = (index * this.#form.pageBytes) % this.#runBytes;
    return run.subarray(at, at + this.#form.pageBytes);
  }

  #loaded(): Promise<Index> {
    this.#index ??= this.#readIndex();
    return this.#index;
  }

  async #readIndex(): Promise<Index> {
    const { name, pageCount, pageBytes } = this.#form;
    const names = sectionsOf(name);
    const pages = this.#file.entry(names.pages);
    const demand = (condition: boolean, section: string, reason: string): void => {
      if (!condition) refusalOf(section)(reason);
    };
    demand(this.#file.entry(names.table).rawLength === pageCount * 4, names.table, "it does not fit the machine.");
    const table = decodePageTable(await this.#file.readSection(names.table), names.table, this.#hasParent);
    const rawLength = table.literals * pageBytes;
    const runsLength = runCount(table.literals, pageBytes, this.#runBytes) * RUN_ENTRY_BYTES;
    demand(this.#file.entry(names.runs).rawLength === runsLength, names.runs, "it does not fit the page table.");
    const runBytes = await this.#file.readSection(names.runs);
    const runs = decodeRuns(runBytes, rawLength, this.#runBytes, names.runs);
    const length = runs.reduce((sum, run) => sum + run.length, 0);
    demand(pages.rawLength === rawLength, names.pages, "it does not fit the page table.");
    demand(pages.length === length, names.pages, "it does not fit the list of runs.");
    demand(pages.sha256 === hashOfRuns(runBytes), names.pages, "its SHA-256 is not that of its runs.");
    return { table, runs };
  }

  async #readRun(runs: readonly Run[], number: number): Promise<Uint8Array> {
    const { offset, length, sha256: expected, rawLength } = runs[number]!;
    const section = sectionsOf(this.#form.name).pages;
    const stored = await this.#file.source.read(this.#file.entry(section).offset + offset, length);
    const refuse = (reason: string): never => refusalOf(section)(`run ${number}: ${reason}`);
    if (!equalBytes(await sha256(stored), expected)) refuse(DAMAGED);
    return gunzip(stored, rawLength, refuse);
  }
}

export const DAMAGED = "its contents are damaged (their SHA-256 is another than announced). Copy or download the file again.";

export const refusalOf =
  (section: string) =>
  (reason: string): never => {
    throw new SnapshotIncompatible(section, reason);
  };

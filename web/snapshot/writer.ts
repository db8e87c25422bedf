/**
 * Writes a snapshot file. Images are read page by page and never held: once to find zero and equal pages, once more for
 * the literals, a few runs of which are in memory at a time. The head is written last, so that a file whose writing was
 * interrupted is not mistaken for a whole one.
 */
import { assert } from "../lib/assert";
import { sha256, toHex } from "../lib/sha256";
import type { ByteSink } from "./byte-store";
import { gzip } from "./gzip";
import { sectionsOf } from "./image-sections";
import { alignUp, FORMAT_VERSION, frontPart, TRAILER_BYTES, trailer } from "./layout";
import {
  type Codec,
  type ComponentRecord,
  checkManifest,
  dateText,
  endOfSections,
  firstOffset,
  type MachineRecord,
  type Manifest,
  MOST_SECTION_BYTES,
  MOST_TERMINAL_LINES,
  manifestBytes,
  plainText,
  type RunCodec,
  type SectionEntry,
} from "./manifest";
import { hashOfRuns, RunList, runBytesOf, runCount } from "./page-runs";
import { buildPageTable, encodePageTable, kindOf, PageKind, type PageReader, type PageTable } from "./page-table";
import type { ImageForm } from "./saved-image";

/** One part's section. */
export interface SectionContents {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** A build that does not know it may do without. */
  readonly optional?: true;
}

/** RAM or a disk. */
export interface ImageContents extends ImageForm {
  readonly read: PageReader;
  /** Given with `parent`: the page has not changed since then. */
  readonly isParents?: (page: number) => boolean;
  /** Hears that a page will not be read again. */
  readonly release?: ((page: number) => void) | undefined;
}

/** The state of a machine that stands still. */
export interface SnapshotContents {
  /** In the order in which the file shall have them. */
  readonly sections: readonly SectionContents[];
  /** In the order of `imageForms`. */
  readonly images: readonly ImageContents[];
  /** Id of the snapshot that this one builds upon. Default none. */
  readonly parent?: string | undefined;
  /** How pages are packed. Default: in runs of 1 MB. */
  readonly runs?: RunCodec | undefined;
}

/** What the manifest says beside the state. */
export interface SnapshotDetails {
  readonly build: string;
  /** Text is cut and cleaned as `plainText` does. */
  readonly title: string;
  readonly created: Date;
  readonly instructions: number;
  readonly ticks: number;
  readonly machine: MachineRecord;
  readonly components: readonly ComponentRecord[];
  /** The last lines count. */
  readonly terminal: readonly string[];
}

/** How much of the images has been dealt with; each byte counts twice. */
export type OnSnapshotProgress = (done: number, total: number) => void;

export interface WrittenSnapshot {
  readonly manifest: Manifest;
  /** SHA-256 of the first part: the snapshot's name. */
  readonly id: string;
  /** Bytes of the file. */
  readonly size: number;
}

const PROGRESS_BYTES = 0x100000;
/** Runs that are compressed at the same time, 1 MB each. */
const RUNS_IN_FLIGHT = 4;
const PLACEHOLDER = "0".repeat(64);
/** Sections that are longer are compressed. */
const LONGEST_PLAIN = 4096;

/**
 * Writes the whole file. `sink` is empty. Rejects as the sink and the images' `read` do, and with BadArgument or
 * SnapshotIncompatible for details that a manifest cannot hold; then the sink holds no snapshot.
 */
export async function writeSnapshot(
  contents: SnapshotContents,
  details: SnapshotDetails,
  sink: ByteSink,
  onProgress: OnSnapshotProgress = () => {},
): Promise<WrittenSnapshot> {
  return new Writing(contents, details, sink, onProgress).run();
}

/** A section whose bytes are known before the file has a form. */
interface Ready {
  readonly entry: SectionEntry;
  readonly bytes: Uint8Array;
}

/** An image whose pages have been sorted. */
interface Sorted {
  readonly image: ImageContents;
  readonly table: PageTable;
  readonly runs: RunList;
}

class Writing {
  readonly #contents: SnapshotContents;
  readonly #details: SnapshotDetails;
  readonly #sink: ByteSink;
  readonly #onProgress: OnSnapshotProgress;
  readonly #totalBytes: number;
  #doneBytes = 0;

  constructor(contents: SnapshotContents, details: SnapshotDetails, sink: ByteSink, onProgress: OnSnapshotProgress) {
    this.#contents = contents;
    this.#details = details;
    this.#sink = sink;
    this.#onProgress = onProgress;
    this.#totalBytes = 2 * contents.images.reduce((sum, { pageCount, pageBytes }) => sum + pageCount * pageBytes, 0);
  }

  async run(): Promise<WrittenSnapshot> {
    const ready = await Promise.all(this.#contents.sections.map(({ name, bytes, optional }) => section(name, bytes, optional)));
    const sorted: Sorted[] = [];
    for (const image of this.#contents.images) {
      const table = await this.#sort(image);
      ready.push(await section(sectionsOf(image.name).table, encodePageTable(table.entries)));
      sorted.push({ image, table, runs: new RunList(runCount(table.literals, image.pageBytes, this.#runBytes(image))) });
    }
    // Every run list has its length already, and pages come last: so the places of all that comes before them are known.
    const entries: SectionEntry[] = ready.map(({ entry }) => entry);
    for (const { image, runs } of sorted) entries.push(entry(sectionsOf(image.name).runs, "none", runs.bytes.length, runs.bytes.length));
    const pagesFrom = entries.length;
    for (const { image, table } of sorted)
      entries.push(entry(sectionsOf(image.name).pages, this.#codec, table.literals * image.pageBytes, 0));
    for (const [n, { image, table, runs }] of sorted.entries()) {
      const { offset } = placed(this.#manifest(entries)).sections[pagesFrom + n]!;
      await this.#writePages(image, table, offset, runs);
      entries[pagesFrom + n] = { ...entries[pagesFrom + n]!, length: runs.length, sha256: hashOfRuns(runs.bytes) };
    }
    for (const [n, { runs }] of sorted.entries()) {
      const at = ready.length + n;
      entries[at] = { ...entries[at]!, sha256: toHex(await sha256(runs.bytes)) };
    }
    const manifest = placed(this.#manifest(entries));
    for (const [n, { bytes }] of ready.entries()) await this.#sink.write(manifest.sections[n]!.offset, bytes);
    for (const [n, { runs }] of sorted.entries()) await this.#sink.write(manifest.sections[ready.length + n]!.offset, runs.bytes);
    return this.#writeFrame(manifest);
  }

  get #codec(): RunCodec {
    return this.#contents.runs ?? "gzip-runs";
  }

  #runBytes({ pageBytes }: ImageContents): number {
    return runBytesOf(this.#codec, pageBytes);
  }

  #sort({ pageCount, pageBytes, read, isParents }: ImageContents): Promise<PageTable> {
    const before = this.#doneBytes;
    const counting: PageReader = (page) => {
      this.#report(before + page * pageBytes);
      return read(page);
    };
    this.#doneBytes += pageCount * pageBytes;
    return buildPageTable(pageCount, counting, isParents);
  }

  #report(doneBytes: number): void {
    if (doneBytes % PROGRESS_BYTES === 0) this.#onProgress(doneBytes, this.#totalBytes);
  }

  #manifest(sections: readonly SectionEntry[]): Manifest {
    const { build, title, created, instructions, ticks, machine, components, terminal } = this.#details;
    return checkManifest({
      format: FORMAT_VERSION,
      build: plainText(build),
      parent: this.#contents.parent ?? null,
      title: plainText(title),
      created: dateText(created),
      instructions,
      ticks,
      machine: { ...machine, boot: { ...machine.boot, commandLine: plain(machine.boot.commandLine) } },
      components,
      terminal: terminal.slice(-MOST_TERMINAL_LINES).map(plainText),
      sections,
    });
  }

  /** Compresses several runs at a time, and writes them in order. */
  async #writePages(image: ImageContents, table: PageTable, offset: number, runs: RunList): Promise<void> {
    const { pageBytes, read, release } = image;
    const inFlight: Promise<Uint8Array>[] = [];
    const writeFirst = async (): Promise<void> => {
      const bytes = await inFlight.shift()!;
      await this.#sink.write(offset + runs.length, bytes);
      runs.add(bytes.length, await sha256(bytes));
    };
    const runBytes = this.#runBytes(image);
    let run = new Uint8Array(runBytes);
    let filled = 0;
    const finishRun = async (): Promise<void> => {
      inFlight.push(gzip(run.subarray(0, filled)));
      run = new Uint8Array(runBytes);
      filled = 0;
      if (inFlight.length === RUNS_IN_FLIGHT) await writeFirst();
    };
    for (let page = 0; page < table.entries.length; page++) {
      this.#report(this.#doneBytes + page * pageBytes);
      if (kindOf(table.entries[page]!) !== PageKind.Literal) {
        release?.(page);
        continue;
      }
      const answer = read(page);
      const contents = answer instanceof Promise ? await answer : answer;
      assert(contents !== undefined, "nothing changes while it is saved");
      run.set(contents, filled);
      release?.(page);
      filled += pageBytes;
      if (filled === runBytes) await finishRun();
    }
    if (filled > 0) await finishRun();
    while (inFlight.length > 0) await writeFirst();
    this.#doneBytes += table.entries.length * pageBytes;
    this.#onProgress(this.#doneBytes, this.#totalBytes);
  }

  /** Trailer and head. */
  async #writeFrame(manifest: Manifest): Promise<WrittenSnapshot> {
    const front = frontPart(manifestBytes(manifest));
    const end = endOfSections(manifest);
    await this.#sink.write(end, trailer(front, end + TRAILER_BYTES));
    await this.#sink.write(0, front);
    return { manifest, id: toHex(await sha256(front)), size: end + TRAILER_BYTES };
  }
}

const plain = (text: string | null): string | null => (text === null ? null : plainText(text));

function entry(name: string, codec: Codec, rawLength: number, length: number): SectionEntry {
  return { name, codec, rawLength, length, offset: 0, sha256: PLACEHOLDER };
}

async function section(name: string, contents: Uint8Array, optional?: true): Promise<Ready> {
  assert(contents.length <= MOST_SECTION_BYTES, `section ${name} has at most ${MOST_SECTION_BYTES} bytes`);
  const codec = contents.length > LONGEST_PLAIN ? "gzip" : "none";
  const bytes = codec === "gzip" ? await gzip(contents) : contents;
  const plainEntry = { ...entry(name, codec, contents.length, bytes.length), sha256: toHex(await sha256(bytes)) };
  return { entry: optional ? { ...plainEntry, optional } : plainEntry, bytes };
}

/** The same manifest with the sections at their places. */
function placed(manifest: Manifest): Manifest {
  let offset = firstOffset(manifest);
  const sections = manifest.sections.map((entry) => {
    const here = { ...entry, offset };
    offset = alignUp(offset + entry.length);
    return here;
  });
  return { ...manifest, sections };
}

/**
 * Writes a snapshot file. RAM is read page by page and never held: once to find zero and equal pages, once more for the
 * literals, a few runs of which are in memory at a time. The head is written last, so that a file whose writing was
 * interrupted is not mistaken for a whole one.
 */
import { assert } from "../lib/assert";
import { sha256, toHex } from "../lib/sha256";
import type { ByteSink } from "./byte-store";
import { gzip } from "./gzip";
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
  type SectionEntry,
} from "./manifest";
import { buildPageTable, encodePageTable, kindOf, PAGE_BYTES, PageKind, type PageReader, type PageTable } from "./page-table";
import { hashOfRuns, RUN_BYTES, RunList, runCount } from "./ram-runs";
import { RAM_PAGES, RAM_RUNS, RAM_TABLE } from "./ram-sections";

/** The state of a machine that stands still. */
export interface SnapshotContents {
  /** By name, in the order in which the file shall have them. */
  readonly sections: ReadonlyMap<string, Uint8Array>;
  readonly ramBytes: number;
  readonly readFrame: PageReader;
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

/** How much of RAM has been dealt with; each byte counts twice. */
export type OnSnapshotProgress = (done: number, total: number) => void;

/** Runs that are compressed at the same time, 1 MB each. */
const RUNS_IN_FLIGHT = 4;
const PLACEHOLDER = "0".repeat(64);

/**
 * Writes the whole file, and resolves to its manifest. `sink` is empty. Rejects as the sink and `readFrame` do, and with
 * BadArgument or SnapshotIncompatible for details that a manifest cannot hold; then the sink holds no snapshot.
 */
export async function writeSnapshot(
  contents: SnapshotContents,
  details: SnapshotDetails,
  sink: ByteSink,
  onProgress: OnSnapshotProgress = () => {},
): Promise<Manifest> {
  return new Writing(contents, details, sink, onProgress).run();
}

/** A section whose bytes are known before the file has a form. */
interface Ready {
  readonly entry: SectionEntry;
  readonly bytes: Uint8Array;
}

class Writing {
  readonly #contents: SnapshotContents;
  readonly #details: SnapshotDetails;
  readonly #sink: ByteSink;
  readonly #onProgress: OnSnapshotProgress;

  constructor(contents: SnapshotContents, details: SnapshotDetails, sink: ByteSink, onProgress: OnSnapshotProgress) {
    assert(contents.ramBytes % PAGE_BYTES === 0, "RAM is whole pages");
    this.#contents = contents;
    this.#details = details;
    this.#sink = sink;
    this.#onProgress = onProgress;
  }

  async run(): Promise<Manifest> {
    const { ramBytes, readFrame, sections } = this.#contents;
    const read: PageReader = (page) => {
      this.#report(page, 0);
      return readFrame(page);
    };
    const table = await buildPageTable(ramBytes / PAGE_BYTES, read);
    const ready = await Promise.all([...sections].map(([name, bytes]) => section(name, "none", bytes)));
    ready.push(await section(RAM_TABLE, "gzip", encodePageTable(table.entries)));

    const runs = new RunList(runCount(table.literals));
    // All that is not known yet is written with a fixed width, so that the places of sections are known now.
    const draft = this.#manifest([
      ...ready.map(({ entry }) => entry),
      entry(RAM_RUNS, "none", runs.bytes.length, runs.bytes.length),
      entry(RAM_PAGES, "gzip-runs", table.literals * PAGE_BYTES, 0),
    ]);
    const places = new Map(placed(draft).sections.map(({ name, offset }) => [name, offset]));
    for (const { entry, bytes } of ready) await this.#sink.write(places.get(entry.name)!, bytes);
    await this.#writePages(table, places.get(RAM_PAGES)!, runs);
    await this.#sink.write(places.get(RAM_RUNS)!, runs.bytes);
    const finished = placed(
      this.#manifest([
        ...ready.map(({ entry }) => entry),
        (await section(RAM_RUNS, "none", runs.bytes)).entry,
        { ...entry(RAM_PAGES, "gzip-runs", table.literals * PAGE_BYTES, runs.length), sha256: hashOfRuns(runs.bytes) },
      ]),
    );
    await this.#writeFrame(finished);
    return finished;
  }

  #report(page: number, pass: 0 | 1): void {
    const { ramBytes } = this.#contents;
    const done = page * PAGE_BYTES;
    if (done % RUN_BYTES === 0) this.#onProgress(done + pass * ramBytes, 2 * ramBytes);
  }

  #manifest(sections: readonly SectionEntry[]): Manifest {
    const { build, title, created, instructions, ticks, machine, components, terminal } = this.#details;
    return checkManifest({
      format: FORMAT_VERSION,
      build: plainText(build),
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
  async #writePages(table: PageTable, offset: number, runs: RunList): Promise<void> {
    const inFlight: Promise<Uint8Array>[] = [];
    const writeFirst = async (): Promise<void> => {
      const bytes = await inFlight.shift()!;
      await this.#sink.write(offset + runs.length, bytes);
      runs.add(bytes.length, await sha256(bytes));
    };
    let run = new Uint8Array(RUN_BYTES);
    let filled = 0;
    const finishRun = async (): Promise<void> => {
      inFlight.push(gzip(run.subarray(0, filled)));
      run = new Uint8Array(RUN_BYTES);
      filled = 0;
      if (inFlight.length === RUNS_IN_FLIGHT) await writeFirst();
    };
    for (let page = 0; page < table.entries.length; page++) {
      this.#report(page, 1);
      if (kindOf(table.entries[page]!) !== PageKind.Literal) continue;
      const answer = this.#contents.readFrame(page);
      const contents = answer instanceof Promise ? await answer : answer;
      assert(contents !== undefined, "RAM does not change while it is saved");
      run.set(contents, filled);
      filled += PAGE_BYTES;
      if (filled === RUN_BYTES) await finishRun();
    }
    if (filled > 0) await finishRun();
    while (inFlight.length > 0) await writeFirst();
    this.#onProgress(2 * this.#contents.ramBytes, 2 * this.#contents.ramBytes);
  }

  /** Trailer and head. */
  async #writeFrame(manifest: Manifest): Promise<void> {
    const front = frontPart(manifestBytes(manifest));
    const end = endOfSections(manifest);
    await this.#sink.write(end, trailer(front, end + TRAILER_BYTES));
    await this.#sink.write(0, front);
  }
}

const plain = (text: string | null): string | null => (text === null ? null : plainText(text));

function entry(name: string, codec: Codec, rawLength: number, length: number): SectionEntry {
  return { name, codec, rawLength, length, offset: 0, sha256: PLACEHOLDER };
}

async function section(name: string, codec: "none" | "gzip", contents: Uint8Array): Promise<Ready> {
  assert(contents.length <= MOST_SECTION_BYTES, `section ${name} has at most ${MOST_SECTION_BYTES} bytes`);
  const bytes = codec === "gzip" ? await gzip(contents) : contents;
  return { entry: { ...entry(name, codec, contents.length, bytes.length), sha256: toHex(await sha256(bytes)) }, bytes };
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

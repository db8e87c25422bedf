/** Sources to memory images: the student's program and what the lab gives, each with the lab's constants as `equ` lines before it. */
import { type Assembled, type AssembledLine, assemble } from "../assembler/assemble";
import { describeError } from "../assembler/source-error";
import { fileFor, type Run, type StudentLab } from "./format";

export interface Image {
  readonly address: number;
  readonly bytes: Uint8Array;
}

export interface Built {
  readonly images: readonly Image[];
  readonly entry: number;
  /** Labels of the student's program. */
  readonly labels: ReadonlyMap<string, number>;
  /** Labels of given sources, too. */
  readonly places: ReadonlyMap<string, number>;
  /** Bytes of the student's program; 0 where it is no part of the run. */
  readonly bytes: number;
  /** Line of the student's source at an address; 0 = none. */
  lineAt(address: number): number;
  /** Where an address lies, in words: the nearest label before it and the student's line. */
  describe(address: number): string;
}

/** The student's source cannot be used: one line that says why. */
export class SourceRefused extends Error {}
/** A source of the lab cannot be used: the lab's mistake. */
export class LabBroken extends Error {}

export const MOST_SOURCE_CHARACTERS = 64 * 1024;
const MOST_SOURCE_LINES = 3000;
const MOST_IMAGE_BYTES = 1 << 18;

/** Throws SourceRefused, LabBroken. */
export function build(student: StudentLab, run: Run, source: string | undefined): Built {
  const prelude = equs({ ...student.constants, ...run.define });
  const own = source === undefined ? undefined : assembleOwn(source, prelude, run);
  const ownLabels = own?.labels ?? new Map<string, number>();
  const missing = run.needs.filter((name) => !ownLabels.has(name));
  if (own && missing.length > 0)
    throw new SourceRefused(
      `Your program has no label ${missing.map((name) => `"${name}:"`).join(" and no label ")}, where the given code goes.`,
    );
  const needs = Object.fromEntries(run.needs.map((name) => [name, ownLabels.get(name)!]));
  const given = run.given.map((file) => assembleGiven(file, fileFor(student, file), [...prelude, ...equs(needs)], run));
  const images = [...given, ...(own ? [own] : [])].map(({ org, bytes }) => ({ address: org, bytes }));
  demandApart(images, own);
  const allLabels = new Map([...given.flatMap(({ labels }) => [...labels]), ...ownLabels]);
  return {
    images,
    entry: entryOf(run, allLabels, own ?? given[0]!),
    labels: ownLabels,
    places: allLabels,
    bytes: own?.bytes.length ?? 0,
    lineAt: (address) => own?.lineAt(address) ?? 0,
    describe: (address) => describe(address, allLabels, own),
  };
}

const equs = (values: Readonly<Record<string, number>>): string[] => Object.entries(values).map(([name, value]) => `${name} equ ${value}`);

interface Own extends Assembled {
  lineAt(address: number): number;
}

function assembleOwn(source: string, prelude: readonly string[], run: Run): Own {
  if (source.trim() === "") throw new SourceRefused("There is no program yet.");
  if (source.length > MOST_SOURCE_CHARACTERS)
    throw new SourceRefused(`The source has ${source.length} characters; at most ${MOST_SOURCE_CHARACTERS} are taken.`);
  const lines = source.split(/\r?\n/).length;
  if (lines > MOST_SOURCE_LINES) throw new SourceRefused(`The source has ${lines} lines; at most ${MOST_SOURCE_LINES} are taken.`);
  let assembled: Assembled;
  try {
    assembled = assemble([...prelude, source].join("\n"), {
      bits: run.mode === "real" ? 16 : 32,
      org: run.org,
      maxBytes: MOST_IMAGE_BYTES,
    });
  } catch (error) {
    // Nested too deeply for the parser's stack.
    if (error instanceof RangeError) throw new SourceRefused("The source is nested too deeply to be assembled.");
    throw error;
  }
  const shown = assembled.errors
    .slice(0, 3)
    .map(({ line, message }) => describeError({ line: Math.max(1, line - prelude.length), message }));
  const more = assembled.errors.length - shown.length;
  if (more > 0) shown.push(`and ${more} more`);
  if (shown.length > 0) throw new SourceRefused(`It does not assemble: ${shown.join("; ")}.`);
  if (assembled.bytes.length === 0) throw new SourceRefused("The program is empty: it assembles to no bytes.");
  if (assembled.org !== run.org)
    throw new SourceRefused(`Your program is loaded at 0x${run.org.toString(16)}: leave "org" out, or give it that address.`);
  return { ...assembled, lineAt: (address) => lineOf(assembled.lines, address, prelude.length) };
}

/** The last line that begins at or before the address and covers it. Lines are in order of address. */
function lineOf(lines: readonly AssembledLine[], address: number, before: number): number {
  let low = 0;
  let high = lines.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (lines[middle]!.address <= address) low = middle + 1;
    else high = middle;
  }
  const found = lines[low - 1];
  return found && address < found.address + found.length ? found.line - before : 0;
}

function assembleGiven(file: string, source: string, prelude: readonly string[], run: Run): Assembled {
  const assembled = assemble([...prelude, source].join("\n"), { bits: run.mode === "real" ? 16 : 32, org: run.org });
  const error = assembled.errors[0];
  if (error) throw new LabBroken(`${file}: ${describeError({ line: error.line - prelude.length, message: error.message })}`);
  return assembled;
}

function demandApart(images: readonly Image[], own: Own | undefined): void {
  const sorted = [...images].sort((a, b) => a.address - b.address);
  for (const [n, image] of sorted.entries()) {
    const next = sorted[n + 1];
    if (!next || image.address + image.bytes.length <= next.address) continue;
    if (own && (image.bytes === own.bytes || next.bytes === own.bytes))
      throw new SourceRefused(`Your program of ${own.bytes.length} bytes reaches into the given code at 0x${next.address.toString(16)}.`);
    throw new LabBroken(`two given sources overlap at 0x${next.address.toString(16)}`);
  }
}

function entryOf(run: Run, labels: ReadonlyMap<string, number>, first: Assembled): number {
  if (run.entry === "") return first.org;
  const entry = /^\d/.test(run.entry) ? Number(run.entry) : labels.get(run.entry);
  if (entry === undefined || !Number.isInteger(entry)) throw new LabBroken(`there is no label ${run.entry} to begin at`);
  return entry;
}

function describe(address: number, labels: ReadonlyMap<string, number>, own: Own | undefined): string {
  const line = own?.lineAt(address) ?? 0;
  const near = [...labels].filter(([, at]) => at <= address && address - at < 4096).sort((a, b) => b[1] - a[1])[0];
  const place = near ? `, ${near[0]}${address === near[1] ? "" : `+${address - near[1]}`}` : "";
  return `0x${address.toString(16)}${place}${line > 0 ? `, line ${line} of your program` : ""}`;
}

/**
 * Damaged and forged snapshots from a seed, the same ones every time. Damage is what disks and networks do; forgeries
 * have the right hashes, so that they reach what lies behind the checks. Used by the spec and by `npm run accept -- 3.3`.
 */

import { isEmulatorError } from "../../web/lib/errors";
import { Sha256, toHex } from "../../web/lib/sha256";
import { Machine } from "../../web/machine/machine";
import { MemorySource } from "../../web/snapshot/byte-store";
import { alignUp, frontPart, HEAD_BYTES, TRAILER_BYTES, trailer } from "../../web/snapshot/layout";
import { firstOffset, type Manifest, manifestBytes, type SectionEntry } from "../../web/snapshot/manifest";
import { SnapshotFile } from "../../web/snapshot/snapshot-file";
import { random } from "../tools/core";
import { wasm } from "./small-machine";

export interface Mutant {
  readonly name: string;
  readonly bytes: Uint8Array;
}

type Next = () => number;
type Damage = (bytes: Uint8Array, next: Next) => Uint8Array;

const at = (bytes: Uint8Array, next: Next): number => next() % bytes.length;
function changed(bytes: Uint8Array, change: (copy: Uint8Array) => void): Uint8Array {
  const copy = bytes.slice();
  change(copy);
  return copy;
}

function flip(bytes: Uint8Array, position: number, next: Next): void {
  bytes[position]! ^= 1 << (next() % 8);
}

const DAMAGE: Readonly<Record<string, Damage>> = {
  "one bit": (bytes, next) => changed(bytes, (copy) => flip(copy, at(copy, next), next)),
  "some bytes": (bytes, next) =>
    changed(bytes, (copy) => {
      for (let n = 0; n <= next() % 16; n++) copy[at(copy, next)] = next();
    }),
  "a bit of the head": (bytes, next) => changed(bytes, (copy) => flip(copy, next() % HEAD_BYTES, next)),
  "a bit of the end": (bytes, next) => changed(bytes, (copy) => flip(copy, copy.length - 1 - (next() % TRAILER_BYTES), next)),
  "cut short": (bytes, next) => bytes.slice(0, next() % bytes.length),
  "cut within the head": (bytes, next) => bytes.slice(0, next() % (HEAD_BYTES + 2)),
  "something behind it": (bytes, next) => {
    const longer = new Uint8Array(bytes.length + 1 + (next() % 5000));
    longer.set(bytes);
    return longer;
  },
  "zeros in it": (bytes, next) =>
    changed(bytes, (copy) => {
      const from = at(copy, next);
      copy.fill(0, from, from + 512);
    }),
  "a piece missing": (bytes, next) => {
    const from = at(bytes, next);
    const length = 1 + (next() % 4096);
    return new Uint8Array([...bytes.subarray(0, from), ...bytes.subarray(from + length)]);
  },
  "two pieces swapped": (bytes, next) =>
    changed(bytes, (copy) => {
      const [a, b] = [at(copy, next), at(copy, next)];
      copy.set(bytes.subarray(b, b + 64).subarray(0, bytes.length - a), a);
      copy.set(bytes.subarray(a, a + 64).subarray(0, bytes.length - b), b);
    }),
  noise: (bytes, next) => Uint8Array.from({ length: bytes.length }, () => next() >>> 24),
  "noise behind a right head": (bytes, next) =>
    changed(bytes, (copy) => {
      for (let i = HEAD_BYTES; i < copy.length; i++) copy[i] = next() >>> 24;
    }),
};

interface Forged {
  manifest: Manifest;
  /** Stored bytes by section. */
  readonly stored: Map<string, Uint8Array>;
}
type Forgery = (file: Forged, next: Next) => void;

const NUMBERS = [0, 1, -1, 2, 0.5, 64, 4095, 4096, 2048, 2049, 65536, 2 ** 31, 2 ** 32, 2 ** 40, Number.MAX_SAFE_INTEGER, 1e300];
const VALUES = [...NUMBERS, null, true, "", "x", "\u0000", "../../etc", "x".repeat(5000), [], {}, [[[[]]]], { __proto__: 1 }];
const pick = <T>(list: readonly T[], next: Next): T => list[next() % list.length]!;

/** Replaces or removes one value anywhere in the manifest. */
function changeSomewhere(json: unknown, next: Next): void {
  const places: [Record<string, unknown>, string][] = [];
  const walk = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    for (const key of Object.keys(value)) {
      places.push([value as Record<string, unknown>, key]);
      walk((value as Record<string, unknown>)[key]);
    }
  };
  walk(json);
  const [object, key] = pick(places, next);
  if (next() % 5 === 0) delete object[key];
  else object[key] = pick(VALUES, next);
}

const stateNames = (file: Forged): string[] => [...file.stored.keys()].filter((name) => !name.startsWith("ram-"));

const FORGERIES: Readonly<Record<string, Forgery>> = {
  "a value of the manifest": (file, next) => changeSomewhere(file.manifest, next),
  "the same memory under another size": (file, next) => {
    (file.manifest.machine as { memoryMb: number }).memoryMb = pick([2, 3, 16, 2048, 2047], next);
  },
  "a byte of a section": (file, next) => {
    const bytes = file.stored.get(pick(stateNames(file), next))!;
    if (bytes.length > 0) bytes[at(bytes, next)] = next();
  },
  "a byte of the CPU": (file, next) => {
    const bytes = file.stored.get("cpu")!;
    bytes[at(bytes, next)]! ^= 1 << (next() % 8);
  },
  "a shorter section": (file, next) => {
    const name = pick([...file.stored.keys()], next);
    const bytes = file.stored.get(name)!;
    file.stored.set(name, bytes.slice(0, next() % Math.max(1, bytes.length)));
  },
  "a longer section": (file, next) => {
    const name = pick([...file.stored.keys()], next);
    file.stored.set(name, new Uint8Array([...file.stored.get(name)!, ...new Uint8Array(1 + (next() % 100))]));
  },
  "no such section": (file, next) => void file.stored.delete(pick([...file.stored.keys()], next)),
  "two sections swapped": (file, next) => {
    const [a, b] = [pick([...file.stored.keys()], next), pick([...file.stored.keys()], next)];
    const kept = file.stored.get(a)!;
    file.stored.set(a, file.stored.get(b)!);
    file.stored.set(b, kept);
  },
  "an unknown section": (file) => void file.stored.set("quantum", new Uint8Array(10)),
  "the page table": (file, next) => {
    const bytes = file.stored.get("ram-table")!;
    for (let n = 0; n <= next() % 4; n++) bytes[at(bytes, next)] = next();
  },
  "the runs' list": (file, next) => {
    const bytes = file.stored.get("ram-runs")!;
    bytes[at(bytes, next)] = next();
  },
};

const deepCopy = (manifest: Manifest): Manifest => JSON.parse(JSON.stringify(manifest)) as Manifest;

/** The file with its sections changed, and all hashes, lengths and places right again as far as its manifest allows. */
function forge(bytes: Uint8Array, manifest: Manifest, forgery: Forgery, next: Next): Uint8Array {
  const stored = new Map(manifest.sections.map(({ name, offset, length }) => [name, bytes.slice(offset, offset + length)]));
  const file: Forged = { manifest: deepCopy(manifest), stored };
  forgery(file, next);
  const sections = Array.isArray(file.manifest.sections) ? file.manifest.sections : [];
  const known = new Map(sections.filter((entry) => typeof entry === "object" && entry !== null).map((entry) => [entry.name, entry]));
  const entries: SectionEntry[] = [...file.stored].map(([name, contents]) => {
    const entry = known.get(name) ?? { name, codec: "none" as const, rawLength: contents.length, length: 0, offset: 0, sha256: "" };
    const rawLength = entry.codec === "none" ? contents.length : entry.rawLength;
    const sha256 = entry.codec === "gzip-runs" ? entry.sha256 : toHex(new Sha256().update(contents).digest());
    return { ...entry, rawLength, length: contents.length, sha256 };
  });
  let text: Uint8Array;
  try {
    let offset = firstOffset({ ...file.manifest, sections: entries });
    const placed = entries.map((entry) => {
      const here = { ...entry, offset };
      offset = alignUp(offset + entry.length);
      return here;
    });
    file.manifest = { ...file.manifest, sections: placed };
    text = manifestBytes(file.manifest);
  } catch {
    text = new Uint8Array(48);
  }
  const front = frontPart(text);
  const parts = entries.map(({ name, length }) => {
    const padded = new Uint8Array(alignUp(length));
    padded.set(file.stored.get(name)!);
    return padded;
  });
  const size = front.length + parts.reduce((sum, part) => sum + part.length, 0) + TRAILER_BYTES;
  const result = new Uint8Array(size);
  let position = 0;
  for (const part of [front, ...parts, trailer(front, size)]) {
    result.set(part, position);
    position += part.length;
  }
  return result;
}

/** So many mutants of each kind of a whole snapshot. */
export async function* mutants(bytes: Uint8Array, count: number, seed = 1): AsyncGenerator<Mutant> {
  const { manifest } = await SnapshotFile.open(new MemorySource(bytes));
  const next = random(seed);
  const kinds = [
    ...Object.entries(DAMAGE).map(([name, damage]) => ({ name, make: () => damage(bytes, next) })),
    ...Object.entries(FORGERIES).map(([name, forgery]) => ({ name: `forged: ${name}`, make: () => forge(bytes, manifest, forgery, next) })),
  ];
  yield { name: "empty", bytes: new Uint8Array() };
  for (let n = 1; n < count; n++) {
    const { name, make } = kinds[n % kinds.length]!;
    yield { name, bytes: make() };
  }
}

/** Instructions that a snapshot which loads is let run. */
const INSTRUCTIONS = 20_000;
const SLOW_MS = 2000;

export interface MutantVerdict {
  readonly outcome: "refused" | "loaded";
  /** One line; empty for a file that loaded. */
  readonly message: string;
  /** What is wrong with this; undefined: nothing. */
  readonly objection: string | undefined;
  readonly ms: number;
}

/** Opens it as a user would: a typed error with one clear line, or a machine that runs. */
export async function tryMutant({ bytes }: Mutant): Promise<MutantVerdict> {
  const started = performance.now();
  const done = (outcome: MutantVerdict["outcome"], message: string, objection?: string): MutantVerdict => {
    const ms = performance.now() - started;
    return { outcome, message, ms, objection: objection ?? (ms > SLOW_MS ? `took ${Math.round(ms)} ms` : undefined) };
  };
  let machine: Machine;
  try {
    machine = await Machine.fromSnapshot(new MemorySource(bytes), { wasm: await wasm() });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    if (!isEmulatorError(error) || error.kind !== "SnapshotIncompatible")
      return done("refused", message, `not a typed refusal: ${message}`);
    return done(
      "refused",
      message,
      /^The snapshot cannot be loaded: [\w ./-]+: .{8,}[.)]$/.test(message) ? undefined : `not a clear line: ${message}`,
    );
  }
  const { exit } = await machine.run({ instructions: machine.instructions + INSTRUCTIONS, wallSeconds: 1 });
  return done("loaded", "", exit?.reason === "core-crash" ? `crashes the core: ${exit.message.slice(0, 300)}` : undefined);
}

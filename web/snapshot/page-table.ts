/**
 * The page table of an image: one u32 (little-endian) for each page, in order; a page is 4 KB of RAM or 64 KB of a disk.
 *
 *    31 30 29                                   0
 *   ┌─────┬──────────────────────────────────────┐
 *   │ 0 0 │ 0                                    │  zero: every byte is 0
 *   │ 0 1 │ index                                │  literal: the page is number `index` of those that follow
 *   │ 1 0 │ page                                 │  same: equal to that earlier page, which is a literal
 *   │ 1 1 │ 0                                    │  parent: equal to this page of the parent snapshot
 *   └─────┴──────────────────────────────────────┘
 *
 * Literals are numbered 0, 1, 2… in the order of their pages, and two of them are never equal, except where the
 * search for an equal page gave up (`PageFinder`), which is a function of the contents as well. So the same RAM always
 * gives the same table.
 */
import { SnapshotIncompatible } from "../lib/errors";

export const PageKind = { Zero: 0, Literal: 1, Same: 2, Parent: 3 } as const;
const VALUE = 0x3fffffff;

/** A page's contents; undefined stands for zeros. */
export type PageReader = (page: number) => Uint8Array | undefined | Promise<Uint8Array | undefined>;

export const kindOf = (entry: number): number => entry >>> 30;
export const numberOf = (entry: number): number => entry & VALUE;
const literal = (index: number): number => ((PageKind.Literal << 30) | index) >>> 0;
const same = (page: number): number => ((PageKind.Same << 30) | page) >>> 0;
const PARENT = (PageKind.Parent << 30) >>> 0;

export interface PageTable {
  readonly entries: Uint32Array;
  /** How many entries are literals. */
  readonly literals: number;
}

/** Reads every page once that is not as in the parent, and again those that look like an earlier one. */
export async function buildPageTable(pageCount: number, read: PageReader, isParents?: (page: number) => boolean): Promise<PageTable> {
  const entries = new Uint32Array(pageCount);
  const finder = new PageFinder(pageCount, read);
  let literals = 0;
  for (let page = 0; page < pageCount; page++) {
    if (isParents?.(page)) {
      entries[page] = PARENT;
      continue;
    }
    const answer = read(page);
    const contents = answer instanceof Promise ? await answer : answer;
    if (!contents) continue;
    const equal = await finder.findOrAdd(page, contents);
    entries[page] = equal === undefined ? literal(literals++) : same(equal);
  }
  return { entries, literals };
}

/** 32 bits that equal pages have in common and others hardly ever. */
function hashPage(contents: Uint8Array): number {
  const aligned = contents.byteOffset % 4 === 0 ? contents : contents.slice();
  const words = new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.length / 4);
  let hash = 0x9e3779b9;
  for (let i = 0; i < words.length; i++) {
    hash = Math.imul(hash ^ words[i]!, 0x85ebca6b);
    hash = (hash << 13) | (hash >>> 19);
  }
  return hash ^ (hash >>> 16);
}

/** Candidates with one hash value that are compared; a guest that makes thousands collide gets literals instead. */
const MOST_COMPARED = 8;

/** Finds the first page with the same contents, by a table of hash values with chains of pages. */
class PageFinder {
  readonly #read: PageReader;
  readonly #first = new Map<number, number>();
  /** For each literal page, the next one with the same hash value, plus 1; 0 ends the chain. */
  readonly #next: Uint32Array;

  constructor(pageCount: number, read: PageReader) {
    this.#read = read;
    this.#next = new Uint32Array(pageCount);
  }

  /** The page that `contents` equals, or undefined: then `page` can be found from now on. */
  async findOrAdd(page: number, contents: Uint8Array): Promise<number | undefined> {
    const hash = hashPage(contents);
    let candidate = this.#first.get(hash);
    if (candidate === undefined) {
      this.#first.set(hash, page);
      return undefined;
    }
    for (let compared = 1; ; compared++) {
      const answer = this.#read(candidate);
      const other = answer instanceof Promise ? await answer : answer;
      if (other && equalBytes(contents, other)) return candidate;
      if (compared === MOST_COMPARED) return undefined;
      const next: number = this.#next[candidate]!;
      if (next === 0) break;
      candidate = next - 1;
    }
    this.#next[candidate] = page + 1;
    return undefined;
  }
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

export function encodePageTable(entries: Uint32Array): Uint8Array {
  const result = new Uint8Array(entries.length * 4);
  const view = new DataView(result.buffer);
  for (let page = 0; page < entries.length; page++) view.setUint32(page * 4, entries[page]!, true);
  return result;
}

/** `bytes` is 4 bytes long for each page. Throws SnapshotIncompatible. */
export function decodePageTable(bytes: Uint8Array, section: string, hasParent: boolean): PageTable {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const entries = new Uint32Array(bytes.length / 4);
  let literals = 0;
  const isRight = (kind: number, value: number, page: number): boolean => {
    switch (kind) {
      case PageKind.Zero:
        return value === 0;
      case PageKind.Literal:
        return value === literals++;
      case PageKind.Same:
        return value < page && kindOf(entries[value]!) === PageKind.Literal;
      default:
        return hasParent && value === 0;
    }
  };
  for (let page = 0; page < entries.length; page++) {
    const entry = view.getUint32(page * 4, true);
    const value = numberOf(entry);
    if (!isRight(kindOf(entry), value, page)) throw new SnapshotIncompatible(section, `the entry of page ${page} means nothing.`);
    entries[page] = entry;
  }
  return { entries, literals };
}

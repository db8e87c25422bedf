/**
 * A published machine: a folder for any static web server, player included (docs/snapshot-format.md, "Published"). Its
 * head is the one file that changes; it names two snapshots by their ids. The small one holds the machine's state and the
 * pages that it touches first, and builds upon the other, of which the rest is fetched piece by piece.
 */
import { SnapshotIncompatible } from "../lib/errors";

/** From the player's folder. */
export const HEAD_PATH = "machine/head.json";
/** In the player's index.html: the content is HEAD_PATH. */
export const PUBLISHED_META = "vitrine-published";

const VERSION = 1;
const MOST_HEAD_BYTES = 65_536;
/** What is fetched whole before the machine starts. */
const MOST_HOT_BYTES = 256 << 20;

export interface PublishedFile {
  /** SHA-256 of the snapshot's first part, which names its whole content: 64 hexadecimal digits. */
  readonly id: string;
  readonly bytes: number;
}

export interface PublishedHead {
  readonly v: number;
  readonly title: string;
  readonly whole: PublishedFile;
  readonly hot: PublishedFile;
}

/** Where a file of the head lies, from the player's folder: its name never means other contents. */
export const publishedPath = ({ id }: PublishedFile): string => `machine/${id}.vitrine`;

export const headText = (head: Omit<PublishedHead, "v">): string => `${JSON.stringify({ v: VERSION, ...head }, undefined, 1)}\n`;

/** Throws SnapshotIncompatible for what `headText` would not have written. */
export function parseHead(text: string): PublishedHead {
  const refuse = (reason: string): never => {
    throw new SnapshotIncompatible("head", `${reason} Whoever published this folder must publish it again.`);
  };
  let json: unknown;
  try {
    json = text.length <= MOST_HEAD_BYTES ? JSON.parse(text) : undefined;
  } catch {}
  if (typeof json !== "object" || json === null) return refuse(`${HEAD_PATH} is damaged.`);
  const { v, title, whole, hot } = json as Partial<Record<keyof PublishedHead, unknown>>;
  if (v !== VERSION) refuse("it is of another version than this player.");
  const file = (value: unknown, most: number): PublishedFile => {
    const { id, bytes } = (typeof value === "object" && value !== null ? value : {}) as Partial<PublishedFile>;
    if (typeof id !== "string" || !/^[0-9a-f]{64}$/.test(id) || !Number.isSafeInteger(bytes) || bytes! <= 0 || bytes! > most)
      return refuse(`${HEAD_PATH} names a file that is not possible.`);
    return { id, bytes: bytes! };
  };
  if (typeof title !== "string" || title.length > 1000) refuse("it has no title.");
  return { v: VERSION, title: title as string, whole: file(whole, Number.MAX_SAFE_INTEGER), hot: file(hot, MOST_HOT_BYTES) };
}

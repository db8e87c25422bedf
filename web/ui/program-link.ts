/** A program of the assembler as a link: `#program=sector.…`, the source compressed. Nothing is stored on a server. */
import type { Program } from "../panels/assembler-panel";

const KEY = "program";
/** A link that unpacks to more is no program that somebody wrote. */
const MOST_BYTES = 1 << 20;

/** `base`: the page's address without what follows `#`. */
export async function programLink(base: string, { kind, source }: Program): Promise<string> {
  const packed = await through(new TextEncoder().encode(source), new CompressionStream("deflate-raw"), Number.POSITIVE_INFINITY);
  return `${base}#${KEY}=${kind}.${toText(packed)}`;
}

/** The program in the part of an address after `#`; undefined: it is about something else. Rejects where it is damaged. */
export async function programOf(hash: string): Promise<Program | undefined> {
  if (!hash.startsWith(`#${KEY}=`)) return undefined;
  const [, kind, text] = /^(sector|flat32)\.([A-Za-z0-9_-]*)$/.exec(hash.slice(KEY.length + 2)) ?? [];
  if (kind === undefined || text === undefined) throw new Error(DAMAGED);
  try {
    const bytes = await through(toBytes(text), new DecompressionStream("deflate-raw"), MOST_BYTES);
    return { kind: kind as Program["kind"], source: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
  } catch {
    throw new Error(DAMAGED);
  }
}

const DAMAGED = "The link to this program is damaged: copy the whole link, and open it again.";

async function through(
  bytes: Uint8Array<ArrayBuffer>,
  transform: CompressionStream | DecompressionStream,
  most: number,
): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  const reader = new Blob([bytes]).stream().pipeThrough(transform).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > most) throw new Error("too large");
    pieces.push(value);
  }
  const result = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    result.set(piece, at);
    at += piece.length;
  }
  return result;
}

const toText = (bytes: Uint8Array): string =>
  btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replace(/=+$/, "");
const toBytes = (text: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (character) => character.charCodeAt(0));

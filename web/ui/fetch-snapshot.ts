/** Fetches a snapshot from an address of somebody's, with progress; what goes wrong is said with what to do about it. */
import { MOST_MEMORY_MB } from "./machines";

/** Why it could not be had, in sentences. */
export class CannotFetch extends Error {}

/** No snapshot is larger: all of memory uncompressed, and its disks. */
const MOST_BYTES = MOST_MEMORY_MB * 0x100000 * 2;
/** Each piece becomes a Blob of its own, which the browser may put on disk. */
const PIECE_BYTES = 8 << 20;
const PROGRESS_MS = 100;
/** 89 "VTRSN" 0D 0A: what is something else need not be fetched to its end. */
const MAGIC = [0x89, 0x56, 0x54, 0x52, 0x53, 0x4e, 0x0d, 0x0a];

/** `total` 0: the server does not say. */
export type OnFetchProgress = (done: number, total: number) => void;

export function snapshotAddress(text: string, base: string): URL {
  const url = URL.canParse(text, base) ? new URL(text, base) : undefined;
  if (!url || !/^https?:$/.test(url.protocol))
    throw new CannotFetch(`"${text}" is no http or https address of a snapshot. Check the link.`);
  return url;
}

export async function fetchSnapshot(url: URL, onProgress: OnFetchProgress, signal: AbortSignal): Promise<Blob> {
  let response: Response;
  try {
    response = await fetch(url, { signal, credentials: "omit", redirect: "follow" });
  } catch (error) {
    if (signal.aborted) throw error;
    throw new CannotFetch(await whyNot(url));
  }
  if (!response.ok || !response.body)
    throw new CannotFetch(`${url.host} answers with HTTP status ${response.status}: the snapshot is not there (any more). Check the link.`);
  const total = Number(response.headers.get("Content-Length") ?? 0) || 0;
  if (total > MOST_BYTES) throw new CannotFetch(`The file has ${total} bytes, more than any snapshot. Check the link.`);
  try {
    return await collect(response.body.getReader(), total, onProgress);
  } catch (error) {
    if (error instanceof CannotFetch || signal.aborted) throw error;
    throw new CannotFetch("The connection broke off. Check the network and open the link again.");
  }
}

async function collect(
  reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>,
  total: number,
  onProgress: OnFetchProgress,
): Promise<Blob> {
  const blobs: Blob[] = [];
  let pieces: Uint8Array<ArrayBuffer>[] = [];
  let [held, done, toldAt] = [0, 0, 0];
  const head: number[] = [];
  const refuse = async (text: string): Promise<never> => {
    await reader.cancel().catch(() => {});
    throw new CannotFetch(text);
  };
  for (;;) {
    const { done: isOver, value } = await reader.read();
    if (isOver) break;
    for (let i = 0; head.length < MAGIC.length && i < value.length; i++) head.push(value[i]!);
    if (head.some((byte, i) => byte !== MAGIC[i])) await refuse("What this address gives is no snapshot of Vitrine. Check the link.");
    done += value.length;
    if (done > MOST_BYTES) await refuse("The file is larger than any snapshot. Check the link.");
    pieces.push(value);
    held += value.length;
    if (held >= PIECE_BYTES) {
      blobs.push(new Blob(pieces));
      pieces = [];
      held = 0;
    }
    if (performance.now() - toldAt >= PROGRESS_MS) {
      toldAt = performance.now();
      onProgress(done, total);
    }
  }
  return new Blob([...blobs, ...pieces]);
}

/** Browsers do not say why a request failed. A request without reading the answer tells a server that is gone from one that forbids it. */
async function whyNot(url: URL): Promise<string> {
  if (url.origin === location.origin) return `${url.host} does not answer. Check that the server is running and that you are online.`;
  const header = `the Access-Control-Allow-Origin header (Access-Control-Allow-Origin: * lets every page read the file, or name ${location.origin})`;
  const reached = await fetch(url, { mode: "no-cors", credentials: "omit" }).then(
    () => true,
    () => false,
  );
  if (reached)
    return `${url.host} has the file but does not let this page read it: its answer lacks ${header}. Whoever runs it must add that; until then download the file and open it here.`;
  return `${url.host} could not be read: either it does not answer, or its answer lacks ${header}. Check the link, or download the file and open it here.`;
}

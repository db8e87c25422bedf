/**
 * Gets the bytes of a recipe's images: downloads with progress and an integrity check, files the user chose, built-in
 * guests. What was downloaded is kept in the browser's cache storage, so that it boots again without a server;
 * where that is absent (plain http) it is fetched each time.
 */
import { DownloadFailed, ImageUnreadable, IntegrityFailed, isEmulatorError } from "../lib/errors";
import { sha256, toHex } from "../lib/sha256";
import type { LoadProgress } from "../protocol/events";
import type { ImageSource } from "../protocol/recipe";

export type OnProgress = (progress: LoadProgress) => void;
type RemoteImage = Extract<ImageSource, { readonly kind: "url" }>;

const CACHE_NAME = "vitrine-images-1";
/** Progress is told at most so often. */
const PROGRESS_MS = 100;
/** A connection that is silent for so long is given up. */
const SILENCE_MS = 45_000;

export interface ImageStoreOptions {
  /** How long a connection that is silent is waited for, in ms. */
  readonly silenceMs?: number;
  /** The bytes of a guest that comes with Vitrine. Throws for an unknown id. */
  builtin(id: string): Promise<Uint8Array> | Uint8Array;
}

export class ImageStore {
  readonly #options: ImageStoreOptions;
  /** Downloads under way, by hash: a boot takes up what a prefetch has begun. */
  readonly #running = new Map<string, { readonly bytes: Promise<Uint8Array>; readonly listeners: Set<OnProgress> }>();

  constructor(options: ImageStoreOptions) {
    this.#options = options;
  }

  /** Throws DownloadFailed, IntegrityFailed, ImageUnreadable. */
  async load(source: ImageSource, onProgress: OnProgress): Promise<Uint8Array> {
    switch (source.kind) {
      case "url":
        return this.#remote(source, onProgress);
      case "file":
        return readFile(source.file, source.name);
      case "builtin":
        return this.#options.builtin(source.id);
      default: {
        const never: never = source;
        return never;
      }
    }
  }

  /** Whether downloads outlive the page here. */
  static get isPersistent(): boolean {
    return "caches" in globalThis;
  }

  #remote(image: RemoteImage, onProgress: OnProgress): Promise<Uint8Array> {
    const running = this.#running.get(image.sha256);
    if (running) {
      running.listeners.add(onProgress);
      return running.bytes;
    }
    const listeners = new Set([onProgress]);
    const tell: OnProgress = (progress) => {
      for (const listener of listeners) listener(progress);
    };
    const bytes = this.#cachedOrFetched(image, tell).finally(() => this.#running.delete(image.sha256));
    this.#running.set(image.sha256, { bytes, listeners });
    return bytes;
  }

  async #cachedOrFetched(image: RemoteImage, onProgress: OnProgress): Promise<Uint8Array> {
    const cache = await openCache();
    const key = cacheKey(image);
    const kept = await cache?.match(key);
    if (kept) {
      const bytes = new Uint8Array(await kept.arrayBuffer());
      if (bytes.length === image.bytes) return bytes;
      await cache?.delete(key);
    }
    const bytes = await download(image, onProgress, this.#options.silenceMs ?? SILENCE_MS);
    onProgress({ step: "check", name: image.name, done: bytes.length, total: bytes.length });
    await check(image, bytes);
    if (cache) await keep(cache, key, bytes);
    return bytes;
  }
}

async function readFile(file: Blob, name: string): Promise<Uint8Array> {
  try {
    return new Uint8Array(await file.arrayBuffer());
  } catch {
    throw new ImageUnreadable(
      name,
      "The browser could not read it: it was moved, changed or deleted since you chose it.",
      "Choose it again.",
    );
  }
}

async function openCache(): Promise<Cache | undefined> {
  try {
    return ImageStore.isPersistent ? await caches.open(CACHE_NAME) : undefined;
  } catch {
    // Private windows of some browsers have the interface but refuse to open a cache.
    return undefined;
  }
}

/** One address for each contents, so that a guest prepared anew is not mistaken for the old one. */
const cacheKey = (image: RemoteImage): string => `${image.url}?sha256=${image.sha256}`;

/** A full disk must not fail the boot: then the image is fetched again next time. */
async function keep(cache: Cache, key: string, bytes: Uint8Array): Promise<void> {
  try {
    await cache.put(key, new Response(bytes as Uint8Array<ArrayBuffer>, { headers: { "Content-Length": String(bytes.length) } }));
    const path = new URL(key).pathname;
    for (const request of await cache.keys()) {
      const older = new URL(request.url);
      if (older.pathname === path && older.href !== new URL(key).href) await cache.delete(request);
    }
  } catch {}
}

const TRY_AGAIN = "Reload the page; if it happens again, prepare the guests again on the server.";

async function check(image: RemoteImage, bytes: Uint8Array): Promise<void> {
  if (bytes.length !== image.bytes) throw new IntegrityFailed(image.name, `${image.bytes} bytes`, `${bytes.length} bytes`, TRY_AGAIN);
  const found = toHex(await sha256(bytes));
  if (found !== image.sha256)
    throw new IntegrityFailed(image.name, `SHA-256 ${image.sha256.slice(0, 16)}…`, `${found.slice(0, 16)}…`, TRY_AGAIN);
}

/** Fetches the gzip copy where there is one and the browser can unpack it. */
async function download(image: RemoteImage, onProgress: OnProgress, silenceMs: number): Promise<Uint8Array> {
  const silence = new AbortController();
  const giveUp = (): void => silence.abort();
  let timer = setTimeout(giveUp, silenceMs);
  const heard = (): void => {
    clearTimeout(timer);
    timer = setTimeout(giveUp, silenceMs);
  };
  try {
    return await fetched(image, onProgress, heard, silence.signal);
  } catch (error) {
    if (!silence.signal.aborted) throw error;
    const seconds = Math.round(silenceMs / 1000);
    throw new DownloadFailed(image.name, 0, `The connection was silent for ${seconds} s. Check the network and boot again.`);
  } finally {
    clearTimeout(timer);
  }
}

async function fetched(image: RemoteImage, onProgress: OnProgress, heard: () => void, signal: AbortSignal): Promise<Uint8Array> {
  const packed = "DecompressionStream" in globalThis ? image.gzip : undefined;
  const total = packed?.bytes ?? image.bytes;
  let done = 0;
  let toldAt = 0;
  const count = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
    transform(chunk, controller) {
      heard();
      done += chunk.length;
      const now = performance.now();
      if (now - toldAt >= PROGRESS_MS) {
        toldAt = now;
        onProgress({ step: "download", name: image.name, done: Math.min(done, total), total });
      }
      controller.enqueue(chunk);
    },
  });
  onProgress({ step: "download", name: image.name, done: 0, total });
  const body = await open(packed?.url ?? image.url, image.name, signal);
  const counted = body.pipeThrough(count);
  try {
    const bytes = await collect(packed ? await unpacked(counted) : counted, image);
    onProgress({ step: "download", name: image.name, done: total, total });
    return bytes;
  } catch (error) {
    if (isEmulatorError(error)) throw error;
    throw new DownloadFailed(image.name, 0, "The connection broke off. Check the network and boot again.");
  }
}

async function open(url: string, name: string, signal: AbortSignal): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
  let response: Response;
  try {
    response = await fetch(url, { signal });
  } catch {
    throw new DownloadFailed(
      name,
      0,
      "Check that the server (npm start) is running and that you are online, then boot again. The built-in machines need no network.",
    );
  }
  if (!response.ok || !response.body)
    throw new DownloadFailed(
      name,
      response.status,
      response.status === 404 ? "The server does not have it (any more): reload the page." : "Try again later.",
    );
  return response.body;
}

/**
 * Unpacks gzip, told by its first two bytes. Anything else passes unchanged: some servers announce .gz files as
 * Content-Encoding: gzip, and then the browser has unpacked them already.
 */
async function unpacked(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
  const reader = stream.getReader();
  let head = new Uint8Array(0);
  while (head.length < 2) {
    const { done, value } = await reader.read();
    if (done) break;
    const joined = new Uint8Array(head.length + value.length);
    joined.set(head);
    joined.set(value, head.length);
    head = joined;
  }
  const isGzip = head[0] === 0x1f && head[1] === 0x8b;
  const whole = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start(controller) {
      if (head.length > 0) controller.enqueue(head);
    },
    async pull(controller) {
      const { done, value } = await reader.read();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: (reason) => reader.cancel(reason),
  });
  return isGzip ? whole.pipeThrough(new DecompressionStream("gzip")) : whole;
}

/** All of a stream. One that is longer than announced is not read to its end. */
async function collect(stream: ReadableStream<Uint8Array<ArrayBuffer>>, image: RemoteImage): Promise<Uint8Array> {
  const bytes = new Uint8Array(image.bytes);
  let filled = 0;
  const reader = stream.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return bytes.subarray(0, filled);
    if (filled + value.length > bytes.length) {
      await reader.cancel();
      throw new IntegrityFailed(image.name, `${image.bytes} bytes`, "more", TRY_AGAIN);
    }
    bytes.set(value, filled);
    filled += value.length;
  }
}

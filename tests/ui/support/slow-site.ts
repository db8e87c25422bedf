/** A static web server of a folder, over a line of so many bytes a second that all answers share, and that can be cut. */
import { readFileSync, statSync } from "node:fs";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";
import { gzipSync } from "node:zlib";

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".json": "application/json",
  ".wasm": "application/wasm",
  ".txt": "text/plain; charset=utf-8",
};
const PIECE_BYTES = 8192;

export interface Line {
  readonly bytesPerSecond: number;
  readonly latencyMs: number;
}

export class SlowSite {
  readonly #folder: string;
  readonly #line: Line;
  #server: Server | undefined;
  #port = 0;
  /** When the line is free again, in ms. */
  #freeAt = 0;
  /** Bytes sent of files whose path contains the key. */
  readonly sent = { machine: 0, player: 0 };

  constructor(folder: string, line: Line) {
    this.#folder = folder;
    this.#line = line;
  }

  get url(): string {
    return `http://localhost:${this.#port}/`;
  }

  async start(): Promise<void> {
    const server = createServer((request, response) => {
      setTimeout(() => void this.#answer(request.url ?? "/", request.headers, response), this.#line.latencyMs);
    });
    await new Promise<void>((resolve) => server.listen(this.#port, "127.0.0.1", resolve));
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  /** Nobody is answered any more, and what is under way breaks off. `start` brings it back. */
  async stop(): Promise<void> {
    this.#server?.closeAllConnections();
    await new Promise<void>((resolve) => (this.#server ? this.#server.close(() => resolve()) : resolve()));
    this.#server = undefined;
  }

  async #answer(url: string, headers: { readonly [name: string]: string | string[] | undefined }, response: ServerResponse): Promise<void> {
    const path = normalize(decodeURIComponent(url.split(/[?#]/)[0]!)).replace(/^\/+/, "") || "index.html";
    const file = join(this.#folder, path);
    if (!statSync(file, { throwIfNoEntry: false })?.isFile()) {
      response.writeHead(404).end();
      return;
    }
    const contents = readFileSync(file);
    const type = TYPES[extname(file)] ?? "application/octet-stream";
    const range = /^bytes=(\d+)-(\d+)$/.exec(String(headers.range ?? ""));
    const kind = path.startsWith("machine/") ? "machine" : "player";
    if (range) {
      const [first, last] = [Number(range[1]), Math.min(Number(range[2]), contents.length - 1)];
      response.writeHead(206, {
        "Content-Type": type,
        "Content-Range": `bytes ${first}-${last}/${contents.length}`,
        "Content-Length": last - first + 1,
      });
      await this.#send(contents.subarray(first, last + 1), kind, response);
      return;
    }
    // As static hosts do.
    const isPacked = type !== "application/octet-stream" && String(headers["accept-encoding"] ?? "").includes("gzip");
    const body = isPacked ? gzipSync(contents) : contents;
    response.writeHead(200, { "Content-Type": type, "Content-Length": body.length, ...(isPacked ? { "Content-Encoding": "gzip" } : {}) });
    await this.#send(body, kind, response);
  }

  async #send(body: Buffer, kind: "machine" | "player", response: ServerResponse): Promise<void> {
    for (let at = 0; at < body.length && !response.destroyed; at += PIECE_BYTES) {
      const piece = body.subarray(at, at + PIECE_BYTES);
      const now = Date.now();
      this.#freeAt = Math.max(now, this.#freeAt) + (piece.length / this.#line.bytesPerSecond) * 1000;
      await new Promise((resolve) => setTimeout(resolve, this.#freeAt - now));
      this.sent[kind] += piece.length;
      response.write(piece);
    }
    response.end();
  }
}

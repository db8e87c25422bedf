/** Images from the network: gzip or not, whole or not, each checked against its size and SHA-256. */

import { createHash } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { LoadProgress } from "../../web/protocol/events";
import type { ImageSource } from "../../web/protocol/recipe";
import { ImageStore } from "../../web/worker/image-store";

const CONTENT = Uint8Array.from({ length: 200_000 }, (_, i) => (i * 7 + (i >> 8)) & 0xff);
const PACKED = gzipSync(CONTENT);
const SHA256 = createHash("sha256").update(CONTENT).digest("hex");

let server: Server;
let base: string;
const asked: string[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    asked.push(request.url!);
    switch (request.url) {
      case "/plain":
        return response.end(CONTENT);
      case "/packed.gz":
        return response.end(PACKED);
      case "/unpacked-on-the-way.gz":
        return response.writeHead(200, { "Content-Encoding": "gzip" }).end(PACKED);
      case "/short":
        return response.end(CONTENT.subarray(0, 1000));
      case "/long":
        return response.end(Buffer.concat([CONTENT, CONTENT]));
      case "/changed":
        return response.end(CONTENT.map((byte, i) => (i === 150_000 ? byte ^ 1 : byte)));
      case "/torn.gz":
        return response.end(PACKED.subarray(0, PACKED.length / 2));
      case "/cut":
        response.writeHead(200, { "Content-Length": CONTENT.length });
        return response.write(CONTENT.subarray(0, 5000), () => response.destroy());
      case "/silent":
        return;
      case "/stuck":
        response.writeHead(200, { "Content-Length": CONTENT.length });
        return response.write(CONTENT.subarray(0, 5000));
      default:
        return response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const image = (path: string, gzip?: string): ImageSource => ({
  kind: "url",
  name: "kernel",
  url: base + path,
  bytes: CONTENT.length,
  sha256: SHA256,
  ...(gzip ? { gzip: { url: base + gzip, bytes: PACKED.length } } : {}),
});
const store = (silenceMs?: number): ImageStore => new ImageStore({ builtin: (id) => new TextEncoder().encode(id), silenceMs });
const load = (source: ImageSource): Promise<Uint8Array> => store().load(source, () => {});

describe("ImageStore", () => {
  it.each([
    ["as it is", undefined],
    ["by its gzip copy", "/packed.gz"],
    ["by a gzip copy that the browser has unpacked already", "/unpacked-on-the-way.gz"],
  ])("fetches %s", async (_, gzip) => {
    const bytes = await load(image("/plain", gzip));
    expect(Buffer.compare(bytes, CONTENT)).toBe(0);
  });

  it.each(["/silent", "/stuck"])("gives up a connection that says nothing any more: %s", async (path) => {
    const error = await store(300)
      .load(image(path), () => {})
      .catch((error: unknown) => error);
    expect(error).toMatchObject({ kind: "DownloadFailed", status: 0 });
    expect((error as Error).message).toMatch(/silent for 0 s\. Check the network and boot again/);
  });

  it("prefers the gzip copy", async () => {
    asked.length = 0;
    await load(image("/plain", "/packed.gz"));
    expect(asked).toEqual(["/packed.gz"]);
  });

  it.each([
    ["too short", "/short", "IntegrityFailed"],
    ["too long", "/long", "IntegrityFailed"],
    ["changed in one bit", "/changed", "IntegrityFailed"],
    ["cut off", "/cut", "DownloadFailed"],
    ["not there", "/nothing", "DownloadFailed"],
  ])("refuses one that is %s", async (_, path, kind) => {
    await expect(load(image(path))).rejects.toMatchObject({ kind });
  });

  it("refuses a torn gzip copy", async () => {
    await expect(load(image("/plain", "/torn.gz"))).rejects.toMatchObject({ kind: "DownloadFailed" });
  });

  it("says that nobody answered, and what to do", async () => {
    const nobody = { ...image("/plain"), url: "http://127.0.0.1:9/" } as ImageSource;
    await expect(load(nobody)).rejects.toMatchObject({ kind: "DownloadFailed", status: 0, hint: expect.stringContaining("npm start") });
  });

  it("fetches once for two who ask at the same time, and tells both how it goes", async () => {
    asked.length = 0;
    const one = store();
    const heard: LoadProgress[][] = [[], []];
    const source = image("/plain");
    const [first, second] = await Promise.all(heard.map((list) => one.load(source, (progress) => list.push(progress))));
    expect(asked).toEqual(["/plain"]);
    expect(first).toBe(second);
    for (const list of heard) expect(list.at(-1)).toMatchObject({ done: CONTENT.length, total: CONTENT.length });
  });

  it("reads files and built-in images", async () => {
    expect(Buffer.compare(await load({ kind: "file", name: "f", file: new Blob([CONTENT]) }), CONTENT)).toBe(0);
    expect(await load({ kind: "builtin", name: "b", id: "abc" })).toEqual(new TextEncoder().encode("abc"));
  });

  it("says when a chosen file cannot be read any more", async () => {
    const gone = { arrayBuffer: () => Promise.reject(new DOMException("gone", "NotReadableError")) } as unknown as Blob;
    await expect(load({ kind: "file", name: "vmlinuz", file: gone })).rejects.toMatchObject({ kind: "ImageUnreadable", image: "vmlinuz" });
  });
});

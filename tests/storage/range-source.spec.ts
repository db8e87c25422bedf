/** Files by HTTP ranges: the right bytes, few requests, bounded memory, waiting for a server that is gone, no mixing of files. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, it } from "vitest";
import { BLOCK_BYTES, RangeSource } from "../../web/storage/range-source";
import { Random } from "../devices/random";
import { randomBytes } from "./laws";

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

interface Site {
  readonly url: string;
  readonly ranges: string[];
  /** Answers the next requests instead of the file. */
  instead: ((request: IncomingMessage, response: ServerResponse) => void) | undefined;
  contents: Uint8Array;
}

async function site(contents: Uint8Array): Promise<Site> {
  const server = createServer((request, response) => {
    const self = here;
    if (self.instead) {
      self.instead(request, response);
      return;
    }
    const match = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "");
    if (request.method === "HEAD" || !match) {
      response.writeHead(200, { "Content-Length": self.contents.length }).end(request.method === "HEAD" ? undefined : self.contents);
      return;
    }
    self.ranges.push(match[0]);
    const [first, last] = [Number(match[1]), Math.min(Number(match[2]), self.contents.length - 1)];
    response
      .writeHead(206, { "Content-Range": `bytes ${first}-${last}/${self.contents.length}` })
      .end(self.contents.subarray(first, last + 1));
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const here: Site = { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/file`, ranges: [], instead: undefined, contents };
  return here;
}

const wait = async (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1));
const bytes = randomBytes(new Random(1), 20 * BLOCK_BYTES + 777);

it("gives the bytes of any place, also to many who read at once", async () => {
  const { url } = await site(bytes);
  const source = await RangeSource.open(url);
  expect(source.size).toBe(bytes.length);
  const random = new Random(2);
  const reads = Array.from({ length: 60 }, async () => {
    const position = random.below(bytes.length);
    const length = random.below(Math.min(bytes.length - position, 5 * BLOCK_BYTES) + 1);
    expect(Buffer.from(await source.read(position, length)).equals(bytes.subarray(position, position + length))).toBe(true);
  });
  await Promise.all(reads);
  expect(source.fetchedBytes).toBe(bytes.length);
});

it("asks for what lies together at once, and ahead of who reads on", async () => {
  const { url, ranges } = await site(bytes);
  const source = await RangeSource.open(url, { size: bytes.length });
  await source.read(0, 6 * BLOCK_BYTES);
  expect(ranges).toEqual([`bytes=0-${6 * BLOCK_BYTES - 1}`]);
  await source.read(6 * BLOCK_BYTES, 100);
  await source.read(7 * BLOCK_BYTES, 100);
  expect(ranges.length).toBe(2);
});

it("waits for a server that fails, breaks off or is gone, says so, and goes on", async () => {
  const here = await site(bytes);
  const reasons: (string | undefined)[] = [];
  const source = await RangeSource.open(here.url, { size: bytes.length, wait, onWaiting: (reason) => reasons.push(reason) });
  let failures = 0;
  here.instead = (_request, response) => {
    failures++;
    if (failures === 1) response.writeHead(503).end();
    else if (failures === 2) response.destroy();
    else {
      // Cut short.
      response.writeHead(206, { "Content-Length": 10 }).end(new Uint8Array(10));
      here.instead = undefined;
    }
  };
  expect(Buffer.from(await source.read(5, 100)).equals(bytes.subarray(5, 105))).toBe(true);
  expect(failures).toBe(3);
  expect(reasons).toEqual([expect.stringContaining("does not answer"), undefined]);
});

it("takes the whole file from a server without ranges, once", async () => {
  const here = await site(bytes);
  let requests = 0;
  here.instead = (_request, response) => {
    requests++;
    response.writeHead(200).end(here.contents);
  };
  const source = await RangeSource.open(here.url, { size: bytes.length });
  for (const position of [0, 700_000, 1_000_000])
    expect(Buffer.from(await source.read(position, 1000)).equals(bytes.subarray(position, position + 1000))).toBe(true);
  expect(requests).toBe(1);
});

it("refuses a file that is another by now, one that is not there, and one of unknown length", async () => {
  const here = await site(bytes);
  const source = await RangeSource.open(here.url, { wait });
  here.contents = bytes.subarray(0, bytes.length - 1);
  await expect(source.read(0, 10)).rejects.toMatchObject({ kind: "DownloadFailed", message: expect.stringContaining("another file") });
  here.instead = (_request, response) => response.writeHead(404).end();
  await expect(source.read(0, 10)).rejects.toMatchObject({ kind: "DownloadFailed", status: 404 });
  await expect(RangeSource.open(here.url)).rejects.toMatchObject({ kind: "DownloadFailed", status: 404 });
  here.instead = (_request, response) => response.writeHead(200, { "Transfer-Encoding": "chunked" }).end();
  await expect(RangeSource.open(here.url)).rejects.toThrow("Content-Length");
});

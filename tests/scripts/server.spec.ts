/** The server of `npm start`: hands out what the build and the manifest list, compressed, in ranges, and nothing else. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type IncomingHttpHeaders, request, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const load = (name: string) => import(new URL(`../../scripts/lib/${name}.mjs`, import.meta.url).href);
const { createPageServer, plainPath } = await load("server");
const { acceptsGzip, parseRange } = await load("send-file");

const SCRIPT = "console.log(1);\n".repeat(200);
const GUEST = Buffer.from(Array.from({ length: 1000 }, (_, i) => i & 0xff));

let folder: string;
let server: Server;
let begun: string[];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "vitrine-server-"));
  const dist = join(folder, "dist");
  mkdirSync(join(dist, "assets"), { recursive: true });
  mkdirSync(join(dist, "node"));
  writeFileSync(join(dist, "index.html"), "<html><head></head></html>");
  writeFileSync(join(dist, "assets/index-abc.js"), SCRIPT);
  writeFileSync(join(dist, "assets/index-abc.js.gz"), gzipSync(SCRIPT));
  writeFileSync(join(dist, "assets/core-abc.wasm"), "wasm");
  writeFileSync(join(dist, "node/cli.js"), "not for the net");
  writeFileSync(join(dist, "service-worker.js"), "worker");
  writeFileSync(
    join(dist, "build.json"),
    JSON.stringify({ files: ["index.html", "assets/index-abc.js", "assets/core-abc.wasm", "service-worker.js"] }),
  );
  writeFileSync(join(folder, "secret"), "secret");
  writeFileSync(join(folder, "vmlinux"), GUEST);
  begun = [];
  const preparation = {
    state: { running: false },
    manifestText: async () => "{}",
    servedFiles: async () => new Map([["linux/1+2/vmlinux", { file: join(folder, "vmlinux"), size: GUEST.length }]]),
    begin: async (mirror: string) => begun.push(mirror),
  };
  server = createPageServer({ dist, isolation: true, preparation }) as Server;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true });
});

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Not fetch: it would tidy the address and unpack the body. */
function ask(path: string, options: { method?: string; headers?: Record<string, string>; body?: string } = {}): Promise<Answer> {
  const { port } = server.address() as AddressInfo;
  return new Promise((resolve, reject) => {
    const asking = request(
      { host: "127.0.0.1", port, path, method: options.method ?? "GET", headers: { host: `localhost:${port}`, ...options.headers } },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () => resolve({ status: response.statusCode!, headers: response.headers, body: Buffer.concat(chunks) }));
      },
    );
    asking.on("error", reject);
    asking.end(options.body);
  });
}

describe("what is handed out", () => {
  it("the page, marked as served by npm start, never from a cache without asking", async () => {
    const { status, headers, body } = await ask("/");
    expect(status).toBe(200);
    expect(headers["content-type"]).toBe("text/html; charset=utf-8");
    expect(headers["cache-control"]).toBe("no-cache");
    expect(body.toString()).toContain('name="vitrine-server"');
    expect((await ask("/", { headers: { "if-none-match": headers.etag! } })).status).toBe(304);
  });

  it("the headers of isolation, also on scripts, wasm and refusals", async () => {
    for (const path of ["/", "/assets/index-abc.js", "/assets/core-abc.wasm", "/nothing"]) {
      const { headers } = await ask(path);
      expect(headers["cross-origin-opener-policy"]).toBe("same-origin");
      expect(headers["cross-origin-embedder-policy"]).toBe("require-corp");
      expect(headers["x-content-type-options"]).toBe("nosniff");
    }
  });

  it.each([
    ["/assets/index-abc.js", "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"],
    ["/assets/core-abc.wasm", "application/wasm", "public, max-age=31536000, immutable"],
    ["/service-worker.js", "text/javascript; charset=utf-8", "no-cache"],
    ["/guests/linux/1+2/vmlinux", "application/octet-stream", "public, max-age=31536000, immutable"],
    ["/guests/linux/1%2B2/vmlinux", "application/octet-stream", "public, max-age=31536000, immutable"],
    ["/guests/manifest.json", "application/json; charset=utf-8", "no-cache"],
  ])("%s with its type and lifetime", async (path, type, lifetime) => {
    const { status, headers } = await ask(path);
    expect(status).toBe(200);
    expect(headers["content-type"]).toBe(type);
    expect(headers["cache-control"]).toBe(lifetime);
  });

  it("the gzip copy to those who take it, the file itself to the others", async () => {
    const packed = await ask("/assets/index-abc.js", { headers: { "accept-encoding": "br, gzip" } });
    expect(packed.headers["content-encoding"]).toBe("gzip");
    expect(packed.headers.vary).toBe("Accept-Encoding");
    expect(gunzipSync(packed.body).toString()).toBe(SCRIPT);
    const plain = await ask("/assets/index-abc.js", { headers: { "accept-encoding": "gzip;q=0" } });
    expect(plain.headers["content-encoding"]).toBeUndefined();
    expect(plain.body.toString()).toBe(SCRIPT);
    expect(plain.headers.etag).not.toBe(packed.headers.etag);
    expect(
      (await ask("/assets/index-abc.js", { headers: { "accept-encoding": "gzip", "if-none-match": packed.headers.etag! } })).status,
    ).toBe(304);
  });

  it("ranges", async () => {
    const range = (text: string, more = {}) => ask("/guests/linux/1+2/vmlinux", { headers: { range: text, ...more } });
    const middle = await range("bytes=100-199");
    expect(middle.status).toBe(206);
    expect(middle.headers["content-range"]).toBe("bytes 100-199/1000");
    expect(middle.body).toEqual(GUEST.subarray(100, 200));
    expect((await range("bytes=990-")).body).toEqual(GUEST.subarray(990));
    expect((await range("bytes=-5")).body).toEqual(GUEST.subarray(995));
    expect((await range("bytes=1000-")).status).toBe(416);
    expect((await range("bytes=0-99", { "if-range": '"other"' })).status).toBe(200);
  });

  it("the head alone when asked for it", async () => {
    const { headers, body } = await ask("/guests/linux/1+2/vmlinux", { method: "HEAD" });
    expect(headers["content-length"]).toBe("1000");
    expect(body.length).toBe(0);
  });
});

describe("what is not", () => {
  it.each([
    "/../secret",
    "/assets/../../secret",
    "/%2e%2e/secret",
    "/assets/%2e%2e%2f%2e%2e%2fsecret",
    "/..%5csecret",
    "/guests/../secret",
    "/guests/linux/1+2/../../../secret",
    "/.git/config",
    "/guests/.cache/index.json",
    "/node/cli.js",
    "/build.json",
    "/assets",
    "/assets/",
    "//etc/passwd",
    "/guests/",
    "/%00",
    "/%zz",
  ])("%s", async (path) => {
    const { status, body } = await ask(path);
    expect([400, 404]).toContain(status);
    expect(body.toString()).not.toContain("secret");
  });

  it("other methods", async () => {
    for (const method of ["POST", "PUT", "DELETE"]) expect((await ask("/", { method })).status).toBe(405);
  });

  it("a request that is no HTTP does not end the server", async () => {
    const { port } = server.address() as AddressInfo;
    await new Promise<void>((resolve) =>
      connect(port, "127.0.0.1")
        .resume()
        .on("close", () => resolve())
        .on("error", () => {})
        .end("\x16\x03\x01 nonsense\r\n\r\n"),
    );
    expect((await ask("/")).status).toBe(200);
  });
});

describe("preparing guests", () => {
  const post = (body: string, headers: Record<string, string> = {}) =>
    ask("/api/preparation", { method: "POST", body, headers: { "content-type": "application/json", ...headers } });
  const port = (): number => (server.address() as AddressInfo).port;

  it("is begun by a page of this server on this computer", async () => {
    begun.length = 0;
    expect((await post('{"mirror":""}', { origin: `http://localhost:${port()}` })).status).toBe(202);
    expect((await post('{"mirror":"http://mirror.test/debian"}')).status).toBe(202);
    expect(begun).toEqual(["", "http://mirror.test/debian"]);
  });

  it("is refused to other sites, other names and other computers' pages", async () => {
    begun.length = 0;
    expect((await post('{"mirror":""}', { origin: "http://evil.test" })).status).toBe(403);
    expect((await post('{"mirror":""}', { host: "evil.test", origin: "http://evil.test" })).status).toBe(403);
    expect((await post('{"mirror":""}', { host: `192.0.2.7:${port()}`, origin: `http://192.0.2.7:${port()}` })).status).toBe(403);
    expect((await post('{"mirror":""}', { "content-type": "text/plain" })).status).toBe(415);
    expect(JSON.parse((await ask("/api/preparation", { headers: { host: "evil.test" } })).body.toString()).allowed).toBe(false);
    expect(begun).toEqual([]);
  });

  it("takes only addresses of mirrors", async () => {
    begun.length = 0;
    for (const body of ["", "{", "[]", '{"mirror":5}', '{"mirror":"file:///etc"}', `{"mirror":"http://${"a".repeat(5000)}"}`])
      expect((await post(body)).status).toBe(400);
    expect(begun).toEqual([]);
  });
});

describe("parts", () => {
  it("plainPath leaves ordinary addresses alone", () => {
    expect(plainPath("/a/b%2Bc?x=..#y")).toBe("a/b+c");
    expect(plainPath("/")).toBe("");
  });

  it("acceptsGzip reads weights", () => {
    expect(["gzip", "br, gzip;q=0.5", "*", "GZIP"].map((header) => acceptsGzip(header))).toEqual([true, true, true, true]);
    expect(["", "br", "gzip;q=0", "gzip;q=0.0", "gzippy"].map((header) => acceptsGzip(header))).toEqual([
      false,
      false,
      false,
      false,
      false,
    ]);
  });

  it("parseRange takes one range and ignores the rest", () => {
    expect(parseRange("bytes=0-0", 10)).toEqual({ first: 0, last: 0 });
    expect(parseRange("bytes=5-100", 10)).toEqual({ first: 5, last: 9 });
    expect(parseRange("bytes=-100", 10)).toEqual({ first: 0, last: 9 });
    expect(parseRange("bytes=10-", 10)).toBe("unsatisfiable");
    expect(parseRange("bytes=-0", 10)).toBe("unsatisfiable");
    for (const odd of ["bytes=5-4", "bytes=1-2,4-5", "lines=1-2", "bytes=-", "bytes=a-b"]) expect(parseRange(odd, 10)).toBeUndefined();
  });
});

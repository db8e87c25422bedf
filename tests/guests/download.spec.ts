import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type DownloadOptions, download, findCached } from "../../web/guests/node/download";
import { sha256Of } from "../../web/guests/node/files";
import { fetchBytes } from "../../web/guests/node/http";
import { proxyFor } from "../../web/guests/node/proxy";
import { normally, startMirror, startServer, type TestMirror } from "./mirror";
import { bytes, numbers, temporaryFolder, text } from "./tools";

const next = numbers(1);
const data = Uint8Array.from({ length: 400_000 }, () => next(256));
const file = { path: "pool/x.deb", sha256: sha256Of(data), size: data.length };
const options: DownloadOptions = { env: {}, idleMs: 400, retryMs: 1 };

async function mirrorWithFile(): Promise<TestMirror> {
  return startMirror(new Map([[file.path, data]]));
}

const fetchIt = (folder: string, mirror: TestMirror, extra: Partial<DownloadOptions> = {}): Promise<string> =>
  download(folder, file, [`${mirror.url}/${file.path}`], { ...options, ...extra });

/** Sends the first `count` bytes of what it should, then drops the connection. */
const breakAfter = (count: number, rounds: number): typeof normally => {
  let left = rounds;
  return (request, response, whole) => {
    if (left-- <= 0) return normally(request, response, whole);
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
    response.writeHead(from > 0 ? 206 : 200, { "Content-Length": whole!.length - from });
    response.write(whole!.subarray(from, from + count), () => setTimeout(() => response.destroy(), 20));
  };
};

describe("download", () => {
  it("keeps a file under its hash and reports its progress", async () => {
    const folder = temporaryFolder();
    const mirror = await mirrorWithFile();
    const seen: number[] = [];
    const path = await fetchIt(folder, mirror, { onBytes: (received) => seen.push(received) });
    expect(Buffer.compare(readFileSync(path), data)).toBe(0);
    expect(seen.at(-1)).toBe(data.length);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(await findCached(folder, file)).toBe(path);
    expect(readdirSync(join(folder, ".cache/partial"))).toEqual([]);
  });

  it("goes on where a connection broke", async () => {
    const mirror = await mirrorWithFile();
    const ranges: (string | undefined)[] = [];
    const breaking = breakAfter(100_000, 2);
    mirror.special.set(file.path, (request, response, whole) => {
      ranges.push(request.headers.range);
      breaking(request, response, whole);
    });
    await fetchIt(temporaryFolder(), mirror);
    // What was on its way when the connection was reset may be lost with it.
    const from = ranges.map((range) => (range === undefined ? 0 : Number(/^bytes=(\d+)-$/.exec(range)?.[1])));
    expect(ranges[0]).toBeUndefined();
    expect(from).toHaveLength(3);
    for (const n of [1, 2]) {
      expect(from[n]).toBeGreaterThan(from[n - 1]!);
      expect(from[n]).toBeLessThanOrEqual(from[n - 1]! + 100_000);
    }
  });

  it("goes on in a later run, also with a server that knows no ranges", async () => {
    const folder = temporaryFolder();
    const mirror = await mirrorWithFile();
    mirror.special.set(file.path, breakAfter(100_000, 100));
    await expect(fetchIt(folder, { ...mirror })).resolves.toBeTruthy();
    const other = temporaryFolder();
    mirror.special.set(file.path, breakAfter(1_000, 100));
    await expect(fetchIt(other, mirror)).rejects.toMatchObject({ problem: "network" });
    expect(readFileSync(join(other, ".cache/partial", file.sha256)).length).toBe(4000);
    mirror.special.set(file.path, (_request, response, whole) => {
      response.writeHead(200, { "Content-Length": whole!.length }).end(whole);
    });
    await fetchIt(other, mirror);
    expect(await findCached(other, file)).toBeTruthy();
  });

  it("throws away what an earlier run left if it was wrong", async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, ".cache/partial"), { recursive: true });
    for (const left of ["x".repeat(1000), "x".repeat(data.length), "x".repeat(data.length + 1)]) {
      writeFileSync(join(folder, ".cache/partial", file.sha256), left);
      const path = await fetchIt(folder, await mirrorWithFile());
      expect(Buffer.compare(readFileSync(path), data)).toBe(0);
    }
  });

  it("refuses other bytes, too few and too many, and leaves nothing", async () => {
    for (const wrong of [data.slice().fill(0, 500, 600), data.subarray(0, 1000), Buffer.concat([data, bytes("more")])]) {
      const folder = temporaryFolder();
      const mirror = await startMirror(new Map([[file.path, new Uint8Array(wrong)]]));
      await expect(fetchIt(folder, mirror)).rejects.toMatchObject({ problem: "hash-mismatch", message: /SHA-256 differs/ });
      expect(existsSync(join(folder, ".cache/sha256", file.sha256))).toBe(false);
      expect(readdirSync(join(folder, ".cache/partial"))).toEqual([]);
    }
  });

  it("takes the next mirror if one fails or lies", async () => {
    const folder = temporaryFolder();
    const lying = await startMirror(new Map([[file.path, bytes("nonsense")]]));
    const missing = await startMirror(new Map());
    const good = await mirrorWithFile();
    const addresses = ["http://127.0.0.1:9/debian", lying.url, missing.url, good.url].map((url) => `${url}/${file.path}`);
    expect(await download(folder, file, addresses, options)).toBe(await findCached(folder, file));
    expect(missing.requests).toHaveLength(1);
  });

  it("tries again after a server error, but not after 404", async () => {
    const mirror = await mirrorWithFile();
    let failures = 2;
    mirror.special.set(file.path, (request, response, whole) => {
      if (failures-- > 0) response.writeHead(503).end();
      else normally(request, response, whole);
    });
    await fetchIt(temporaryFolder(), mirror);
    expect(mirror.requests).toHaveLength(3);
    mirror.files.clear();
    mirror.requests.length = 0;
    await expect(fetchIt(temporaryFolder(), mirror)).rejects.toMatchObject({ problem: "network", message: /HTTP status 404/ });
    expect(mirror.requests).toHaveLength(1);
  });

  it("gives up on a server that falls silent", async () => {
    const mirror = await mirrorWithFile();
    mirror.special.set(file.path, (_request, response, whole) => {
      response.writeHead(200, { "Content-Length": whole!.length });
      response.write(whole!.subarray(0, 10));
    });
    await expect(fetchIt(temporaryFolder(), mirror, { idleMs: 60 })).rejects.toMatchObject({
      problem: "network",
      message: /nothing came for 0.06 s/,
    });
  });

  it("does not give up on one that is only slow", async () => {
    const mirror = await mirrorWithFile();
    mirror.special.set(file.path, (_request, response, whole) => {
      response.writeHead(200, { "Content-Length": whole!.length });
      let at = 0;
      const timer = setInterval(() => {
        response.write(whole!.subarray(at, at + 50_000));
        at += 50_000;
        if (at < whole!.length) return;
        clearInterval(timer);
        response.end();
      }, 50);
    });
    await fetchIt(temporaryFolder(), mirror, { idleMs: 300 });
  });

  it("stops when interrupted, and keeps what it has", async () => {
    const folder = temporaryFolder();
    const mirror = await mirrorWithFile();
    mirror.special.set(file.path, (_request, response, whole) => {
      response.writeHead(200, { "Content-Length": whole!.length });
      response.write(whole!.subarray(0, 70_000));
    });
    const stop = new AbortController();
    const fetching = fetchIt(folder, mirror, {
      signal: stop.signal,
      idleMs: 5000,
      onBytes: (received) => received >= 70_000 && stop.abort(),
    });
    await expect(fetching).rejects.toMatchObject({ problem: "interrupted" });
    expect(readFileSync(join(folder, ".cache/partial", file.sha256)).length).toBe(70_000);
  });

  it("does not trust a cached file whose bytes changed", async () => {
    const folder = temporaryFolder();
    const path = await fetchIt(folder, await mirrorWithFile());
    writeFileSync(path, data.slice().fill(1, 0, 1));
    expect(await findCached(folder, file)).toBeUndefined();
    expect(existsSync(path)).toBe(false);
  });
});

describe("http", () => {
  it("follows redirects, relative ones too, but not for ever", async () => {
    const { url } = await startServer((request, response) => {
      const step = Number(request.url!.slice(1));
      if (request.url === "/loop") response.writeHead(302, { Location: "/loop" }).end();
      else if (step > 0) response.writeHead(step % 2 ? 301 : 307, { Location: `/${step - 1}` }).end();
      else response.end("arrived");
    });
    expect(text(await fetchBytes(`${url}/4`, options))).toBe("arrived");
    await expect(fetchBytes(`${url}/loop`, options)).rejects.toMatchObject({ problem: "network", message: /redirects more than/ });
  });

  it("says in words why a host cannot be reached", async () => {
    await expect(fetchBytes("http://127.0.0.1:9/x", options)).rejects.toMatchObject({ problem: "network", message: /refused/ });
    await expect(fetchBytes("http://no-such-host.invalid/x", options)).rejects.toMatchObject({
      problem: "network",
      message: /no-such-host\.invalid: the name/,
    });
    await expect(fetchBytes("ftp://x/y", options)).rejects.toMatchObject({ problem: "network", message: /no http or https/ });
  });

  it("does not show passwords", async () => {
    const { url } = await startServer((_request, response) => response.writeHead(403).end());
    const error: Error = await fetchBytes(url.replace("//", "//me:secret@"), options).catch((caught) => caught);
    expect(error.message).toMatch(/403/);
    expect(error.message).not.toMatch(/secret/);
  });

  it("asks a proxy for http with the whole address, and with its password", async () => {
    const seen: (string | undefined)[] = [];
    const { url } = await startServer((request, response) => {
      seen.push(request.url, request.headers.host, request.headers["proxy-authorization"]);
      response.end("by proxy");
    });
    const env = { http_proxy: url.replace("//", "//me:secret@") };
    expect(text(await fetchBytes("http://mirror.invalid/debian/x?y=1", { ...options, env }))).toBe("by proxy");
    expect(seen).toEqual(["http://mirror.invalid/debian/x?y=1", "mirror.invalid", `Basic ${Buffer.from("me:secret").toString("base64")}`]);
  });

  it("asks a proxy for https with CONNECT, and says when it refuses", async () => {
    const { server, url } = await startServer(() => {});
    const asked: (string | undefined)[] = [];
    server.on("connect", (request, socket) => {
      asked.push(request.url);
      // A way to a port where nothing speaks TLS: the tunnel works, the handshake then fails.
      if (asked.length > 1) return socket.end("HTTP/1.1 407 Nope\r\n\r\n");
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      const onward = connect(Number(new URL(url).port), "127.0.0.1");
      socket.pipe(onward).pipe(socket);
      onward.on("error", () => socket.destroy());
      socket.on("error", () => onward.destroy());
    });
    const env = { https_proxy: url };
    await expect(fetchBytes("https://mirror.invalid/x", { ...options, env })).rejects.toMatchObject({ problem: "network" });
    await expect(fetchBytes("https://mirror.invalid/x", { ...options, env })).rejects.toMatchObject({
      message: /proxy 127.* refused with HTTP status 407/,
    });
    expect(asked).toEqual(["mirror.invalid:443", "mirror.invalid:443"]);
  });
});

describe("proxy settings", () => {
  const via = (address: string, env: Record<string, string>): string | undefined => proxyFor(new URL(address), env)?.host;

  it("are chosen by scheme", () => {
    const env = { http_proxy: "http://plain:1", https_proxy: "http://secure:2", all_proxy: "any:3" };
    expect(via("http://x/", env)).toBe("plain:1");
    expect(via("https://x/", env)).toBe("secure:2");
    expect(via("http://x/", { all_proxy: "any:3" })).toBe("any:3");
    expect(via("https://x/", { HTTPS_PROXY: "http://secure:2" })).toBe("secure:2");
    expect(via("http://x/", { HTTP_PROXY: "http://from-a-header:2" })).toBeUndefined();
    expect(via("http://x/", {})).toBeUndefined();
  });

  it("are left out for hosts in no_proxy", () => {
    const env = (noProxy: string): Record<string, string> => ({ http_proxy: "http://p:1", no_proxy: noProxy });
    expect(via("http://a.example.org/", env("other, .example.org"))).toBeUndefined();
    expect(via("http://example.org/", env("example.org"))).toBeUndefined();
    expect(via("http://notexample.org/", env("example.org"))).toBe("p:1");
    expect(via("http://a:8080/", env("a:8080"))).toBeUndefined();
    expect(via("http://a/", env("a:8080"))).toBe("p:1");
    expect(via("http://a/", env("*"))).toBeUndefined();
  });
});

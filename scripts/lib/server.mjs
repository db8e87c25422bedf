/**
 * The server behind `npm start`: the built page, the prepared guests, and the little interface by which the page has
 * guests prepared. It hands out what the build and the manifest list, and nothing else.
 */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { sendFile } from "./send-file.mjs";

const ISOLATION = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Cross-Origin-Resource-Policy": "same-origin",
};
const ALWAYS = {
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  // The terminal sets styles in elements; guests and snapshots may come from anywhere; compiled code is WebAssembly.
  "Content-Security-Policy":
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; " +
    "connect-src 'self' http: https:; worker-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'none'",
};
/** Tells the page that the interface below is there. */
const MARK = '<meta name="vitrine-server" content="1" />';
const MOST_BODY_BYTES = 4096;

/**
 * @param {object} options
 * @param {string} options.dist the built page
 * @param {boolean} options.isolation send the headers for cross-origin isolation
 * @param {import("./preparation.mjs").Preparation} options.preparation
 */
export function createPageServer({ dist, isolation, preparation }) {
  return createServer((request, response) => {
    handle(request, response, { dist, isolation, preparation }).catch((error) => {
      console.error(`${request.method} ${request.url}: ${error.message}`);
      if (!response.headersSent) refuse(response, 500, "The server failed; its terminal says why.");
      else response.destroy();
    });
  });
}

async function handle(request, response, { dist, isolation, preparation }) {
  for (const [name, value] of Object.entries({ ...ALWAYS, ...(isolation ? ISOLATION : {}) })) response.setHeader(name, value);
  const path = plainPath(request.url);
  if (path === undefined) return refuse(response, 400, "This address is malformed.");
  if (path === "api/preparation") return preparationRequest(request, response, preparation);
  if (request.method !== "GET" && request.method !== "HEAD") return refuse(response, 405, "Only GET and HEAD.", { Allow: "GET, HEAD" });
  if (path === "" || path === "index.html") return sendText(request, response, "text/html; charset=utf-8", await markedPage(dist));
  if (path === "guests/manifest.json")
    return sendText(request, response, "application/json; charset=utf-8", await preparation.manifestText());
  if (path.startsWith("guests/")) {
    const served = (await preparation.servedFiles()).get(path.slice("guests/".length));
    if (served && (await sendFile(request, response, { file: served.file, name: path, gzip: served.gzip?.file, isImmutable: true })))
      return;
    return refuse(response, 404, "There is no such file among the prepared guests.");
  }
  const { files } = await readBuild(dist);
  if (files.includes(path)) {
    const file = join(dist, path);
    if (await sendFile(request, response, { file, name: path, gzip: `${file}.gz`, isImmutable: path.startsWith("assets/") })) return;
  }
  return refuse(response, 404, "There is nothing at this address.");
}

/** The address without its leading slash and query, or undefined if it could lead anywhere else than its text says. */
export function plainPath(url = "") {
  let path;
  try {
    path = decodeURIComponent(url.split(/[?#]/, 1)[0]);
  } catch {
    return undefined;
  }
  if (!path.startsWith("/") || /[\0\\]/.test(path)) return undefined;
  path = path.slice(1);
  return path.split("/").some((name) => name.startsWith(".")) ? undefined : path;
}

async function readBuild(dist) {
  return JSON.parse(await readFile(join(dist, "build.json"), "utf8"));
}

async function markedPage(dist) {
  return (await readFile(join(dist, "index.html"), "utf8")).replace("</head>", `  ${MARK}\n  </head>`);
}

function sendText(request, response, type, text) {
  const body = Buffer.from(text);
  const etag = `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"`;
  const headers = { "Content-Type": type, "Cache-Control": "no-cache", ETag: etag };
  if (request.headers["if-none-match"] === etag) response.writeHead(304, headers).end();
  else response.writeHead(200, { ...headers, "Content-Length": body.length }).end(request.method === "HEAD" ? undefined : body);
}

function refuse(response, status, text, headers = {}) {
  const body = Buffer.from(`${text}\n`);
  response
    .writeHead(status, {
      ...headers,
      "Content-Type": "text/plain; charset=utf-8",
      "Content-Length": body.length,
      "Cache-Control": "no-store",
    })
    .end(body);
}

async function preparationRequest(request, response, preparation) {
  const allowed = isFromHere(request);
  if (request.method === "GET") {
    response.setHeader("Cache-Control", "no-store");
    response.writeHead(200, { "Content-Type": "application/json; charset=utf-8" }).end(JSON.stringify({ ...preparation.state, allowed }));
    return;
  }
  if (request.method !== "POST") return refuse(response, 405, "Only GET and POST.", { Allow: "GET, POST" });
  if (!allowed) return refuse(response, 403, "Guests are prepared only from the computer that the server runs on.");
  if (!/^application\/json\b/.test(request.headers["content-type"] ?? "")) return refuse(response, 415, "Send application/json.");
  const mirror = parseMirror(await body(request));
  if (mirror === undefined)
    return refuse(response, 400, 'Send {"mirror": "http://…"}, or an empty mirror for the one this computer knows.');
  // It goes on by itself; the page asks how.
  void preparation.begin(mirror);
  response.writeHead(202, { "Content-Length": 0 }).end();
}

const HERE = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/i;

/**
 * From this computer, and asked for by a page of this server: other sites that its user visits cannot start one
 * (their Origin differs), not even by a host name that they let point here (Host differs).
 */
function isFromHere({ socket, headers }) {
  const isLoopback = /^(::ffff:)?127\.|^::1$/.test(socket.remoteAddress ?? "");
  const isOwnPage = headers.origin === undefined || headers.origin === `http://${headers.host}`;
  return isLoopback && isOwnPage && HERE.test(headers.host ?? "");
}

async function body(request) {
  const chunks = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes > MOST_BODY_BYTES) return "";
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function parseMirror(text) {
  try {
    const { mirror } = JSON.parse(text);
    if (typeof mirror !== "string") return undefined;
    return mirror === "" || /^https?:\/\/[^\s]+$/.test(mirror) ? mirror : undefined;
  } catch {
    return undefined;
  }
}

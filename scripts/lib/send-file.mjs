/**
 * Sends one file over HTTP: gzip copy for those who take it, byte ranges, and answers from the browser's cache by ETag
 * (RFC 9110: 8.8.3 ETag, 13.1.2 If-None-Match, 14.1.2 Byte Ranges).
 */
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { contentType } from "./mime.mjs";

/**
 * @param {import("node:http").IncomingMessage} request
 * @param {import("node:http").ServerResponse} response
 * @param {{ file: string, name: string, gzip?: string, isImmutable: boolean }} what `name` tells the content type, `gzip` is the path of a gzip copy.
 * @returns {Promise<boolean>} false, with nothing sent, if the file is not there
 */
export async function sendFile(request, response, { file, name, gzip, isImmutable }) {
  const range = request.headers.range;
  const isPacked = gzip !== undefined && range === undefined && acceptsGzip(request.headers["accept-encoding"]);
  const path = isPacked ? gzip : file;
  const found = await stat(path).catch(() => undefined);
  if (!found?.isFile()) return isPacked ? sendFile(request, response, { file, name, isImmutable }) : false;

  const etag = `"${found.size.toString(36)}-${Math.floor(found.mtimeMs).toString(36)}${isPacked ? "-gz" : ""}"`;
  response.setHeader("Content-Type", contentType(name));
  response.setHeader("Cache-Control", isImmutable ? "public, max-age=31536000, immutable" : "no-cache");
  response.setHeader("ETag", etag);
  response.setHeader("Accept-Ranges", "bytes");
  if (gzip !== undefined) response.setHeader("Vary", "Accept-Encoding");
  if (isPacked) response.setHeader("Content-Encoding", "gzip");

  if (matches(request.headers["if-none-match"], etag)) {
    response.writeHead(304).end();
    return true;
  }
  const ifRange = request.headers["if-range"];
  const part = range !== undefined && (ifRange === undefined || ifRange === etag) ? parseRange(range, found.size) : undefined;
  if (part === "unsatisfiable") {
    response.writeHead(416, { "Content-Range": `bytes */${found.size}`, "Content-Length": 0 }).end();
    return true;
  }
  const { first, last } = part ?? { first: 0, last: found.size - 1 };
  response.setHeader("Content-Length", last - first + 1);
  if (part) response.setHeader("Content-Range", `bytes ${first}-${last}/${found.size}`);
  response.writeHead(part ? 206 : 200);
  if (request.method === "HEAD" || found.size === 0) response.end();
  // A visitor who leaves early is no error.
  else await pipeline(createReadStream(path, { start: first, end: last }), response).catch(() => response.destroy());
  return true;
}

/** Is gzip named, and not with weight 0? */
export function acceptsGzip(header = "") {
  return header.split(",").some((item) => /^\s*(gzip|\*)\s*(;\s*q=(?!0(\.0*)?\s*$)[\d.]+\s*)?$/i.test(item));
}

function matches(header, etag) {
  if (header === undefined) return false;
  return header.split(",").some((item) => item.trim() === "*" || item.trim().replace(/^W\//, "") === etag);
}

/** One range; several, or something else, is answered with the whole file (undefined). */
export function parseRange(header, size) {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header.trim());
  if (!match || (match[1] === "" && match[2] === "")) return undefined;
  const [from, to] = match.slice(1).map((text) => (text === "" ? undefined : Number(text)));
  const first = from ?? Math.max(0, size - to);
  const last = from === undefined || to === undefined ? size - 1 : Math.min(to, size - 1);
  if (to !== undefined && from !== undefined && to < from) return undefined;
  return first >= size || (from === undefined && to === 0) ? "unsatisfiable" : { first, last };
}

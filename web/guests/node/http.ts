/**
 * GET over http and https: redirects, proxies, an idle time-out, interruption. Downloads are retried and resumed in
 * download.ts; here is one answer to one question.
 */
import { type ClientRequest, type IncomingMessage, type RequestOptions, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import type { Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { collect } from "../byte-reader";
import { GuestsError } from "../guests-error";
import { interrupted } from "./files";
import { type Environment, proxyFor } from "./proxy";

export interface HttpOptions {
  readonly signal?: AbortSignal | undefined;
  readonly env: Environment;
  /** Milliseconds without a byte after which a connection is given up. */
  readonly idleMs: number;
}

/** An answer that is no use. `retryable`: the same question may be answered later. */
export class HttpError extends GuestsError {
  constructor(
    message: string,
    /** The HTTP status, or 0 if no whole answer came. */
    readonly status: number,
    readonly retryable: boolean,
    cause?: unknown,
  ) {
    super("network", message, { cause });
  }
}

const MAX_REDIRECTS = 5;
const SMALL_FILE_LIMIT = 32 << 20;

/** Without user name and password. */
const shown = (url: URL): string => `${url.protocol}//${url.host}${url.pathname}`;

/** The body of a 200 or 206 answer, unread. Throws HttpError or GuestsError "interrupted". */
export async function openUrl(address: string, options: HttpOptions, from = 0): Promise<IncomingMessage> {
  let url = parseUrl(address);
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const answer = await ask(url, options, from).catch((error: unknown) => {
      throw asHttpError(error, url, options);
    });
    const status = answer.statusCode ?? 0;
    if (status === 200 || status === 206) return answer;
    answer.destroy();
    if (![301, 302, 303, 307, 308].includes(status) || answer.headers.location === undefined)
      throw new HttpError(`${shown(url)} answered with HTTP status ${status}`, status, status >= 500 || status === 429 || status === 408);
    const next = parseUrl(answer.headers.location, url);
    if (url.protocol === "https:" && next.protocol === "http:")
      throw new HttpError(`${shown(url)} redirects from https to http, which is refused`, status, false);
    url = next;
  }
  throw new HttpError(`${address} redirects more than ${MAX_REDIRECTS} times`, 0, false);
}

/** A small file as a whole. Throws like openUrl. */
export async function fetchBytes(address: string, options: HttpOptions): Promise<Uint8Array> {
  const answer = await openUrl(address, options);
  return collect(answer, SMALL_FILE_LIMIT, address).catch((error: unknown) => {
    throw asHttpError(error, parseUrl(address), options);
  });
}

function parseUrl(address: string, base?: URL): URL {
  const url = URL.canParse(address, base?.href) ? new URL(address, base?.href) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) throw new HttpError(`"${address}" is no http or https address`, 0, false);
  return url;
}

/** What went wrong on the way, in words. */
export function asHttpError(error: unknown, url: URL, options: HttpOptions): GuestsError {
  if (options.signal?.aborted) return interrupted();
  if (error instanceof GuestsError) return error;
  const code = (error as NodeJS.ErrnoException).code ?? "";
  const reasons: Readonly<Record<string, string>> = {
    ENOTFOUND: "the name is unknown",
    EAI_AGAIN: "the name could not be looked up",
    ECONNREFUSED: "the connection was refused",
    ECONNRESET: "the connection broke",
    EPIPE: "the connection broke",
    ETIMEDOUT: "there was no answer",
    EHOSTUNREACH: "there is no way to it",
    ENETUNREACH: "there is no network",
  };
  const reason = reasons[code] ?? (error instanceof Error ? error.message : String(error));
  return new HttpError(`${url.host}: ${reason}`, 0, true, error);
}

async function ask(url: URL, options: HttpOptions, from: number): Promise<IncomingMessage> {
  const headers: Record<string, string> = { "User-Agent": "vitrine", Accept: "*/*", "Accept-Encoding": "identity" };
  if (from > 0) headers.Range = `bytes=${from}-`;
  if (url.username !== "") headers.Authorization = basic(url);
  const common: RequestOptions = { headers, agent: false, ...(options.signal ? { signal: options.signal } : {}) };
  const proxy = proxyFor(url, options.env);
  if (!proxy) return answerOf(url.protocol === "https:" ? requestHttps(url, common) : requestHttp(url, common), options);
  const proxyHeaders: Record<string, string> = proxy.username === "" ? {} : { "Proxy-Authorization": basic(proxy) };
  if (url.protocol === "http:") {
    const path = `${url.protocol}//${url.host}${url.pathname}${url.search}`;
    return answerOf(toProxy(proxy, { ...common, path, headers: { ...headers, ...proxyHeaders, Host: url.host } }), options);
  }
  const socket = await tunnel(proxy, url, proxyHeaders, options);
  const secure = await secured(socket, url, options);
  return answerOf(requestHttps(url, { ...common, createConnection: () => secure }), options);
}

const toProxy = (proxy: URL, options: RequestOptions): ClientRequest =>
  (proxy.protocol === "https:" ? requestHttps : requestHttp)({
    ...options,
    host: proxy.hostname,
    port: proxy.port || (proxy.protocol === "https:" ? 443 : 80),
  });

const basic = (url: URL): string =>
  `Basic ${Buffer.from(`${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`).toString("base64")}`;

function answerOf(request: ClientRequest, options: HttpOptions): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    giveUpWhenIdle(request, options);
    request.once("response", resolve);
    // Stays attached: an error after the answer's head reaches the reader through the body.
    request.on("error", reject);
    request.end();
  });
}

function giveUpWhenIdle(request: ClientRequest, { idleMs }: HttpOptions): void {
  request.setTimeout(idleMs, () => request.destroy(Object.assign(new Error(`nothing came for ${idleMs / 1000} s`), { code: "ETIMEOUT" })));
}

/** TLS with the host at the far end of the tunnel. */
function secured(socket: Socket, url: URL, { idleMs }: HttpOptions): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const secure = connectTls({ socket, servername: url.hostname }, () => {
      secure.setTimeout(0);
      resolve(secure);
    });
    secure.setTimeout(idleMs, () => secure.destroy(new Error(`nothing came for ${idleMs / 1000} s`)));
    secure.on("error", reject);
  });
}

/** CONNECT (RFC 9110, 9.3.6): a connection through the proxy that the proxy does not look into. */
function tunnel(proxy: URL, url: URL, headers: Record<string, string>, options: HttpOptions): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const host = `${url.hostname}:${url.port || 443}`;
    const request = toProxy(proxy, {
      method: "CONNECT",
      path: host,
      headers: { ...headers, Host: host },
      agent: false,
      ...(options.signal ? { signal: options.signal } : {}),
    });
    giveUpWhenIdle(request, options);
    request.once("connect", (answer, socket) => {
      if (answer.statusCode === 200) resolve(socket as Socket);
      else {
        socket.destroy();
        reject(new HttpError(`the proxy ${proxy.host} refused with HTTP status ${answer.statusCode}`, answer.statusCode ?? 0, false));
      }
    });
    request.once("error", reject);
    request.end();
  });
}

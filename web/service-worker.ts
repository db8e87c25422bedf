/**
 * Opens the page without its server. What a build consists of is kept whole, under the build's hash: with a network
 * the page itself always comes from the server, so that nobody sees an older build; without one, the kept build is
 * shown as it was. Guests' images are kept by the machine's worker (worker/image-store.ts), not here.
 */

/** Put in by scripts/lib/build-steps.mjs. */
declare const BUILD: { readonly version: string; readonly files: readonly string[] };

/** The parts of ServiceWorkerGlobalScope used here; TypeScript's DOM library does not have it. */
interface ExtendableEvent {
  waitUntil(promise: Promise<unknown>): void;
}
interface FetchEvent extends ExtendableEvent {
  readonly request: Request;
  respondWith(response: Promise<Response>): void;
}
interface Scope {
  readonly registration: { readonly scope: string };
  readonly clients: { claim(): Promise<void> };
  skipWaiting(): Promise<void>;
  addEventListener(type: "install" | "activate", listener: (event: ExtendableEvent) => void): void;
  addEventListener(type: "fetch", listener: (event: FetchEvent) => void): void;
}
const scope = globalThis as unknown as Scope;

const APP_PREFIX = "vitrine-app-";
const APP_CACHE = APP_PREFIX + BUILD.version;
const GUESTS_LIST = "guests/manifest.json";
const LISTS_CACHE = "vitrine-lists-1";
/** A server that is gone refuses at once; a network that swallows everything must not be waited for much longer. */
const PATIENCE_MS = 5000;

scope.addEventListener("install", (event) => event.waitUntil(install()));
scope.addEventListener("activate", (event) => event.waitUntil(activate()));
scope.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET" || !request.url.startsWith(scope.registration.scope)) return;
  const url = new URL(request.url);
  const path = url.href.slice(scope.registration.scope.length, url.href.length - url.search.length - url.hash.length);
  if (path === "" || path === "index.html") event.respondWith(page(request));
  else if (path.startsWith("assets/")) event.respondWith(asset(request));
  else if (path === GUESTS_LIST) event.respondWith(list(request));
  else if (BUILD.files.includes(path)) event.respondWith(plainFile(request));
});

async function install(): Promise<void> {
  // Anew, even if this build was kept before: the newest cache is the one that counts.
  await caches.delete(APP_CACHE);
  const cache = await caches.open(APP_CACHE);
  await cache.addAll(["./", ...BUILD.files].map((file) => new Request(file, { cache: file === "./" ? "reload" : "default" })));
  // The page asked for it before there was a service worker to see the answer.
  await list(new Request(GUESTS_LIST)).catch(() => {});
  await scope.skipWaiting();
}

/** The build before this one stays for pages that are still open and may ask for one of its files. */
async function activate(): Promise<void> {
  const apps = (await caches.keys()).filter((name) => name.startsWith(APP_PREFIX) && name !== APP_CACHE);
  for (const name of apps.slice(0, -1)) await caches.delete(name);
  await scope.clients.claim();
}

async function page(request: Request): Promise<Response> {
  const fresh = await fromNetwork(request);
  if (fresh?.ok) return fresh;
  return (await newestPage()) ?? fresh ?? Response.error();
}

/** A build that came while this service worker is still in charge is kept already, and newer. */
async function newestPage(): Promise<Response | undefined> {
  const names = (await caches.keys()).filter((name) => name.startsWith(APP_PREFIX)).reverse();
  for (const name of names) {
    const kept = await (await caches.open(name)).match("./");
    if (kept) return kept;
  }
  return undefined;
}

/** Its name holds the hash of its contents, so that what is kept is never out of date. */
async function asset(request: Request): Promise<Response> {
  return (await caches.match(request)) ?? fetch(request);
}

async function plainFile(request: Request): Promise<Response> {
  const fresh = await fromNetwork(request);
  return fresh?.ok ? fresh : ((await caches.match(request)) ?? fresh ?? Response.error());
}

async function list(request: Request): Promise<Response> {
  const cache = await caches.open(LISTS_CACHE);
  const fresh = await fromNetwork(request);
  if (fresh?.ok) {
    await cache.put(request, fresh.clone()).catch(() => {});
    return fresh;
  }
  return (await cache.match(request)) ?? fresh ?? Response.error();
}

async function fromNetwork(request: Request): Promise<Response | undefined> {
  const timeout = new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), PATIENCE_MS));
  return Promise.race([fetch(request).catch(() => undefined), timeout]);
}

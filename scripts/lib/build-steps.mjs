/**
 * The steps of the build, after the core: page, service worker, command line, library. dist/ is the static page;
 * dist/node and dist/lib, which it does not need, are the command line and the npm package's library.
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "vite";
import { BUILD_RECORD, DIST, ROOT } from "./paths.mjs";
import { CORE, hashOf } from "./stale.mjs";

const PACKED = /\.(css|html|js|json|svg|txt|wasm)$/;
const quiet = { root: ROOT, logLevel: "warn" };

/** Runs a script of this folder's parent; its output is shown. */
export function runScript(name, ...args) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(ROOT, "scripts", name), ...args], { cwd: ROOT, stdio: ["ignore", "inherit", "inherit"] });
    child.on("error", reject);
    child.on("exit", (status) => (status === 0 ? resolve() : reject(new Error(`${name} failed (exit status ${status})`))));
  });
}

/** Where the page is built before it takes the old one's place. */
const STAGE = join(ROOT, ".cache/page");

/** Beside index.html, under names that stay. */
const PLAIN_FILES = ["licences.txt"];

/** index.html, the plain files and assets/. A server that runs meanwhile always has one whole build to hand out. */
export async function buildPage() {
  await build({ ...quiet, configFile: join(ROOT, "vite.config.ts"), build: { outDir: STAGE, emptyOutDir: true } });
  const assets = join(DIST, "assets");
  mkdirSync(assets, { recursive: true });
  const names = readdirSync(join(STAGE, "assets"));
  for (const name of names) copyFileSync(join(STAGE, "assets", name), join(assets, name));
  for (const name of ["index.html", ...PLAIN_FILES]) copyFileSync(join(STAGE, name), join(DIST, name));
  for (const name of readdirSync(assets)) if (!names.includes(name.replace(/\.gz$/, ""))) rmSync(join(assets, name));
}

/** What the page consists of, relative to dist/. */
const pageFiles = () => [
  ...PLAIN_FILES,
  ...readdirSync(join(DIST, "assets"))
    .filter((name) => !name.endsWith(".gz"))
    .map((name) => `assets/${name}`)
    .sort(),
];

/** Last of the page: it holds the list of all other files and their common hash. Returns that hash. */
export async function buildServiceWorker() {
  const files = pageFiles();
  const hash = createHash("sha256");
  for (const file of ["index.html", ...files]) hash.update(file).update(readFileSync(join(DIST, file)));
  const version = hash.digest("hex").slice(0, 16);
  await build({
    ...quiet,
    configFile: false,
    publicDir: false,
    define: { BUILD: JSON.stringify({ version, files }) },
    build: {
      outDir: DIST,
      emptyOutDir: false,
      target: "es2022",
      copyPublicDir: false,
      reportCompressedSize: false,
      lib: { entry: join(ROOT, "web/service-worker.ts"), formats: ["iife"], name: "serviceWorker", fileName: () => "service-worker.js" },
    },
  });
  return version;
}

/** A gzip copy beside each file that shrinks, and an empty list of guests where none are published. */
export function finishPage(version) {
  const files = [...pageFiles(), "service-worker.js"];
  for (const file of files) {
    if (!PACKED.test(file)) continue;
    const path = join(DIST, file);
    writeFileSync(`${path}.gz`, gzipSync(readFileSync(path), { level: 9 }));
  }
  writeFileSync(BUILD_RECORD, `${JSON.stringify({ version, core: hashOf(CORE), files: ["index.html", ...files] }, undefined, 2)}\n`);
}

/** Entries of dist/node: the command line, and what the server needs to prepare and serve guests. */
const NODE_ENTRIES = {
  cli: "web/node/cli.ts",
  "guests-prepare": "web/guests/prepare.ts",
  "guests-catalog": "web/guests/catalog.ts",
  "guests-manifest": "web/guests/manifest.ts",
  "guests-store": "web/guests/node/store.ts",
};

/** Everything that it imports is inside, so that it runs without node_modules. */
export async function buildNode() {
  rmSync(join(DIST, "node"), { recursive: true, force: true });
  await build({
    ...quiet,
    configFile: false,
    publicDir: false,
    ssr: { noExternal: true, target: "node" },
    build: {
      ssr: true,
      outDir: join(DIST, "node"),
      target: "node20",
      minify: false,
      reportCompressedSize: false,
      rollupOptions: {
        input: Object.fromEntries(Object.entries(NODE_ENTRIES).map(([name, path]) => [name, join(ROOT, path)])),
        output: { entryFileNames: "[name].js", chunkFileNames: "chunks/[name]-[hash].js" },
      },
    },
  });
}

/** dist/lib: the public module with the core beside it; dist/types: its declarations. */
export async function buildLibrary() {
  await build({
    ...quiet,
    configFile: false,
    publicDir: false,
    build: {
      outDir: join(DIST, "lib"),
      emptyOutDir: true,
      target: "es2022",
      minify: false,
      reportCompressedSize: false,
      lib: { entry: join(ROOT, "web/index.ts"), formats: ["es"], fileName: () => "vitrine.js" },
    },
  });
  copyFileSync(CORE, join(DIST, "lib/core.wasm"));
  nameCore(join(DIST, "lib/vitrine.js"));
  rmSync(join(DIST, "types"), { recursive: true, force: true });
  await declarations();
  nameDeclarationFiles(join(DIST, "types"));
}

/** Bundlers find the core by this expression, which Vite has changed so that it is not looked at again. */
function nameCore(library) {
  const text = readFileSync(library, "utf8");
  const named = text.replace(/new URL\("\.\/core\.wasm", "" \+ import\.meta\.url\)/, 'new URL("./core.wasm", import.meta.url)');
  if (!named.includes('new URL("./core.wasm", import.meta.url)')) throw new Error("the library does not say where its core is");
  writeFileSync(library, named);
}

/** TypeScript's `nodenext` finds a relative import only by the name of its JavaScript file. */
function nameDeclarationFiles(folder) {
  for (const name of readdirSync(folder, { recursive: true })) {
    if (!name.endsWith(".d.ts")) continue;
    const file = join(folder, name);
    writeFileSync(file, readFileSync(file, "utf8").replace(/(\bfrom |\bimport\()"(\.{1,2}\/[^"]+)"/g, '$1"$2.js"'));
  }
}

/** By the project that knows the page's and the bundler's types; only what web/index.ts reaches is written. */
function declarations() {
  const config = join(ROOT, ".cache/tsconfig.library.json");
  mkdirSync(join(ROOT, ".cache"), { recursive: true });
  writeFileSync(
    config,
    JSON.stringify({
      extends: "../tsconfig.page.json",
      compilerOptions: {
        composite: false,
        incremental: false,
        tsBuildInfoFile: null,
        declaration: true,
        emitDeclarationOnly: true,
        rootDir: "..",
        outDir: "../dist/types",
      },
      include: [],
      files: ["../web/index.ts"],
    }),
  );
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(ROOT, "node_modules/typescript/bin/tsc"), "-p", config], {
      cwd: ROOT,
      stdio: ["ignore", "inherit", "inherit"],
    });
    child.on("error", reject);
    child.on("exit", (status) => (status === 0 ? resolve() : reject(new Error("the declarations of the library could not be made"))));
  });
}

/** Copies the prepared guests into the static page, for a host without Node. Returns their number. */
export async function publishGuests(folder) {
  const guests = await loadGuestTools();
  const manifest = (await guests.readManifest(folder)) ?? guests.emptyManifest("");
  const target = join(DIST, "guests");
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target, { recursive: true });
  for (const [path, { file }] of guests.servedFiles(manifest, folder)) {
    const copy = join(target, path);
    mkdirSync(join(copy, ".."), { recursive: true });
    copyFileSync(file, copy);
  }
  writeFileSync(join(target, guests.MANIFEST_NAME), guests.manifestText(manifest));
  return manifest.guests.length;
}

/** A page without guests says so instead of asking for a list that is not there. */
export async function publishNoGuests() {
  const guests = await loadGuestTools();
  rmSync(join(DIST, "guests"), { recursive: true, force: true });
  mkdirSync(join(DIST, "guests"), { recursive: true });
  writeFileSync(join(DIST, "guests", guests.MANIFEST_NAME), guests.manifestText(guests.emptyManifest("")));
}

/** The modules of dist/node about guests, as one. */
export async function loadGuestTools() {
  const load = (name) => {
    const file = join(DIST, "node", `guests-${name}.js`);
    if (!existsSync(file)) throw new Error("dist/node is incomplete: run npm run build");
    // A rebuilt file is a new module.
    return import(`${new URL(`file://${file}`).href}?${statSync(file).mtimeMs}`);
  };
  const parts = await Promise.all(["prepare", "catalog", "manifest", "store"].map(load));
  return Object.assign({}, ...parts);
}

/**
 * Writes THIRD-PARTY.md: what others wrote and is part of what Vitrine hands out, with licence texts, and what is only
 * used to build it. From package-lock.json and the installed packages, the same on every platform.
 *   node scripts/licences.mjs [--check]
 * --check writes nothing and fails if the file is not current (`npm run check`).
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./lib/paths.mjs";

const FILE = join(ROOT, "THIRD-PARTY.md");
const read = (path) => readFileSync(join(ROOT, path), "utf8");

/** What is no import and still gets into the built files: package → what of it. */
const COMPILED_IN = {
  assemblyscript: "Parts of its standard library are compiled into the core.",
  vite: "A few lines in the page, which load its modules, come from it.",
};
/** Not repeated for each package: [SPDX name, first words of the text]. */
const LONG = [["Apache-2.0", "Apache License\n"]];
/** Longer files hold the licences of other packages too. */
const MOST_CHARACTERS = 6000;
const LICENCE_FILE = /^(licen[cs]e|copying)(\.(md|txt))?$/i;
const NOTICE_FILE = /^notice(\.(md|txt))?$/i;
/** Where a name says for which platform a package is built. */
const PLATFORM = /([-/])(aix|android|darwin|freebsd|linux|netbsd|openbsd|openharmony|sunos|wasm32|win32)\b.*$/;

function fail(message) {
  console.error(`licences: ${message}`);
  process.exit(1);
}

function* sources(folder) {
  for (const entry of readdirSync(join(ROOT, folder), { withFileTypes: true })) {
    if (entry.isDirectory()) yield* sources(`${folder}/${entry.name}`);
    else if (/\.tsx?$/.test(entry.name)) yield `${folder}/${entry.name}`;
  }
}

/** Packages that the sources import. */
function imported() {
  const found = new Set();
  for (const folder of ["web", "bios"])
    for (const file of sources(folder))
      for (const [, name] of read(file).matchAll(
        /^(?:import|export)\b(?!\s+type\b)[^;]*?["']((?:@[\w.-]+\/)?[a-z][\w.-]*)(?:\/[^"']*)?["'];/gm,
      ))
        if (existsSync(join(ROOT, "node_modules", name, "package.json"))) found.add(name);
  return found;
}

const lock = JSON.parse(read("package-lock.json")).packages;
/** The lock's entry of `name` as required from the package at `from`. */
function entryOf(name, from) {
  for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf("/node_modules/")))) {
    const path = `${folder ? `${folder}/` : ""}node_modules/${name}`;
    if (lock[path]) return path;
    if (folder === "") return undefined;
  }
}
/** `start` and all that they need, as paths in the lock. */
function closure(start) {
  const reached = new Set();
  const queue = start.map((name) => [name, ""]);
  for (const [name, from] of queue) {
    const path = entryOf(name, from);
    if (path === undefined || reached.has(path)) continue;
    reached.add(path);
    const { dependencies = {}, optionalDependencies = {} } = lock[path];
    for (const needed of [...Object.keys(dependencies), ...Object.keys(optionalDependencies)]) queue.push([needed, path]);
  }
  return reached;
}

const nameOf = (path) => path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);
const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
const tidy = (text) =>
  text
    .replace(/\r/g, "")
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n")
    .replace(/^\n+|\n+$/g, "");

/** Licence and notice of an installed package; long licences by name only. */
function textsOf(name, long) {
  const folder = `node_modules/${name}`;
  const manifest = JSON.parse(read(`${folder}/package.json`));
  const locked = lock[folder];
  if (manifest.version !== locked.version)
    fail(`${name} ${manifest.version} is installed, but package-lock.json wants ${locked.version}; run npm ci`);
  const files = readdirSync(join(ROOT, folder)).sort();
  const licence = files.find((file) => LICENCE_FILE.test(file));
  const notice = files.find((file) => NOTICE_FILE.test(file));
  const texts = [];
  let remark = "";
  if (licence === undefined)
    remark = `The package has no licence file; its package.json says ${manifest.license}, by ${authorsOf(manifest)}.`;
  else {
    const text = tidy(read(`${folder}/${licence}`));
    const known = LONG.find(([id, start]) => id === locked.license && text.trimStart().startsWith(start.trim()));
    if (known) {
      long.set(known[0], text);
      remark = `The text of ${known[0]} is at the end.`;
    } else texts.push(text.length > MOST_CHARACTERS ? firstLicence(text, name) : text);
  }
  if (notice !== undefined) texts.push(tidy(read(`${folder}/${notice}`)));
  return { version: locked.version, license: locked.license, remark, text: texts.join("\n\n") };
}

function authorsOf({ author, contributors = [] }) {
  const people = [author, ...contributors].filter(Boolean).map((each) => each.name ?? each.replace(/ <.*/, ""));
  return [...new Set(people)].join(" and ");
}

/** A licence file that goes on with the licences of what the package contains. */
function firstLicence(text, name) {
  const end = /\n#+ Licenses of bundled dependencies/i.exec(text);
  if (!end) fail(`the licence file of ${name} is long and not known here; look at it and teach scripts/licences.mjs`);
  return tidy(text.slice(0, end.index));
}

/** Licence texts are quoted as they are. */
const quoted = (text) => `\`\`\`text\n${text}\n\`\`\``;

function document() {
  const part = closure([...imported()].filter((name) => !(name in COMPILED_IN)));
  const names = [...new Set([...[...part].map(nameOf), ...Object.keys(COMPILED_IN)])].sort(compare);
  const shipped = new Set(names);
  const { dependencies = {}, devDependencies = {} } = JSON.parse(read("package.json"));
  const tools = new Map();
  // What starts and builds Vitrine; what only tests it is left to npm.
  const building = [...Object.keys(dependencies), ...BUILDERS.filter((name) => name in devDependencies)];
  for (const path of closure(building)) {
    const name = nameOf(path);
    if (shipped.has(name)) continue;
    const { version, license = "unknown" } = lock[path];
    const shown = name.replace(PLATFORM, (_all, mark) => `${mark}*`);
    tools.set(`${shown} ${version}`, `| ${shown} | ${version} | ${license} |`);
  }
  const long = new Map();
  const sections = names.map((name) => {
    const { version, license, remark, text } = textsOf(name, long);
    return [`### ${name} ${version}, ${license}`, COMPILED_IN[name], remark, text && quoted(text)].filter(Boolean).join("\n\n");
  });
  return `# What others wrote

Generated by \`node scripts/licences.mjs\`; do not edit. Vitrine itself is under the MIT licence, see LICENSE. Guests are not
part of it: \`guests/manifest.json\` has the licence of each of their components.

## Part of what is handed out

In the page, the command line or the core, as built by \`npm run build\`.

${sections.join("\n\n")}

## Used to build it

Installed by npm, not part of the built files. A \`*\` stands for one package for each platform.

| package | version | licence |
|---|---|---|
${[...tools.values()].sort(compare).join("\n")}

## Long licences

${[...long]
  .sort(([a], [b]) => compare(a, b))
  .map(([id, text]) => `### ${id}\n\n${quoted(text)}`)
  .join("\n\n")}
`;
}

/** Wherever package.json lists them. */
const BUILDERS = ["assemblyscript", "typescript", "vite"];

const args = process.argv.slice(2);
if (args.some((arg) => arg !== "--check")) fail("usage: node scripts/licences.mjs [--check]");
const text = document();
if (!args.includes("--check")) {
  writeFileSync(FILE, text);
  console.log(`licences: THIRD-PARTY.md, ${text.split("\n").length} lines`);
} else if (!existsSync(FILE) || readFileSync(FILE, "utf8") !== text) fail("THIRD-PARTY.md is not current: run node scripts/licences.mjs");

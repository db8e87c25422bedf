/**
 * `npm run check`: types, one-way doors between rooms, file length, lint and format, lock file without host names,
 * THIRD-PARTY.md and generated tables up to date. Every failure is printed; exit status 1 if there is one.
 */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const failures = [];
const fail = (text) => failures.push(text);

/** A folder may import only from folders to its left, and from itself. */
const ROOMS = {
  asm: ["core", "mmu", "decode", "vmm", "semantics", "jit", "interpreter"],
  web: ["lib", "protocol", "storage", "snapshot", "disasm", "assembler", "machine", "labs", "guests", "worker", "node", "panels", "ui"],
};
/** Doors that the order alone would leave open. */
const CLOSED = [
  ["web/ui", "web/machine"],
  ["web/panels", "web/machine"],
  ["web/ui", "web/node"],
  ["web/ui", "web/labs/engine"],
  ["web/machine", "web/guests"],
];
const LIMIT = 800;

function* files(folder, pattern) {
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    if (entry.name === "node_modules" || entry.name === "dist" || entry.name.startsWith(".")) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* files(path, pattern);
    else if (pattern.test(entry.name) && !/\.generated\.ts$/.test(entry.name)) yield path;
  }
}

function checkRooms() {
  for (const [top, rooms] of Object.entries(ROOMS)) {
    for (const file of files(top, /\.tsx?$/)) {
      const parts = file.split("/");
      const here = parts.length > 2 ? rooms.indexOf(parts[1]) : Number.POSITIVE_INFINITY;
      const text = readFileSync(join(root, file), "utf8");
      for (const [, target] of text.matchAll(/(?:from|import)\s*\(?\s*"(\.[^"]+)"/g)) {
        const reached = relative(root, resolve(root, dirname(file), target));
        const [otherTop, otherRoom] = reached.split("/");
        if (otherTop === top && parts.length > 2) {
          const there = rooms.indexOf(otherRoom);
          if (here >= 0 && there > here) fail(`${file}: imports ${reached}, a later room (order: ${rooms.join(" < ")})`);
        }
        for (const [from, to] of CLOSED)
          if (
            file.startsWith(`${from}/`) &&
            reached.startsWith(`${to}/`) &&
            !/^import type/m.test(text.split("\n").find((line) => line.includes(target)) ?? "")
          )
            fail(`${file}: ${from} may not import ${to}`);
        if (top === "web" && otherTop === "asm" && !reached.startsWith("asm/isa") && !reached.startsWith("asm/toolchain"))
          fail(`${file}: only asm/isa and asm/toolchain are data for web/`);
      }
      if (file.startsWith("web/machine/") && /from "node:/.test(text)) fail(`${file}: the machine runs in pages too, no node: imports`);
    }
  }
}

function checkLengths() {
  for (const folder of ["asm", "web", "tests", "scripts", "bios", "bin"]) {
    for (const file of files(folder, /\.(ts|tsx|mjs|css|asm)$/)) {
      if (file.endsWith(".asm") && file.startsWith("bios/")) continue; // guests are programs, read from top to bottom
      const lines = readFileSync(join(root, file), "utf8").split("\n").length;
      if (lines > LIMIT) fail(`${file}: ${lines} lines, at most ${LIMIT}`);
    }
  }
}

function checkLock() {
  const lock = readFileSync(join(root, "package-lock.json"), "utf8");
  if (/"resolved":\s*"https?:/.test(lock))
    fail("package-lock.json names a host: npm install with omit-lockfile-registry-resolved=true (.npmrc)");
}

function run(label, command, args) {
  const result = spawnSync(command, args, { cwd: root, encoding: "utf8" });
  if (result.status !== 0) fail(`${label}:\n${(result.stdout + result.stderr).trim()}`);
}

const bin = (name) => join(root, "node_modules/.bin", name);
checkRooms();
checkLengths();
checkLock();
run("licences", process.execPath, ["scripts/licences.mjs", "--check"]);
run("generate", process.execPath, ["scripts/build-core.mjs", "--generate-only"]);
for (const project of ["machine", "page", "tools"])
  run(`types (${project})`, bin("tsc"), [
    "-p",
    `tsconfig.${project}.json`,
    "--noEmit",
    "--emitDeclarationOnly",
    "false",
    "--composite",
    "false",
  ]);
run("lint and format", bin("biome"), ["check", "--max-diagnostics=40", "."]);
if (failures.length) {
  console.error(failures.join("\n"));
  console.error(`check: ${failures.length} failed`);
  process.exit(1);
}
console.log(
  `check: passed (${[...files("asm", /\.ts$/), ...files("web", /\.tsx?$/)].length} source files, newest ${new Date(Math.max(...[...files("asm", /\.ts$/)].map((f) => statSync(join(root, f)).mtimeMs))).toISOString().slice(0, 10)})`,
);

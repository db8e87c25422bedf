/** bin/vitrine.mjs alone: Node's version, a missing build, arguments and status passed on; scripts/run.mjs likewise. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "vitest";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function folderWith(files: Record<string, string>, node = ">=18") {
  const folder = mkdtempSync(join(tmpdir(), "vitrine-bin-"));
  folders.push(folder);
  cpSync(join(root, "bin"), join(folder, "bin"), { recursive: true });
  for (const [path, text] of Object.entries({ "package.json": JSON.stringify({ type: "module", engines: { node } }), ...files })) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

function start(folder: string, script: string, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(folder, script), ...args], { encoding: "utf8" });
  return { status, stdout, stderr };
}

const installation = (files: Record<string, string>, node?: string) =>
  start(folderWith(files, node), "bin/vitrine.mjs", "run", "--kernel", "k");

const CLI = "export const main = async (argv) => { console.log(argv.join(' ')); return 33; };";

describe("bin/vitrine.mjs", () => {
  it("passes arguments and exit status", () => {
    expect(installation({ "dist/node/cli.js": CLI })).toEqual({ status: 33, stdout: "run --kernel k\n", stderr: "" });
  });

  it("builds on first use, with a line of progress on standard error only", () => {
    const build = `import { mkdirSync, writeFileSync } from "node:fs";
      mkdirSync("DIST/node", { recursive: true }); writeFileSync("DIST/node/cli.js", ${JSON.stringify(CLI)}); console.log("built");`;
    const script = build.replaceAll('"DIST/', 'new URL("../dist/", import.meta.url).pathname + "');
    const { status, stdout, stderr } = installation({ "scripts/build.mjs": script });
    expect([status, stdout]).toEqual([33, "run --kernel k\n"]);
    expect(stderr).toMatch(/^vitrine: building for the first time[^\n]*\nbuilt\n$/);
  });

  it("says what to do when the build fails, is missing, or Node is too old", () => {
    expect(installation({ "scripts/build.mjs": "process.exit(1)" })).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/the build failed; .*npm ci/),
    });
    expect(installation({})).toMatchObject({ status: 2, stderr: expect.stringMatching(/^vitrine: the installation is incomplete/) });
    expect(installation({ "dist/node/cli.js": CLI }, ">=99.1")).toMatchObject({
      status: 2,
      stdout: "",
      stderr: expect.stringMatching(/^vitrine: Node [\d.]+ is too old; install Node 99.1 or newer/),
    });
  });
});

describe("scripts/run.mjs", () => {
  const SCRIPT = "export {}; console.log(process.argv.slice(2).join(' ')); process.exitCode = 7;";
  const checkout = (node: string, files: Record<string, string> = {}) => {
    const folder = folderWith({ "scripts/test.mjs": SCRIPT, ...files }, node);
    cpSync(join(root, "scripts/run.mjs"), join(folder, "scripts/run.mjs"));
    return start(folder, "scripts/run.mjs", "test", "full", "--flag");
  };

  it("starts a script as if by itself", () => {
    expect(checkout(">=18", { "node_modules/vite/package.json": "{}" })).toEqual({ status: 7, stdout: "full --flag\n", stderr: "" });
  });

  it("says what to do when Node is too old or packages are missing", () => {
    expect(checkout(">=99.1")).toMatchObject({ status: 2, stdout: "", stderr: expect.stringMatching(/^test: Node [\d.]+ is too old/) });
    expect(checkout(">=18")).toMatchObject({
      status: 2,
      stdout: "",
      stderr: expect.stringMatching(/^test: packages are missing; run npm ci/),
    });
  });
});

/**
 * The npm package: packed, installed in an empty TypeScript project, type-checked there, and booting a built-in guest in
 * Node, on the command line and in a page that Vite builds.
 */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { chromium } from "@playwright/test";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Checkout, ROOT, run } from "../tools/checkout";
import { chromiumPath, isRequired } from "../ui/support/browsers";

const isQuick = process.env.TEST_TIER === "quick";
const PASSED = "teaching kernel: all 35 checks passed";
/** The package, and nothing of Debian's or of our sources. */
const EXPECTED = [/^bin\/[a-z-]+\.mjs$/, /^dist\/(lib|node|types)\//, /^(LICENSE|README\.md|THIRD-PARTY\.md|package\.json)$/];
const MOST_BYTES = 4_000_000;

const NODE_PROGRAM = `
import { assembleGuest, findBuiltInGuest, Machine, type MachineExit } from "vitrine";

const guest = findBuiltInGuest("teaching");
if (!guest) throw new Error("no such guest");
const machine = await Machine.create({
  memoryMb: 16,
  clock: { kind: "deterministic" },
  boot: { kind: "sector", image: assembleGuest(guest) },
});
machine.serial(0).onData((bytes: Uint8Array) => void process.stdout.write(bytes));
const { exit }: { exit: MachineExit | null } = await machine.run({ instructions: 60_000_000 });
process.stdout.write(exit?.reason ?? "still running");
// @ts-expect-error: the types are there and say no.
machine.serial("one");
`;

const PAGE_PROGRAM = `
import { assembleGuest, findBuiltInGuest, Machine } from "vitrine";
import coreUrl from "vitrine/core.wasm?url";

async function boot(element: string, wasm?: ArrayBuffer): Promise<void> {
  const machine = await Machine.create(
    { memoryMb: 16, clock: { kind: "deterministic" }, boot: { kind: "sector", image: assembleGuest(findBuiltInGuest("teaching")!) } },
    { wasm },
  );
  const decoder = new TextDecoder();
  machine.serial(0).onData((bytes) => document.getElementById(element)!.append(decoder.decode(bytes)));
  machine.onExit((exit) => document.getElementById(element)!.append(exit.reason));
  machine.start();
}
await boot("given", await (await fetch(coreUrl)).arrayBuffer());
await boot("found");
`;
const PAGE = `<!doctype html><title>Page</title><pre id="given"></pre><pre id="found"></pre><script type="module" src="/page.ts"></script>`;

const COMPILERS = {
  "NodeNext, Node's types": { module: "nodenext", target: "es2022", types: ["node"] },
  "bundler, the page's types": {
    ...{ module: "esnext", moduleResolution: "bundler", target: "es2022" },
    ...{ lib: ["es2023", "dom", "dom.iterable"], types: ["vite/client"] },
  },
} as const;

describe.skipIf(isQuick)(`the package in an empty project${isQuick ? " (builds it: not in the quick tier)" : ""}`, () => {
  const folder = mkdtempSync(join(tmpdir(), "vitrine-package-"));
  const project = join(folder, "project");
  let files: readonly { path: string; size: number }[] = [];

  const tool = (name: string): string => join(ROOT, "node_modules", name);
  const compile = (sources: string, options: object): Promise<string> => {
    const config = { compilerOptions: { ...options, strict: true, skipLibCheck: false, outDir: "built" }, files: [sources] };
    writeFileSync(join(project, "tsconfig.json"), JSON.stringify(config));
    return run(process.execPath, [tool("typescript/bin/tsc"), "-p", "."], project);
  };

  beforeAll(async () => {
    const checkout = new Checkout();
    try {
      cpSync(join(ROOT, "dist/core"), join(checkout.folder, "dist/core"), { recursive: true });
      const build = 'import { buildLibrary, buildNode } from "./scripts/lib/build-steps.mjs"; await buildNode(); await buildLibrary();';
      await checkout.run(process.execPath, ["--input-type=module", "-e", build]);
      const packed = await checkout.run("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", folder]);
      const [{ filename, files: list }] = JSON.parse(packed);
      files = list;
      mkdirSync(project);
      writeFileSync(join(project, "package.json"), JSON.stringify({ name: "empty", private: true, type: "module" }));
      const install = ["install", "--ignore-scripts", "--no-audit", "--no-fund", join(folder, filename)];
      // Without the network where npm's cache is enough.
      await run("npm", [...install, "--offline"], project).catch(() => run("npm", install, project));
    } finally {
      checkout.remove();
    }
    // The project's own tools, as npm install -D vite typescript @types/node would add them.
    for (const name of ["vite", "@types/node"]) {
      const link = join(project, "node_modules", name);
      mkdirSync(join(link, ".."), { recursive: true });
      if (!existsSync(link)) symlinkSync(tool(name), link, "dir");
    }
  }, 300_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("holds the library, the command line, types and licences, and nothing else", () => {
    expect(files.map(({ path }) => path).filter((path) => !EXPECTED.some((pattern) => pattern.test(path)))).toEqual([]);
    const paths = new Set(files.map(({ path }) => path));
    for (const path of ["dist/lib/vitrine.js", "dist/lib/core.wasm", "dist/types/web/index.d.ts", "dist/node/cli.js", "THIRD-PARTY.md"])
      expect(paths).toContain(path);
    expect(files.reduce((sum, { size }) => sum + size, 0)).toBeLessThan(MOST_BYTES);
    // Nothing else comes with it. (The links are this project's tools, see above.)
    const installed = readdirSync(join(project, "node_modules")).filter((name) => !name.startsWith("."));
    expect(installed.sort()).toEqual(["@types", "vite", "vitrine"]);
  });

  it.each(Object.entries(COMPILERS))("has types that hold: %s", async (name, options) => {
    const isPage = name.startsWith("bundler");
    const source = isPage ? "page.ts" : "program.ts";
    writeFileSync(join(project, source), isPage ? PAGE_PROGRAM : NODE_PROGRAM);
    await compile(source, { ...options, noEmit: true });
  });

  it("boots a built-in guest in Node", async () => {
    writeFileSync(join(project, "program.ts"), NODE_PROGRAM.replace(/\n.*ts-expect-error[\s\S]*/, ""));
    await compile("program.ts", COMPILERS["NodeNext, Node's types"]);
    const output = await run(process.execPath, ["built/program.js"], project);
    expect(output).toContain(`${PASSED}\r\n`);
    expect(output.endsWith("halted")).toBe(true);
  });

  it("boots a built-in guest on the command line", async () => {
    const args = ["run", "--guest", "teaching", "--clock", "deterministic"];
    expect(await run(join(project, "node_modules/.bin/vitrine"), args, project)).toContain(PASSED);
  });

  it("boots a built-in guest in a Vite page", async (context) => {
    if (chromiumPath === undefined && !isRequired) context.skip("Chromium is not installed (REQUIRE_TOOLS=1 makes this a failure)");
    writeFileSync(join(project, "page.ts"), PAGE_PROGRAM);
    writeFileSync(join(project, "index.html"), PAGE);
    await run(process.execPath, [tool("vite/bin/vite.js"), "build", "--logLevel", "warn", "--target", "es2022"], project);
    const text = await textsOf(join(project, "dist"));
    for (const element of ["given", "found"]) expect(text[element]).toMatch(new RegExp(`${PASSED}\\s+halted$`));
  }, 120_000);
});

const TYPES: Readonly<Record<string, string>> = { ".html": "text/html", ".js": "text/javascript", ".wasm": "application/wasm" };

/** What a browser shows of the page in `folder` when both machines have ended, by element. */
async function textsOf(folder: string): Promise<Record<string, string>> {
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? "/", "http://localhost").pathname.replace(/\/$/, "/index.html");
    const file = join(folder, path);
    if (!existsSync(file)) return response.writeHead(404).end();
    return response.writeHead(200, { "Content-Type": TYPES[extname(file)] ?? "application/octet-stream" }).end(readFileSync(file));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const browser = await chromium.launch({ executablePath: chromiumPath, args: ["--no-sandbox"] });
  try {
    const page = await browser.newPage();
    const errors: string[] = [];
    page.on("pageerror", (error) => errors.push(error.message));
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    const texts = (): Promise<Record<string, string>> =>
      page.evaluate(() => Object.fromEntries(Array.from(document.querySelectorAll("pre"), (each) => [each.id, each.textContent ?? ""])));
    await page
      .waitForFunction(
        () => Array.from(document.querySelectorAll("pre")).every((each) => each.textContent?.endsWith("halted")),
        undefined,
        {
          timeout: 60_000,
        },
      )
      .catch(async (error: Error) => {
        throw new Error(`${error.message}\n${errors.join("\n")}\n${JSON.stringify(await texts())}`);
      });
    return await texts();
  } finally {
    await browser.close();
    server.close();
  }
}

/**
 * `npm run dev`: the page from its sources, reloaded when they change. A change in asm/ compiles the core again
 * (quickly, with assertions) and then reloads the page.
 */
import { spawn } from "node:child_process";
import { watch } from "node:fs";
import { join } from "node:path";
import { createServer } from "vite";
import { ROOT } from "./lib/paths.mjs";

const HELP = "usage: npm run dev [-- --host] [--port N]\n";
const SETTLE_MS = 150;

const args = process.argv.slice(2);
if (args.includes("--help")) {
  process.stdout.write(HELP);
  process.exit(0);
}
const portAt = args.indexOf("--port");
const port = portAt < 0 ? 5173 : Number(args[portAt + 1]);
const unknown = args.find((arg, i) => arg !== "--host" && arg !== "--port" && i !== portAt + 1);
if (unknown !== undefined || !Number.isInteger(port)) {
  process.stderr.write(`dev: ${unknown === undefined ? "--port needs a number" : `unknown option ${unknown}`}\n${HELP}`);
  process.exit(2);
}

/** Resolves to whether it compiled; asc's messages are shown. */
function buildCore(...more) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(ROOT, "scripts/build-core.mjs"), "--dev", ...more], { cwd: ROOT, stdio: "inherit" });
    child.on("exit", (status) => resolve(status === 0));
  });
}

if (!(await buildCore("--if-stale"))) console.error("dev: the core does not compile yet; waiting for a change in asm/");

const server = await createServer({
  root: ROOT,
  configFile: join(ROOT, "vite.config.ts"),
  server: { port, host: args.includes("--host") },
});
await server.listen();
server.printUrls();

let timer;
let building = false;
let again = false;

async function rebuild() {
  if (building) {
    again = true;
    return;
  }
  building = true;
  do {
    again = false;
    if (await buildCore()) server.hot.send({ type: "full-reload" });
  } while (again);
  building = false;
}

watch(join(ROOT, "asm"), { recursive: true }, (_event, name) => {
  if (!name?.endsWith(".ts") || name.endsWith(".generated.ts")) return;
  clearTimeout(timer);
  timer = setTimeout(rebuild, SETTLE_MS);
});

for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => server.close().finally(() => process.exit(0)));

#!/usr/bin/env node
/**
 * Starts the command line. Plain JavaScript that any Node can read, so that an old one gets a clear message; builds
 * the command line first where a checkout has not done so yet.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { requireNode } from "./require-node.mjs";

const place = (path) => fileURLToPath(new URL(path, import.meta.url));
function fail(message) {
  process.stderr.write(`vitrine: ${message}\n`);
  process.exit(2);
}

requireNode("vitrine");

const cli = place("../dist/node/cli.js");
if (!existsSync(cli)) {
  const build = place("../scripts/build.mjs");
  if (!existsSync(build)) fail("the installation is incomplete (dist/node/cli.js is missing); install the package again");
  process.stderr.write("vitrine: building for the first time, about a minute…\n");
  // What the build says goes to standard error: standard output belongs to the guest.
  const { status } = spawnSync(process.execPath, [build], { stdio: ["ignore", 2, 2] });
  if (status !== 0 || !existsSync(cli)) fail("the build failed; see above, and try npm ci && npm run build");
}

const { main } = await import(new URL("../dist/node/cli.js", import.meta.url).href);
process.exitCode = await main(process.argv.slice(2));

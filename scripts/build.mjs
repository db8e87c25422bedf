/**
 * `npm run build`: core, page, service worker, command line, library. The page in dist/ is static: copy it to any web
 * server, below any path.
 */
import { join } from "node:path";
import {
  buildLibrary,
  buildNode,
  buildPage,
  buildServiceWorker,
  finishPage,
  publishGuests,
  publishNoGuests,
  runScript,
} from "./lib/build-steps.mjs";
import { ROOT } from "./lib/paths.mjs";
import { isBuildStale, isCoreStale } from "./lib/stale.mjs";

const HELP = `usage: npm run build [-- [--if-stale] [--with-guests]]

Builds the core, the page (dist/), the command line (dist/node) and the library (dist/lib).
  --if-stale      do nothing if nothing has changed since the last build
  --with-guests   copy the prepared guests into dist/guests, so that a static host offers them too;
                  mind their licences (guests/manifest.json) when you publish it
`;

const args = process.argv.slice(2);
if (args.includes("--help")) {
  process.stdout.write(HELP);
  process.exit(0);
}
const unknown = args.find((arg) => arg !== "--with-guests" && arg !== "--if-stale");
if (unknown !== undefined) {
  process.stderr.write(`build: unknown option ${unknown}\n${HELP}`);
  process.exit(2);
}

if (args.includes("--if-stale") && !isBuildStale()) process.exit(0);

async function step(name, action) {
  const started = Date.now();
  const result = await action();
  console.log(`build: ${name}, ${((Date.now() - started) / 1000).toFixed(1)} s`);
  return result;
}

try {
  if (isCoreStale()) await step("core", () => runScript("build-core.mjs"));
  else console.log("build: core is up to date");
  await step("page", buildPage);
  const version = await step("service worker", buildServiceWorker);
  await step("command line", buildNode);
  await step("library", buildLibrary);
  if (args.includes("--with-guests")) {
    const count = await step("guests", () => publishGuests(process.env.VITRINE_GUESTS ?? join(ROOT, "guests")));
    if (count === 0) console.log("build: no guests are prepared; npx vitrine guests prepare, then build again");
  } else await publishNoGuests();
  finishPage(version);
  console.log(`build: dist/ is complete, version ${version}`);
} catch (error) {
  console.error(`build: ${error.message}`);
  process.exit(1);
}

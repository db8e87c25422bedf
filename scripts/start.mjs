/**
 * `npm start`: builds what is out of date, prepares the guests, serves the page. Written so that an old Node can read
 * it as far as the message that it is too old; everything else is imported after that.
 */
import { readFileSync } from "node:fs";

const wanted = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")).engines.node.replace(/[^\d.]/g, "");

function isOlder(version, than) {
  const [a, b] = [version, than].map((text) => text.split(".").map(Number));
  for (let i = 0; i < b.length; i++) if (a[i] !== b[i]) return a[i] < b[i];
  return false;
}

if (isOlder(process.versions.node, wanted)) {
  console.error(`start: Node ${process.versions.node} is too old; install Node ${wanted} or newer (nodejs.org)`);
  process.exit(1);
}

import("./lib/start.mjs")
  .then(({ start }) => start(process.argv.slice(2)))
  .catch((error) => {
    console.error(error.code === "ERR_MODULE_NOT_FOUND" ? "start: packages are missing; run npm ci first" : `start: ${error.message}`);
    process.exit(1);
  });

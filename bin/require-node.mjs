/** Ends with a clear message where Node is older than package.json's `engines`. Plain JavaScript that any Node can read. */
import { readFileSync } from "node:fs";

const { engines } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
const wanted = engines.node.replace(/[^\d.]/g, "");

function isOlder(version, than) {
  const [a, b] = [version, than].map((text) => text.split(".").map(Number));
  for (let i = 0; i < b.length; i++) if (a[i] !== b[i]) return a[i] < b[i];
  return false;
}

/** `who` begins the message. */
export function requireNode(who) {
  if (!isOlder(process.versions.node, wanted)) return;
  process.stderr.write(`${who}: Node ${process.versions.node} is too old; install Node ${wanted} or newer (nodejs.org)\n`);
  process.exit(2);
}

/**
 * `npm run NAME`: a script of this folder, once Node is new enough and packages are installed. Only what any Node can read
 * is imported before that. node scripts/run.mjs NAME [argument…]
 */
import { existsSync } from "node:fs";
import { requireNode } from "../bin/require-node.mjs";

const [name, ...args] = process.argv.slice(2);
requireNode(name);
if (!existsSync(new URL("../node_modules/vite", import.meta.url))) {
  console.error(`${name}: packages are missing; run npm ci first (with development packages: they build Vitrine)`);
  process.exit(2);
}
const script = new URL(`${name}.mjs`, import.meta.url);
// As if it had been started by itself.
process.argv.splice(1, process.argv.length, script.pathname, ...args);
await import(script.href);

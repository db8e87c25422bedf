/** Where prepared guests lie if nobody says otherwise: in the checkout, or where VITRINE_GUESTS points. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Environment } from "./proxy";

export function defaultGuestsFolder(env: Environment = process.env): string {
  if (env.VITRINE_GUESTS) return resolve(env.VITRINE_GUESTS);
  return join(packageRoot(), "guests");
}

/** The folder of this project's package.json, above wherever this file was bundled to. */
function packageRoot(): string {
  const start = dirname(fileURLToPath(import.meta.url));
  for (let folder = start; ; folder = dirname(folder)) {
    const manifest = join(folder, "package.json");
    if (existsSync(manifest) && (JSON.parse(readFileSync(manifest, "utf8")) as { name?: string }).name === "vitrine") return folder;
    if (folder === dirname(folder)) return process.cwd();
  }
}

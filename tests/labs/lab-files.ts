/** Labs read from their folders, for tests that no bundler serves. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Lab, readLab } from "../../web/labs/format";

const FOLDER = join(dirname(dirname(dirname(fileURLToPath(import.meta.url)))), "web/labs");

export const labFolders = (): string[] =>
  readdirSync(FOLDER, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && readdirSync(join(FOLDER, entry.name)).includes("lab.json"))
    .map(({ name }) => name);

export function labFromFolder(id: string): Lab {
  const files = readdirSync(join(FOLDER, id)).map((name) => [name, readFileSync(join(FOLDER, id, name), "utf8")]);
  return readLab(id, Object.fromEntries(files));
}

/** Places in the checkout. */
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
export const DIST = join(ROOT, "dist");
export const BUILD_RECORD = join(DIST, "build.json");

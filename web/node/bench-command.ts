/** `vitrine bench`: `npm run bench` of the checkout that this command belongs to. The package does not hold its programs. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Environment } from "./environment";

/** Beside dist/node/cli.js, and beside this file when the sources run. */
const PLACES = ["../../scripts/bench.mjs"];
const NO_CHECKOUT = 2;

/** The result is the exit status. `find`: tests choose the script. */
export async function main(
  argv: readonly string[],
  environment: Environment,
  find = (): string | undefined => PLACES.map((place) => fileURLToPath(new URL(place, import.meta.url))).find((path) => existsSync(path)),
): Promise<number> {
  const script = find();
  if (script === undefined) {
    environment.stderr(
      "vitrine bench: this installation has no benchmarks; they are in Vitrine's source, where `npm run bench` builds and runs them\n",
    );
    return NO_CHECKOUT;
  }
  return new Promise((resolve, reject) => {
    const bench = spawn(process.execPath, [script, ...argv], { stdio: "inherit" });
    bench.once("error", reject);
    bench.once("exit", (status) => resolve(status ?? 1));
  });
}

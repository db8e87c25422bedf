/** A copy of the checkout in a temporary folder, to build and change; node_modules is shared with the original. */
import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** At the top of the checkout, what is no source. */
const NOT_COPIED = new Set(["node_modules", "dist", "guests", "test-results", "playwright-report", ".git", ".cache"]);

/** Output of a program. Rejects with all that it printed if it fails. */
export function run(program: string, args: readonly string[], folder: string): Promise<string> {
  // The test runner's own variables would confuse one that is started inside.
  const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^VITEST|^TEST$|^NODE_ENV$/.test(name)));
  return new Promise((resolve, reject) => {
    execFile(program, args, { cwd: folder, env: environment, maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${[program, ...args].join(" ")}:\n${stdout}${stderr}`));
      else resolve(stdout);
    });
  });
}

export class Checkout {
  readonly folder = mkdtempSync(join(tmpdir(), "vitrine-checkout-"));

  constructor() {
    cpSync(ROOT, this.folder, { recursive: true, filter: (path) => !NOT_COPIED.has(relative(ROOT, path)) });
    symlinkSync(join(ROOT, "node_modules"), join(this.folder, "node_modules"), "dir");
  }

  run(program: string, args: readonly string[]): Promise<string> {
    return run(program, args, this.folder);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

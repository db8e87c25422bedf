/** Browsers of this computer. Where one is missing, its tests are skipped with the reason; REQUIRE_TOOLS=1 makes that a failure. */
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { type Browser, chromium } from "@playwright/test";

/** Debian's wrappers, other systems' names. */
const CHROMIUM_NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const FIREFOX_NAMES = ["firefox-esr", "firefox"];

function find(variable: string, names: readonly string[]): string | undefined {
  const given = process.env[variable];
  if (given) return given;
  for (const folder of (process.env.PATH ?? "").split(delimiter))
    for (const name of names) {
      const path = join(folder, name);
      try {
        accessSync(path, constants.X_OK);
        return path;
      } catch {}
    }
  return undefined;
}

export const isRequired = process.env.REQUIRE_TOOLS === "1";
export const chromiumPath = find("CHROMIUM", CHROMIUM_NAMES);
export const firefoxPath = find("FIREFOX", FIREFOX_NAMES);

/**
 * Chromium that looks for classroom.test on this computer: a name that browsers do not take for this computer stands for
 * another computer's address, so plain http from it is no secure context.
 */
export const launchInClassroom = (): Promise<Browser> =>
  chromium.launch({
    executablePath: chromiumPath,
    // As root, as in containers, Chromium's sandbox cannot be set up.
    chromiumSandbox: process.getuid?.() !== 0,
    args: ["--host-resolver-rules=MAP classroom.test 127.0.0.1"],
  });

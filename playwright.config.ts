/** The page's tests, in a Chromium that is already installed: Playwright's own downloads are not needed. */
import { defineConfig } from "@playwright/test";
import { chromiumPath } from "./tests/ui/support/browsers";

export default defineConfig({
  testDir: "tests/ui",
  testMatch: /.*\.ui\.ts$/,
  globalSetup: "./tests/ui/support/prepare.ts",
  outputDir: "test-results",
  // A booting guest takes a processor for itself; two at once would disturb each other's waiting times.
  workers: 1,
  // Against hanging only: a computer with other work takes many times as long as an idle one.
  timeout: 180_000,
  expect: { timeout: 30_000 },
  // A browser's own accidents; what fails twice is ours. The report names what passed at the second attempt as flaky.
  retries: process.env.REQUIRE_TOOLS === "1" ? 1 : 0,
  forbidOnly: true,
  reporter: "list",
  use: {
    browserName: "chromium",
    viewport: { width: 1280, height: 800 },
    launchOptions: {
      executablePath: chromiumPath,
      // As root, as in containers, Chromium's sandbox cannot be set up.
      chromiumSandbox: process.getuid?.() !== 0,
    },
  },
});

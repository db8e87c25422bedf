/** Saving, opening and offering snapshots, as users do. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Page } from "@playwright/test";
import { expect, type Vitrine } from "./fixtures";

/** The dialog of the system cannot be driven by tests: then the page downloads, as in browsers without it. */
export async function withoutPicker(page: Page): Promise<void> {
  await page.addInitScript(() => {
    delete (globalThis as { showSaveFilePicker?: unknown }).showSaveFilePicker;
  });
}

/** Saves by the button, and gives the file's place. */
export async function save(vitrine: Vitrine): Promise<string> {
  const { page } = vitrine;
  await vitrine.button("Snapshot").click();
  const dialog = page.getByRole("dialog", { name: "Save a snapshot" });
  await expect(dialog).toContainText("whole memory of the machine");
  await expect(dialog).toContainText(/about .* (KB|MB)/);
  const downloading = page.waitForEvent("download");
  await dialog.getByRole("button", { name: "Save to a file" }).click();
  const download = await downloading;
  expect(download.suggestedFilename()).toMatch(/\.vitrine$/);
  await expect(dialog).toHaveCount(0);
  return download.path();
}

export async function openFile(vitrine: Vitrine, path: string): Promise<void> {
  await vitrine.page.getByLabel("Snapshot", { exact: true }).setInputFiles(path);
}

export const preview = (page: Page, title: string) => page.getByRole("dialog", { name: title });

/** A web server of somebody else's. */
export async function otherSite(file: Buffer, headers: Record<string, string>): Promise<{ url: string; server: Server }> {
  const server = createServer((_request, response) => {
    response.writeHead(200, { "Content-Type": "application/octet-stream", "Content-Length": file.length, ...headers });
    response.end(file);
  });
  await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
  return { server, url: `http://localhost:${(server.address() as AddressInfo).port}/machine.vitrine` };
}

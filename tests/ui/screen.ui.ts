/** The screen in the page: GRUB's rescue CD through SeaBIOS, drawn, read as text, and used by keyboard. */
import { expect } from "@playwright/test";
import { BOOT_MS, needsChromium, needsGuest, test } from "./support/fixtures";

needsChromium();
test.describe.configure({ timeout: BOOT_MS });

test("one click boots a CD to GRUB's menu; keys by their place go to it, and the serial console is a tab away", async ({ vitrine }) => {
  needsGuest("grub");
  const { page } = vitrine;
  await vitrine.boot("GRUB rescue CD");
  const text = page.locator(".screen-text");
  await expect(text).toContainText("GNU GRUB", { timeout: BOOT_MS });
  await page.getByRole("application", { name: /The guest's screen/ }).focus();
  await page.keyboard.press("c");
  await expect(text).toContainText("grub>", { timeout: 60_000 });
  await page.keyboard.type("echo vitrine", { delay: 60 });
  await page.keyboard.press("Enter");
  await expect(text).toContainText(/grub> echo vitrine\s+vitrine\s+grub>/, { timeout: 60_000 });
  // Pixels, not only text: the canvas holds more than one colour.
  const colors = await page.locator(".screen-sheet canvas").evaluate((canvas: HTMLCanvasElement) => {
    const { data } = canvas.getContext("2d")!.getImageData(0, 0, canvas.width, canvas.height);
    return new Set(new Uint32Array(data.buffer)).size;
  });
  expect(colors).toBeGreaterThan(1);
  await page.keyboard.press("Control+Shift+F12");
  await expect(page.getByRole("application", { name: /The guest's screen/ })).not.toBeFocused();
  await page.getByRole("button", { name: "Serial 1" }).click();
  await expect(page.getByRole("region", { name: "Serial console" })).toBeVisible();
  await expect(text).toBeHidden();
});

/** A boot sector that writes "my own floppy" through the BIOS and waits. */
const FLOPPY_SECTOR = [
  // mov si, 7C00h + 14; next: lodsb; or al, al; jz $; mov ah, 0Eh; int 10h; jmp next
  ...[0xfc, 0xbe, 0x10, 0x7c, 0xac, 0x08, 0xc0, 0x74, 0xfe, 0xb4, 0x0e, 0xcd, 0x10, 0xeb, 0xf5, 0x90],
  ...[..."my own floppy\0"].map((char) => char.charCodeAt(0)),
];

test("an image of one's own boots through the firmware that is prepared; the mouse can be given to the guest", async ({ vitrine }) => {
  needsGuest("grub");
  const { page } = vitrine;
  const image = Buffer.alloc(1440 * 1024);
  image.set(FLOPPY_SECTOR);
  image.set([0x55, 0xaa], 510);
  await page.locator("#own-image").setInputFiles({ name: "own.img", mimeType: "application/octet-stream", buffer: image });
  await expect(page.locator("#own-image-hint")).toContainText("Floppy disk image");
  await page.getByRole("button", { name: "Boot your own files" }).click();
  await expect(page.locator(".screen-text")).toContainText("my own floppy", { timeout: BOOT_MS });
  const mouse = page.getByRole("button", { name: "Give the mouse to the guest" });
  await mouse.click();
  await expect(mouse).toHaveAttribute("aria-pressed", "true");
  await expect(page.getByText("The mouse is the guest's.")).toBeVisible();
  await page.getByRole("application", { name: /The guest's screen/ }).focus();
  await page.keyboard.press("Control+Shift+F12");
  await expect(mouse).toHaveAttribute("aria-pressed", "false");
});

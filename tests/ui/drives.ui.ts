/** The drives bar: a guest that reads its floppy disk at each key sees it taken out, a blank one, and another image; and the machine editor's choices. */
import AxeBuilder from "@axe-core/playwright";
import { assemble } from "../../web/assembler/assemble";
import { BOOT_MS, expect, needsChromium, needsGuest, test } from "./support/fixtures";

needsChromium();
test.describe.configure({ timeout: BOOT_MS });

/** At each key reads sector 2 and writes what is there: text up to a zero, "blank", or "no disk". */
const READER = `
    bits 16
    org 0x7c00
        xor ax, ax
        mov ds, ax
        mov es, ax
        mov si, hello
        call print
    again:
        mov ah, 0
        int 0x16
        mov di, 4
    try:
        dec di
        jz none
        xor ax, ax
        xor dx, dx
        int 0x13
        mov ax, 0x0201
        mov bx, 0x1000
        mov cx, 2
        xor dx, dx
        int 0x13
        jc try
        mov si, 0x1000
        cmp byte [si], 0
        jne show
        mov si, blank
    show:
        call print
        jmp again
    none:
        mov si, nothing
        jmp show
    print:
        lodsb
        or al, al
        jz done
        mov ah, 0x0e
        int 0x10
        jmp print
    done:
        ret
    hello: db "press a key", 13, 10, 0
    blank: db "blank", 13, 10, 0
    nothing: db "no disk", 13, 10, 0`;

function floppy(text: string): { name: string; mimeType: string; buffer: Buffer } {
  const { bytes, errors } = assemble(READER);
  expect(errors).toEqual([]);
  const buffer = Buffer.alloc(1440 * 1024);
  buffer.set(bytes);
  buffer.set([0x55, 0xaa], 510);
  buffer.write(`${text}\r\n\0`, 512, "latin1");
  return { name: `${text.replace(" ", "-")}.img`, mimeType: "application/octet-stream", buffer };
}

test("disks are taken out, made and put in while the guest runs, and it sees each", async ({ vitrine }) => {
  needsGuest("grub");
  const { page } = vitrine;
  await page.locator("#own-image").setInputFiles(floppy("first disk"));
  await page.locator("#own-cpu").selectOption("pentium3");
  await page.locator("#own-boot").selectOption("floppy");
  await vitrine.button("Boot your own files").click();
  const text = page.locator(".screen-text");
  await expect(text).toContainText("press a key", { timeout: BOOT_MS });

  const drive = page.getByRole("region", { name: "Drives" }).locator("[data-drive=fda]");
  const screen = page.getByRole("application", { name: /The guest's screen/ });
  const reads = async (what: string): Promise<void> => {
    await screen.focus();
    await page.keyboard.press("Space");
    await expect(text).toContainText(what, { timeout: 60_000 });
  };
  await expect(drive).toContainText("first-disk.img");
  await reads("first disk");
  await expect(page.locator("[data-drive=hdc]")).toContainText("empty");
  expect((await new AxeBuilder({ page }).include(".drives-bar").analyze()).violations).toEqual([]);

  // By keyboard alone.
  await vitrine.button("Eject: Floppy (fda)").focus();
  await page.keyboard.press("Enter");
  await expect(drive).toContainText("empty");
  await expect(vitrine.announcement).toContainText("Floppy (fda): empty.");
  await reads("no disk");

  await vitrine.button("Create blank disk in Floppy (fda)").click();
  await expect(drive).toContainText("Blank floppy disk");
  await reads("blank");
  await vitrine.button("Eject: Floppy (fda)").click();
  await expect(drive).toContainText("empty");

  const chooser = page.waitForEvent("filechooser");
  await vitrine.button("Insert an image into Floppy (fda)").click();
  await (await chooser).setFiles(floppy("second disk"));
  await expect(drive).toContainText("second-disk.img");
  await reads("second disk");

  const saved = page.waitForEvent("download");
  await vitrine.button("Save what is in Floppy (fda) as an image").click();
  expect((await saved).suggestedFilename()).toBe("second-disk.img");

  // The editor's choices are there after a reload.
  await vitrine.button("Power off").click();
  await page.reload();
  await page.locator("#own-image").setInputFiles(floppy("first disk"));
  await expect(page.locator("#own-cpu")).toHaveValue("pentium3");
  await expect(page.locator("#own-boot")).toHaveValue("floppy");
});

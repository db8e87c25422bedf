/** Pictures of the VGA against QEMU's screendump, pixel for pixel; all modes with VITRINE_FULL or `npm run accept -- 7.4`. */
import { describe, expect, it } from "vitest";
import { qemuMissing } from "../guests-builtin/qemu";
import { compareScreens, qemuScreen, vitrineMachine, vitrineScreen } from "./screen";
import { SCREEN_IMAGES, screenFloppy } from "./screen-images";
import { findSeabios } from "./seabios";

const missing = qemuMissing();
/** One of each way to draw. */
const SHORT = ["text 80x25", "320x200x256", "640x480x16", "VBE 1024x768x32"];
const images = SCREEN_IMAGES.filter(({ name }) => process.env.VITRINE_FULL !== undefined || SHORT.includes(name));

describe.skipIf(missing !== undefined)(`the screen is QEMU's${missing ? ` (skipped: ${missing})` : ""}`, () => {
  for (const image of images)
    it(image.name, { timeout: 240_000 }, async () => {
      const seabios = await findSeabios();
      const floppy = screenFloppy(image);
      const theirs = await qemuScreen(floppy, seabios);
      expect(compareScreens(await vitrineScreen(floppy, seabios), theirs)).toBe("equal");
    });
});

describe("the screen", () => {
  it("is text that can be read, a PNG, and costs nothing while nothing changes", { timeout: 120_000 }, async () => {
    const machine = await vitrineMachine(screenFloppy(SCREEN_IMAGES[0]!), await findSeabios());
    await machine.run({ text: "!", wallSeconds: 100 });
    const screen = machine.screen!;
    expect(screen.text()!.join("\n")).toContain("0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    expect(screen.takePicture()).toBeDefined();
    expect(screen.takePicture()).toBeUndefined();
    const png = await screen.screenshot();
    expect([...png.subarray(1, 4)].map((code) => String.fromCharCode(code)).join("")).toBe("PNG");
    expect([new DataView(png.buffer).getUint32(16), new DataView(png.buffer).getUint32(20)]).toEqual([720, 400]);
  });
});

/** Issue 7, "The whole PC". */
import { spawnSync } from "node:child_process";
import { ROOT } from "../lib/paths.mjs";
import { load, verdict } from "./tools.mjs";

/** Everything that is to boot, in Node; VITRINE_PC_BOOTS names some of them. */
async function throughSeabios() {
  const { runBoots } = await import("./pc-boots.mjs");
  const results = await runBoots();
  const reached = Object.fromEntries(results.map(({ name, reached }) => [name, reached]));
  const figure = results
    .filter(({ reached }) => reached)
    .map(
      ({ name, guestSeconds, instructions }) =>
        `${name} after ${guestSeconds.toFixed(1)} s of guest time (${(instructions / 1e6).toFixed(0)} M instructions)`,
    )
    .join(", ");
  return verdict({ ...reached, "the graphical installer measured": false }, `in Node: ${figure}`);
}

/** Every mode's picture against QEMU's screendump. */
async function pictures() {
  const { SCREEN_IMAGES, screenFloppy } = await load("tests/boot/screen-images.ts");
  const { compareScreens, qemuScreen, vitrineScreen } = await load("tests/boot/screen.ts");
  const { findSeabios } = await load("tests/boot/seabios.ts");
  const seabios = await findSeabios();
  const differences = [];
  for (const image of SCREEN_IMAGES) {
    const floppy = screenFloppy(image);
    const answer = compareScreens(await vitrineScreen(floppy, seabios), await qemuScreen(floppy, seabios));
    if (answer !== "equal") differences.push(`${image.name}: ${answer}`);
  }
  return verdict(
    { "all equal": differences.length === 0 },
    `${SCREEN_IMAGES.length - differences.length} of ${SCREEN_IMAGES.length} pictures equal QEMU's pixel for pixel${differences.length ? `; ${differences.join("; ")}` : ""}`,
  );
}

/** The laws of devices at full count: VITRINE_DEVICE_ACCESSES accesses a device, default 10 million. */
function deviceLaws() {
  const accesses = process.env.VITRINE_DEVICE_ACCESSES ?? "10000000";
  const { status, stdout } = spawnSync("npx", ["vitest", "run", "tests/devices", "--reporter=json", "--testTimeout=7200000"], {
    cwd: ROOT,
    encoding: "utf8",
    maxBuffer: 1 << 28,
    env: { ...process.env, VITRINE_DEVICE_ACCESSES: accesses },
  });
  const report = JSON.parse(stdout.slice(stdout.indexOf("{")));
  return verdict(
    { "all laws": status === 0 && Number(accesses) >= 10_000_000 },
    `${report.numPassedTests} of ${report.numTotalTests} device tests passed with ${Number(accesses).toLocaleString("en")} random accesses a device`,
  );
}

export const PC = [
  { line: "7.1", title: "Through SeaBIOS to the prompts of boot loaders and tools", run: throughSeabios },
  { line: "7.4", title: "Pictures equal QEMU's, pixel for pixel", run: pictures },
  { line: "7.5", title: "Devices keep the laws at 10 million random accesses", run: deviceLaws },
];

/** Issue 7, "The whole PC". */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "../lib/paths.mjs";
import { load, median, verdict } from "./tools.mjs";

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

/** Disk images that are not whole, with more random sizes than in the tests; and what keeps images in files and in the browser. */
function diskImages() {
  const { status, stdout } = spawnSync(
    "npx",
    ["vitest", "run", "tests/corpus/disk-images.spec.ts", "tests/storage", "--reporter=json", "--testTimeout=3600000"],
    {
      cwd: ROOT,
      encoding: "utf8",
      maxBuffer: 1 << 28,
      env: { ...process.env, VITRINE_DISK_IMAGES: "2000" },
    },
  );
  const report = JSON.parse(stdout.slice(stdout.indexOf("{")));
  return verdict(
    { "all as they should": status === 0 },
    `${report.numPassedTests} of ${report.numTotalTests} tests passed; 2,012 sizes of image files; drives with media that fail half-way`,
  );
}

/** To GRUB's menu, here and in v86, in turns; the middle of three. */
async function grubMenu() {
  const { findSeabios } = await load("tests/boot/seabios.ts");
  const { pcFile } = await load("tests/boot/pc-files.ts");
  const { bios, vgabios } = await findSeabios();
  const folder = mkdtempSync(join(tmpdir(), "vitrine-grub-"));
  const cd = join(folder, "cd.iso");
  try {
    writeFileSync(cd, await pcFile("grub-rescue-pc", "cdrom.iso"));
    const seconds = { vitrine: [], v86: [] };
    for (let round = 0; round < 3; round++)
      for (const side of ["vitrine", "v86"]) {
        const files = ["--rom", bios, "--video-rom", vgabios, "--cd", cd, "--wasm", join(ROOT, "dist/core/core.wasm")];
        const { status, stdout, stderr } = spawnSync(process.execPath, [join(ROOT, "scripts/accept/grub-menu.mjs"), side, ...files], {
          cwd: ROOT,
          encoding: "utf8",
        });
        if (status !== 0) throw new Error(`${side}: ${stderr.trim().slice(-500)}`);
        seconds[side].push(JSON.parse(stdout.trim().split("\n").at(-1)).wallSeconds);
      }
    const [own, peer] = [median(seconds.vitrine), median(seconds.v86)];
    return verdict(
      { "within 1.5 times": own <= 1.5 * peer },
      `to GRUB's menu in ${own.toFixed(2)} s, v86 ${peer.toFixed(2)} s: ${(own / peer).toFixed(2)} times as long`,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export const PC = [
  { line: "7.1", title: "Through SeaBIOS to the prompts of boot loaders and tools", run: throughSeabios },
  { line: "7.4", title: "Pictures equal QEMU's, pixel for pixel", run: pictures },
  { line: "7.5", title: "Devices keep the laws at 10 million random accesses", run: deviceLaws },
  { line: "7.6", title: "Damaged disk images: clear errors, no hang, nothing written is lost", run: diskImages },
  { line: "7.7", title: "To GRUB's menu within 1.5 times v86's time", run: grubMenu },
];

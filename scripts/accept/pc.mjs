/** Issue 7, "The whole PC". */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../lib/paths.mjs";
import { load, verdict } from "./tools.mjs";

/** GRUB's rescue CD through SeaBIOS in Node: menu, command line, `ls`. */
async function grubCd() {
  const { prepareGuests } = await load("web/guests/prepare.ts");
  const manifest = await prepareGuests({ only: ["grub"] });
  const guest = manifest.guests.find(({ id }) => id === "grub");
  const read = (path) => new Uint8Array(readFileSync(join(process.env.VITRINE_GUESTS ?? join(ROOT, "guests"), path)));
  const { Machine } = await load("web/machine/machine.ts");
  const { MemoryDisk } = await load("web/storage/memory-disk.ts");
  const { typingCodes } = await load("web/ui/key-codes.ts");
  const cd = read(guest.kernel);
  const disk = new MemoryDisk(Math.ceil(cd.length / 2048) * 2048, { name: "CD", contents: cd });
  const { coreWasm } = await load("tests/tools/core.ts");
  const machine = await Machine.create(
    {
      boot: { kind: "firmware", rom: read(guest.firmware), videoRom: read(guest.videoFirmware), bootOrder: ["cdrom"] },
      memoryMb: 64,
      drives: [{ slot: "hdc", media: "cdrom", disk }],
      clock: { kind: "deterministic" },
    },
    { wasm: coreWasm() },
  );
  /** Runs until the screen says so, at most so many guest seconds. */
  const sees = async (text, seconds) => {
    const end = machine.guestSeconds + seconds;
    while (machine.guestSeconds < end) {
      if (machine.screen.text()?.join("\n").includes(text)) return true;
      await machine.run({ instructions: machine.instructions + 2_000_000 });
    }
    return false;
  };
  const type = async (text) => {
    for (const codes of typingCodes(text)) {
      machine.pressKeys(codes);
      await machine.run({ instructions: machine.instructions + 2_000_000 });
    }
  };
  const menu = await sees("GNU GRUB", 30);
  const menuSeconds = machine.guestSeconds;
  await type("c");
  const prompt = await sees("grub>", 10);
  await type("ls\n");
  const listed = await sees("(cd)", 20);
  return {
    menu,
    prompt,
    listed,
    figure: `menu after ${menuSeconds.toFixed(2)} s of guest time, ${(machine.instructions / 1e6).toFixed(0)} M instructions in all`,
  };
}

async function throughSeabios() {
  const { figure, ...reached } = await grubCd();
  return verdict(
    { ...reached, "memtest86+, iPXE, isolinux, memdisk and the installer measured": false },
    `GRUB rescue CD in Node: ${Object.entries(reached)
      .map(([name, is]) => `${name} ${is ? "reached" : "not reached"}`)
      .join(", ")}; ${figure}`,
  );
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

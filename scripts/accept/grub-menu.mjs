/**
 * One side of line 7.7: boots GRUB's rescue CD through SeaBIOS to its menu, in v86 or here, in this process alone, and prints one line
 * of JSON with the seconds from the first to the menu on the screen, compilation of the core included.
 *   node grub-menu.mjs v86|vitrine --rom F --video-rom F --cd F [--wasm F] [--timeout S]
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { load } from "./tools.mjs";

const MENU = "GNU GRUB";
const MEMORY_MB = 64;
const LOOK_MS = 20;
const [side, ...flags] = process.argv.slice(2);
const options = Object.fromEntries(flags.flatMap((flag, n) => (n % 2 === 0 ? [[flag.slice(2), flags[n + 1]]] : [])));
const read = (name) => new Uint8Array(readFileSync(options[name]));
const cpuSeconds = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};
const timeoutMs = Number(options.timeout ?? 600) * 1000;

/** `start` gives what reads the screen, row by row. */
async function measure(start) {
  const begun = { cpu: cpuSeconds(), wall: performance.now() };
  const { rows, step } = await start();
  while (!rows().some((row) => row.includes(MENU))) {
    if (performance.now() - begun.wall > timeoutMs) throw new Error(`no menu: ${rows().join("\n")}`);
    await step();
  }
  console.log(JSON.stringify({ cpuSeconds: cpuSeconds() - begun.cpu, wallSeconds: (performance.now() - begun.wall) / 1000 }));
  process.exit(0);
}

async function peer() {
  const folder = dirname(createRequire(import.meta.url).resolve("v86/build/libv86.mjs"));
  const { V86 } = await import(join(folder, "libv86.mjs"));
  const buffer = (name) => ({ buffer: read(name).buffer });
  const cd = buffer("cd");
  await measure(async () => {
    const emulator = new V86({
      wasm_path: join(folder, "v86.wasm"),
      bios: buffer("rom"),
      vga_bios: buffer("video-rom"),
      cdrom: cd,
      // CD-ROM first.
      boot_order: 0x123,
      memory_size: MEMORY_MB << 20,
      vga_memory_size: 16 << 20,
      autostart: true,
      log_level: 0,
    });
    const cells = Array.from({ length: 25 }, () => new Array(80).fill(" "));
    emulator.add_listener("screen-put-char", ([row, column, code]) => {
      if (cells[row]) cells[row][column] = String.fromCharCode(code);
    });
    return { rows: () => cells.map((row) => row.join("")), step: () => new Promise((resolve) => setTimeout(resolve, LOOK_MS)) };
  });
}

async function ours() {
  const { Machine } = await load("web/machine/machine.ts");
  const { MemoryDisk } = await load("web/storage/memory-disk.ts");
  const cd = read("cd");
  const wasm = readFileSync(options.wasm);
  await measure(async () => {
    const disk = new MemoryDisk(Math.ceil(cd.length / 2048) * 2048, { name: "CD", contents: cd });
    const machine = await Machine.create(
      {
        boot: { kind: "firmware", rom: read("rom"), videoRom: read("video-rom"), bootOrder: ["cdrom"] },
        ...{ memoryMb: MEMORY_MB, drives: [{ slot: "hdc", media: "cdrom", disk }] },
      },
      { wasm },
    );
    return { rows: () => machine.screen.text() ?? [], step: () => machine.run({ wallSeconds: LOOK_MS / 1000 }) };
  });
}

await (side === "v86" ? peer() : ours());

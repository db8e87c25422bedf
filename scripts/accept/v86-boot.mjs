/**
 * The peer's side of acceptance line 2.6: boots a bzImage in the npm package v86 and prints one line of JSON with the CPU time
 * from the first "Linux version" byte to the prompt.
 *   node v86-boot.mjs --bios F --vgabios F --kernel F --initrd F --append S --memory MB --prompt TEXT [--jit] [--timeout S]
 *     [--idle S --keys N]   then measures at the prompt (at-prompt.mjs)
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { atPrompt } from "./at-prompt.mjs";

const options = {};
for (let n = 2; n < process.argv.length; n++) {
  const key = process.argv[n].replace(/^--/, "");
  if (key === "jit") options.jit = true;
  else options[key] = process.argv[++n];
}
const buffer = (file) => {
  const bytes = readFileSync(file);
  // v86 looks at kernels as 16 and 32-bit arrays: their length must be a multiple of 4.
  const padded = new Uint8Array((bytes.length + 3) & ~3);
  padded.set(bytes);
  return { buffer: padded.buffer };
};
const cpuSeconds = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};
const folder = dirname(createRequire(import.meta.url).resolve("v86/build/libv86.mjs"));
const { V86 } = await import(join(folder, "libv86.mjs"));
const emulator = new V86({
  wasm_path: join(folder, "v86.wasm"),
  bios: buffer(options.bios),
  vga_bios: buffer(options.vgabios),
  bzimage: buffer(options.kernel),
  initrd: buffer(options.initrd),
  cmdline: options.append,
  memory_size: Number(options.memory) << 20,
  vga_memory_size: 8 << 20,
  autostart: true,
  acpi: false,
  disable_jit: options.jit ? 0 : 1,
  log_level: 0,
});
let text = "";
let kernel;
const started = { cpu: cpuSeconds(), wall: performance.now() };
const fail = setTimeout(
  () => {
    console.log(JSON.stringify({ error: "timeout", tail: text.slice(-300) }));
    process.exit(1);
  },
  Number(options.timeout ?? 300) * 1000,
);
emulator.add_listener("serial0-output-byte", (byte) => {
  text += String.fromCharCode(byte);
  if (!kernel && text.includes("Linux version")) kernel = { cpu: cpuSeconds(), wall: performance.now() };
  if (kernel && text.endsWith(options.prompt)) {
    clearTimeout(fail);
    const wall = performance.now();
    const boot = {
      cpuSeconds: cpuSeconds() - kernel.cpu,
      wallSeconds: (wall - kernel.wall) / 1000,
      fromStart: (wall - started.wall) / 1000,
      instructions: emulator.get_instruction_counter(),
    };
    kernel = undefined;
    void finish(boot);
  }
});

async function finish(boot) {
  const prompt =
    options.idle &&
    (await atPrompt({
      seconds: Number(options.idle),
      keys: Number(options.keys),
      send: (byte) => emulator.serial_send_bytes(0, Uint8Array.of(byte)),
      hear: (listener) => emulator.add_listener("serial0-output-byte", listener),
    }));
  console.log(JSON.stringify({ ...boot, ...prompt }));
  process.exit(0);
}

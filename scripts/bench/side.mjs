/**
 * One side of the bench, in a process of its own: boots the guest on one system, runs the benchmarks over its serial port, and
 * prints a line of JSON for the boot and for each of them.
 *   node side.mjs SYSTEM OPTIONS-AS-JSON    SYSTEM: vitrine, interp, v86, qemu
 */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { load } from "../accept/tools.mjs";
import { ROOT } from "../lib/paths.mjs";

const [, , system, json] = process.argv;
const options = JSON.parse(json);
const { kernel, initrd, commandLine, memoryMb, prompt, benchmarks, timeout, firmware, core } = options;
const file = (path) => new Uint8Array(readFileSync(path));

/** Each system: `send` text, `listen` to text; `pid` of the process that works. */
const SYSTEMS = {
  async vitrine(accel = "jit") {
    const { Machine } = await load("web/machine/machine.ts");
    const boot = { kind: "linux", kernel: file(kernel), initrd: file(initrd), commandLine };
    const machine = await Machine.create({ memoryMb, accel, boot }, { wasm: file(core ?? join(ROOT, "dist/core/core.wasm")) });
    return {
      pid: process.pid,
      send: (text) => machine.serial(0).write(text),
      listen: (hear) => machine.serial(0).onData((bytes) => hear(Buffer.from(bytes).toString("latin1"))),
      start: () => void machine.run({}),
      stats: async () => (await machine.stats()).jit,
    };
  },
  interp: () => SYSTEMS.vitrine("interp"),
  async v86() {
    const folder = dirname(createRequire(import.meta.url).resolve("v86/build/libv86.mjs"));
    const { V86 } = await import(join(folder, "libv86.mjs"));
    // v86 looks at kernels as 16 and 32-bit arrays: their length must be a multiple of 4.
    const buffer = (path) => {
      const bytes = file(path);
      const padded = new Uint8Array((bytes.length + 3) & ~3);
      padded.set(bytes);
      return { buffer: padded.buffer };
    };
    const emulator = new V86({
      wasm_path: join(folder, "v86.wasm"),
      bios: buffer(firmware.bios),
      vga_bios: buffer(firmware.vgabios),
      bzimage: buffer(kernel),
      initrd: buffer(initrd),
      cmdline: commandLine,
      memory_size: memoryMb << 20,
      vga_memory_size: 8 << 20,
      autostart: false,
      log_level: 0,
    });
    await new Promise((ready) => emulator.add_listener("emulator-ready", ready));
    return {
      pid: process.pid,
      send: (text) => emulator.serial0_send(text),
      listen: (hear) => emulator.add_listener("serial0-output-byte", (byte) => hear(String.fromCharCode(byte))),
      start: () => emulator.run(),
    };
  },
  async qemu() {
    const args = ["-accel", "tcg,thread=single", "-M", "pc", "-m", `${memoryMb}`, "-display", "none", "-monitor", "none", "-nic", "none"];
    const child = spawn("qemu-system-i386", [
      ...args,
      ...["-no-reboot", "-serial", "stdio", "-kernel", kernel, "-initrd", initrd, "-append", commandLine],
    ]);
    process.on("exit", () => child.kill("SIGKILL"));
    child.stdout.setEncoding("latin1");
    return { pid: child.pid, send: (text) => child.stdin.write(text), listen: (hear) => child.stdout.on("data", hear), start() {} };
  },
};

/** CPU seconds and peak resident megabytes of a process, where the system tells (Linux). */
function usage(pid) {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "latin1")
      .replace(/^.*\) /, "")
      .split(" ");
    const peak = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "latin1"));
    return { cpu: (Number(fields[11]) + Number(fields[12])) / 100, peakMb: Math.round(Number(peak[1]) / 1024) };
  } catch {
    return { cpu: Number.NaN, peakMb: Number.NaN };
  }
}

const machine = await SYSTEMS[system]();
let text = "";
let waiting = () => {};
machine.listen((more) => {
  text += more;
  waiting();
});
/** Resolves once `pattern` is in what came after `from`: when, where it ends, the match. */
function seen(pattern, from) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no ${pattern} after ${timeout} s: ${text.slice(-200)}`)), timeout * 1000);
    waiting = () => {
      const match = pattern.exec(text.slice(from));
      if (!match) return;
      clearTimeout(timer);
      waiting = () => {};
      resolve({ at: performance.now(), end: from + match.index + match[0].length, match });
    };
    waiting();
  });
}
const say = (row) => console.log(JSON.stringify({ system, ...row }));
const literal = (wanted) => new RegExp(wanted.replace(/[$^.*+?()[\]{}|\\]/g, "\\$&"));

const started = performance.now();
machine.start();
const version = await seen(/Linux version/, 0);
const before = usage(machine.pid);
const ready = await seen(literal(prompt), version.end);
const after = usage(machine.pid);
say({
  boot: {
    seconds: (ready.at - version.at) / 1000,
    cpu: after.cpu - before.cpu,
    fromStart: (ready.at - started) / 1000,
    peakMb: after.peakMb,
  },
});
let at = ready.end;
const command = async (line) => {
  machine.send(`${line}\n`);
  at = (await seen(literal(prompt), at)).end;
};
for (const { name, rounds, shell } of benchmarks) {
  if (shell) await command(`/bench/bench data ${rounds} > /dev/null`);
  const run = shell ? `/bench/bench mark "BEGIN ${name}"; ${shell}; /bench/bench mark "END ${name}"` : `/bench/bench ${name} ${rounds}`;
  machine.send(`${run}\n`);
  const begin = await seen(new RegExp(`@@BEGIN ${name}\r?\n`), at);
  const first = usage(machine.pid);
  const end = await seen(new RegExp(`@@END ${name}(?: ([0-9a-f]+))?\r?\n`), begin.end);
  const last = usage(machine.pid);
  const sum = end.match[1] ?? /[0-9a-f]{64}/.exec(text.slice(begin.end, end.end))?.[0];
  say({ name, seconds: (end.at - begin.at) / 1000, cpu: last.cpu - first.cpu, sum, peakMb: last.peakMb });
  at = (await seen(literal(prompt), end.end)).end;
}
if (machine.stats) say({ stats: await machine.stats() });
process.exit(0);

/**
 * Our side of acceptance line 2.6: boots a bzImage on the built library and prints one line of JSON with the CPU time from the
 * first "Linux version" byte to the prompt.
 *   node vitrine-boot.mjs --kernel F --initrd F --append S --memory MB --prompt TEXT [--timeout S] [--vmlinux F] [--library F] [--clock deterministic]
 *     [--accel jit] [--idle S --keys N]   --idle measures at the prompt, too (at-prompt.mjs)
 * --vmlinux is the same kernel unpacked, which saves the guest that work; --library another build than that of dist/.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DIST } from "../lib/paths.mjs";
import { atPrompt } from "./at-prompt.mjs";

const options = {};
for (let n = 2; n < process.argv.length; n += 2) options[process.argv[n].replace(/^--/, "")] = process.argv[n + 1];
const read = (file) => new Uint8Array(readFileSync(file));
const cpuSeconds = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

const { Machine } = await import(options.library ?? join(DIST, "lib/vitrine.js"));
const machine = await Machine.create({
  memoryMb: Number(options.memory),
  ...(options.accel === undefined ? {} : { accel: options.accel }),
  ...(options.clock === undefined ? {} : { clock: { kind: options.clock } }),
  boot: {
    kind: "linux",
    ...(options.vmlinux === undefined
      ? { kernel: read(options.kernel) }
      : { kernel: read(options.vmlinux), bzImage: read(options.kernel) }),
    initrd: read(options.initrd),
    commandLine: options.append,
  },
});
let text = "";
let kernel;
machine.serial(0).onData((bytes) => {
  text += Buffer.from(bytes).toString("latin1");
  // The text arrives a slice later than it was sent, at most 8 ms: to our advantage here, to our disadvantage at the prompt.
  if (!kernel && text.includes("Linux version"))
    kernel = { cpu: cpuSeconds(), wall: performance.now(), instructions: machine.instructions };
});
const started = performance.now();
const wallSeconds = Number(options.timeout ?? 300);
const { reason } = await machine.run({ text: options.prompt, wallSeconds });
const wall = performance.now();
if (reason !== "text" || !kernel) {
  console.log(JSON.stringify({ error: reason, tail: text.slice(-300) }));
  process.exit(1);
}
const boot = {
  cpuSeconds: cpuSeconds() - kernel.cpu,
  wallSeconds: (wall - kernel.wall) / 1000,
  fromStart: (wall - started) / 1000,
  instructions: machine.instructions - kernel.instructions,
};
let prompt;
if (options.idle !== undefined) {
  machine.start();
  prompt = await atPrompt({
    seconds: Number(options.idle),
    keys: Number(options.keys),
    send: (byte) => machine.serial(0).write(Uint8Array.of(byte)),
    hear: (listener) => machine.serial(0).onData(listener),
  });
}
console.log(JSON.stringify({ ...boot, ...prompt }));
process.exit(0);

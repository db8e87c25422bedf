/** Line 2.6: the interpreter's speed against the npm package v86, and its instruction counts against QEMU's. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { ROOT } from "../lib/paths.mjs";
import { guest, load, median, verdict } from "./tools.mjs";

const ROUNDS = 5;
const LOOPS = 40_000;
const MOST_DEVIATION = 0.001;

function measure(script, args) {
  const { stdout, stderr } = spawnSync(process.execPath, [join(ROOT, "scripts/accept", script), ...args], { encoding: "utf8" });
  const line = stdout.trim().split("\n").at(-1) ?? "";
  const result = line.startsWith("{") ? JSON.parse(line) : { error: stderr };
  if (result.error) throw new Error(`${script}: ${result.error} ${result.tail ?? ""}`);
  console.error(`${script} ${args.includes("--jit") ? "with JIT " : ""}${line}`);
  return result.cpuSeconds;
}

async function boots() {
  const { PROMPT } = await load("tests/boot/prepared-guests.ts");
  const { files, commandLine } = await guest("debian");
  const { findSeabios } = await load("tests/boot/seabios.ts");
  const { bios, vgabios } = await findSeabios();
  const images = ["--kernel", files.kernel.file, "--initrd", files.initrd.file, "--append", commandLine];
  const rest = ["--memory", String(files.memoryMb), "--prompt", PROMPT, "--timeout", "600"];
  const firmware = ["--bios", bios, "--vgabios", vgabios];
  const sides = {
    ours: () => measure("vitrine-boot.mjs", [...images, ...rest]),
    v86: () => measure("v86-boot.mjs", [...firmware, ...images, ...rest]),
    v86Jit: () => measure("v86-boot.mjs", [...firmware, ...images, ...rest, "--jit"]),
  };
  const times = { ours: [], v86: [], v86Jit: [] };
  for (let round = 0; round < ROUNDS; round++) for (const [side, run] of Object.entries(sides)) times[side].push(run());
  return times;
}

export async function speed() {
  const { countHere, countInQemu } = await load("tests/boot/instruction-count.ts");
  const [here, qemu] = [await countHere(LOOPS), await countInQemu(LOOPS)];
  const deviation = Math.abs(here.retired / qemu.retired - 1);
  const whole = Math.abs(here.instructions / qemu.retired - 1);
  const times = await boots();
  const [ours, v86, v86Jit] = [times.ours, times.v86, times.v86Jit].map(median);
  const spread = (side) => `${Math.min(...side).toFixed(2)} to ${Math.max(...side).toFixed(2)}`;
  const conditions = {
    "as fast as v86 without its JIT": ours <= v86,
    "within 0.1 % of QEMU's count": deviation <= MOST_DEVIATION && whole <= MOST_DEVIATION,
  };
  return verdict(
    conditions,
    `CPU time from "Linux version" to the prompt, medians of ${ROUNDS}: ${ours.toFixed(2)} s (${spread(times.ours)}), ` +
      `v86 without JIT ${v86.toFixed(2)} s (${spread(times.v86)}), ratio ${(ours / v86).toFixed(2)}; ` +
      `v86 with JIT ${v86Jit.toFixed(2)} s (${spread(times.v86Jit)}); ` +
      `instructions ${here.retired}, QEMU -icount ${qemu.retired} (${(deviation * 100).toFixed(4)} %)`,
  );
}

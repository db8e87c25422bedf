/**
 * Against the npm package v86: the interpreter's speed (2.6, which also compares instruction counts with QEMU's), and what an
 * idle machine costs and how soon a key is echoed (6.4).
 */
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
  return result;
}

/** Both sides' arguments: the same kernel, initrd, command line and memory. */
async function bothSides() {
  const { PROMPT } = await load("tests/boot/prepared-guests.ts");
  const { files, commandLine } = await guest("debian");
  const { findSeabios } = await load("tests/boot/seabios.ts");
  const { bios, vgabios } = await findSeabios();
  const images = ["--kernel", files.kernel.file, "--initrd", files.initrd.file, "--append", commandLine];
  const rest = ["--memory", String(files.memoryMb), "--prompt", PROMPT, "--timeout", "600"];
  const firmware = ["--bios", bios, "--vgabios", vgabios];
  return { ours: [...images, ...rest], v86: [...firmware, ...images, ...rest] };
}

async function boots() {
  const { ours, v86 } = await bothSides();
  const sides = {
    ours: () => measure("vitrine-boot.mjs", ours).cpuSeconds,
    v86: () => measure("v86-boot.mjs", v86).cpuSeconds,
    v86Jit: () => measure("v86-boot.mjs", [...v86, "--jit"]).cpuSeconds,
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

const IDLE_SECONDS = 20;
const KEYS = 200;
const MOST_IDLE_PERCENT = 3;

export async function idle() {
  const { ours, v86 } = await bothSides();
  const more = ["--idle", `${IDLE_SECONDS}`, "--keys", `${KEYS}`];
  const rounds = [];
  for (let round = 0; round < ROUNDS; round++)
    rounds.push([measure("vitrine-boot.mjs", [...ours, ...more, "--accel", "jit"]), measure("v86-boot.mjs", [...v86, ...more, "--jit"])]);
  const of = (side, figure) => median(rounds.map((pair) => pair[side][figure]));
  const echoes = [of(0, "echoMs"), of(1, "echoMs")];
  return verdict(
    {
      [`at most ${MOST_IDLE_PERCENT} % of a CPU`]: of(0, "idlePercent") <= MOST_IDLE_PERCENT,
      "a key's echo not above v86's": echoes[0] <= echoes[1],
    },
    `medians of ${ROUNDS}: idle at the prompt ${of(0, "idlePercent").toFixed(2)} % of a CPU, v86 ${of(1, "idlePercent").toFixed(2)} %; ` +
      `key to echo ${echoes[0].toFixed(2)} ms, v86 ${echoes[1].toFixed(2)} ms (${KEYS} keys each)`,
  );
}

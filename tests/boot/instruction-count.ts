/**
 * How many instructions a bare-metal program retires (instruction-mix.asm), here and by QEMU's -icount. Under
 * `-icount shift=0` an instruction takes one nanosecond of QEMU's virtual time and the time-stamp counter counts those, so
 * the program itself reads the count. QEMU counts the iterations of a REP one by one, and one more where ECX reaches 0; the
 * program measures that too and says how many REPs and iterations it has had, so that a REP can be counted once.
 */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import multiboot from "../../bios/multiboot.asm?raw";
import { assemble } from "../../web/assembler/assemble";
import { describeError } from "../../web/assembler/source-error";
import source from "./instruction-mix.asm?raw";
import { createMachine } from "./machines";

const DEBUG_EXIT = 0xf4;
const CALIBRATION_BYTES = 1000;
const QEMU = "qemu-system-i386";

export interface Count {
  /** Between the program's two time stamps, a REP counted once. */
  readonly retired: number;
  /** The same as the counter said: iterations counted one by one. */
  readonly ticks: number;
  readonly iterations: number;
}

export function mixImage(): Uint8Array {
  const { bytes, errors } = assemble(`${multiboot}\n${source}`);
  if (errors.length > 0) throw new Error(errors.map(describeError).join("; "));
  return Uint8Array.from(bytes);
}

function read(output: string): Count {
  const numbers = output.trim().split("\n").map(Number);
  if (numbers.length !== 5 || numbers.some(Number.isNaN)) throw new Error(`the program said ${JSON.stringify(output)}`);
  const [reps, endedByCount, iterations, calibration, difference] = numbers as [number, number, number, number, number];
  const ending = calibration - CALIBRATION_BYTES;
  if (ending !== 0 && ending !== 1) throw new Error(`a REP of ${CALIBRATION_BYTES} iterations counts ${calibration}: cannot be corrected`);
  const ticks = difference - ending * endedByCount;
  return { retired: ticks - iterations + reps, ticks, iterations };
}

export interface OwnCount extends Count {
  /** What the machine says of the whole run, from the first instruction to the debug exit. */
  readonly instructions: number;
  readonly machineTicks: number;
}

export async function countHere(loops: number): Promise<OwnCount> {
  const { machine, debugOutput } = await createMachine({
    boot: { kind: "multiboot", kernel: mixImage(), commandLine: `mix loops=${loops}` },
    memoryMb: 16,
    // The time-stamp counter counts nanoseconds, so that a tick is one.
    clock: { kind: "deterministic", ticksPerUs: 1000 },
    debugExitPort: DEBUG_EXIT,
  });
  const { exit } = await machine.run({});
  if (exit?.reason !== "debug-exit") throw new Error(`the program ended with ${exit?.message}`);
  const { instructions, ticks } = await machine.stats();
  return { ...read(debugOutput()), instructions, machineTicks: ticks };
}

/** undefined if QEMU can be used, else why not. Under REQUIRE_TOOLS=1 a missing tool is an error. */
export function qemuMissing(): string | undefined {
  if (spawnSync(QEMU, ["--version"]).error === undefined) return undefined;
  if (process.env.REQUIRE_TOOLS === "1") throw new Error(`${QEMU} is required (REQUIRE_TOOLS=1): install the package qemu-system-x86`);
  return `${QEMU} is not installed`;
}

export async function countInQemu(loops: number): Promise<Count> {
  const folder = mkdtempSync(join(tmpdir(), "vitrine-icount-"));
  const file = join(folder, "mix");
  writeFileSync(file, mixImage());
  const place = ["-device", `isa-debug-exit,iobase=${DEBUG_EXIT},iosize=4`, "-debugcon", "stdio", "-icount", "shift=0,align=off"];
  const rest = ["-display", "none", "-serial", "none", "-monitor", "none", "-no-reboot", "-nodefaults", "-m", "32"];
  const qemu = spawn(QEMU, [...rest, ...place, "-kernel", file, "-append", `loops=${loops}`]);
  try {
    let output = "";
    let errors = "";
    qemu.stdout.setEncoding("latin1").on("data", (text: string) => {
      output += text;
    });
    qemu.stderr.setEncoding("latin1").on("data", (text: string) => {
      errors += text;
    });
    const status = await new Promise((resolve, reject) => {
      const limit = setTimeout(() => reject(new Error(`QEMU does not end; it said ${output}${errors}`)), 300_000);
      qemu.on("error", reject);
      qemu.on("close", (code) => {
        clearTimeout(limit);
        resolve(code);
      });
    });
    if (status !== 1) throw new Error(`QEMU ended with ${status}: ${errors}`);
    return read(output);
  } finally {
    qemu.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  }
}

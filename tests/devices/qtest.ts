/**
 * QEMU's chips as a second opinion: its qtest protocol drives the ports of a stopped `pc` machine, whose clock stands
 * still. Accesses are given as a list and answered together.
 */
import { spawn, spawnSync } from "node:child_process";
import { createInterface } from "node:readline";
import type { AccessSize } from "../../web/machine/device";

export interface Access {
  readonly port: number;
  readonly size: AccessSize;
  /** Left out: a read. */
  readonly value?: number;
  /** Of a read: the bits in which both must agree. */
  readonly mask?: number;
  /** Of a read: compared only if bit 0 of the read before it was set (data behind their ready bit). */
  readonly ifReady?: boolean;
}
export const read = (port: number, mask?: number, size: AccessSize = 1): Access => ({ port, size, ...(mask !== undefined && { mask }) });
export const write = (port: number, value: number, size: AccessSize = 1): Access => ({ port, size, value });

const QEMU = "qemu-system-i386";
const SUFFIX: Readonly<Record<AccessSize, string>> = { 1: "b", 2: "w", 4: "l" };

/** undefined if QEMU can be used, else why not. Under REQUIRE_TOOLS=1 a missing tool is an error. */
export function qemuMissing(): string | undefined {
  const found = spawnSync(QEMU, ["--version"]).error === undefined;
  if (!found && process.env.REQUIRE_TOOLS === "1")
    throw new Error("QEMU is required (REQUIRE_TOOLS=1): install the package qemu-system-x86");
  return found ? undefined : "QEMU is not installed";
}

/** What QEMU's machine with this much RAM answers to each read, in order; RTC at `epoch` (ISO text, UTC). */
export async function askQemu(accesses: readonly Access[], memoryMb: number, epoch: string): Promise<number[]> {
  const script = accesses.map(({ port, size, value }) => {
    const verb = `${value === undefined ? "in" : "out"}${SUFFIX[size]} 0x${port.toString(16)}`;
    return value === undefined ? verb : `${verb} 0x${value.toString(16)}`;
  });
  const options = [
    "-machine",
    "pc",
    "-S",
    "-qtest",
    "stdio",
    "-qtest-log",
    "/dev/null",
    "-display",
    "none",
    "-nodefaults",
    "-serial",
    "null",
    "-serial",
    "null",
  ];
  const qemu = spawn(QEMU, [...options, "-m", String(memoryMb), "-rtc", `base=${epoch},clock=vm`], { stdio: ["pipe", "pipe", "ignore"] });
  try {
    qemu.stdin.end(`${script.join("\n")}\n`);
    const answers: string[] = [];
    for await (const line of createInterface(qemu.stdout)) {
      if (!/^(OK|FAIL|ERR)/.test(line)) continue;
      if (!line.startsWith("OK")) throw new Error(`QEMU does not take "${script[answers.length]}": ${line}`);
      answers.push(line);
      if (answers.length === accesses.length) break;
    }
    if (answers.length !== accesses.length) throw new Error(`QEMU answered ${answers.length} of ${accesses.length} accesses`);
    return answers.flatMap((line, i) => (accesses[i]!.value === undefined ? [Number(line.split(" ")[1])] : []));
  } finally {
    // It does not end with its input.
    qemu.kill("SIGKILL");
  }
}

/** Debian's gdb at `vitrine run --gdb`, with the kernel's own symbols: what it prints for some commands. */
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readSymbols } from "../../web/lib/symbols";
import type { Connection, Environment } from "../../web/node/environment";
import { nodeEnvironment } from "../../web/node/node-environment";
import { main as run } from "../../web/node/run";
import { main as symbols } from "../../web/node/symbols-command";
import { coreWasm } from "../tools/core";
import type { LinuxGuest } from "./prepared-guests";

export interface GdbRun {
  readonly output: string;
  /** Of `vitrine run`. */
  readonly status: number;
  /** Linear address of a kernel symbol. */
  readonly address: (name: string) => number;
}

/** The machine listens, gdb connects and executes the commands, then kills the machine. */
export async function gdbAt(guest: LinuxGuest, commands: readonly string[]): Promise<GdbRun> {
  const folder = await mkdtemp(join(tmpdir(), "vitrine-gdb-"));
  try {
    const elf = join(folder, "kernel.elf");
    const kernel = guest.files.vmlinux!.file;
    const real = nodeEnvironment();
    let port: ((number: number) => void) | undefined;
    const listening = new Promise<number>((resolve) => {
      port = resolve;
    });
    const environment: Environment = {
      ...real,
      loadWasm: async () => coreWasm(),
      stdout: () => {},
      stderr: () => {},
      writeOutput: () => {},
      openKeyboard: () => ({ isTerminal: false, onData: () => {}, close: () => {} }),
      onInterrupt: () => {},
      serve: async (_port, onConnection: (connection: Connection) => void) => {
        const server = await real.serve!(0, onConnection);
        port!(server.port);
        return server;
      },
    };
    if ((await symbols([kernel, "-o", elf], environment)) !== 0) throw new Error("vitrine symbols failed");
    const args = ["--guest", guest.id, "--memory", "64", "--clock", "deterministic", "--gdb", "0"];
    const running = run(args, environment);
    const output = await gdb(elf, [`target remote :${await listening}`, ...commands, "kill"]);
    const table = readSymbols(await environment.readFile(kernel), kernel);
    return { output, status: await running, address: (name) => table.find(name)! };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function gdb(elf: string, commands: readonly string[]): Promise<string> {
  const settings = ["set remotetimeout 300", "set confirm off", "set pagination off"];
  const all = [...settings, ...commands].flatMap((command) => ["-ex", command]);
  const child = spawn("gdb", ["-nx", "-batch", elf, ...all], { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  child.stdout.on("data", (text) => {
    output += String(text);
  });
  child.stderr.on("data", (text) => {
    output += String(text);
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", () => resolve(output));
  });
}

/** Commands with a marker after each, so that answers can be told apart. */
export const marked = (commands: readonly string[]): string[] => commands.flatMap((command, n) => [command, `echo <${n}>\\n`]);
/** What the `n`-th of `marked` commands printed. */
export const answer = (output: string, n: number): string =>
  output.slice(n === 0 ? 0 : output.indexOf(`<${n - 1}>`), output.indexOf(`<${n}>`)).replace(/^<\d+>\n/, "");

/** What acceptance line 9.6 asks for, as commands and what each answer must hold. */
export const SESSION: readonly (readonly [command: string, holds: (text: string, address: (name: string) => number) => boolean])[] = [
  ["hbreak start_kernel", (text) => text.includes("Hardware assisted breakpoint 1")],
  ["continue", (text) => /Breakpoint 1, .* in start_kernel \(\)/.test(text)],
  ["p/x $eip", (text, address) => text.includes(`= 0x${address("start_kernel").toString(16)}`)],
  ["x/i $pc", (text) => /<start_kernel>:\s+call .*<__fentry__>/.test(text)],
  ["stepi", (text) => text.includes("in __fentry__ ()")],
  ["stepi", (text) => text.includes("in start_kernel ()")],
  ["p/x $eip", (text, address) => text.includes(`= 0x${(address("start_kernel") + 5).toString(16)}`)],
  ["bt 2", (text) => text.includes("i386_start_kernel ()")],
  ["reverse-stepi", (text) => text.includes("in __fentry__ ()")],
  ["stepi", (text) => text.includes("in start_kernel ()")],
  ["p/x $cr0", (text) => /= 0x8\w{7}/.test(text)],
  ["p/x $cs", (text) => text.includes("= 0x60")],
  ["break schedule", (text) => text.includes("Breakpoint 2")],
  ["continue", (text) => /Breakpoint 2, .* in schedule \(\)/.test(text)],
  ["delete", () => true],
  ["x/4xb $pc", (text) => /<schedule>:\s+0x\w\w\s+0x\w\w/.test(text)],
  ["watch -l *(int*)($esp-8)", (text) => text.includes("Hardware watchpoint 3")],
  ["continue", (text) => /Hardware watchpoint 3: .*\n\nOld value = .*\nNew value = /.test(text)],
  ["delete", () => true],
  ["set var $ecx = 0x1234", () => true],
  ["p/x $ecx", (text) => text.includes("= 0x1234")],
  ["set var *(int*)($esp-64) = 0x55aa", () => true],
  ["p/x *(int*)($esp-64)", (text) => text.includes("= 0x55aa")],
  ["monitor exits", (text) => /CrWrite \d+/.test(text) && /total \d+/.test(text)],
];

/** The commands whose answers were not right, with what was answered. */
export async function gdbSession(guest: LinuxGuest): Promise<{ wrong: string[]; status: number; output: string }> {
  const { output, status, address } = await gdbAt(guest, marked(SESSION.map(([command]) => command)));
  const wrong = SESSION.flatMap(([command, holds], n) => (holds(answer(output, n), address) ? [] : [`${command}: ${answer(output, n)}`]));
  return { wrong, status, output };
}

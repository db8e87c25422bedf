/** `npx vitrine` as a user starts it: a process of its own, its output, its exit status, and what it wrote for --stats. */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { MachineStats } from "../../web/machine/stats";

const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const BIN = join(ROOT, "bin/vitrine.mjs");

/** Typed on the guest's COM1 as soon as the output, from where the last step left it, has shown `after`. */
export interface Typing {
  readonly after: string;
  readonly send: string;
}

export interface RunOptions {
  readonly typing?: readonly Typing[];
  /** Host time after which the process is killed; it should have ended by itself long before. */
  readonly killSeconds?: number;
}

export interface Finished {
  /** Exit status; null: it was killed. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly seconds: number;
}

/** Runs `vitrine ARGS…` to its end. */
export function vitrine(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  const started = performance.now();
  const typing = [...(options.typing ?? [])];
  const child = spawn(process.execPath, [BIN, ...args], { cwd: ROOT, stdio: [typing.length > 0 ? "pipe" : "ignore", "pipe", "pipe"] });
  let stdout = "";
  let stderr = "";
  let looked = 0;
  return new Promise((resolve, reject) => {
    const kill = setTimeout(() => child.kill("SIGKILL"), (options.killSeconds ?? 600) * 1000);
    child.on("error", reject);
    child.stderr!.setEncoding("latin1").on("data", (text: string) => {
      stderr += text;
    });
    child.stdout!.setEncoding("latin1").on("data", (text: string) => {
      stdout += text;
      for (let next = typing[0]; next; next = typing[0]) {
        const found = stdout.indexOf(next.after, looked);
        if (found < 0) break;
        looked = found + next.after.length;
        child.stdin!.write(next.send, "latin1");
        typing.shift();
      }
    });
    child.stdin?.on("error", () => {});
    child.on("close", (status) => {
      clearTimeout(kill);
      resolve({ status, stdout, stderr, seconds: (performance.now() - started) / 1000 });
    });
  });
}

export interface FinishedRun extends Finished {
  /** Null if the process did not write them. */
  readonly stats: MachineStats | null;
}

/** `vitrine run ARGS… --stats FILE`. */
export async function vitrineRun(args: readonly string[], options: RunOptions = {}): Promise<FinishedRun> {
  const folder = mkdtempSync(join(tmpdir(), "vitrine-run-"));
  const file = join(folder, "stats.json");
  try {
    const finished = await vitrine(["run", ...args, "--stats", file], options);
    let stats: MachineStats | null = null;
    try {
      stats = JSON.parse(readFileSync(file, "utf8")) as MachineStats;
    } catch {}
    return { ...finished, stats };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The end of what a run said, for failure messages. */
export const tail = ({ status, stdout, stderr }: Finished): string =>
  `status ${status}; standard error: ${stderr.trim() || "(nothing)"}; output ends with: ${JSON.stringify(stdout.slice(-300))}`;

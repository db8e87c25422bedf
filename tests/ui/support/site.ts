/** A running `npm start`, as a process of its own, on a free port; built beforehand (prepare.ts), not in the middle of a test. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));
export const GUESTS = process.env.VITRINE_GUESTS ?? join(ROOT, "guests");
const START_MS = 120_000;

export interface Site {
  readonly port: number;
  /** With a slash at its end. */
  readonly url: string;
  /** Everything the server has printed so far. */
  output(): string;
  stop(): Promise<void>;
}

export interface SiteOptions {
  readonly args?: readonly string[];
  /** Another folder of guests. */
  readonly guests?: string;
  /** Of a server that was stopped, to come back at the same address. */
  readonly port?: number;
}

/** Resolves when the server says where it is. */
export async function startSite({ args = [], guests, port = 0 }: SiteOptions = {}): Promise<Site> {
  const child = spawn(process.execPath, ["scripts/start.mjs", "--no-build", "--port", String(port), ...args], {
    cwd: ROOT,
    env: { ...process.env, ...(guests === undefined ? {} : { VITRINE_GUESTS: guests }) },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  const exited = new Promise<never>((_, reject) => {
    child.once("exit", (status) => reject(new Error(`npm start ended with status ${status}:\n${output}`)));
  });
  // A server that ends later, when it is stopped, is no error.
  exited.catch(() => {});
  const found = new Promise<number>((resolve) => {
    for (const stream of [child.stdout!, child.stderr!])
      stream.setEncoding("utf8").on("data", (text: string) => {
        output += text;
        const match = /http:\/\/localhost:(\d+)\//.exec(output);
        if (match) resolve(Number(match[1]));
      });
  });
  const timeout = AbortSignal.timeout(START_MS);
  const late = new Promise<never>((_, reject) =>
    timeout.addEventListener("abort", () => reject(new Error(`npm start is not ready after ${START_MS / 1000} s:\n${output}`))),
  );
  late.catch(() => {});
  try {
    const actual = await Promise.race([found, exited, late]);
    return { port: actual, url: `http://localhost:${actual}/`, output: () => output, stop: () => stop(child) };
  } catch (error) {
    await stop(child);
    throw error;
  }
}

function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once("exit", () => resolve());
    child.kill("SIGTERM");
  });
}

/** Whether a guest can be booted here. */
export function isPrepared(id: string): boolean {
  const path = join(GUESTS, "manifest.json");
  if (!existsSync(path)) return false;
  const manifest = JSON.parse(readFileSync(path, "utf8")) as { guests: { id: string }[] };
  return manifest.guests.some((guest) => guest.id === id);
}

export const noGuestsReason = (): string => `not prepared: ${process.env.VITRINE_TEST_NO_GUESTS ?? "the guest is not in the manifest"}`;

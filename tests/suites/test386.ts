/**
 * test386.asm, a ROM that tests a 386: built with nasm into a temporary folder from the suite's own sources, of which only
 * the file of settings that its README tells to edit is changed: where the POST codes and the text go. Success is POST code
 * FFh, and the text equal to the suite's reference file.
 */
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Machine } from "../../web/machine/machine";

export const POST_PORT = 0x190;
const FINISHED = 0xff;
/** The run takes 13 million instructions. */
const MOST_INSTRUCTIONS = 200_000_000;

export const nasmMissing = spawnSync("nasm", ["-v"]).status === 0 ? undefined : "nasm is not installed";

export interface Test386Run {
  readonly lastCode: number | null;
  readonly codes: readonly number[];
  readonly text: string;
  readonly expected: string;
  readonly instructions: number;
}

/** The ROM of 64 KB, or of 128 KB with the task-switching tests. Throws with nasm's words. */
export function buildTest386(suite: string, kilobytes: 64 | 128): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), "vitrine-test386-"));
  try {
    cpSync(join(suite, "src"), folder, { recursive: true });
    const settings = join(folder, "configuration.asm");
    const set = (text: string, name: string, value: number): string => {
      const line = new RegExp(`^${name} equ .*$`, "m");
      if (!line.test(text)) throw new Error(`test386.asm: its configuration.asm has no ${name}`);
      return text.replace(line, `${name} equ ${value}`);
    };
    let text = readFileSync(settings, "latin1");
    text = set(text, "POST_PORT", POST_PORT);
    text = set(text, "COM_PORT", 1);
    text = set(text, "ROM128", kilobytes === 128 ? 1 : 0);
    writeFileSync(settings, text, "latin1");
    const rom = join(folder, "test386.bin");
    const { status, stderr } = spawnSync("nasm", ["-i", `${folder}/`, "-f", "bin", "-w-all", "-o", rom, join(folder, "test386.asm")]);
    if (status !== 0) throw new Error(`test386.asm: nasm failed:\n${stderr}`);
    return new Uint8Array(readFileSync(rom));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export async function runTest386(suite: string, kilobytes: 64 | 128, wasm: BufferSource): Promise<Test386Run> {
  const machine = await Machine.create(
    {
      boot: { kind: "firmware", rom: buildTest386(suite, kilobytes) },
      memoryMb: 4,
      postPort: POST_PORT,
      clock: { kind: "deterministic" },
    },
    { wasm },
  );
  const codes: number[] = [];
  const text: Uint8Array[] = [];
  machine.post.onCode((code) => codes.push(code));
  machine.serial(0).onData((bytes) => text.push(bytes.slice()));
  await machine.run({ postCode: FINISHED, instructions: MOST_INSTRUCTIONS });
  return {
    lastCode: machine.post.last,
    codes,
    text: Buffer.concat(text).toString("latin1"),
    expected: readFileSync(join(suite, "test386-EE-reference.txt"), "latin1"),
    instructions: machine.instructions,
  };
}

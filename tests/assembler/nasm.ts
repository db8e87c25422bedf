/** nasm and ndisasm as oracles, where they are installed. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** undefined if nasm can be used, else why not. Under REQUIRE_TOOLS=1 a missing tool is an error. */
export function nasmMissing(): string | undefined {
  const found = ["nasm", "ndisasm"].every((tool) => spawnSync(tool, ["-v"]).error === undefined);
  if (!found && process.env.REQUIRE_TOOLS === "1")
    throw new Error("nasm and ndisasm are required (REQUIRE_TOOLS=1): install the package nasm");
  return found ? undefined : "nasm is not installed";
}

function inFolder<T>(work: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), "vitrine-nasm-"));
  try {
    return work(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Bytes of each line by nasm's listing, or its error message. Lines must not depend on each other. */
export function nasmLines(lines: readonly string[], bits: number): ({ bytes: Uint8Array } | { error: string })[] {
  return inFolder((folder) => {
    const source = join(folder, "a.asm");
    const listing = join(folder, "a.lst");
    const run = (text: readonly string[]): string => {
      writeFileSync(source, `bits ${bits}\n${text.join("\n")}\n`);
      return spawnSync("nasm", ["-f", "bin", "-w-all", "-l", listing, "-o", join(folder, "a.bin"), source], { encoding: "utf8" }).stderr;
    };
    const errors = new Map<number, string>();
    for (const match of run(lines).matchAll(/:(\d+): (?:error|fatal): (.*)/g)) errors.set(Number(match[1]) - 2, match[2]!);
    const rest = run(lines.map((line, index) => (errors.has(index) ? "" : line)));
    if (rest.includes("error:")) throw new Error(`nasm: ${rest}`);
    const bytes = lines.map((): number[] => []);
    for (const line of readFileSync(listing, "utf8").split("\n")) {
      const match = /^\s*(\d+) [0-9A-F]{8} ([0-9A-F[\]()]+)-?/.exec(line);
      if (match) bytes[Number(match[1]) - 2]?.push(...Buffer.from(match[2]!.replace(/[^0-9A-F]/g, ""), "hex"));
    }
    return lines.map((_, index) => (errors.has(index) ? { error: errors.get(index)! } : { bytes: Uint8Array.from(bytes[index]!) }));
  });
}

/** ndisasm's text for each encoding, all as if at the same address. */
export function ndisasm(codes: readonly Uint8Array[], bits: number): string[] {
  return inFolder((folder) => {
    const slot = 32;
    const image = Buffer.alloc(codes.length * slot, 0x90);
    for (const [index, code] of codes.entries()) image.set(code, index * slot);
    const file = join(folder, "a.bin");
    writeFileSync(file, image);
    const output = execFileSync("ndisasm", ["-b", String(bits), file], { encoding: "utf8", maxBuffer: 1 << 28 });
    const texts = new Map<number, string>();
    for (const line of output.split("\n")) {
      const match = /^([0-9A-F]{8})\s+[0-9A-F]+\s+(.*)$/.exec(line);
      if (match) texts.set(Number.parseInt(match[1]!, 16), match[2]!);
    }
    return codes.map((_, index) => relative(texts.get(index * slot) ?? "", index * slot));
  });
}

/** Branch targets are printed absolute: make them relative to the slot. */
const relative = (text: string, at: number): string =>
  /^(.*\b(?:j\w+|call|loop\w*)\s+(?:short |near |word |dword )*)(0x[0-9a-f]+)$/
    .exec(text)
    ?.slice(1)
    .map((part, i) => (i === 0 ? part : `${(Number(part) - at) & 0xffff}`))
    .join("") ?? text;

/** The flat image nasm makes of a whole source text; throws with its messages if it refuses. */
export function nasmProgram(text: string): Uint8Array {
  return inFolder((folder) => {
    writeFileSync(join(folder, "a.asm"), text);
    const run = spawnSync("nasm", ["-f", "bin", "-w-all", "-o", join(folder, "a.bin"), join(folder, "a.asm")], { encoding: "utf8" });
    if (run.status !== 0) throw new Error(run.stderr);
    return new Uint8Array(readFileSync(join(folder, "a.bin")));
  });
}

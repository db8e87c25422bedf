/** `vitrine asm`: a source file to a flat image. */
import type { CommandIo } from "../disasm/command-io";
import { type AssembleOptions, assemble } from "./assemble";
import { listing } from "./listing";
import { describeError } from "./source-error";

export const ASM_HELP = `usage: vitrine asm FILE [-o OUT] [--listing] [--bits 16|32|64] [--org ADDRESS]

Assembles NASM-like Intel syntax to a flat binary.
  -o OUT        write the image here (default: FILE with .bin for .asm)
  --listing     print addresses and bytes beside the source; without -o nothing is written
  --bits N      code size until the first "bits" line (default 16)
  --org N       address of the first byte, if the source has no "org" (default 0)

Labels (local ones start with a dot), org, bits, db dw dd dq dt, resb resw resd resq, times, align, equ,
expressions with + - * / // % %% << >> & | ^ ~ ! ( ) $ $$ and characters.
`;

interface Options extends AssembleOptions {
  file?: string;
  out?: string;
  listing?: boolean;
  bits?: 16 | 32 | 64;
  org?: number;
}

/** Runs the verb; the result is the exit status: 0, or 2 for bad arguments and for errors in the source. */
export async function main(argv: readonly string[], io: CommandIo): Promise<number> {
  if (argv.includes("--help")) {
    io.stdout(ASM_HELP);
    return 0;
  }
  const options = parse(argv);
  if (typeof options === "string") return refuse(io, options);
  let source: string;
  try {
    source = new TextDecoder().decode(await io.readFile(options.file!));
  } catch (error) {
    return refuse(io, error instanceof Error ? error.message : String(error));
  }
  const assembled = assemble(source, options);
  for (const error of assembled.errors) io.stderr(`${options.file}: ${describeError(error)}\n`);
  if (assembled.errors.length > 0) return 2;
  if (options.listing) for (const line of listing(source, assembled)) io.stdout(`${line}\n`);
  if (options.listing && options.out === undefined) return 0;
  const out = options.out ?? `${options.file!.replace(/\.(asm|s)$/, "")}.bin`;
  try {
    await io.writeFile(out, assembled.bytes);
  } catch (error) {
    return refuse(io, error instanceof Error ? error.message : String(error));
  }
  if (!options.listing) io.stdout(`${out}: ${assembled.bytes.length} bytes, ${assembled.labels.size} labels\n`);
  return 0;
}

function refuse(io: CommandIo, message: string): number {
  io.stderr(`vitrine asm: ${message}\n`);
  return 2;
}

function parse(argv: readonly string[]): Options | string {
  const options: Options = {};
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at]!;
    if (!word.startsWith("-")) {
      if (options.file !== undefined) return `one file at a time: ${options.file} and ${word}`;
      options.file = word;
    } else if (word === "--listing") options.listing = true;
    else if (word === "-o" || word === "--bits" || word === "--org") {
      const value = argv[++at];
      if (value === undefined) return `${word} needs a value`;
      if (word === "-o") options.out = value;
      else if (word === "--bits") {
        if (value !== "16" && value !== "32" && value !== "64") return `--bits is 16, 32 or 64, not ${value}`;
        options.bits = Number(value) as 16 | 32 | 64;
      } else {
        if (!/^(0x[0-9a-f]+|[0-9]+)$/i.test(value)) return `--org is a number like 0x7c00, not ${value}`;
        options.org = Number(value);
      }
    } else return `unknown option ${word}; see vitrine asm --help`;
  }
  return options.file === undefined ? "give a source file; see vitrine asm --help" : options;
}

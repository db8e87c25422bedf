/** `vitrine disasm`: bytes from a file or the command line as instructions. */
import type { CommandIo } from "./command-io";
import type { CodeBits, Decode } from "./decoder";
import { list, listingText } from "./listing";

export const DISASM_HELP = `usage: vitrine disasm FILE | --hex "66 0f c1 03" [--bits 16|32|64] [--org ADDRESS]

Decodes code bytes with the CPU core's own decoder, one instruction a line.
  FILE          a flat image
  --hex TEXT    the bytes themselves, in hexadecimal
  --bits N      code size, 16, 32 or 64 (default 32)
  --org N       address of the first byte (default 0)
`;

interface Options {
  file: string | undefined;
  hex: string | undefined;
  bits: CodeBits;
  org: bigint;
}

/** Runs the verb; the result is the exit status. `decode` is createDecoder over a core instance. */
export async function main(argv: readonly string[], io: CommandIo, decode: Decode): Promise<number> {
  if (argv.includes("--help")) {
    io.stdout(DISASM_HELP);
    return 0;
  }
  const options = parse(argv);
  if (typeof options === "string") return refuse(io, options);
  let code: Uint8Array | string;
  try {
    code = options.hex !== undefined ? parseHex(options.hex) : await io.readFile(options.file!);
  } catch (error) {
    return refuse(io, error instanceof Error ? error.message : String(error));
  }
  if (typeof code === "string") return refuse(io, code);
  for (const line of list(code, decode, options.bits, options.org)) io.stdout(`${listingText(line)}\n`);
  return 0;
}

function refuse(io: CommandIo, message: string): number {
  io.stderr(`vitrine disasm: ${message}\n`);
  return 2;
}

function parse(argv: readonly string[]): Options | string {
  const options: Options = { file: undefined, hex: undefined, bits: 32, org: 0n };
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at]!;
    if (!word.startsWith("--")) {
      if (options.file !== undefined) return `one file at a time: ${options.file} and ${word}`;
      options.file = word;
      continue;
    }
    const value = argv[++at];
    if (!["--hex", "--bits", "--org"].includes(word)) return `unknown option ${word}; see vitrine disasm --help`;
    if (value === undefined) return `${word} needs a value`;
    if (word === "--hex") options.hex = value;
    else if (word === "--bits") {
      if (value !== "16" && value !== "32" && value !== "64") return `--bits is 16, 32 or 64, not ${value}`;
      options.bits = Number(value) as CodeBits;
    } else {
      if (!/^(0x[0-9a-f]+|[0-9]+)$/i.test(value)) return `--org is a number like 0x7c00, not ${value}`;
      options.org = BigInt(value);
    }
  }
  if ((options.file === undefined) === (options.hex === undefined)) return 'give a file or --hex "bytes"; see vitrine disasm --help';
  return options;
}

function parseHex(text: string): Uint8Array | string {
  const digits = text.replace(/0x|[\s,]/gi, "");
  if (!/^([0-9a-f]{2})+$/i.test(digits)) return `--hex takes whole bytes in hexadecimal, not "${text}"`;
  return Uint8Array.from(digits.match(/../g)!, (byte) => Number.parseInt(byte, 16));
}

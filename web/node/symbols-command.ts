/** `vitrine symbols`: a kernel's own symbol table, as text or as an ELF file for gdb. */

import { findGuest } from "../guests/catalog";
import { BadArgument } from "../lib/errors";
import { readSymbols, symbolsElf } from "../lib/symbols";
import type { Environment } from "./environment";

const HELP = `usage: vitrine symbols KERNEL [-o FILE.elf]
       vitrine symbols --guest NAME [-o FILE.elf]

Debian ships no symbols with its kernels, but each carries a table of its own (kallsyms). This finds it in an unpacked
kernel (vmlinux; npx vitrine guests prepare makes one) and lists it as nm does.

  KERNEL         an unpacked kernel, an ELF file with a symbol table, or a System.map
  --guest NAME   the kernel of a prepared guest
  -o FILE.elf    writes an ELF file that holds the symbols, for gdb:  gdb FILE.elf -ex 'target remote :PORT'

Exit status: 0; 2 bad arguments, or no symbols there.
`;

export async function main(argv: readonly string[], environment: Environment): Promise<number> {
  if (argv.includes("--help") || argv.length === 0) {
    (argv.length === 0 ? environment.stderr : environment.stdout)(HELP);
    return argv.length === 0 ? 2 : 0;
  }
  try {
    const { kernel, out } = await parse(argv);
    const bytes = await environment.readFile(kernel);
    const symbols = readSymbols(bytes, kernel);
    const is64Bit = symbols.all.some(({ address }) => address >> 32n !== 0n);
    if (out === undefined) {
      const digits = is64Bit ? 16 : 8;
      environment.stdout(
        symbols.all.map(({ address, type, name }) => `${address.toString(16).padStart(digits, "0")} ${type} ${name}\n`).join(""),
      );
    } else {
      await environment.writeFile(out, symbolsElf(symbols, is64Bit));
      environment.stderr(`${out}: ${symbols.all.length} symbols\n`);
    }
    return 0;
  } catch (error) {
    environment.stderr(`vitrine symbols: ${error instanceof Error ? error.message : String(error)}\n`);
    return 2;
  }
}

async function parse(argv: readonly string[]): Promise<{ kernel: string; out: string | undefined }> {
  let kernel: string | undefined;
  let out: string | undefined;
  for (let n = 0; n < argv.length; n++) {
    const word = argv[n]!;
    if (word === "-o" || word === "--guest") {
      const value = argv[++n];
      if (value === undefined) throw new BadArgument(word, "it needs a value.");
      if (word === "-o") out = value;
      else kernel = await kernelOf(value);
    } else if (word.startsWith("-")) throw new BadArgument(word, "there is no such option; vitrine symbols --help explains.");
    else if (kernel !== undefined) throw new BadArgument(word, "one kernel at a time.");
    else kernel = word;
  }
  if (kernel === undefined) throw new BadArgument("KERNEL", "give a kernel, or --guest NAME.");
  return { kernel, out };
}

/** The kernel file of a prepared guest. Throws BadArgument. */
export async function kernelOf(id: string): Promise<string> {
  const guest = await findGuest(id);
  const file = guest.vmlinux ?? guest.kernel;
  if (!file) throw new BadArgument("--guest", `${id} has no kernel file.`);
  return file.file;
}

/**
 * The command line: `vitrine VERB …`. Each verb is a module with `main(argv, environment)`, loaded when it is asked
 * for; this file only chooses. bin/vitrine.mjs calls it.
 */
import type { Environment } from "./environment";
import { nodeEnvironment } from "./node-environment";

interface Verb {
  readonly gloss: string;
  main(argv: readonly string[], environment: Environment): Promise<number>;
}

const VERBS: Readonly<Record<string, Verb>> = {
  run: {
    gloss: "boot a guest; its serial port is the terminal",
    main: async (argv, environment) => (await import("./run")).main(argv, environment),
  },
  guests: {
    gloss: "list, prepare, export and import guests",
    main: async (argv, environment) => (await import("../guests/cli")).main(argv, environment),
  },
  snapshot: {
    gloss: "look into snapshot files, verify and compare them",
    main: async (argv, environment) => (await import("./snapshot-command")).main(argv, environment),
  },
  asm: {
    gloss: "assemble a source file to a flat image",
    main: async (argv, environment) => (await import("../assembler/cli")).main(argv, environment),
  },
  disasm: {
    gloss: "decode bytes with the CPU core's own decoder",
    main: disassemble,
  },
  disk: {
    gloss: "make and look at disk images",
    main: async (argv, environment) => (await import("./disk-command")).main(argv, environment),
  },
  publish: {
    gloss: "write a snapshot as a folder for a static web server, with the player",
    main: async (argv, environment) => (await import("./publish")).main(argv, environment),
  },
  grade: {
    gloss: "check students' answers to a lab",
    main: async (argv, environment) => (await import("./grade")).main(argv, environment),
  },
  symbols: {
    gloss: "a kernel's own symbols, listed or as a file for gdb",
    main: async (argv, environment) => (await import("./symbols-command")).main(argv, environment),
  },
  vectors: {
    gloss: "run single-instruction tests recorded from real CPUs",
    main: async (argv, environment) => (await import("./vectors-command")).main(argv, environment),
  },
  bench: {
    gloss: "how fast we are beside v86 and QEMU (in a checkout)",
    main: async (argv, environment) => (await import("./bench-command")).main(argv, environment),
  },
};

const BAD_ARGUMENTS = 2;

const HELP = `usage: vitrine VERB [option…]

${Object.entries(VERBS)
  .map(([name, { gloss }]) => `  ${name.padEnd(10)}${gloss}`)
  .join("\n")}

vitrine VERB --help explains a verb.
`;

/** `argv` without node and script. The result is the exit status. */
export async function main(argv: readonly string[], environment: Environment = nodeEnvironment()): Promise<number> {
  const [verb, ...rest] = argv;
  if (verb === "--help" || verb === "-h" || verb === "help") {
    environment.stdout(HELP);
    return 0;
  }
  if (verb === undefined) {
    environment.stderr(HELP);
    return BAD_ARGUMENTS;
  }
  const found = Object.hasOwn(VERBS, verb) ? VERBS[verb] : undefined;
  if (!found) {
    environment.stderr(`vitrine: there is no verb "${verb}"; vitrine --help lists them\n`);
    return BAD_ARGUMENTS;
  }
  return found.main(rest, environment);
}

async function disassemble(argv: readonly string[], environment: Environment): Promise<number> {
  const [{ main: disasm }, { createDecoder }, { loadDecodingCore }] = await Promise.all([
    import("../disasm/cli"),
    import("../disasm/decoder"),
    import("./decoding-core"),
  ]);
  // Help needs no core.
  if (argv.includes("--help")) return disasm(argv, environment, () => undefined);
  try {
    return await disasm(argv, environment, createDecoder(await loadDecodingCore(await environment.loadWasm())));
  } catch (error) {
    environment.stderr(`vitrine disasm: ${error instanceof Error ? error.message : String(error)}\n`);
    return BAD_ARGUMENTS;
  }
}

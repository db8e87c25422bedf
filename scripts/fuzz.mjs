/** `npm run fuzz`: random cases against QEMU and between our two backends. The fuzzer itself is tests/fuzz/fuzz.ts. */
import { join } from "node:path";
import { runnerImport } from "vite";
import { ROOT } from "./lib/paths.mjs";

const HELP = `usage: npm run fuzz -- [--minutes N] [--cases N] [--seed N] [--no-qemu] [--no-keep]

Random instruction sequences in random states: paging mode and rights, privilege, code size, segments, flags. Each is run on
our core and, where qemu-system-i386 is installed, in QEMU; and each instruction by both backends, Run and Emit.
  --minutes N   stop after so long (default 10)
  --cases N     stop after so many cases
  --seed N      the same seed gives the same cases (default: from the time)
  --no-qemu     only between our backends
  --no-keep     do not write failing cases to tests/fuzz/found/

A failing case is made small, printed, and kept as a file that the tests run from then on.
Exit status: 0 nothing found, 1 something found, 2 bad arguments.
`;

const args = process.argv.slice(2);
if (args.includes("--help")) {
  process.stdout.write(HELP);
  process.exit(0);
}
const fail = (message) => {
  process.stderr.write(`fuzz: ${message}; npm run fuzz -- --help explains\n`);
  process.exit(2);
};
const numbers = { "--minutes": 10, "--cases": Number.POSITIVE_INFINITY, "--seed": Date.now() % 1_000_000 };
const switches = new Set();
for (let at = 0; at < args.length; at++) {
  const [flag, inline] = args[at].split("=");
  if (flag === "--no-qemu" || flag === "--no-keep") switches.add(flag);
  else if (flag in numbers) {
    const value = Number(inline ?? args[++at]);
    if (!(value >= 0)) fail(`${flag} needs a number`);
    numbers[flag] = value;
  } else fail(`unknown option ${flag}`);
}

const load = async (path) => (await runnerImport(join(ROOT, path), { root: ROOT, configFile: false, logLevel: "error" })).module;
const { qemuMissing } = await load("tests/tools/bare-qemu.ts");
const { qemuVersion } = await load("tests/fuzz/run.ts");
const qemu = !switches.has("--no-qemu") && qemuMissing === undefined;
console.log(`seed ${numbers["--seed"]}, ${qemu ? qemuVersion() : `without QEMU${qemuMissing ? ` (${qemuMissing})` : ""}`}`);
const { fuzz } = await load("tests/fuzz/fuzz.ts");
const result = await fuzz({
  seed: numbers["--seed"],
  milliseconds: numbers["--minutes"] * 60_000,
  cases: numbers["--cases"],
  qemu,
  folder: switches.has("--no-keep") ? undefined : join(ROOT, "tests/fuzz/found"),
  report: (line) => console.log(line),
});
for (const [rule, count] of result.rules) console.log(`${count} differences by rule "${rule}"`);
console.log(`${result.cases} cases, ${result.found.length} found`);
process.exit(result.found.length > 0 ? 1 : 0);

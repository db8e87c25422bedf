/** `npm run trace:diff -- image.bin --until N`: our core and QEMU in step; the tracer is tests/tools/trace-diff.ts. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { runnerImport } from "vite";
import { ROOT } from "./lib/paths.mjs";
import { findTool } from "./lib/tools.mjs";

const HELP = `usage: npm run trace:diff -- IMAGE [--until N] [--kind multiboot|sector|rom] [--cpu MODEL]

Runs a bare-metal image on our core and in QEMU (qemu-system-i386, one instruction at a time through its GDB server) and stops
at the first instruction after which general registers, EIP, EFLAGS or segment selectors differ: with the 20 instructions before
it and both register sets. Flags that an instruction's row calls undefined are not compared, and taken over from QEMU, as is what
comes from outside (IN, RDTSC, CPUID, MSRs).
  --until N     instructions to compare (default 100000; some thousands take a second)
  --kind KIND   what the image is; by default a multiboot kernel, a boot sector, or a ROM, told apart by content
  --cpu MODEL   pentium, pentium3 (default), max: the same name must mean the same to both

For code that does not use x87 or SIMD, BIOS services, or timers: there the two machines differ by nature.
Exit status: 0 no difference, 1 a difference, 2 bad arguments.
`;

const args = process.argv.slice(2);
if (args.includes("--help") || args.length === 0) {
  process.stdout.write(HELP);
  process.exit(args.length === 0 ? 2 : 0);
}
const fail = (message) => {
  process.stderr.write(`trace:diff: ${message}\n`);
  process.exit(2);
};
const options = { until: 100_000 };
let path;
for (let at = 0; at < args.length; at++) {
  const [flag, inline] = args[at].split("=");
  if (!flag.startsWith("--")) {
    if (path !== undefined) fail("give one image");
    path = args[at];
    continue;
  }
  const value = inline ?? args[++at];
  if (value === undefined) fail(`${flag} needs a value`);
  if (flag === "--until" && Number(value) > 0) options.until = Math.floor(Number(value));
  else if (flag === "--kind" && ["multiboot", "sector", "rom"].includes(value)) options.kind = value;
  else if (flag === "--cpu" && ["pentium", "pentium3", "max"].includes(value)) options.cpu = value;
  else fail(`${flag} ${value} means nothing; npm run trace:diff -- --help explains`);
}
if (path === undefined) fail("give an image; npm run trace:diff -- --help explains");
if (!findTool("qemu-system-i386")) fail("qemu-system-i386 is not installed (Debian package qemu-system-x86)");
try {
  options.image = new Uint8Array(readFileSync(path));
} catch (error) {
  fail(error.message);
}
const load = async (file) => (await runnerImport(join(ROOT, file), { root: ROOT, configFile: false, logLevel: "error" })).module;
const { describeTrace, traceDiff } = await load("tests/tools/trace-diff.ts");
options.onProgress = process.stderr.isTTY ? (done) => process.stderr.write(`\r${done} instructions `) : undefined;
try {
  const result = await traceDiff(options);
  if (process.stderr.isTTY) process.stderr.write("\r");
  console.log(describeTrace(result));
  process.exit(result.end === "differs" ? 1 : 0);
} catch (error) {
  fail(error.message);
}

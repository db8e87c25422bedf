/**
 * Builds the core: generates *.generated.ts from asm/isa/ and compiles asm/ to dist/core/core.wasm.
 *   node scripts/build-core.mjs [--dev | --names] [--generate-only] [--if-stale] [--out FILE]
 * --dev compiles at -O1 with names and assertions; the default is -O3 without; --names is the default with names.
 */
import { existsSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { runnerImport } from "vite";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const flags = new Set(process.argv.slice(2));
if (flags.has("--help")) {
  console.log("usage: node scripts/build-core.mjs [--dev | --names] [--generate-only] [--if-stale] [--out FILE]");
  process.exit(0);
}
const out = process.argv.indexOf("--out");
const output = out < 0 ? join(root, "dist/core/core.wasm") : process.argv[out + 1];

/** Newest modification time below a folder, generated files left out. */
function newest(folder) {
  let time = 0;
  for (const entry of readdirSync(folder, { recursive: true })) {
    if (!entry.endsWith(".ts") || entry.endsWith(".generated.ts")) continue;
    time = Math.max(time, statSync(join(folder, entry)).mtimeMs);
  }
  return time;
}
if (
  flags.has("--if-stale") &&
  existsSync(output) &&
  existsSync(join(root, "web/lib/events.generated.ts")) &&
  statSync(output).mtimeMs > newest(join(root, "asm"))
)
  process.exit(0);

const started = Date.now();
const { module } = await runnerImport(join(root, "asm/toolchain/generate.ts"), { configFile: false, logLevel: "error" });
const report = module.generate(root);
if (flags.has("--generate-only")) process.exit(0);

const asc = (await import("assemblyscript/asc")).default;
mkdirSync(dirname(output), { recursive: true });
const dev = flags.has("--dev");
const { MEMORY_BASE } = (await runnerImport(join(root, "asm/toolchain/memory-base.ts"), { configFile: false, logLevel: "error" })).module;
const { error, stderr } = await asc.main([
  join(root, "asm/index.ts"),
  "--outFile",
  output,
  "--runtime",
  "stub",
  "--importMemory",
  "--initialMemory",
  "64",
  "--memoryBase",
  String(MEMORY_BASE),
  "--exportTable",
  "--exportStart",
  "start",
  "--use",
  "abort=asm/core/assert/abort",
  "--enable",
  "simd",
  "--enable",
  "bulk-memory",
  "--baseDir",
  root,
  ...(dev ? ["-O1", "--debug"] : ["-O3", "--noAssert", ...(flags.has("--names") ? ["--debug"] : [])]),
]);
const messages = stderr.toString();
if (error) {
  process.stderr.write(messages);
  console.error(`core: ${error.message}`);
  process.exit(1);
}
if (messages.trim()) process.stderr.write(messages);
const missing = report.missing.length ? `; no meaning yet for ${report.missing.length} bindings: ${report.missing.join(" ")}` : "";
console.log(
  `core: ${report.handlers} handlers (${report.hot} hot), ${statSync(output).size >> 10} KB in ${((Date.now() - started) / 1000).toFixed(1)} s${missing}`,
);

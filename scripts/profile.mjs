/** `npm run profile`: where the time of a run goes, on the host and in the guest. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { Session } from "node:inspector/promises";
import { join } from "node:path";
import { load } from "./accept/tools.mjs";
import { ROOT } from "./lib/paths.mjs";
import { EVERY, guestTime, sampleCore } from "./profile/guest-time.mjs";
import { hostTime } from "./profile/host-time.mjs";

const HELP = `usage: npm run profile -- [--symbols FILE] [--most N] [--json] [--core FILE] OPTIONS OF vitrine run

Runs a machine as \`vitrine run\` does and says where its time went: on the host by part of Vitrine (interpreter, translated
regions, compiling, slow memory path, exits, devices, idle), in the guest by symbol, and how many exits there were by reason.
The first time it builds a core with names, which takes a minute.

  --symbols FILE  the guest's symbols: an unpacked kernel, an ELF file or a System.map (with --guest: the guest's own kernel)
  --most N        lines of a table (default 20)
  --json          the last line is JSON: host, guest, exits, jit, seconds
  --core FILE     this core instead (one without names counts as one part)

  npm run profile -- --guest debian --until "~# " --accel jit

Exit status: that of vitrine run; 2 bad arguments.
`;
const HOST_SAMPLE_US = 500;

const fail = (message) => {
  process.stderr.write(`profile: ${message}; npm run profile -- --help explains\n`);
  process.exit(2);
};
const argv = process.argv.slice(2);
if (argv.length === 0 || argv.includes("--help")) {
  (argv.length === 0 ? process.stderr : process.stdout).write(HELP);
  process.exit(argv.length === 0 ? 2 : 0);
}
const own = { most: "20" };
const rest = [];
for (let n = 0; n < argv.length; n++) {
  const name = argv[n].replace(/^--/, "");
  if (argv[n] === "--json") own.json = true;
  else if (["--symbols", "--most", "--core"].includes(argv[n])) own[name] = argv[++n] ?? fail(`${argv[n - 1]} needs a value`);
  else rest.push(argv[n]);
}
const most = Number(own.most);
if (!Number.isInteger(most) || most < 1) fail("--most takes a whole number from 1");

const { readSymbols } = await load("web/lib/symbols.ts");
/** The user's file; else the guest's kernel, if it is one that holds symbols. */
async function symbolsOf() {
  if (own.symbols !== undefined) {
    try {
      return readSymbols(new Uint8Array(readFileSync(own.symbols)), own.symbols);
    } catch (error) {
      return fail(`--symbols: ${error.message}`);
    }
  }
  const at = rest.indexOf("--guest");
  if (at < 0) return undefined;
  const { findGuest } = await load("web/guests/catalog.ts");
  try {
    const { vmlinux } = await findGuest(rest[at + 1]);
    return vmlinux && readSymbols(new Uint8Array(readFileSync(vmlinux.file)), vmlinux.file);
  } catch {
    // Built-in guests have none; a name that does not exist is for `run` to refuse.
    return undefined;
  }
}

const core = own.core ?? join(ROOT, ".cache/profile/core.wasm");
if (own.core === undefined) {
  const { status } = spawnSync(process.execPath, ["scripts/build-core.mjs", "--names", "--if-stale", "--out", core], {
    cwd: ROOT,
    stdio: ["ignore", 2, 2],
  });
  if (status !== 0) fail("the core could not be built");
}
let wasm;
try {
  wasm = new Uint8Array(readFileSync(core));
} catch (error) {
  fail(`--core: ${error.message}`);
}

const [{ main }, { nodeEnvironment }, { createCore }] = await Promise.all(
  ["web/node/run.ts", "web/node/node-environment.ts", "web/machine/create-core.ts"].map(load),
);
const guest = guestTime(await symbolsOf());
let profiled;
const environment = {
  ...nodeEnvironment(),
  core: async (callbacks, config) => {
    profiled = await createCore(callbacks, config, { wasm });
    return sampleCore(profiled, guest.note);
  },
};
const session = new Session();
session.connect();
await session.post("Profiler.enable");
await session.post("Profiler.setSamplingInterval", { interval: HOST_SAMPLE_US });
await session.post("Profiler.start");
const started = performance.now();
const status = await main(rest, environment);
const seconds = (performance.now() - started) / 1000;
const { profile } = await session.post("Profiler.stop");
if (profiled === undefined) process.exit(status);

const share = (part, whole) => `${((100 * part) / whole).toFixed(1).padStart(5)} %`;
const parts = [...hostTime(profile)].filter(([, { us }]) => us > 0);
const hostTotal = parts.reduce((sum, [, { us }]) => sum + us, 0);
const places = [...guest.places].sort((a, b) => b[1] - a[1]);
const guestTotal = places.reduce((sum, [, instructions]) => sum + instructions, 0);
const stats = profiled.stats();
const exits = Object.entries(stats.exits)
  .filter(([, count]) => count > 0)
  .sort((a, b) => b[1] - a[1]);

const lines = [`\n\nHost: ${seconds.toFixed(1)} s`];
for (const [part, { us, functions }] of parts) {
  lines.push(`  ${share(us, hostTotal)}  ${part}`);
  const largest = [...functions].sort((a, b) => b[1] - a[1]).slice(0, 3);
  if (part !== "translated regions" && part !== "idle")
    for (const [name, own] of largest)
      if (own > hostTotal / 100) lines.push(`            ${share(own, hostTotal)}  ${name || "(anonymous)"}`);
}
lines.push(`Guest: ${stats.instructions} instructions, a sample every ${EVERY} ticks`);
for (const [place, instructions] of places.slice(0, most)) lines.push(`  ${share(instructions, guestTotal)}  ${place}`);
if (places.length > most) lines.push(`            ${places.length - most} more places`);
const { jit } = stats;
if (jit.regions > 0)
  lines.push(
    `Translated: ${share(jit.instructionsInJit, stats.instructions).trim()} of the instructions, ${jit.regions} regions in ${jit.modules} modules, ${jit.bytes >> 10} KB, ${jit.compileMs.toFixed(0)} ms in the engine's compiler`,
  );
lines.push(`Exits: ${stats.exitsTotal}`);
for (const [reason, count] of exits.slice(0, most)) lines.push(`  ${String(count).padStart(12)}  ${reason}`);
process.stderr.write(`${lines.join("\n")}\n`);
if (own.json)
  console.log(
    `\n${JSON.stringify({
      seconds,
      host: Object.fromEntries(parts.map(([part, { us }]) => [part, us / hostTotal])),
      guest: Object.fromEntries(places.map(([place, instructions]) => [place, instructions / guestTotal])),
      exits: stats.exits,
      jit,
    })}`,
  );
process.exit(status);

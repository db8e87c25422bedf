/** `npm run bench`: one guest on us, the npm package v86 and QEMU, interleaved; docs/performance.md explains and keeps figures. */
import { spawn } from "node:child_process";
import { load, median, prepare } from "./accept/tools.mjs";
import { benchGuest } from "./bench/guest.mjs";
import { BENCHMARKS, roundsOf } from "./bench/list.mjs";
import { ROOT } from "./lib/paths.mjs";
import { findTool } from "./lib/tools.mjs";

const HELP = `usage: npm run bench -- [--quick] [--rounds N] [--only NAME,…] [--systems NAME,…] [--core FILE] [--json] [--no-build]

Boots Debian with ${BENCHMARKS.length} programs on Vitrine with translation, on the npm package v86, and on QEMU (TCG) where it is installed, one
after the other and N times over, and compares their times. Needs gcc with 32-bit libraries.
  --quick         a quarter of the work, one round
  --rounds N      rounds (default 5, with --quick 1)
  --only NAMES    these benchmarks: ${BENCHMARKS.map(({ name }) => name).join(" ")}; none for the boot alone
  --systems NAMES of vitrine, interp (without translation), v86, qemu
  --core FILE     our core, instead of dist/core/core.wasm
  --cpu           compare CPU time instead of time: for a machine that does other things
  --json          the last line is JSON: geomeanVsV86, geomeanVsTcg, worst, rows
  --no-build      take dist/ as it is
`;
const flags = ["--quick", "--json", "--no-build", "--cpu"];
const valued = ["--rounds", "--only", "--systems", "--core"];
const given = {};
const argv = process.argv.slice(2);
if (argv.includes("--help")) {
  process.stdout.write(HELP);
  process.exit(0);
}
const fail = (message) => {
  process.stderr.write(`bench: ${message}; npm run bench -- --help explains\n`);
  process.exit(2);
};
for (let n = 0; n < argv.length; n++) {
  if (flags.includes(argv[n])) given[argv[n].slice(2)] = true;
  else if (!valued.includes(argv[n])) fail(`unknown option ${argv[n]}`);
  else if (argv[n + 1] === undefined) fail(`${argv[n]} needs a value`);
  else given[argv[n].slice(2)] = argv[++n];
}
const quick = given.quick === true;
const rounds = Number(given.rounds ?? (quick ? 1 : 5));
if (!(Number.isInteger(rounds) && rounds > 0)) fail("--rounds needs a whole number from 1");
const known = ["vitrine", "interp", "v86", "qemu"];
const wantedSystems = given.systems?.split(",") ?? ["vitrine", "v86", "qemu"];
const wanted = given.only === "none" ? [] : given.only?.split(",");
const strange =
  wantedSystems.find((name) => !known.includes(name)) ?? wanted?.find((name) => !BENCHMARKS.some((benchmark) => benchmark.name === name));
if (strange !== undefined) fail(`${strange} is not known`);
const systems = wantedSystems.filter((name) => name !== "qemu" || findTool("qemu-system-i386"));
if (systems.length < wantedSystems.length) console.error("bench: qemu-system-i386 is not installed: without QEMU");

prepare({ build: given["no-build"] !== true });
const images = await benchGuest();
const { PROMPT } = await load("tests/boot/prepared-guests.ts");
const { findSeabios } = await load("tests/boot/seabios.ts");
const firmware = systems.includes("v86") ? await findSeabios() : undefined;
const benchmarks = BENCHMARKS.filter(({ name }) => !wanted || wanted.includes(name)).map((benchmark) => ({
  ...benchmark,
  rounds: roundsOf(benchmark, quick),
}));
const options = JSON.stringify({ ...images, prompt: PROMPT, firmware, benchmarks, timeout: 900, core: given.core });

/** Rows of one system; what it says goes to standard error as it comes. */
function run(system) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [`${ROOT}/scripts/bench/side.mjs`, system, options], { stdio: ["ignore", "pipe", "inherit"] });
    let text = "";
    child.stdout.on("data", (bytes) => {
      text += bytes;
      process.stderr.write(bytes);
    });
    child.on("exit", (status) => {
      const lines = text.split("\n").filter((line) => line.startsWith("{"));
      if (status !== 0) reject(new Error(`${system} ended with status ${status}`));
      else resolve(lines.map((line) => JSON.parse(line)));
    });
  });
}

const results = [];
for (let round = 0; round < rounds; round++) {
  for (const system of systems) {
    console.error(`bench: round ${round + 1} of ${rounds}, ${system}`);
    results.push(...(await run(system)).map((row) => ({ round, ...row })));
  }
}

const clock = given.cpu ? "cpu" : "seconds";
const times = (system, name) =>
  results.flatMap((row) => {
    if (row.system !== system) return [];
    const measured = name === "boot" ? row.boot : row.name === name ? row : undefined;
    return measured ? [measured[clock]] : [];
  });
const us = systems[0];
/** Median of the rounds' ratios: how many times our speed is theirs. */
const ratio = (name, other) => {
  const ours = times(us, name);
  return systems.includes(other) && other !== us ? median(times(other, name).map((time, round) => time / ours[round])) : undefined;
};
const rows = [...benchmarks.map(({ name }) => name), "boot"].map((name) => ({
  name,
  ...Object.fromEntries(systems.map((system) => [system, median(times(system, name))])),
  vsV86: ratio(name, "v86"),
  vsTcg: ratio(name, "qemu"),
  sumsEqual: new Set(results.filter((row) => row.name === name).map((row) => row.sum)).size <= 1,
}));
const geomean = (numbers) => {
  const there = numbers.filter((number) => Number.isFinite(number));
  return there.length ? Math.exp(there.reduce((sum, number) => sum + Math.log(number), 0) / there.length) : undefined;
};
const programs = rows.filter(({ name }) => name !== "boot");
const compared = programs.filter(({ vsV86 }) => vsV86 !== undefined).sort((a, b) => a.vsV86 - b.vsV86);
const peakMb = Object.fromEntries(
  systems.map((system) => {
    const mine = results.filter((row) => row.system === system);
    const end = Math.max(...mine.flatMap((row) => (row.peakMb ? [row.peakMb] : [])));
    return [
      system,
      { prompt: median(mine.flatMap((row) => (row.boot ? [row.boot.peakMb] : []))), end: Number.isFinite(end) ? end : undefined },
    ];
  }),
);
const summary = {
  geomeanVsV86: geomean(programs.map(({ vsV86 }) => vsV86)),
  geomeanVsTcg: geomean(programs.map(({ vsTcg }) => vsTcg)),
  worst: compared[0] && { name: compared[0].name, ratio: compared[0].vsV86 },
  rounds,
  clock,
  peakMb,
  rows,
};

const cell = (value) => (value === undefined ? "-" : value.toFixed(2)).padStart(9);
console.log(
  ["benchmark".padEnd(10), ...systems.map((name) => `${name} s`.padStart(9)), "  x v86".padStart(9), "  x TCG".padStart(9)].join(""),
);
for (const row of rows)
  console.log(
    [
      row.name.padEnd(10),
      ...systems.map((system) => cell(row[system])),
      cell(row.vsV86),
      cell(row.vsTcg),
      row.sumsEqual ? "" : "  SUMS DIFFER",
    ].join(""),
  );
console.log(
  `geometric mean: ${cell(summary.geomeanVsV86).trim()} x v86, ${cell(summary.geomeanVsTcg).trim()} x TCG (${clock}, medians of ${rounds})`,
);
console.log(
  `peak RSS, MB, at the prompt and at the end: ${Object.entries(peakMb)
    .map(([name, { prompt, end }]) => `${name} ${prompt} ${end ?? "-"}`)
    .join(", ")}`,
);
if (given.json) console.log(JSON.stringify(summary));
process.exit(programs.every(({ sumsEqual }) => sumsEqual) ? 0 : 1);

/** Issue 5, "64-bit": Debian amd64, recorded vectors, guest tests, speed pairs, snapshots. */
import { spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "../lib/paths.mjs";
import { bootPairs, comparedBoots } from "./before.mjs";
import { page } from "./page.mjs";
import { load, median, verdict } from "./tools.mjs";

const GUESTS = ["debian-amd64", "debian-amd64-generic"];
/** What tests/cpu/recorder/record64.c is asked for. */
const RECORDINGS = {
  int: { perForm: 3, seed: 501 },
  simd: { perForm: 2, seed: 502 },
  x87: { perForm: 4, seed: 503 },
  system: { perForm: 6, seed: 504 },
};
const ROUNDS = 5;
/** VITRINE_INSTANTS: fewer, for a first look. */
const INSTANTS = Number(process.env.VITRINE_INSTANTS ?? 200);
/** The last commit before 64-bit paging and 64-bit code. */
const BEFORE = "fda2dad";
/** "Within 2 %." */
const SLOWER = 1.02;

/** Guests on request are prepared first. */
async function amd64(id) {
  const { prepareGuests } = await load("web/guests/prepare.ts");
  await prepareGuests({ only: [id] });
  const { preparedGuest } = await load("tests/boot/prepared-guests.ts");
  return preparedGuest(id);
}

async function shells() {
  const { bootToShell, COMPLAINTS } = await load("tests/boot/linux.ts");
  const conditions = {};
  const figures = [];
  for (const id of GUESTS) {
    const guest = await amd64(id);
    for (const [how, options] of [
      ["64-bit entry", {}],
      ["bzImage", { packed: true }],
    ]) {
      const shell = await bootToShell(guest, options);
      const machine = await shell.command("uname -m");
      const complaints = await shell.command(COMPLAINTS);
      const bits = await shell.command("head -c5 /bin/busybox | tail -c1 | od -An -tu1");
      conditions[`${id} by ${how}`] = machine === "x86_64\n" && complaints === "" && bits.trim() === "2";
      if (complaints) console.error(complaints);
      figures.push(`${id} by ${how} ${Math.round(shell.machine.instructions / 1e6)} million instructions`);
    }
  }
  // Without it the page's test of the generic kernel, minutes long, skips.
  process.env.VITRINE_LONG = "2";
  const inPage = page("one click boots the 64-bit guest to a 64-bit shell", "the generic 64-bit kernel boots to a 64-bit shell");
  return verdict({ ...conditions, "in the page": inPage.passed }, `${figures.join(", ")}, no complaint in dmesg; ${inPage.figure}`);
}

/** Records on this machine. Throws when the recorder does not come to its end. */
function record(folder, kind) {
  const { perForm, seed } = RECORDINGS[kind];
  const file = join(folder, `${kind}.jsonl`);
  const out = openSync(file, "w");
  const { status, signal, stderr } = spawnSync(join(folder, "record64"), [String(perForm), kind, String(seed)], {
    stdio: ["ignore", out, "pipe"],
    timeout: 900_000,
    encoding: "utf8",
  });
  closeSync(out);
  if (status !== 0) throw new Error(`the recorder (${kind}) ended with ${signal ?? status}: ${stderr}`);
  return file;
}

async function vectors() {
  const folder = mkdtempSync(join(tmpdir(), "vitrine-vectors-"));
  try {
    const flags = "-O2 -w -static -no-pie -fno-pie -fno-stack-protector -mgeneral-regs-only".split(" ");
    const { status, stderr } = spawnSync("gcc", [...flags, "-o", join(folder, "record64"), join(ROOT, "tests/cpu/recorder/record64.c")], {
      encoding: "utf8",
    });
    if (status !== 0) throw new Error(`gcc: ${stderr}`);
    const files = Object.keys(RECORDINGS).map((kind) => record(folder, kind));
    const { longCoverage } = await load("tests/cpu/long-coverage.ts");
    const { rows, recorded, elsewhere, missing, faults } = await longCoverage(files);
    const conditions = { "every row valid in 64-bit mode": missing.length === 0 };
    if (missing.length > 0) console.error(`without a vector: ${missing.join(", ")}`);
    const figures = [];
    for (const accel of ["interp", "jit"]) {
      const run = spawnSync(process.execPath, ["bin/vitrine.mjs", "vectors", ...files, "--accel", accel, "--show", "50"], {
        cwd: ROOT,
        encoding: "utf8",
        maxBuffer: 1 << 28,
      });
      const counts = /(\d+) passed, (\d+) failed, (\d+) skipped\n$/.exec(run.stdout);
      if (!counts) throw new Error(`vitrine vectors: ${run.stderr || run.stdout.slice(-500)}`);
      const [passed, failed, skipped] = counts.slice(1).map(Number);
      if (failed > 0) console.error(run.stdout);
      conditions[accel] = run.status === 0 && failed === 0 && skipped === 0 && passed >= 100_000;
      figures.push(`--accel ${accel} ${passed} passed, ${failed} failed, ${skipped} skipped`);
    }
    const cpu = /model name\s*: (.*)/.exec(readFileSync("/proc/cpuinfo", "utf8"))?.[1] ?? "this processor";
    return verdict(
      conditions,
      `recorded on ${cpu}, seeds ${Object.values(RECORDINGS)
        .map(({ seed }) => seed)
        .join(
          ", ",
        )}: ${recorded} of ${rows} rows valid in 64-bit mode, ${faults} vectors end in an exception; ${elsewhere} rows that a user process cannot record the same everywhere are named with the reason; ${figures.join("; ")}`,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function guestTests() {
  const { status, stdout } = spawnSync(join(ROOT, "node_modules/.bin/vitest"), ["run", "tests/vmm/long.spec.ts"], {
    cwd: ROOT,
    encoding: "utf8",
    env: { ...process.env, VITRINE_LONG: "2", REQUIRE_TOOLS: "1" },
  });
  if (status !== 0) console.error(stdout);
  const { LONG_SETS } = await load("tests/vmm/cases/long.ts");
  const { LONG_WALKS, longTrials } = await load("tests/vmm/cases/long-walk.ts");
  const cases = Object.values(LONG_SETS).flat();
  const trials = LONG_WALKS.reduce((sum, walk) => sum + longTrials(walk), 0);
  const listed = cases.filter((one) => one.qemuDiffers !== undefined).length;
  return verdict(
    { "every test": status === 0 },
    `${trials} page-walk trials (4 KB, 2 MB, 1 GB; PCID on and off), checksums equal to QEMU's; ${cases.length} programs as in their golden files, ${cases.length - listed} of them equal in QEMU, ${listed} listed with the reason`,
  );
}

async function speeds() {
  const { speedPairs } = await load("tests/suites/speed-pairs.ts");
  const { preparedGuest } = await load("tests/boot/prepared-guests.ts");
  const pairs = await speedPairs(await preparedGuest("debian"), await amd64("debian-amd64"), ROUNDS);
  const ratios = pairs.map(({ name, seconds32, seconds64 }) => ({ name, ratio: median(seconds32.map((s, n) => s / seconds64[n])) }));
  const mean = Math.exp(ratios.reduce((sum, { ratio }) => sum + Math.log(ratio), 0) / ratios.length);
  const boots = comparedBoots(await bootPairs(BEFORE), BEFORE);
  return verdict(
    { "0.8 of 32-bit code": mean >= 0.8, "32-bit code as fast as before": boots.ratio <= SLOWER },
    `interpreter, 64-bit speed / 32-bit speed, medians of ${ROUNDS} pairs: ${ratios.map(({ name, ratio }) => `${name} ${ratio.toFixed(2)}`).join(", ")}; geometric mean ${mean.toFixed(2)}; 32-bit code against the last build without 64-bit code: ${boots.figure}`,
  );
}

async function snapshots() {
  const { checkInstants } = await load("tests/snapshot/instants.ts");
  const { unequalFiles, unequalStates, largestFile } = await checkInstants(await amd64("debian-amd64"), INSTANTS);
  return verdict(
    { "equal bytes": unequalFiles.length === 0, "the run that never stopped": unequalStates.length === 0 },
    `${INSTANTS} instants of the 64-bit boot: save, load, save gives equal bytes at ${INSTANTS - unequalFiles.length}, the same state hash 10 million instructions later at ${INSTANTS - unequalStates.length}; largest file ${(largestFile / 1e6).toFixed(1)} MB`,
  );
}

export const LONG = [
  { line: "5.1", title: "Debian's amd64 kernels boot to a 64-bit shell, in Node and in the page", run: shells },
  { line: "5.2", title: "100,000 recorded vectors of 64-bit code, interpreted and translated", run: vectors },
  { line: "5.3", title: "4-level page walks, canonical addresses, gates, IST, SYSCALL as guest tests, in QEMU too", run: guestTests },
  {
    line: "5.4",
    title: "the interpreter's speed on 64-bit code beside 32-bit code, and on 32-bit code beside the build before",
    run: speeds,
  },
  { line: "5.5", title: "snapshots of a running 64-bit guest", run: snapshots },
];

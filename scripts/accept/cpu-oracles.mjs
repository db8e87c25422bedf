/** Issue 4, "The exact CPU": what oracles outside of us say. Suites are read from VITRINE_SUITES (docs/oracles.md). */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../lib/paths.mjs";
import { bootBefore } from "./before.mjs";
import { guest, load, verdict } from "./tools.mjs";

async function suitePath(name) {
  const { findSuite } = await load("tests/suites/folder.ts");
  const found = findSuite(name);
  if ("missing" in found) throw new Error(`${found.missing}; docs/oracles.md says what it holds`);
  return found.path;
}

/** The last line that `vitrine vectors` prints: "N passed, N failed, N skipped". */
function vectors(files, accel = "interp") {
  const { stdout, stderr } = spawnSync(process.execPath, ["bin/vitrine.mjs", "vectors", ...files, "--accel", accel], {
    cwd: ROOT,
    encoding: "utf8",
    maxBuffer: 1 << 28,
  });
  const counts = /(\d+) passed, (\d+) failed, (\d+) skipped\n$/.exec(stdout);
  if (!counts) throw new Error(`vitrine vectors: ${stderr || stdout}`);
  const [passed, failed, skipped] = counts.slice(1).map(Number);
  return { passed, failed, skipped, rules: [...stdout.matchAll(/^skipped (\d+): ([^:\n]*)/gm)].map(([, n, rule]) => `${rule} ${n}`) };
}

/** Every vector file of the suite folder and of the sample, by the command line, both ways. */
async function recordedVectors() {
  const named = (folder) =>
    readdirSync(folder)
      .filter((name) => /\.jsonl(\.gz)?$/.test(name))
      .map((name) => join(folder, name));
  const files = [...named(await suitePath("i386-user")), ...named(join(ROOT, "tests/cpu/vectors"))];
  const runs = ["interp", "jit"].map((accel) => [accel, vectors(files, accel)]);
  return verdict(
    Object.fromEntries(
      runs.map(([accel, { passed, failed, skipped }]) => [`every vector with ${accel}`, failed === 0 && skipped === 0 && passed > 80_000]),
    ),
    `${files.length} files with --cpu max: ${runs.map(([accel, { passed, failed, skipped }]) => `--accel ${accel} ${passed} passed, ${failed} failed, ${skipped} skipped`).join("; ")}`,
  );
}

/** Runs bare-metal cases on the core: is their log the golden file `name`? */
async function bareMetal(name, cases, choice = {}) {
  const { buildImage, splitLog } = await load("tests/vmm/image.ts");
  const { runOnCore } = await load("tests/vmm/run-image.ts");
  const log = splitLog((await runOnCore(buildImage(cases), choice)).log);
  const text = cases.map((one) => `# ${one.name}\n${log.get(one.name)}\n`).join("");
  return { golden: text === readFileSync(join(ROOT, `tests/vmm/golden/${name}.txt`), "utf8") };
}

/** Faults and privileged behaviour: every case against its golden file and QEMU, and the whole product of page-walk permissions. */
async function privileged() {
  const { buildImage, splitLog } = await load("tests/vmm/image.ts");
  const { qemuMissing } = await load("tests/tools/bare-qemu.ts");
  const { runInQemu, runOnCore } = await load("tests/vmm/run-image.ts");
  if (qemuMissing !== undefined) throw new Error(qemuMissing);
  const { CASE_SETS } = await load("tests/vmm/cases/index.ts");
  const { crossProduct, MODES, trials } = await load("tests/vmm/cases/page-walk.ts");
  const wrong = [];
  let count = 0;
  let inQemu = 0;
  const reasons = new Map();
  const compare = async (name, cases, choice, qemu) => {
    // 16-bit offsets of cases are in the logs, so that both must run the same image.
    const comparable = cases.filter((one) => one.qemuDiffers === undefined);
    const image = buildImage(comparable);
    const log = splitLog((await runOnCore(image, choice)).log);
    const theirs = splitLog(runInQemu(image.bytes, qemu));
    for (const one of comparable) if (theirs.get(one.name) !== log.get(one.name)) wrong.push(`${name}: ${one.name}: not as in QEMU`);
    return comparable.length;
  };
  for (const [name, cases] of Object.entries(CASE_SETS)) {
    if (!(await bareMetal(name, cases)).golden) wrong.push(`${name}: not as in the golden file`);
    inQemu += await compare(name, cases, {}, {});
    count += cases.length;
    for (const { qemuDiffers } of cases) if (qemuDiffers !== undefined) reasons.set(qemuDiffers, (reasons.get(qemuDiffers) ?? 0) + 1);
  }
  const product = MODES.map((mode) => crossProduct(mode));
  const choice = { cpuModel: 4, ticks: 150_000_000 };
  if (!(await bareMetal("page-walk-cross-product", product, choice)).golden) wrong.push("page walks: not as in the golden file");
  await compare("page walks", product, choice, { cpu: "max", seconds: 900 });
  for (const line of wrong) console.error(line);
  for (const [reason, times] of reasons) console.error(`not compared with QEMU, ${times}: ${reason}`);
  return verdict(
    { "at least 1,000": count >= 1000, "as in the golden files and in QEMU": wrong.length === 0 },
    `${count} assembler tests as in their golden files, ${inQemu} of them also in QEMU with the same log, ${count - inQemu} listed with ${reasons.size} reasons why QEMU is not right; ${MODES.reduce((sum, mode) => sum + trials(mode), 0)} page-walk trials the same in both; ${wrong.length} wrong`,
  );
}

async function debuggers() {
  const { runDebianGdb } = await load("tests/suites/debian-gdb.ts");
  const { CASE_SETS } = await load("tests/vmm/cases/index.ts");
  const cases = CASE_SETS.debug;
  const { golden } = await bareMetal("debug", cases);
  const { guest: transcript, missing, expected, differences } = await runDebianGdb(await guest("debian"));
  for (const line of [...missing, ...(differences ?? [])]) console.error(line);
  return verdict(
    {
      "each answer of gdb": missing.length === 0,
      "gdb as natively": differences !== undefined && differences.length === 0,
      "TF and DR0-7 programs": golden,
    },
    `Debian's gdb in the guest: ${expected} answers as the program demands, ${transcript.split("\n").length} lines ${differences === undefined ? "(no native run: processes may not be traced here)" : `of which ${differences.length} differ from a native run`}; ${cases.length} programs with TF, INT1, INT3 and DR0-7 as in their golden file`,
  );
}

async function exactCpu() {
  const moo = await suitePath("real-mode-80286");
  const files = readdirSync(moo)
    .filter((name) => /\.MOO(\.gz)?$/i.test(name))
    .map((name) => join(moo, name));
  const realMode = vectors(files);

  const test386 = await suitePath("test386.asm");
  const { runTest386 } = await load("tests/suites/test386.ts");
  const wasm = readFileSync(join(ROOT, "dist/core/core.wasm"));
  const roms = [await runTest386(test386, 64, wasm), await runTest386(test386, 128, wasm)];

  const { runQemuSuite } = await load("tests/suites/qemu-i386.ts");
  const programs = await runQemuSuite(await suitePath("qemu-i386"), await guest("debian"), { long: true });
  for (const [name, difference] of programs.failed) console.error(`${name}: ${difference}`);

  const code = (run) => (run.lastCode === null ? "none" : `${run.lastCode.toString(16).toUpperCase()}h`);
  return verdict(
    {
      "every real-mode test": realMode.failed === 0 && realMode.passed > 60_000,
      "test386.asm's last code": roms.every((run) => run.lastCode === 0xff),
      "test386.asm's text": roms.every((run) => run.text === run.expected),
      "QEMU's programs": programs.failed.size === 0 && programs.passed.length > 10,
    },
    `80286 real mode ${realMode.passed} passed, ${realMode.failed} failed, ${realMode.skipped} by rule (${realMode.rules.join(", ")}); test386.asm reaches ${roms.map(code).join(" and ")} (64 and 128 KB ROM) with its reference text; ${programs.passed.length} of QEMU's i386 programs print as natively (${programs.linesCompared} lines, ${[...programs.listed.values()].reduce((sum, n) => sum + n, 0)} listed)`,
  );
}

/** Ten minutes of the fuzzer, or FUZZ_MINUTES, with a seed of today. */
async function fuzzer() {
  const { fuzz } = await load("tests/fuzz/fuzz.ts");
  const { qemuMissing } = await load("tests/tools/bare-qemu.ts");
  const { qemuVersion } = await load("tests/fuzz/run.ts");
  const minutes = Number(process.env.FUZZ_MINUTES ?? 10);
  const seed = Number(process.env.FUZZ_SEED ?? Date.now() % 1_000_000);
  const result = await fuzz({
    seed,
    milliseconds: minutes * 60_000,
    cases: Number.POSITIVE_INFINITY,
    qemu: qemuMissing === undefined,
    folder: join(ROOT, "tests/fuzz/found"),
    report: (line) => console.error(line),
  });
  const rules = [...result.rules].map(([rule, count]) => `${rule} ${count}`).join(", ");
  return verdict(
    { "nothing found": result.found.length === 0, "QEMU there": qemuMissing === undefined, "ten minutes": minutes >= 10 },
    `seed ${seed}, ${minutes} minutes: ${result.cases} cases, ${result.inQemu} also in ${qemuMissing ?? qemuVersion()}, ${result.byBothBackends} instructions by both backends, ${result.found.length} found; differences that are QEMU's, by rule: ${rules || "none"}`,
  );
}

async function debianPrograms() {
  const { runDebianTools } = await load("tests/suites/debian-tools.ts");
  const result = await runDebianTools(await guest("debian"), { piDigits: 1000 });
  for (const difference of result.differences) console.error(difference);
  return verdict(
    { "the same as natively": result.differences.length === 0, "1,000 digits": result.piDigits === 1000, everything: result.ciphers > 100 },
    `${result.digests} digests, ${result.ciphers - result.refused.length} of ${result.ciphers} ciphers (the others openssl enc refuses in both places), ${result.macs} MACs, pi to ${result.piDigits} digits: ${result.differences.length} differ from the native run; ${result.confirmed} the same from Node's own build of OpenSSL; random by themselves: ${result.random.join(", ") || "none"}`,
  );
}

export const CPU_ORACLES = [
  { line: "4.1", title: "every recorded vector, interpreted and translated", run: recordedVectors },
  { line: "4.2", title: "80286 real-mode tests, test386.asm, QEMU's i386 programs against native runs", run: exactCpu },
  { line: "4.3", title: "faults and privileged behaviour: assembler tests, page-walk permissions, QEMU", run: privileged },
  { line: "4.4", title: "ten minutes of the random differential fuzzer", run: fuzzer },
  { line: "4.5", title: "gdb in the Debian guest against a native run; programs with TF and DR0-7", run: debuggers },
  { line: "4.6", title: "openssl and bc in the Debian guest against native runs", run: debianPrograms },
  { line: "4.7", title: "Debian's boot against the commit before this work", run: bootBefore },
];

/** Issue 3, "Share and see", and 9, "The glass box": the lines about run control, panels and the assembler. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "../lib/paths.mjs";
import { labs } from "./labs.mjs";
import { page } from "./page.mjs";
import { guest, load, median, verdict } from "./tools.mjs";

/** All tests of these files, with every tool that they need. */
function specs(...files) {
  const folder = mkdtempSync(join(tmpdir(), "vitrine-specs-"));
  const report = join(folder, "report.json");
  try {
    spawnSync(
      join(ROOT, "node_modules/.bin/vitest"),
      ["run", ...files, "--reporter=default", "--reporter=json", `--outputFile.json=${report}`],
      {
        cwd: ROOT,
        stdio: ["ignore", 2, 2],
        env: { ...process.env, REQUIRE_TOOLS: "1" },
      },
    );
    const { numPassedTests, numTotalTests } = JSON.parse(readFileSync(report, "utf8"));
    return { passed: numPassedTests, total: numTotalTests };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function placements() {
  process.env.PLACEMENTS = "200";
  const { passed, total } = specs("tests/cpu/run-control.spec.ts", "tests/machine/run-control.spec.ts");
  delete process.env.PLACEMENTS;
  return verdict(
    { "all tests": passed === total && total > 0 },
    `${passed} of ${total} tests: 100 breakpoints in the core, 100 breakpoints, watchpoints and stops on exits in a machine that a timer interrupts, and 200 with conditions on registers and memory, in interpreter and JIT, each at the count that single steps give; none seen by the guest`,
  );
}

async function labsAndText() {
  const checks = await labs();
  const text = page("a student who does what the text of");
  return { passed: checks.passed && text.passed, figure: `${checks.figure}; ${text.figure}` };
}

async function assembler() {
  const { formsOf } = await load("tests/assembler/forms.ts");
  const { ROWS } = await load("asm/isa/index.ts");
  const forms = { 16: formsOf(16), 32: formsOf(32) };
  const wanted = ROWS.filter((row) => !row.alias && !row.o64);
  const covered = [16, 32].map((bits) => {
    const rows = new Set(forms[bits].map(({ row }) => row.mnemonic + row.opcode + row.map + (row.prefix ?? "") + row.operands));
    return wanted.filter((row) => rows.has(row.mnemonic + row.opcode + row.map + (row.prefix ?? "") + row.operands)).length;
  });
  const { passed, total } = specs("tests/assembler/nasm.spec.ts", "tests/disasm/decoder.spec.ts");
  return verdict(
    { "every row": covered.every((count) => count === wanted.length), "all tests": passed === total && total > 0 },
    `${covered.join(" and ")} of ${wanted.length} rows in ${forms[16].length} forms of 16-bit and ${forms[32].length} of 32-bit code: assembled as by nasm, read back by the core's decoder and by ndisasm (${passed} of ${total} tests)`,
  );
}

const PAIRS = 24;
const INSTRUCTIONS = 8_000_000;

async function cost() {
  const { panelCost } = await load("tests/worker/panel-cost.ts");
  const { linuxBoot } = await load("tests/boot/prepared-guests.ts");
  const boot = linuxBoot(await guest("debian"));
  const closed = await panelCost(boot, "closed", PAIRS, INSTRUCTIONS);
  const open = await panelCost(boot, "open", PAIRS, INSTRUCTIONS);
  const percent = ({ ratios }) => (median(ratios) - 1) * 100;
  return verdict(
    {
      "closed under 1 %": percent(closed) < 1,
      "open under 10 %": percent(open) < 10,
      "the same state": closed.finalHashes[0] === closed.finalHashes[1] && open.finalHashes[0] === open.finalHashes[1],
    },
    `closed ${percent(closed).toFixed(2)} %, all three open ${percent(open).toFixed(2)} % at ${open.picturesPerSecond.toFixed(1)} pictures a second (medians of ${PAIRS} pairs of ${INSTRUCTIONS / 1e6} million instructions of Debian's boot); the same state hash`,
  );
}

function sensitive() {
  const { passed, total } = specs("tests/labs/sensitive.spec.ts");
  return verdict(
    { "all tests": passed === total && total > 0 },
    `${passed} of ${total} tests: 17 rows (VERR and VERW are one), each executed at CPL 0, at CPL 3 and at CPL 3 with UMIP, with every operand that a student can be given`,
  );
}

async function timeTravel() {
  const { stepsBack } = await load("tests/determinism/steps-back.ts");
  const { wrong, ms, compared, mostBytes, inputs } = await stepsBack(await guest("debian"), {});
  const most = Math.max(...ms);
  if (wrong.length > 0) console.error(`wrong at ${wrong.slice(0, 20).join(", ")}`);
  return verdict(
    {
      "every state as going forward": wrong.length === 0 && compared === ms.length,
      "median at most 50 ms": median(ms) <= 50,
      "each at most 200 ms": most <= 200,
      "at most 256 MB": mostBytes <= 256 * 0x100000,
    },
    `${ms.length} single steps back from 10 points of a real-time Debian run with typing and a disk, ${inputs} inputs: ${compared} whole states compared, ${wrong.length} differ; median ${median(ms).toFixed(1)} ms, at most ${most.toFixed(0)} ms; moments take at most ${(mostBytes / 0x100000).toFixed(0)} MB`,
  );
}

async function gdb() {
  const { gdbSession, SESSION } = await load("tests/boot/gdb.ts");
  const { wrong, status } = await gdbSession(await guest("debian"));
  for (const text of wrong) console.error(text);
  return verdict(
    { "every answer": wrong.length === 0, "a clean end": status === 0 },
    `${SESSION.length - wrong.length} of ${SESSION.length} commands of gdb on Debian's kernel answered right: breakpoints by kallsyms symbols, steps forward and back, watchpoint, memory and registers read and written, backtrace, continue`,
  );
}

export const GLASS = [
  {
    line: "3.5",
    title: "every number of the CPU, Traps and Paging panels is the core's own",
    run: () => page("every number of the panels is the core's own"),
  },
  { line: "3.6", title: "breakpoints and watchpoints stop at exactly the right instruction", run: placements },
  { line: "3.7", title: "every row and operand form through assembler, our decoder and ndisasm", run: assembler },
  {
    line: "9.1",
    title: "every number of the CPU, Traps, Paging, Memory, Devices and JIT panels is the core's own",
    run: () =>
      page(
        "every number of the panels is the core's own",
        "memory by linear address: every byte is the core's own",
        "every number of the Devices panel is the machine's own",
        "every number of the JIT panel is the translator's own",
      ),
  },
  { line: "9.2", title: "Popek-Goldberg: 17 rows, every cell asserted by an executed guest test", run: sensitive },
  { line: "9.4", title: "conditional breakpoints and watchpoints stop at exactly the right instruction", run: placements },
  { line: "9.3", title: "200 single steps back from 10 points of an interactive Debian run", run: timeTravel },
  { line: "9.6", title: "gdb attaches, breaks in the kernel by symbol, steps, reads, writes, continues", run: gdb },
  { line: "9.7", title: "labs: model answers pass, wrong ones fail for the stated reason, the text is enough", run: labsAndText },
  {
    line: "9.8",
    title: "axe finds nothing on any view, light and dark, wide and narrow",
    run: () => page("light, ", "dark, ", "axe finds nothing in the labs"),
  },
  { line: "9.5", title: "panels cost under 10 % open and under 1 % closed", run: cost },
];

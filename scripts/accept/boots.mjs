/** Lines 2.2 to 2.5: the guests boot, each as `npx vitrine run` from the command line. */

import { page } from "./page.mjs";
import { guest, load, verdict } from "./tools.mjs";

const seconds = (run) => `${run.seconds.toFixed(1)} s`;
const TIMEOUT = ["--timeout", "600"];

/** The compressed bzImage and the unpacked vmlinux, with the command line of the acceptance text. */
export async function kernels() {
  const { vitrineRun, tail } = await load("tests/boot/command-line.ts");
  const { PROMPT } = await load("tests/boot/prepared-guests.ts");
  const { files } = await guest("debian");
  const figures = [];
  const conditions = {};
  for (const [name, kernel] of [
    ["bzImage", files.kernel],
    ["vmlinux", files.vmlinux],
  ]) {
    const images = ["--kernel", kernel.file, "--initrd", files.initrd.file, "--append", "console=ttyS0"];
    const run = await vitrineRun(["--memory", "256", ...images, "--until", PROMPT, ...TIMEOUT]);
    conditions[`${name} ends on --until`] = run.status === 0 && run.stats?.exitReason === "until";
    if (run.status !== 0) console.error(`${name}: ${tail(run)}`);
    figures.push(`${name} to the prompt in ${seconds(run)}, ${((run.stats?.instructions ?? 0) / 1e6).toFixed(0)} million instructions`);
  }
  return verdict(conditions, figures.join("; "));
}

export async function pae() {
  const { vitrineRun } = await load("tests/boot/command-line.ts");
  const { PROMPT } = await load("tests/boot/prepared-guests.ts");
  const { files, commandLine } = await guest("debian-pae");
  const images = ["--kernel", files.kernel.file, "--initrd", files.initrd.file, "--append", commandLine];
  const typing = [{ after: PROMPT, send: "dmesg | grep NX; grep -cw nx /proc/cpuinfo; uname -r; echo the-$((1 + 1))nd\n" }];
  const run = await vitrineRun([...images, "--until", "the-2nd", ...TIMEOUT], { typing });
  const said = /NX \(Execute Disable\) protection: active/.exec(run.stdout.slice(run.stdout.indexOf(PROMPT)))?.[0];
  const release = /\n(\S+-pae)\r?\n/.exec(run.stdout)?.[1];
  const conditions = { "at the shell": run.status === 0, "active NX in dmesg": said !== undefined, "a PAE kernel": release !== undefined };
  return verdict(conditions, `${release ?? "no release"}: "${said ?? run.stdout.slice(-200)}", ${seconds(run)}`);
}

export async function memtest() {
  const { vitrineRun, tail } = await load("tests/boot/command-line.ts");
  const { readMemtest, beginningOf, COMMAND_LINE, TESTS, TICKS_PER_US } = await load("tests/boot/memtest.ts");
  const { files } = await guest("memtest");
  const boot = ["--memory", "32", "--kernel", files.kernel.file, "--append", COMMAND_LINE];
  const clock = ["--clock", `deterministic=${TICKS_PER_US}`];
  const run = await vitrineRun([...boot, ...clock, "--until", beginningOf(4), ...TIMEOUT]);
  const { tests, errors, screen } = readMemtest(run.stdout);
  const conditions = {
    "at the beginning of test 4": run.status === 0,
    "through tests 0 to 3": JSON.stringify(tests) === JSON.stringify([...TESTS, 4]),
    "free of errors": errors === 0,
    "in PAE": screen.some((line) => line.includes("[PAE]")),
  };
  if (run.status !== 0) console.error(`${tail(run)}\n${screen.join("\n")}`);
  return verdict(conditions, `tests ${tests.slice(0, -1).join(", ")} (1 is off in memtest86+) with Errors: ${errors}, ${seconds(run)}`);
}

export async function teaching() {
  const { vitrineRun } = await load("tests/boot/command-line.ts");
  const run = await vitrineRun(["--guest", "teaching", "--timeout", "60"]);
  const said = /teaching kernel: all (\d+) checks passed/.exec(run.stdout)?.[0];
  const inPage = page("the teaching kernel's own checks pass");
  const conditions = { "in Node": run.status === 0 && said !== undefined && !run.stdout.includes("FAIL"), "in the page": inPage.passed };
  return verdict(conditions, `Node: ${said ?? run.stdout.slice(-100)}; page: ${inPage.figure}`);
}

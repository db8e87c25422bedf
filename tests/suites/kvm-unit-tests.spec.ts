/**
 * kvm-unit-tests: bare-metal programs of KVM's developers, whose verdicts come from real processors. Built beforehand
 * (docs/oracles.md); here are those that need no device of QEMU's own (pc-testdev) and no feature that no model of ours has.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { vitrine } from "../boot/command-line";
import { findSuite } from "./folder";

/** How many reports each makes, the skipped ones (features that the model lacks) left out. */
const PROGRAMS = {
  i386: { cmpxchg8b: 1, eventinj: 15, setjmp: 10, smap: 18, smptest: 1, taskswitch2: 13, tsc: 3, umip: 21 },
  x86_64: {
    access_test: 1,
    apic: 45,
    debug: 25,
    eventinj: 13,
    idt_test: 4,
    la57: 49,
    memory: 4,
    pcid: 2,
    rdpru: 1,
    rmap_chain: 1,
    setjmp: 10,
    smptest: 1,
    syscall: 1,
    tsc: 3,
    umip: 11,
    xsave: 4,
  },
} as const;
const MODELS = { i386: "max", x86_64: "x86-64-v2" } as const;
/** What fw_cfg and the test device would tell. */
const ENVIRONMENT = "NR_CPUS=1\nMEMSIZE=480\nMEMLIMIT=480\nTEST_DEVICE=0\nBOOTLOADER=1\n";
const LIMIT_MS = 300_000;

const suite = findSuite("kvm-unit-tests");
const missing = "missing" in suite ? suite.missing : undefined;
const folder = mkdtempSync(join(tmpdir(), "vitrine-kut-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe.skipIf(missing !== undefined)(`kvm-unit-tests${missing === undefined ? "" : ` (skipped: ${missing})`}`, () => {
  const environment = join(folder, "environment");
  writeFileSync(environment, ENVIRONMENT);
  describe.each(["i386", "x86_64"] as const)("%s", (bits) => {
    describe.each(Object.entries(PROGRAMS[bits]))("%s", (name, reports) => {
      it.each(["interp", "jit"])(
        "--accel %s",
        async (accel) => {
          const kernel = join((suite as { path: string }).path, bits, `${name}.flat`);
          const run = await vitrine([
            ...["run", "--kernel", kernel, "--initrd", environment, "--cpu", MODELS[bits], "--memory", "512", "--accel", accel],
            ...["--debug-exit", "0xf4", "--timeout", "240"],
          ]);
          const lines = run.stdout.split("\n").map((line) => line.trimEnd());
          expect(lines.filter((line) => line.startsWith("FAIL"))).toEqual([]);
          expect(lines.filter((line) => line.startsWith("PASS")).length, run.stdout + run.stderr).toBeGreaterThanOrEqual(reports);
          // (0 << 1) | 1: the program says that nothing failed.
          expect(run.status, run.stderr).toBe(1);
        },
        LIMIT_MS,
      );
    });
  });
});

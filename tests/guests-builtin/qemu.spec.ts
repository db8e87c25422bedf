/** The built-in guests on QEMU: they are right as programs, whatever Vitrine does with them. */
import { describe, expect, it } from "vitest";
import { assembleGuest, findBuiltInGuest } from "../../bios/index";
import { type Boot, qemuMissing, runInQemu } from "./qemu";

const missing = qemuMissing();
const boot = (id: string, rest: Partial<Boot> = {}): Boot => {
  const guest = findBuiltInGuest(id)!;
  return { image: assembleGuest(guest), boot: guest.boot, commandLine: guest.commandLine, ...rest };
};

describe.skipIf(missing !== undefined)(`built-in guests on QEMU${missing ? ` (skipped: ${missing})` : ""}`, () => {
  it("hello greets, echoes and halts on q", async () => {
    const output = await runInQemu(boot("hello", { input: { after: "\n> ", text: "abc\rq" } }), "Halting.");
    expect(output).toContain("Hello from a boot sector");
    expect(output).toContain("> abc\r\n\r\nHalting.");
  });

  it("the teaching kernel passes its own checks", async () => {
    const output = await runInQemu(boot("teaching"), "checks passed");
    expect(output).not.toContain("FAIL");
    expect(output).toContain("kernel: killed task 3, exception 13");
    expect(output).toContain("kernel: killed task 4, exception 14");
    expect(output).toContain("teaching kernel: all 35 checks passed");
  });

  it("exits executes what its command line says", async () => {
    expect(await runInQemu(boot("exits"), "done\r\n")).toContain("done\r\n");
    expect(await runInQemu(boot("exits", { commandLine: "" }), "done\r\n")).toContain("done\r\n");
  });

  it("exits refuses what it does not know", async () => {
    expect(await runInQemu(boot("exits", { commandLine: "cpuid=1 foo=3" }), "\r\n")).toContain("unknown option: foo=3\r\n");
    expect(await runInQemu(boot("exits", { commandLine: "pf=3" }), "\r\n")).toContain("pf needs movcr3=1 or more\r\n");
  });

  it("pingpong keeps two address spaces apart and frees a page table", async () => {
    const output = await runInQemu(boot("pingpong"), "done\r\n");
    expect(output).toContain("1000 rounds, both spaces kept their own\r\n1000 writes to a freed page table\r\ndone\r\n");
  });
});

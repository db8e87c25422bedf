/** `vitrine run --break` and `--trace` on the real core. */
import { describe, expect, it } from "vitest";
import { assemble } from "../../web/assembler/assemble";
import { bootImage } from "../../web/assembler/boot-image";
import { main } from "../../web/node/cli";
import { coreWasm } from "../tools/core";
import { FakeEnvironment } from "./fake-environment";

const program = assemble(`
  bits 16
  org 0x7c00
      mov cx, 3
  again:
      out 0x80, al
      cpuid_is_next:
      loop again
  after:
      cli
      hlt`);

/** The fake environment's files and output, and the real core. */
function environment(): FakeEnvironment {
  const fake = new FakeEnvironment();
  fake.files.set("boot.bin", bootImage(program, "sector") as Uint8Array);
  return Object.assign(fake, { core: undefined, loadWasm: async () => coreWasm() });
}
const run = async (args: string) => {
  const host = environment();
  const status = await main(["run", "--image", "boot.bin", "--memory", "1", "--clock", "deterministic", ...args.split(" ")], host);
  return { status, err: host.err, files: host.files };
};

describe("--break", () => {
  it("ends the run before the instruction, and says where it is", async () => {
    const address = program.labels.get("after")!.toString(16);
    const { status, err, files } = await run(`--break ${address} --stats s.json`);
    expect(status).toBe(0);
    expect(err).toContain(`Stopped at 0000${address}, before the instruction there.`);
    expect(err).toContain(`0000${address}: cli`);
    expect(err).toMatch(/ecx=00000000/);
    expect(JSON.parse(new TextDecoder().decode(files.get("s.json")))).toMatchObject({ exitReason: "breakpoint", instructions: 7 });
  });

  it("stops only where the condition holds", async () => {
    const host = environment();
    const at = program.labels.get("again")!.toString(16);
    const argv = ["run", "--image", "boot.bin", "--memory", "1", "--clock", "deterministic", "--break", `${at} if cx == 2`];
    expect(await main(argv, host)).toBe(0);
    expect(host.err).toMatch(/ecx=00000002/);
  });

  it("takes names from a System.map, in --break, in --trace and in what it says", async () => {
    const host = environment();
    const map = ["again", "after"].map((name) => `${program.labels.get(name)!.toString(16).padStart(8, "0")} T ${name}\n`).join("");
    host.files.set("System.map", new TextEncoder().encode(map));
    const argv = ["run", "--image", "boot.bin", "--memory", "1", "--clock", "deterministic", "--symbols", "System.map"];
    expect(await main([...argv, "--break", "again+2", "--trace", "io", "--trace-file", "t"], host)).toBe(0);
    expect(host.err).toMatch(/00007c05 <again\+0x2>: loop/);
    expect(new TextDecoder().decode(host.files.get("t"))).toMatch(/^\d+\t0\t00007c03\tIoWrite\t.*\tagain\n$/);
    expect(await main([...argv, "--break", "nowhere"], host)).toBe(2);
    expect(host.err).toContain("--break nowhere: there is no such name among the symbols");
    expect(await main([...argv.slice(0, -1), "boot.bin"], host)).toBe(2);
    expect(host.err).toContain("boot.bin has no symbols");
  });

  it.each([
    ["--break xyz", /--break xyz: give linear addresses/],
    ["--trace coffee", /--trace coffee: there is no such category; there are all, io/],
    ["--trace-file t", /--trace-file needs --trace/],
    ["--trace io --trace-file /full/t", /--trace-file \/full\/t: no space left/],
  ])("%s is refused in one line", async (args, message) => {
    const { status, err } = await run(args);
    expect([status, err.trim().split("\n").length]).toEqual([2, 1]);
    expect(err).toMatch(message);
  });
});

describe("--trace", () => {
  it("writes a line for each exit of the kinds that were asked for", async () => {
    const { status, err } = await run("--trace io,Hlt");
    expect(status).toBe(0);
    const at = program.labels.get("again")!.toString(16).padStart(8, "0");
    const lines = err.split("\n").filter((line) => line.includes("\t"));
    expect(lines.slice(0, 3)).toEqual([1, 3, 5].map((tick) => `${tick}\t0\t${at}\tIoWrite\tport 080, 1 byte`));
    expect(lines[3]).toMatch(/\tHlt\tinterrupts off$/);
    expect(lines.length).toBe(4);
  });

  it("to a file: all of them", async () => {
    const { status, files, err } = await run("--trace all --trace-file trace.txt --stats s.json");
    expect([status, err]).toEqual([0, expect.not.stringContaining("\t")]);
    const { exitsTotal } = JSON.parse(new TextDecoder().decode(files.get("s.json"))) as { exitsTotal: number };
    expect(new TextDecoder().decode(files.get("trace.txt")).trim().split("\n").length).toBe(exitsTotal);
  });
});

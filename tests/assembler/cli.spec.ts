/** `vitrine asm`: files in, files out, errors by line, exit status. */
import { describe, expect, it } from "vitest";
import { main } from "../../web/assembler/cli";

const SOURCE = "org 0x7c00\nstart: mov ax, 5\n jmp start\n";

async function run(
  files: Readonly<Record<string, string>>,
  ...argv: string[]
): Promise<{ status: number; out: string; err: string; written: Record<string, string> }> {
  const result = { status: 0, out: "", err: "", written: {} as Record<string, string> };
  result.status = await main(argv, {
    readFile: async (path) => {
      const text = files[path];
      if (text === undefined) throw new Error(`${path}: no such file`);
      return new TextEncoder().encode(text);
    },
    writeFile: async (path, bytes) => {
      if (path.startsWith("/readonly")) throw new Error(`${path}: cannot be written`);
      result.written[path] = Buffer.from(bytes).toString("hex");
    },
    stdout: (text) => {
      result.out += text;
    },
    stderr: (text) => {
      result.err += text;
    },
  });
  return result;
}

describe("vitrine asm", () => {
  it("writes an image beside the source, or where it is told", async () => {
    expect(await run({ "a.asm": SOURCE }, "a.asm")).toEqual({
      status: 0,
      out: "a.bin: 5 bytes, 1 labels\n",
      err: "",
      written: { "a.bin": "b80500ebfb" },
    });
    expect((await run({ "a.asm": SOURCE }, "a.asm", "-o", "x/y.img")).written).toEqual({ "x/y.img": "b80500ebfb" });
    expect((await run({ "a.s": SOURCE }, "a.s", "--bits", "32")).written).toEqual({ "a.bin": "66b80500ebfa" });
  });

  it("prints a listing, and then writes only with -o", async () => {
    const { out, written } = await run({ "a.asm": SOURCE }, "a.asm", "--listing");
    expect(out.split("\n")[1]).toBe("    2 00007c00 b80500             start: mov ax, 5");
    expect(written).toEqual({});
    expect((await run({ "a.asm": SOURCE }, "a.asm", "--listing", "-o", "b")).written).toEqual({ b: "b80500ebfb" });
  });

  it("reports errors by line and writes nothing", async () => {
    expect(await run({ "a.asm": "mov al,300\nnop\nfoo" }, "a.asm")).toEqual({
      status: 2,
      out: "",
      err: 'a.asm: line 1: 300 does not fit in a byte\na.asm: line 3: unknown instruction "foo" (a label ends with a colon)\n',
      written: {},
    });
  });

  it.each([
    [[], "give a source file; see vitrine asm --help"],
    [["gone.asm"], "gone.asm: no such file"],
    [["a.asm", "b.asm"], "one file at a time: a.asm and b.asm"],
    [["a.asm", "-o"], "-o needs a value"],
    [["a.asm", "--bits", "8"], "--bits is 16, 32 or 64, not 8"],
    [["a.asm", "--org", "here"], "--org is a number like 0x7c00, not here"],
    [["a.asm", "--fast"], "unknown option --fast; see vitrine asm --help"],
    [["a.asm", "-o", "/readonly/x"], "/readonly/x: cannot be written"],
  ])("refuses %j in one line", async (argv, message) => {
    expect(await run({ "a.asm": SOURCE }, ...argv)).toEqual({ status: 2, out: "", err: `vitrine asm: ${message}\n`, written: {} });
  });

  it("has help", async () => {
    expect((await run({}, "--help")).out).toMatch(/^usage: vitrine asm/);
  });
});

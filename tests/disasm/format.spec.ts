/** Text of instructions, listings, and the disasm verb. */
import { describe, expect, it } from "vitest";
import { main } from "../../web/disasm/cli";
import { format } from "../../web/disasm/format";
import { list, listingText } from "../../web/disasm/listing";
import { walkTables } from "./table-walk";

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(" ", ""), "hex"));
const text = (hex: string, bits: 16 | 32 = 32, address = 0n): string => format(walkTables(bytes(hex), bits)!, address);

describe("format", () => {
  it.each([
    ["b8 05 00 00 00", "mov eax,0x5"],
    ["8b 44 9e 10", "mov eax,[esi+ebx*4+0x10]"],
    ["c7 05 00 10 00 c0 ff ff ff ff", "mov dword [0xc0001000],0xffffffff"],
    ["c6 45 fc 01", "mov byte [ebp-0x4],0x1"],
    ["83 c0 f0", "add eax,-0x10"],
    ["66 83 c0 f0", "add ax,-0x10"],
    ["f0 0f c1 03", "lock xadd [ebx],eax"],
    ["66 0f c1 03", "xadd [ebx],ax"],
    ["0f b6 03", "movzx eax,byte [ebx]"],
    ["f3 a4", "rep movsb"],
    ["f2 66 af", "repne scasw"],
    ["65 a1 00 00 00 00", "mov eax,[gs:0x0]"],
    ["67 8b 40 04", "mov eax,[bx+si+0x4]"],
    ["67 a1 34 12", "mov eax,[word 0x1234]"],
    ["c3", "ret"],
    ["66 c3", "o16 ret"],
    ["cf", "iretd"],
    ["66 cf", "iretw"],
    ["60", "pushad"],
    ["66 60", "pushaw"],
    ["e3 fe", "jecxz 0x0"],
    ["67 e3 fd", "jcxz 0x0"],
    ["ff 25 00 10 00 00", "jmp dword [0x1000]"],
    ["ff 2d 00 10 00 00", "jmp far [0x1000]"],
    ["66 ff 2b", "jmp word far [ebx]"],
    ["ea 00 00 01 00 08 00", "jmp 0x8:0x10000"],
    ["0f 22 d8", "mov cr3,eax"],
    ["0f 01 38", "invlpg [eax]"],
    ["d8 c1", "fadd st0,st1"],
    ["dc c1", "fadd st1,st0"],
    ["de c1", "faddp st1,st0"],
    ["db 2b", "fld tword [ebx]"],
    ["df e0", "fnstsw ax"],
    ["0f 58 03", "addps xmm0,[ebx]"],
    ["f2 0f 10 03", "movsd xmm0,[ebx]"],
    ["f3 0f 2a c1", "cvtsi2ss xmm0,ecx"],
    ["f2 0f 2d 03", "cvtsd2si eax,qword [ebx]"],
    ["66 0f 6f 0b", "movdqa xmm1,[ebx]"],
    ["0f 6f 0b", "movq mm1,[ebx]"],
    ["66 0f c4 c0 03", "pinsrw xmm0,eax,0x3"],
    ["0f 1f 40 00", "nop dword [eax+0x0]"],
    ["f3 90", "pause"],
    ["c8 10 00 01", "enter 0x10,0x1"],
    ["0f 0b", "ud2"],
    ["2e 75 00", "cs jnz 0x3"],
    ["d9 db", "fstpnce st3"],
  ])("%s is %s", (hex, expected) => {
    expect(text(hex)).toBe(expected);
  });

  it("prints branch targets from the instruction's address, wrapped to the operand size", () => {
    expect(text("eb fe", 32, 0x7c00n)).toBe("jmp short 0x7c00");
    expect(text("0f 84 00 01 00 00", 32, 0xc0000000n)).toBe("jz near 0xc0000106");
    expect(text("e9 00 80", 16, 0xf000n)).toBe("jmp 0x7003");
    expect(text("66 e8 00 00 00 00", 16, 0xfffan)).toBe("call dword 0x10000");
  });

  it("prints 16-bit code with 32-bit sizes said", () => {
    expect(text("66 b8 05 00 00 00", 16)).toBe("mov eax,0x5");
    expect(text("66 67 8b 03", 16)).toBe("mov eax,[ebx]");
    expect(text("66 cb", 16)).toBe("o32 retf");
  });

  it("prints bytes that are no instruction as data", () => {
    expect(text("0f 04 11")).toBe("db 0xf,0x4");
  });
});

describe("listing", () => {
  it("goes on after bytes that are no instruction, and shows what is cut off", () => {
    const lines = list(bytes("90 0f 04 c3 b8 01"), walkTables, 32, 0x1000n);
    expect(lines.map(listingText)).toEqual([
      "00001000  90                    nop",
      "00001001  0f                    db 0x0f",
      "00001002  04c3                  add al,0xc3",
      "00001004  b8                    db 0xb8",
      "00001005  01                    db 0x01",
    ]);
  });
});

describe("vitrine disasm", () => {
  const run = async (...argv: string[]): Promise<{ status: number; out: string; err: string }> => {
    let out = "";
    let err = "";
    const io = {
      readFile: async (path: string): Promise<Uint8Array> => {
        if (path !== "boot.bin") throw new Error(`${path}: no such file`);
        return bytes("b8 05 00");
      },
      writeFile: async (): Promise<void> => {},
      stdout: (words: string): void => {
        out += words;
      },
      stderr: (words: string): void => {
        err += words;
      },
    };
    return { status: await main(argv, io, walkTables), out, err };
  };

  it("lists a file or bytes", async () => {
    expect(await run("boot.bin", "--bits", "16", "--org", "0x7c00")).toEqual({
      status: 0,
      out: "00007c00  b80500                mov ax,0x5\n",
      err: "",
    });
    expect((await run("--hex", "66 0f c1 03")).out).toBe("00000000  660fc103              xadd [ebx],ax\n");
  });

  it.each([
    [[], 'give a file or --hex "bytes"; see vitrine disasm --help'],
    [["a", "b"], "one file at a time: a and b"],
    [["gone.bin"], "gone.bin: no such file"],
    [["--hex", "6"], '--hex takes whole bytes in hexadecimal, not "6"'],
    [["--hex"], "--hex needs a value"],
    [["--hex", "90", "--bits", "8"], "--bits is 16, 32 or 64, not 8"],
    [["--hex", "90", "--org", "x"], "--org is a number like 0x7c00, not x"],
    [["--what", "1"], "unknown option --what; see vitrine disasm --help"],
  ])("refuses %j in one line", async (argv, message) => {
    expect(await run(...argv)).toEqual({ status: 2, out: "", err: `vitrine disasm: ${message}\n` });
  });

  it("has help", async () => {
    expect((await run("--help")).out).toMatch(/^usage: vitrine disasm/);
  });
});

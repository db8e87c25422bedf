/** The assembler's own rules: labels, expressions, directives, sizes that settle, and errors by line. */
import { describe, expect, it } from "vitest";
import { assemble } from "../../web/assembler/assemble";
import { listing } from "../../web/assembler/listing";
import { describeError } from "../../web/assembler/source-error";
import { nasmMissing, nasmProgram } from "./nasm";

const bytes = (source: string, bits: 16 | 32 = 16): number[] => {
  const assembled = assemble(source, { bits });
  expect(assembled.errors.map(describeError)).toEqual([]);
  return Array.from(assembled.bytes);
};
const errors = (source: string, bits: 16 | 32 = 32): string[] => assemble(source, { bits }).errors.map(describeError);

describe("labels", () => {
  it("have addresses from org, and local names carry the label before them", () => {
    const { labels, org } = assemble("org 0x7c00\nstart: nop\n.loop: nop\njmp .loop\nother: nop\n.loop: nop\ndw start.loop\nmsg db 1\n");
    expect(org).toBe(0x7c00);
    expect(Object.fromEntries(labels)).toEqual({ start: 0x7c00, "start.loop": 0x7c01, other: 0x7c04, "other.loop": 0x7c05, msg: 0x7c08 });
  });

  it("may be used before they are defined, also by equ", () => {
    expect(bytes("dw after\ndb length\nafter: db 1,2,3\nlength equ $-after")).toEqual([3, 0, 3, 1, 2, 3]);
  });
});

describe("expressions", () => {
  it.each([
    ["1+2*3", 7],
    ["(1+2)*3", 9],
    ["-5 & 0xff", 0xfb],
    ["1<<4|1", 17],
    ["6^3", 5],
    ["~0 & 0xf", 15],
    ["!5 + !0", 1],
    ["17/5", 3],
    ["17%5", 2],
    ["-7//2 & 0xff", 0xfd],
    ["'A'", 0x41],
    ["1010b", 10],
    ["0x1F", 31],
    ["1Fh", 31],
    ["17o", 15],
    ["0b1010_1010", 0xaa],
    ["$-$$", 0],
  ])("%s is %i", (text, value) => {
    expect(bytes(`db ${text}`)).toEqual([value]);
  });

  it("take characters as little-endian numbers, strings as bytes", () => {
    expect(bytes("dw 'ab'\ndb 'ab',0\ndd 'abcde'\ndb `a\\n\\x41`")).toEqual([
      ...[0x61, 0x62],
      ...[0x61, 0x62, 0],
      ...[0x61, 0x62, 0x63, 0x64, 0x65, 0, 0, 0],
      ...[0x61, 10, 0x41],
    ]);
  });
});

describe("directives", () => {
  it("define and reserve data", () => {
    expect(bytes("db 1,-1\ndw 0x1234\ndd 1\ndq 1\nresb 2\nresw 1")).toEqual([
      1, 255, 0x34, 0x12, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    ]);
  });

  it("define fractions in 32, 64 and 80 bits", () => {
    expect(bytes("dd 1.5\ndq -2.0\ndt 1.0")).toEqual([
      ...[0, 0, 0xc0, 0x3f],
      ...[0, 0, 0, 0, 0, 0, 0, 0xc0],
      ...[0, 0, 0, 0, 0, 0, 0, 0x80, 0xff, 0x3f],
    ]);
  });

  it("repeat, align and switch the code size", () => {
    expect(bytes("times 3 db 7\nalign 4,db 0\nbits 32\nmov eax,1\nbits 16\nmov eax,1")).toEqual([
      7, 7, 7, 0, 0xb8, 1, 0, 0, 0, 0x66, 0xb8, 1, 0, 0, 0,
    ]);
  });

  it("fill a boot sector", () => {
    const image = bytes("org 0x7c00\nhlt\ntimes 510-($-$$) db 0\ndw 0xaa55");
    expect([image.length, image[510], image[511]]).toEqual([512, 0x55, 0xaa]);
  });
});

describe("sizes that depend on each other", () => {
  it("settle at short jumps where they reach, near ones where not", () => {
    expect(bytes("a: jmp b\ntimes 127 nop\nb: jmp a").length).toBe(2 + 127 + 3);
    expect(bytes("a: jmp b\ntimes 128 nop\nb: jmp a").length).toBe(3 + 128 + 3);
  });

  it("settle in chains where one longer jump makes others longer", () => {
    const chain = Array.from({ length: 40 }, (_, n) => `l${n}: jmp l${n + 30}\ntimes 2 nop`).join("\n");
    const tail = Array.from({ length: 40 }, (_, n) => `l${n + 40}: nop`).join("\n");
    expect(errors(`${chain}\n${tail}`, 16)).toEqual([]);
  });

  it("are reported where they go round in a circle", () => {
    expect(errors("a equ b+1\nb equ a+1\ndb a")).toEqual(['line 1: "a" depends on itself', 'line 2: "b" depends on itself']);
    expect(errors("a equ a\ndb 1")).toEqual(['line 1: "a" depends on itself']);
  });
});

describe("errors", () => {
  it.each([
    ["mov eax,bl", "line 1: eax has 32 bits and bl has 8: mov has no such form"],
    ["mov [ebx],[ecx]", "line 1: mov cannot have two memory operands"],
    ["mov [ebx],5", "line 1: the size of the memory operand is open: write byte, word, dword, qword or tword before the bracket"],
    ["mov al,300", "line 1: 300 does not fit in a byte"],
    ["htl", 'line 1: unknown instruction "htl" (a label ends with a colon)'],
    ["movv eax,1", 'line 1: unknown instruction "movv"'],
    ["inc", "line 1: inc takes 1 operand, not 0"],
    ["nop\njmp nowhere", 'line 2: "nowhere" is not defined'],
    ["a: nop\na: nop", 'line 2: "a" is defined twice'],
    ["mov eax,[bx+cx]", "line 1: 16-bit addresses are [bx|bp] + [si|di] + displacement: cx+bx is none"],
    ["mov eax,[ebx+bx]", "line 1: an address cannot mix ebx and bx"],
    ["mov eax,[ebx*7]", "line 1: an index can be multiplied by 1, 2, 4 or 8"],
    ["mov eax,[esp*2]", "line 1: esp cannot be an index"],
    ["mov eax,dword ptr [ebx]", 'line 1: "ptr" is not needed here: write dword [address]'],
    ["mov eax,es:[ebx]", "line 1: write the segment override inside the brackets: [es:…]"],
    ["mov rax,1", "line 1: mov has no form with these operands"],
    ["db 256", "line 1: 256 does not fit in a byte"],
    ["db 'abc", "line 1: the string that starts with ' has no end"],
    ["db 0x", 'line 1: "0x" is not a number'],
    ["db 1/0", "line 1: division by zero"],
    ["org 1\norg 2", "line 2: org was already given on line 1"],
    ["times -5 db 0", "line 1: times -5: the code before it is 5 bytes too long"],
    ["align 3", "line 1: the alignment 3 is not a power of two"],
    ["times 1<<40 db 0", "line 1: the image would be larger than 16 MB"],
    ["%define x 1", "line 1: lines that start with % are for a preprocessor, which this assembler does not have: use equ"],
    ["section .text", 'line 1: "section" belongs to object files; this assembler writes one flat image'],
    ["a: jmp short b\ntimes 200 nop\nb: nop", "line 1: the target is 200 bytes away: a short jump reaches -128 to 127"],
    ["mov eax,ebx+1", "line 1: an expression with ebx needs brackets: it is an address"],
    ["mov eax,(5", 'line 1: expected ")" at the end of the line'],
    ["nop nop", "line 1: nop has no form with these operands"],
    ["{", 'line 1: unexpected character "{"'],
  ])("%s", (source, message) => {
    expect(errors(source)).toEqual([message]);
  });

  it("are collected, in order of lines", () => {
    expect(errors("mov al,300\nnop\nfoo bar\ndb 999").map((error) => error.slice(0, 6))).toEqual(["line 1", "line 3", "line 4"]);
  });

  it("never become a throw, whatever the source", () => {
    const words = [
      "mov",
      "eax",
      "[",
      "]",
      ",",
      ":",
      "+",
      "-",
      "*",
      "(",
      ")",
      "'",
      '"',
      "db",
      "times",
      "equ",
      "$",
      "$$",
      "label",
      ".l",
      "5",
      "0x1h",
      "lock",
      "jmp",
      "far",
      "short",
      "st1",
      "org",
      "bits",
      ";",
      "\n",
      "%",
      "1.5",
      "byte",
      "dword",
      "<<",
      "9".repeat(40),
    ];
    let seed = 12345;
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
      return (seed >>> 8) % below;
    };
    for (let n = 0; n < 2000; n++) {
      const source = Array.from({ length: 1 + random(12) }, () => words[random(words.length)]).join(" ");
      expect(() => assemble(source), source).not.toThrow();
    }
  });
});

describe("lines", () => {
  it("say where each line's bytes are", () => {
    const source = "org 0x100\nnop\n; comment\nmov ax,1\nmsg: db 1,2,3,4,5,6,7,8,9";
    const assembled = assemble(source);
    expect(assembled.lines).toEqual([
      { line: 2, address: 0x100, length: 1 },
      { line: 4, address: 0x101, length: 3 },
      { line: 5, address: 0x104, length: 9 },
    ]);
    expect(listing(source, assembled).map((line) => line.trim())).toEqual([
      "1                             org 0x100",
      "2 00000100 90                 nop",
      "3                             ; comment",
      "4 00000101 b80100             mov ax,1",
      "5 00000104 0102030405060708   msg: db 1,2,3,4,5,6,7,8,9",
      "0000010c 09",
    ]);
  });
});

describe.skipIf(nasmMissing() !== undefined)("a whole program", () => {
  it("with forward references, jumps of both sizes and data is nasm's, byte for byte", () => {
    let seed = 99;
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
      return (seed >>> 8) % below;
    };
    const kinds = ["jmp", "jz", "jnc", "call", "loop", "mov eax,", "add bx,", "push", "lea si,["];
    const lines = ["org 0x7c00", "start:"];
    for (let n = 0; n < 400; n++) {
      lines.push(`l${n}:`);
      const kind = kinds[random(kinds.length)]!;
      const target = kind === "loop" ? `l${n}` : `l${Math.min(399, Math.max(0, n + random(60) - 30))}`;
      lines.push(kind.endsWith("[") ? `${kind}${target}]` : `${kind} ${target}`);
      if (n % 7 === 0) lines.push(`times ${random(12)} nop`);
    }
    const source = lines.join("\n");
    expect(Buffer.from(assemble(source).bytes).toString("hex")).toBe(Buffer.from(nasmProgram(source)).toString("hex"));
  });
});

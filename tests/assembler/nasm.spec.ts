/**
 * Round trip with tools we did not write: every row in every legal operand form, assembled by us and by nasm, read back
 * by our rows and by ndisasm. Differences are allowed by rule only.
 */
import { describe, expect, it } from "vitest";
import { ROWS } from "../../asm/isa/index";
import { assemble } from "../../web/assembler/assemble";
import { format } from "../../web/disasm/format";
import { walkTables } from "../disasm/table-walk";
import { ADDRESSES, formsOf } from "./forms";
import { nasmLines, nasmMissing, ndisasm } from "./nasm";

const missing = nasmMissing();
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/** Encodings that processors have and nasm cannot write. */
const NASM_LACKS = [
  {
    rule: "MOVZX and MOVSX of a word to a word (66 0FB7, 66 0FBF)",
    lines: /^mov[zs]x (ax|cx|dx|bx|sp|bp|si|di),(ax|cx|dx|bx|sp|bp|si|di|word .*)$/,
  },
  { rule: "BSWAP with a 16-bit operand, undefined in the SDM", lines: /^bswap (ax|cx|dx|bx|sp|bp|si|di)$/ },
];

/** Both encodings mean the same: which one an assembler takes is its choice. */
const EITHER = [{ rule: "x87 arithmetic of ST0 with itself", lines: /^f\w+ st0,st0$/ }];

/** ndisasm's text that does not carry the meaning of the bytes. */
const NDISASM_LOSES = [
  { rule: "the size of a MOVZX or MOVSX source in memory", lines: /^mov[zs]x \w+,(byte|word) \[/ },
  { rule: "encodings it does not know", lines: /^(mov[zs]x \w+,\w+|bswap \w+)$/ },
  { rule: "WAIT is taken for a part of what follows", lines: /^wait$/ },
  { rule: "UD0 has a ModRM byte on current processors", lines: /^ud0 / },
  { rule: "a 16-byte size word for the 8-byte operand of CMPSD", lines: /^cmpsd / },
  { rule: "PINSRW and PINSRB name the narrow part of the register", lines: /^pinsr[wb] x?mm\d,\w+,/ },
];

/** In 16-bit code ndisasm 2.16 takes some SSE memory operands for registers that exist in 64-bit code only. */
const INVENTED_REGISTER = /xmm(8|9|1\d)\b/;

/** Size words inside brackets with registers say the address size in ndisasm, the displacement size in assembly. */
const readable = (text: string): string =>
  text
    .replace(/\[(dword|word) (?=[^\]]*\b(?:e?[a-d]x|e?[sb]p|e?[sd]i)\b)/g, "[")
    .replace(
      /^(j\w+|call|loop\w*)( (?:short |near |word |dword )*)(\d+)$/,
      (_, mnemonic, words, distance) => `${mnemonic}${words}$+${(Number(distance) << 16) >> 16}`,
    );

describe.skipIf(missing !== undefined)(`assembler beside nasm${missing ? ` (skipped: ${missing})` : ""}`, () => {
  describe.each([16, 32] as const)("in %i-bit code", (bits) => {
    const forms = formsOf(bits);
    const lines = forms.map((form) => form.text);
    const ours = lines.map((line) => assemble(line, { bits }));

    it("covers every row that can be written", () => {
      const covered = new Set(forms.map((form) => form.row));
      expect(ROWS.filter((row) => !row.alias && !row.o64 && !covered.has(row))).toEqual([]);
    });

    it("assembles every form", () => {
      expect(ours.flatMap((result, index) => result.errors.map((error) => `${lines[index]}: ${error.message}`))).toEqual([]);
    });

    it("gives nasm's bytes", () => {
      const nasm = nasmLines(lines, bits);
      const differences = lines.flatMap((line, index) => {
        const theirs = nasm[index]!;
        if ("error" in theirs)
          return NASM_LACKS.some((exception) => exception.lines.test(line)) ? [] : [`${line}: nasm says ${theirs.error}`];
        const same = hex(theirs.bytes) === hex(ours[index]!.bytes) || EITHER.some((exception) => exception.lines.test(line));
        return same ? [] : [`${line}: ${hex(ours[index]!.bytes)}, nasm ${hex(theirs.bytes)}`];
      });
      expect(differences).toEqual([]);
    });

    it("is read back by our rows: same row, same text", () => {
      const differences = forms.flatMap((form, index) => {
        const { bytes } = ours[index]!;
        const decoded = walkTables(bytes, bits);
        if (decoded?.length !== bytes.length || decoded.row < 0) return [`${form.text}: ${hex(bytes)} is not decoded`];
        const mnemonic = ROWS[decoded.row]!.mnemonic;
        const text = format(decoded);
        const again = assemble(text, { bits });
        if (mnemonic !== form.row.mnemonic) return [`${form.text}: decodes as ${mnemonic}`];
        return hex(again.bytes) === hex(bytes) ? [] : [`${form.text}: ${hex(bytes)} is printed ${text}, which gives ${hex(again.bytes)}`];
      });
      expect(differences).toEqual([]);
    });

    it("is read back by ndisasm: its text gives the same bytes again", () => {
      const texts = ndisasm(
        ours.map((result) => result.bytes),
        bits,
      );
      const differences = lines.flatMap((line, index) => {
        const again = assemble(readable(texts[index]!), { bits });
        const same = hex(again.bytes) === hex(ours[index]!.bytes);
        const excused =
          INVENTED_REGISTER.test(texts[index]!) || [...NDISASM_LOSES, ...EITHER].some((exception) => exception.lines.test(line));
        return same || excused ? [] : [`${line}: ${hex(ours[index]!.bytes)} is ${texts[index]} to ndisasm`];
      });
      expect(differences).toEqual([]);
    });
  });

  it("forms effective addresses as nasm does", () => {
    const displacements = ["", "+0", "+1", "-1", "+127", "+128", "-128", "-129", "+0x7fff", "-0x8000", "+0xfff0"];
    const general = ["eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"];
    const scaled = general.flatMap((base) =>
      general.filter((index) => index !== "esp").flatMap((index) => [1, 2, 4, 8].map((scale) => `${base}+${index}*${scale}`)),
    );
    const wide = [
      ...general,
      ...scaled,
      "eax*2",
      "ebp*3",
      "ecx*5+4",
      "edi*9",
      "eax*4",
      "ebp*8",
      "eax+esp",
      "2*ebx+ecx",
      "ebx+ebx",
      "esi+edi+ebp-ebp",
    ];
    const narrow = ["bx+si", "bx+di", "bp+si", "bp+di", "si", "di", "bp", "bx", "si+bx", "di+bp"];
    const addresses = [...wide, ...narrow].flatMap((address, n) =>
      displacements.filter((_, k) => (n + k) % 3 === 0).map((displacement) => address + displacement),
    );
    const words = [
      "[byte ebx+1]",
      "[dword ebx+1]",
      "[byte bp+2]",
      "[word bp+2]",
      "[word 0x1234]",
      "[dword 0x1234]",
      "[fs:0x1234]",
      "[es:dword 0x12345678]",
      "[cs:eax]",
    ];
    const lines = [
      ...addresses.map((address) => `mov cl,[${address}]`),
      ...words.flatMap((word) => [`mov cl,${word}`, `mov ${word},eax`]),
      ...ADDRESSES[32].filter((address) => address !== "0x12345678").map((address) => `lea edx,[${address}]`),
    ];
    for (const bits of [16, 32] as const) {
      const nasm = nasmLines(lines, bits);
      const differences = lines.flatMap((line, index) => {
        const theirs = nasm[index]!;
        const { bytes, errors } = assemble(line, { bits });
        if ("error" in theirs) return errors.length > 0 ? [] : [`${line}: nasm says ${theirs.error}`];
        return hex(bytes) === hex(theirs.bytes)
          ? []
          : [`${bits}: ${line}: ${hex(bytes)} ${errors[0]?.message ?? ""}, nasm ${hex(theirs.bytes)}`];
      });
      expect(differences).toEqual([]);
    }
  });

  it("chooses the size of immediates, jumps and prefixes as nasm does", () => {
    const lines = [
      ...[0, 1, -1, 127, 128, -128, -129, 255, 256, 0x7fff, 0x8000, 0xffff].flatMap((n) => [
        `add ax,${n}`,
        `add cx,${n}`,
        `push ${n}`,
        `imul cx,dx,${n}`,
        `sub word [bx],${n}`,
        `mov dx,${n}`,
      ]),
      ...[0x7fffffff, 0xffffffff, 0xffffff80, 0xffffff7f, -2147483648].flatMap((n) => [
        `add eax,${n}`,
        `add ecx,${n}`,
        `and dword [esi],${n}`,
        `push dword ${n}`,
        `imul ecx,${n}`,
      ]),
      ...["byte 5", "word 5", "dword 5", "strict word 5", "strict dword 5"].map((text) => `push ${text}`),
      ...["strict dword 5", "byte 5", "dword 5"].map((text) => `add ecx,${text}`),
      ...[
        "jmp $",
        "jmp short $+2",
        "jmp near $+2",
        "jz $+100",
        "jz $+200",
        "jz near $",
        "call $+5",
        "loop $",
        "loop $,cx",
        "loop $,ecx",
        "loope $,ecx",
        "jcxz $",
        "jecxz $",
      ],
      ...[
        "rep movsb",
        "repe cmpsd",
        "repnz scasw",
        "lock inc byte [eax]",
        "a16 movsb",
        "a32 lodsd",
        "fs movsb",
        "o16 ret",
        "o32 retf",
        "a32 xlatb",
        "o16 lgdt [eax]",
        "o32 iret",
      ],
      ...[
        "pusha",
        "pushaw",
        "pushad",
        "popf",
        "popfw",
        "popfd",
        "iret",
        "iretw",
        "iretd",
        "cbw",
        "cwde",
        "cwd",
        "cdq",
        "nop",
        "pause",
        "xlat",
        "fwait",
        "int3",
        "icebp",
        "salc",
        "aam",
        "aad 16",
      ],
      ...[
        "jmp 0x1234:0x5678",
        "call 0x8:0x12",
        "jmp dword 8:0x12345678",
        "jmp word 8:0x1234",
        "jmp far [ebx]",
        "call dword far [ebx]",
        "call word far [ebx]",
        "jmp [ebx]",
        "call [bx]",
        "jmp ax",
        "call eax",
      ],
      ...[
        "xchg ax,cx",
        "xchg ecx,eax",
        "xchg [ebx],al",
        "test [ebx],ecx",
        "test ecx,[ebx]",
        "mov ds,ax",
        "mov ax,ds",
        "mov eax,ds",
        "mov [ebx],ds",
        "mov es,[ebx]",
        "mov cr3,eax",
        "mov eax,dr7",
      ],
      ...[
        "fadd st1",
        "fadd to st1",
        "faddp",
        "faddp st3",
        "faddp st3,st0",
        "fsubr st0,st2",
        "fsub st2,st0",
        "fsubrp st2",
        "fxch",
        "fxch st2",
        "fcom st3",
        "fcomi st2",
        "fucomip st0,st1",
        "fcmovb st2",
      ],
      ...[
        "fstcw [ebx]",
        "fnstcw [ebx]",
        "fstsw ax",
        "fnstsw ax",
        "finit",
        "fclex",
        "fsave [ebx]",
        "fstenv [ebx]",
        "fld st2",
        "fld tword [ebx]",
        "fbld tword [ebx]",
        "ffree st4",
      ],
      ...[
        "cmpeqps xmm1,xmm2",
        "cmpltsd xmm1,[ebx]",
        "cmpunordss xmm3,xmm4",
        "pblendvb xmm1,xmm2",
        "pblendvb xmm1,xmm2,xmm0",
        "movq xmm1,[ebx]",
        "movq [ebx],mm2",
        "movd xmm3,eax",
        "movsd xmm1,xmm2",
      ],
      ...[
        "in al,0x60",
        "in ax,dx",
        "in eax,dx",
        "out 0x60,al",
        "out dx,eax",
        "ret 4",
        "retf 8",
        "enter 16,2",
        "bound eax,[ebx]",
        "les di,[bx]",
        "lss esp,[ebx]",
        "shld eax,ebx,cl",
        "shl word [bx],1",
        "sal al,cl",
      ],
    ];
    for (const bits of [16, 32] as const) {
      const nasm = nasmLines(lines, bits);
      const differences = lines.flatMap((line, index) => {
        const theirs = nasm[index]!;
        const { bytes, errors } = assemble(line, { bits });
        if ("error" in theirs) return errors.length > 0 ? [] : [`${bits}: ${line}: nasm says ${theirs.error}`];
        return hex(bytes) === hex(theirs.bytes)
          ? []
          : [`${bits}: ${line}: ${hex(bytes)} ${errors[0]?.message ?? ""}, nasm ${hex(theirs.bytes)}`];
      });
      expect(differences).toEqual([]);
    }
  });
});

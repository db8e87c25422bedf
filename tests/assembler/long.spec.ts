/**
 * 64-bit code: every row in every legal operand form, assembled by us and by nasm, read by the core's own decoder, printed,
 * and assembled again to the same bytes.
 */
import { beforeAll, describe, expect, it } from "vitest";
import { ROWS } from "../../asm/isa/index";
import { assemble } from "../../web/assembler/assemble";
import { createDecoder, type Decode } from "../../web/disasm/decoder";
import { format } from "../../web/disasm/format";
import { decodingCore } from "../tools/decoding-core";
import { formsOf } from "./forms";
import { nasmLines, nasmMissing } from "./nasm";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
/** Encodings that processors have and nasm cannot write. */
const NASM_LACKS = [
  /^movsxd (e|r\d+[dw],|[a-ds][a-z],)/, // MOVSXD without REX.W
  /^mov[zs]x (ax|cx|dx|bx|sp|bp|si|di|r\d+w),/, // of a word to a word
  /^bswap (ax|cx|dx|bx|sp|bp|si|di|r\d+w)$/,
  /^(pmovmskb|pinsr[bw]|pextrw) /, // of a register of 64 bits
];
/** Both encodings mean the same: which one an assembler takes is its choice. */
const EITHER = [
  /^(mov r\w+,[a-z]s|sldt |str |smsw |pextr[bw] )/, // REX.W where the value has fewer bits
  /^mov r\w+,0x12345678$/, // a 32-bit MOV clears the upper half
  /^movq /, // 0F6E and 0F7E with REX.W, or the MOVQ of the unit
  /^invpcid /, // REX.W without effect
  /^f\w+ st0,st0$/,
];

const forms = formsOf(64);
const lines = forms.map((form) => form.text);
const ours = lines.map((line) => assemble(line, { bits: 64 }));

describe("64-bit code", () => {
  let decode: Decode;
  beforeAll(async () => {
    decode = createDecoder(await decodingCore());
  });

  it("has every row that can be written", () => {
    const covered = new Set(forms.map((form) => form.row));
    expect(ROWS.filter((row) => !row.alias && !row.i64 && !covered.has(row))).toEqual([]);
    expect(forms.length).toBeGreaterThan(2000);
  });

  it("assembles every form", () => {
    expect(ours.flatMap((result, index) => result.errors.map((error) => `${lines[index]}: ${error.message}`))).toEqual([]);
  });

  it("is printed so that it gives the same bytes again", () => {
    const differences = ours.flatMap(({ bytes }, index) => {
      const decoded = decode(bytes, 64);
      if (!decoded || decoded.row < 0 || decoded.length !== bytes.length) return [`${lines[index]}: ${hex(bytes)} is no instruction`];
      const text = format(decoded, 0n, 64);
      const again = assemble(text, { bits: 64 });
      if (hex(again.bytes) === hex(bytes)) return [];
      return [`${lines[index]}: ${hex(bytes)} is printed ${text}: ${hex(again.bytes)} ${again.errors[0]?.message ?? ""}`];
    });
    expect(differences).toEqual([]);
  });

  it.skipIf(nasmMissing() !== undefined)("has nasm's bytes", () => {
    const nasm = nasmLines(lines, 64);
    const differences = lines.flatMap((line, index) => {
      const theirs = nasm[index]!;
      if ("error" in theirs) return NASM_LACKS.some((rule) => rule.test(line)) ? [] : [`${line}: nasm says ${theirs.error}`];
      return hex(theirs.bytes) === hex(ours[index]!.bytes) || EITHER.some((rule) => rule.test(line))
        ? []
        : [`${line}: ${hex(ours[index]!.bytes)}, nasm ${hex(theirs.bytes)}`];
    });
    expect(differences).toEqual([]);
  });
});

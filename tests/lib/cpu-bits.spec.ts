/** Words for registers, exits and page tables: the same bits as the core has, the manual's names, right sentences. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { CR0_BITS, CR4_BITS, EFER_BITS, EFLAGS_BITS, fieldOf, modeWords, segmentWords } from "../../web/lib/cpu-bits";
import { EXITS } from "../../web/lib/events.generated";
import { causeWords, hardwareWords, qualificationWords, stopWords } from "../../web/lib/exit-words";
import { findingWords } from "../../web/lib/paging-words";
import { parseAddress } from "../../web/panels/address";

const source = (path: string): string => readFileSync(new URL(`../../asm/${path}`, import.meta.url), "utf8");

describe("bits of system registers", () => {
  it.each([
    ["Cr0", CR0_BITS],
    ["Cr4", CR4_BITS],
    ["Efer", EFER_BITS],
  ] as const)("of %s are those of the core", (name, bits) => {
    const body = source("core/control-registers.ts").split(`export namespace ${name} {`)[1]!.split("\n}")[0]!;
    const core = [...body.matchAll(/export const (\w+): u64 = (\w+);/g)].map(([, bit, value]) => [bit, Number(value)]);
    expect(bits.map(({ name, bit }) => [name, 2 ** bit])).toEqual(core);
  });

  it("of EFLAGS, too", () => {
    const body = source("core/eflags.ts").split("export namespace Eflags {")[1]!.split("\n}")[0]!;
    const core = new Map([...body.matchAll(/export const (\w+): u32 = (\w+);/g)].map(([, bit, value]) => [bit!, Number(value)]));
    for (const { name, bit, width } of EFLAGS_BITS)
      if (core.has(name)) expect([name, 2 ** bit * (2 ** (width ?? 1) - 1)]).toEqual([name, core.get(name)]);
    expect(EFLAGS_BITS.filter(({ name }) => core.has(name)).length).toBeGreaterThan(10);
    expect(fieldOf(EFLAGS_BITS.find(({ name }) => name === "IOPL")!, 0x3202n)).toBe(3n);
  });

  it("say modes and segments in words", () => {
    expect(modeWords({ cr0: 0x10n, eflags: 2n, cs_attributes: 0x9bn })).toEqual({ mode: "real mode", codeBits: 16, paging: "no paging" });
    expect(modeWords({ cr0: 0x80000011n, cr4: 0x20n, eflags: 2n, cs_attributes: 0xc9bn })).toEqual({
      mode: "protected mode",
      codeBits: 32,
      paging: "PAE paging",
    });
    expect(modeWords({ cr0: 0x80000011n, eflags: 0x20002n, cs_attributes: 0xf3n }).mode).toBe("virtual-8086 mode");
    expect(segmentWords(0xc9b)).toEqual({ usable: true, kind: "code, readable", dpl: 0, bits: 32, present: true });
    expect(segmentWords(0xcf7)).toMatchObject({ kind: "data, writable, expand-down", dpl: 3 });
    expect(segmentWords(0x8b).kind).toBe("TSS, 32-bit, busy");
    expect(segmentWords(0x1000).usable).toBe(false);
  });
});

describe("exits in words", () => {
  it("say what the qualification holds", () => {
    expect(qualificationWords("CrWrite", 3n)).toBe("CR3");
    expect(qualificationWords("Exception", 14n | (5n << 8n))).toBe("#PF page fault, error code 5 (P U/S)");
    expect(qualificationWords("Exception", 6n)).toBe("#UD invalid opcode");
    expect(qualificationWords("IoWrite", 0x3f8n | (1n << 16n))).toBe("port 3f8, 1 byte");
    expect(qualificationWords("IoRead", 0xcfcn | (4n << 16n))).toBe("port cfc, 4 bytes");
    expect(qualificationWords("Hlt", 0n)).toBe("interrupts off");
    for (const { name } of EXITS) expect(typeof qualificationWords(name, 0x12345n)).toBe("string");
  });

  it("say what hardware would do as the table of exits has it, for every row", () => {
    for (const [reason, row] of EXITS.entries()) {
      const { ringCompression, vtx, svm } = hardwareWords(reason);
      expect([ringCompression, vtx, svm]).toEqual([
        row.ringCompression ? "traps" : "no",
        { always: "always", opt: "if asked", never: "never" }[row.vtx],
        row.svm,
      ]);
    }
  });

  it("say what is looked for, and why the machine stopped", () => {
    expect(stopWords({ kind: "exit", reason: "CrWrite", register: 3 })).toBe("exit CrWrite, CR3");
    expect(stopWords({ kind: "access", address: 0x1000, bytes: 1, on: "both" })).toBe("access to 00001000, 1 byte");
    const spec = { kind: "exit", reason: "Exception", vector: 14 } as const;
    expect(stopWords(spec)).toBe("exit Exception, #PF");
    expect(causeWords({ kind: "exit", spec, reason: "Exception", qualification: 14n })).toBe(
      "Stopped after exit Exception: #PF page fault, error code 0 (none set).",
    );
  });

  it("have a sentence for everything that the checker can find", () => {
    const findings = [
      ...source("mmu/checker.ts")
        .split("export const enum Finding {")[1]!
        .split("\n}")[0]!
        .matchAll(/ = (\d+),/g),
    ].map(([, n]) => Number(n));
    const sentences = findings.map(findingWords);
    expect(new Set(sentences).size).toBe(findings.length);
    expect(sentences.filter((sentence) => /^Finding \d/.test(sentence))).toEqual([]);
  });
});

describe("addresses as people type them", () => {
  const registers = { rsp: 0x1ffn, ss_base: 0x10000n, rip: 0x10n, cs_base: 0xf0000n, cr2: 0xdead0000n };
  it.each([
    ["c0100000", 0xc0100000],
    ["0x7C00", 0x7c00],
    ["7c00h", 0x7c00],
    ["esp", 0x1ff],
    [" ss:esp ", 0x101ff],
    ["EIP", 0xf0010],
    ["cr2", 0xdead0000],
    ["100000000", undefined],
    ["main", undefined],
    ["", undefined],
  ])("%s", (text, expected) => {
    expect(parseAddress(text, registers)).toBe(expected);
  });
});

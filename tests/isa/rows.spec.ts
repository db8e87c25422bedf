/** The instruction rows are sound, and the validator notices when they are not. */
import { readFile, writeFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { ROWS, type Row } from "../../asm/isa/index";
import { printBindings } from "../../asm/toolchain/print-bindings";
import { checkAttributes, validateRows } from "../../asm/toolchain/validate";

const find = (mnemonic: string, opcode: number): Row => ROWS.find((row) => row.mnemonic === mnemonic && row.opcode === opcode)!;
const replace = (row: Row, changes: Partial<Row>): Row[] => ROWS.map((each) => (each === row ? { ...row, ...changes } : each));

describe("instruction rows", () => {
  it("have no overlap, no hole that Appendix A does not have, and only legal attributes", () => {
    expect(validateRows(ROWS)).toEqual([]);
  });

  it("are noticed when one is missing", () => {
    const without = ROWS.filter((row) => row !== find("XADD", 0xc1));
    expect(validateRows(without).join("\n")).toContain("map 2 C1 prefix none ModRM 00: no row");
  });

  it("are noticed when two answer to one encoding", () => {
    const errors = validateRows([...ROWS, { ...find("LEA", 0x8d), mnemonic: "LEO" }]);
    expect(errors.join("\n")).toContain("map 1 8D LEA Gv,M and map 1 8D LEO Gv,M");
  });

  it("are noticed when one stands where the SDM has nothing", () => {
    const errors = validateRows([...ROWS, { ...find("INC", 0xfe), reg: 5 }]);
    expect(errors.join("\n")).toContain("stands where the SDM has nothing");
  });

  it.each<[string, Partial<Row>, string]>([
    ["an unknown flag", { writes: "ozx" }, "letter that is no flag"],
    ["a flag both written and undefined", { writes: "c", undefined: "c" }, "both written and undefined"],
    ["a missing form", { form: undefined as never }, "no form"],
    ["an unknown exit", { intercept: "Teleport" }, "is no exit"],
    ["lock on a register form", { mod: "reg", lock: true }, "lock without a memory destination"],
  ])("are noticed with %s", (_name, changes, message) => {
    expect(checkAttributes({ ...find("XADD", 0xc1), ...changes }).join("\n")).toContain(message);
  });

  it("are noticed when one binding has two forms", () => {
    expect(validateRows(replace(find("XADD", 0xc1), { form: "helper" })).join("\n")).toContain("binding XADD is");
  });

  it("bind to the names that isa/README.md lists", async () => {
    const readme = new URL("../../asm/isa/README.md", import.meta.url);
    const section = /(?<=<!-- bindings[^\n]*-->\n)[\s\S]*(?=<!-- end -->)/;
    const text = await readFile(readme, "utf8");
    const updated = text.replace(section, () => `\n${printBindings(ROWS)}\n\n`);
    if (process.env.UPDATE_README) return writeFile(readme, updated);
    expect(text, "run the tests once with UPDATE_README=1").toBe(updated);
  });
});

/** The README's walkthroughs, carried out as they stand in a copy of the checkout. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Checkout, ROOT } from "../tools/checkout";
import { carryOut, patched, type Step, stepsOf } from "./walkthrough";

const readme = readFileSync(join(ROOT, "README.md"), "utf8");
const SECTIONS = ["Your first instruction", "Your first device"] as const;
const isQuick = process.env.TEST_TIER === "quick";

const nameOf = (step: Step): string => (step.kind === "run" ? step.command : `${step.kind} ${step.file}`);

describe("walkthroughs fit this checkout", () => {
  for (const section of SECTIONS) {
    it(section, () => {
      const steps = stepsOf(readme, section);
      expect(steps.map(({ kind }) => kind)).toEqual(expect.arrayContaining(["change", "write", "run"]));
      for (const step of steps) {
        if (step.kind !== "change") continue;
        const text = readFileSync(join(ROOT, step.file), "utf8");
        expect(patched(text, step.file, step.hunks)).not.toBe(text);
      }
    });
  }

  it("a change that fits nowhere, or twice, is noticed", () => {
    expect(() => patched("a\nb\n", "x", [{ before: "c", after: "d" }])).toThrow("x has 0 places");
    expect(() => patched("a\nb\na\n", "x", [{ before: "a", after: "d" }])).toThrow("x has 2 places");
  });
});

describe.skipIf(isQuick)(`walkthroughs work${isQuick ? " (they build the core: not in the quick tier)" : ""}`, () => {
  const steps = SECTIONS.map((section) => ({ section, steps: stepsOf(readme, section) }));
  const files = steps.flatMap((each) => each.steps).flatMap((step) => (step.kind === "run" ? [] : [step.file]));
  let checkout: Checkout;
  beforeAll(() => {
    checkout = new Checkout();
  });
  afterAll(() => checkout?.remove());

  for (const { section, steps: list } of steps) {
    describe(section, () => {
      for (const step of list) it(nameOf(step), () => carryOut(step, checkout), 300_000);
    });
  }

  it("their tests are new", () => {
    const specs = files.filter((file) => file.startsWith("tests/"));
    expect(specs).toHaveLength(SECTIONS.length);
    for (const spec of specs) expect(existsSync(join(ROOT, spec)), spec).toBe(false);
  });

  it("their code passes lint, format and types", async () => {
    const formatted = files.filter((file) => !/^asm\/(?!isa|toolchain)/.test(file));
    await checkout.run("node_modules/.bin/biome", ["check", ...formatted]);
    const types = await checkout
      .run("node_modules/.bin/tsc", "-p tsconfig.tools.json --noEmit --emitDeclarationOnly false --composite false".split(" "))
      .catch((error: Error) => error.message);
    const complaints = types.split("\n").filter((line) => files.some((file) => line.startsWith(`${file}(`)));
    expect(complaints).toEqual([]);
  }, 120_000);
});

/**
 * Real-mode instructions as an 80286 executed them: a sample of every opcode with exceptions. The whole set is run with
 * `npx vitrine vectors FILE…` or by naming a folder in VITRINE_SUITES.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { type MooTest, readMoo } from "../../web/node/moo-file";
import { MOO_RULES, undefinedFlags } from "../../web/node/moo-rules";
import { MooMachine } from "../../web/node/moo-vectors";
import { coreWasm } from "../tools/core";

const SAMPLE = fileURLToPath(new URL("vectors/real-mode-80286.sample.MOO.gz", import.meta.url));
const suites = process.env.VITRINE_SUITES;
const folder = suites ? join(suites, "real-mode-80286") : undefined;
const files =
  folder && existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => name.endsWith(".MOO.gz"))
        .map((name) => join(folder, name))
    : [];

let machine: MooMachine;
beforeAll(async () => {
  machine = await MooMachine.create(coreWasm());
});

interface Totals {
  passed: number;
  readonly failed: string[];
  readonly skipped: Map<string, number>;
}
function runAll(file: string): Totals {
  const totals: Totals = { passed: 0, failed: [], skipped: new Map() };
  for (const test of readMoo(file, readFileSync(file))) {
    const { differences, rule } = machine.run(test);
    if (differences.length === 0) totals.passed++;
    else if (rule) totals.skipped.set(rule.name, (totals.skipped.get(rule.name) ?? 0) + 1);
    else totals.failed.push(`test ${test.index}, ${test.name}: ${differences.join("; ")}`);
  }
  return totals;
}
const tests = (): MooTest[] => [...readMoo(SAMPLE, readFileSync(SAMPLE))];
const named = (name: string): MooTest => {
  const test = tests().find((candidate) => candidate.name.startsWith(name));
  if (!test) throw new Error(`the sample has no ${name}`);
  return test;
};

describe("captures of an 80286", () => {
  it("all pass but for the rules, and each rule has tests", () => {
    const { passed, failed, skipped } = runAll(SAMPLE);
    expect(failed.slice(0, 20)).toEqual([]);
    expect(passed).toBeGreaterThan(2500);
    expect([...skipped.keys()].sort()).toEqual(MOO_RULES.map((rule) => rule.name).sort());
  });

  it("have tests of every exception that real mode knows on an 80286", () => {
    const vectors = new Set(tests().flatMap((test) => (test.exception ? [test.exception.vector] : [])));
    for (const vector of [0, 3, 4, 5, 6, 13]) expect(vectors).toContain(vector);
  });

  it("notice a wrong register, flag, byte, missing write and missing exception", () => {
    const add = named("add [");
    const differences = (test: MooTest) => machine.run(test).differences;
    expect(differences(add)).toEqual([]);
    const { registers, ram } = add.final;
    const ip = registers.ip as number;
    expect(differences({ ...add, final: { registers: { ...registers, ip: ip + 1 }, ram } })[0]).toMatch(/^ip [0-9a-f]{4}, expected /);
    const flags = (registers.flags ?? add.initial.registers.flags) ^ 1;
    expect(differences({ ...add, final: { registers: { ...registers, flags }, ram } })[0]).toMatch(/^flags /);
    const undefinedInstruction = { ...add.initial, ram: withCode(add, [0x0f, 0x0b]) };
    expect(differences({ ...add, initial: undefinedInstruction })).toEqual(["exception 6, expected none"]);
    const push = named("push ax");
    const [[address, byte]] = push.final.ram as [readonly [number, number]];
    expect(differences({ ...push, final: { ...push.final, ram: [[address, byte ^ 1]] } })[0]).toMatch(/^memory [0-9a-f]{6}: /);
    expect(differences({ ...push, final: { ...push.final, ram: [] } })[0]).toMatch(/^memory [0-9a-f]{6}: [0-9a-f]{2}, expected /);
    expect(differences(add)).toEqual([]);
  });

  it("are skipped only where the core does what a later processor does", () => {
    const locked = tests().find((test) => test.name.startsWith("lock") && machine.run(test).rule?.name === "LOCK") as MooTest;
    expect(machine.run(locked).rule?.name).toBe("LOCK");
    // The same bytes, but what is executed has no LOCK: the wrong end is no longer by rule.
    const { cs, ip } = locked.initial.registers;
    const ram = locked.initial.ram.map(([at, byte]): [number, number] => [at, at === (cs << 4) + ip ? 0x90 : byte]);
    const plain = { ...locked, initial: { ...locked.initial, ram }, final: { registers: { cs: cs ^ 1 }, ram: [] } };
    expect(machine.run(plain).rule).toBeUndefined();
  });

  it("compare every flag that the manual defines", () => {
    expect(undefinedFlags(named("mov"))).toBe(0);
    expect(undefinedFlags(named("add"))).toBe(0);
    const shift = { ...named("shl"), bytes: Uint8Array.of(0xc0, 0xe0, 0x21, 0xf4) };
    expect(undefinedFlags(shift)).toBe(0x10); // a count of 33 is 1: only AF
    expect(undefinedFlags({ ...shift, bytes: Uint8Array.of(0xc0, 0xe0, 0x20, 0xf4) })).toBe(0);
    expect(undefinedFlags({ ...shift, bytes: Uint8Array.of(0xc0, 0xe0, 0x09, 0xf4) })).toBe(0x811);
    expect(undefinedFlags({ ...shift, bytes: Uint8Array.of(0xc0, 0xf8, 0x09, 0xf4) })).toBe(0x810);
  });

  for (const file of files) {
    it(`suite ${file}`, () => {
      expect(runAll(file).failed.slice(0, 20)).toEqual([]);
    }, 60_000);
  }
});

/** A test's memory with other bytes where it begins. */
function withCode(test: MooTest, code: readonly number[]): (readonly [number, number])[] {
  const { cs, ip } = test.initial.registers;
  const start = (cs << 4) + ip;
  return test.initial.ram.map(([at, byte]) => [at, code[at - start] ?? byte]);
}

/**
 * Transcendental instructions against integer arithmetic of 640 bits: every result is the one rounded to nearest (half a
 * unit in the last place, where the architecture asks for one), and results of neighbouring operands never go back.
 */
import { beforeAll, describe, expect, it } from "vitest";
import { random } from "../tools/core";
import { type Extended, FpuMachine } from "./fpu-machine";
import { arctangent2, exponentialMinusOne, fixed, logarithm, multiply, nearest, ONE, sineCosine, tangent } from "./reference";

const CONTROL = 0x37f;
const COUNT = 1000;
let machine: FpuMachine;
beforeAll(async () => {
  machine = await FpuMachine.create();
});

const next = random(87);
const significand = (): bigint => {
  const bits = (1n << 63n) | (BigInt(next()) << 32n) | BigInt(next());
  const shape = next() % 4;
  return shape === 0 ? bits & ~0xffffffffffffn : shape === 1 ? bits | 0xffffffffffn : bits;
};
/** A value with a binary exponent from `low` to `high`. */
const value = (low: number, high: number, sign = next() & 1): Extended => ({
  head: 16383 + low + (next() % (high - low + 1)) + (sign ? 0x8000 : 0),
  significand: significand(),
});
const text = (v: Extended): string => `${v.head.toString(16)}:${v.significand.toString(16)}`;

interface Function {
  readonly name: string;
  readonly code: string;
  /** Operands ST(0), ST(1). */
  operands(): Extended[];
  expected(x: bigint, y: bigint): bigint;
  /** Register of the result. */
  readonly result?: number;
}
const FUNCTIONS: readonly Function[] = [
  { name: "FSIN", code: "d9 fe", operands: () => [value(-60, 62)], expected: (x) => sineCosine(x)[0] },
  { name: "FCOS", code: "d9 ff", operands: () => [value(-30, 62)], expected: (x) => sineCosine(x)[1] },
  { name: "FSINCOS (sine)", code: "d9 fb", operands: () => [value(-8, 8)], expected: (x) => sineCosine(x)[0], result: 1 },
  { name: "FPTAN", code: "d9 f2", operands: () => [value(-60, 62)], expected: (x) => tangent(x), result: 1 },
  { name: "FPATAN", code: "d9 f3", operands: () => [value(-30, 30), value(-30, 30)], expected: (x, y) => arctangent2(y, x) },
  { name: "F2XM1", code: "d9 f0", operands: () => [value(-60, -1)], expected: (x) => exponentialMinusOne(x) },
  { name: "FYL2X", code: "d9 f1", operands: () => [value(-60, 60, 0), value(-60, 60)], expected: (x, y) => multiply(y, logarithm(x)) },
  {
    name: "FYL2X near 1",
    code: "d9 f1",
    operands: () => [{ head: 0x3fff, significand: (1n << 63n) + BigInt(next() % 1000) + 1n }, value(0, 4)],
    expected: (x, y) => multiply(y, logarithm(x)),
  },
  { name: "FYL2XP1", code: "d9 f9", operands: () => [value(-60, -3), value(-20, 20)], expected: (x, y) => multiply(y, logarithm(ONE + x)) },
];

describe("transcendental instructions", () => {
  for (const f of FUNCTIONS) {
    it(`${f.name}: rounded to nearest`, () => {
      for (let n = 0; n < COUNT; n++) {
        const operands = f.operands();
        machine.load(CONTROL, ...operands);
        machine.run(f.code);
        const want = nearest(f.expected(fixed(operands[0]!), operands[1] ? fixed(operands[1]) : 0n));
        expect(text(machine.read(f.result ?? 0)), `${f.name} of ${operands.map(text)}`).toBe(text(want));
      }
    });
  }

  it("are monotonic over neighbouring operands", () => {
    for (const f of FUNCTIONS) {
      // Exponents at which each function rises or falls all along.
      const [low, high] = f.name.startsWith("FYL2XP1") ? [-20, -4] : [-20, -2];
      for (let n = 0; n < 10; n++) {
        const start = value(low, high, 0);
        const other: Extended = { head: 16384, significand: 0xb000000000000000n };
        let direction = 0n;
        let before: bigint | undefined;
        for (let step = 0n; step < 20n; step++) {
          const operand = { head: start.head, significand: (start.significand & ~31n) + step };
          machine.load(CONTROL, operand, other);
          machine.run(f.code);
          const now = fixed(machine.read(f.result ?? 0));
          if (before !== undefined && now !== before) {
            const sign = now > before ? 1n : -1n;
            if (direction !== 0n) expect(sign, `${f.name} at ${text(operand)}`).toBe(direction);
            direction = sign;
          }
          before = now;
        }
      }
    }
  });
});

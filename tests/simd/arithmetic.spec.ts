/** Packed and scalar arithmetic against exact integers (reference.ts), over all rounding modes, masks, DAZ and FTZ. */
import { beforeAll, describe, expect, it } from "vitest";
import { random } from "../tools/core";
import { combine, compute, DOUBLE, type Format, type Operation, SINGLE } from "./reference";
import { SimdMachine } from "./simd-machine";

const OPCODES: Readonly<Record<Operation, string>> = { sqrt: "51", add: "58", mul: "59", sub: "5c", min: "5d", div: "5e", max: "5f" };
const SHAPES = [
  { name: "PS", prefix: "", format: SINGLE, lanes: 4 },
  { name: "PD", prefix: "66", format: DOUBLE, lanes: 2 },
  { name: "SS", prefix: "f3", format: SINGLE, lanes: 1 },
  { name: "SD", prefix: "f2", format: DOUBLE, lanes: 1 },
] as const;
const ROUNDS = 400;

let machine: SimdMachine;
beforeAll(async () => {
  machine = await SimdMachine.create();
});

/** Values near every boundary: denormals, smallest, largest, one, halves of the exponent range, few or many significant bits. */
function operand(f: Format, next: () => number, regime: number): bigint {
  const fraction = f.precision - 1n;
  const emax = 2n * f.bias + 1n;
  const wide = (BigInt(next()) << 32n) | BigInt(next());
  const ones = (1n << fraction) - 1n;
  const some = BigInt(next()) % fraction;
  const fractions = [
    0n,
    ones,
    1n << some,
    ones ^ (1n << some),
    (wide & ones) >> some,
    ones & ~((1n << some) - 1n),
    wide & ones,
    wide & ones,
  ];
  const jitter = BigInt(next() % 7) - 3n;
  const exponents = [
    f.bias + jitter,
    BigInt(next() % 4),
    emax - BigInt(next() % 5),
    f.bias / 2n + jitter,
    f.bias + f.bias / 2n + jitter,
    BigInt(next()) % (emax + 1n),
  ];
  const exponent = exponents[next() % 4 === 0 ? next() % 6 : regime] as bigint;
  const value = (exponent << fraction) | (fractions[next() % fractions.length] as bigint);
  return (next() & 1 ? 1n << BigInt(f.bytes * 8 - 1) : 0n) | (next() % 20 === 0 ? 0n : value);
}

const read = (view: DataView, f: Format, lane: number): bigint =>
  f === SINGLE ? BigInt(view.getUint32(lane * 4, true)) : view.getBigUint64(lane * 8, true);
const write = (view: DataView, f: Format, lane: number, value: bigint): void => {
  if (f === SINGLE) view.setUint32(lane * 4, Number(value), true);
  else view.setBigUint64(lane * 8, value, true);
};
const show = (values: readonly bigint[]): string => values.map((value) => value.toString(16)).join(" ");

describe.each(SHAPES)("$name", ({ name, prefix, format, lanes }) => {
  it.each(Object.keys(OPCODES) as Operation[])("%s", (operation) => {
    const next = random(0x5eed + format.bytes * 16 + lanes);
    const code = `${prefix} 0f ${OPCODES[operation]} c1`;
    let traps = 0;
    for (let n = 0; n < ROUNDS; n++) {
      const regime = next() % 6;
      let mxcsr = 0x1f80;
      if (next() % 2) mxcsr |= (next() & 3) << 13;
      if (next() % 4 === 0) mxcsr |= 0x8000;
      if (next() % 4 === 0) mxcsr |= 0x40;
      if (next() % 4 === 0) mxcsr |= 0x20;
      if (next() % 2 === 0) mxcsr &= ~(0x80 << (next() % (operation === "min" || operation === "max" ? 2 : 6)));
      const x: bigint[] = [];
      const y: bigint[] = [];
      const all = 16 / format.bytes;
      for (let lane = 0; lane < all; lane++) {
        x.push(operand(format, next, regime));
        y.push(next() % 8 === 0 ? (x[lane] as bigint) : operand(format, next, regime));
        write(machine.xmm(0), format, lane, x[lane] as bigint);
        write(machine.xmm(1), format, lane, y[lane] as bigint);
      }
      machine.mxcsr = mxcsr;
      const trap = machine.run(code);
      const outcomes = x.slice(0, lanes).map((a, lane) => compute(format, operation, a, y[lane] as bigint, mxcsr));
      const expected = combine(
        outcomes.reduce((flags, outcome) => flags | outcome.flags, 0),
        mxcsr,
      );
      const want = expected.trap ? x : x.map((a, lane) => outcomes[lane]?.bits ?? a);
      const got = x.map((_, lane) => read(machine.xmm(0), format, lane));
      if (expected.trap) traps++;
      expect(
        `${operation}${name} ${show(x)}, ${show(y)} (${mxcsr.toString(16)}): ${show(got)} mxcsr ${machine.mxcsr.toString(16)} ${trap ?? ""}`,
      ).toBe(
        `${operation}${name} ${show(x)}, ${show(y)} (${mxcsr.toString(16)}): ${show(want)} mxcsr ${expected.mxcsr.toString(16)} ${expected.trap ? 19 : ""}`,
      );
    }
    expect(traps).toBeGreaterThan(0);
  });
});

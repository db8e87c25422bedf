/** RCP and RSQRT: SDM Vol 2 "RCPPS", "RSQRTPS": relative error at most 1.5 × 2^-12, special operands, no exceptions. */
import { beforeAll, describe, expect, it } from "vitest";
import { random } from "../tools/core";
import { SimdMachine } from "./simd-machine";

const BOUND = 1.5 * 2 ** -12;
let machine: SimdMachine;
beforeAll(async () => {
  machine = await SimdMachine.create();
});

/** The low lane after `opcode` on four copies of `bits`; packed and scalar must agree. */
function approximate(opcode: string, bits: number): number {
  for (let lane = 0; lane < 4; lane++) {
    machine.xmm(1).setUint32(lane * 4, bits, true);
    machine.xmm(0).setUint32(lane * 4, 0x55555555, true);
    machine.xmm(2).setUint32(lane * 4, 0x55555555, true);
  }
  expect(machine.run(`0f ${opcode} c1 f3 0f ${opcode} d1`, 2)).toBeUndefined();
  const r = machine.xmm(0).getUint32(0, true);
  expect([4, 8, 12].map((at) => machine.xmm(0).getUint32(at, true))).toEqual([r, r, r]);
  expect([0, 4, 8, 12].map((at) => machine.xmm(2).getUint32(at, true))).toEqual([r, 0x55555555, 0x55555555, 0x55555555]);
  return r;
}
const view = new DataView(new ArrayBuffer(4));
const single = (bits: number): number => {
  view.setUint32(0, bits);
  return view.getFloat32(0);
};

describe.each([
  { name: "RCP", opcode: "53", truth: (x: number) => 1 / x, largest: 0x7e000000 },
  { name: "RSQRT", opcode: "52", truth: (x: number) => 1 / Math.sqrt(x), largest: 0x7f7fffff },
])("$name", ({ opcode, truth, largest, name }) => {
  it("is within 1.5 × 2^-12 over the range, and exceptions stay masked off", () => {
    const next = random(12);
    machine.mxcsr = 0; // everything unmasked
    for (let n = 0; n < 3000; n++) {
      const bits = 0x800000 + (next() % (largest - 0x800000));
      const signed = name === "RCP" && next() & 1 ? (bits | 0x80000000) >>> 0 : bits;
      const want = truth(single(signed));
      const got = single(approximate(opcode, signed));
      if (!(Math.abs(got - want) <= BOUND * Math.abs(want))) expect(`${signed.toString(16)}: ${got}`).toBe(`about ${want}`);
    }
    expect(machine.mxcsr).toBe(0);
  });

  it("maps special operands as the manual says", () => {
    const cases: [number, number][] = [
      [0, 0x7f800000],
      [0x80000000, 0xff800000],
      [1, 0x7f800000], // denormals are zeros
      [0x807fffff, 0xff800000],
      [0x7f800000, 0],
      [0x7fc12345, 0x7fc12345],
      [0xff812345, 0xffc12345],
    ];
    if (name === "RCP") cases.push([0xff800000, 0x80000000], [0x7f7fffff, 0], [0xff000000, 0x80000000 /* tiny results are zeros */]);
    else cases.push([0xff800000, 0xffc00000], [0xbf800000, 0xffc00000]);
    machine.mxcsr = 0;
    for (const [operand, want] of cases) expect([operand, approximate(opcode, operand)]).toEqual([operand, want]);
    expect(machine.mxcsr).toBe(0);
  });
});

/** AES instructions against Node's own AES, PCLMULQDQ against polynomial multiplication on integers. */
import { createCipheriv, createDecipheriv } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import { random } from "../tools/core";
import { SimdMachine } from "./simd-machine";

let machine: SimdMachine;
beforeAll(async () => {
  machine = await SimdMachine.create();
});

/** XMM0 := op(XMM0, XMM1). */
function apply(code: string, x: Uint8Array, y: Uint8Array): Uint8Array {
  machine.setXmm(0, x);
  machine.setXmm(1, y);
  expect(machine.run(code)).toBeUndefined();
  return machine.getXmm(0);
}
const xor = (a: Uint8Array, b: Uint8Array): Uint8Array => a.map((byte, n) => byte ^ (b[n] as number));

/** AES-128 round keys by AESKEYGENASSIST. FIPS 197 "Key Expansion". */
function expand(key: Uint8Array): Uint8Array[] {
  const keys = [key];
  for (let round = 1, constant = 1; round <= 10; round++, constant = (constant << 1) ^ (constant & 0x80 ? 0x11b : 0)) {
    const before = keys[round - 1] as Uint8Array;
    const assist = apply(`66 0f 3a df c1 ${constant.toString(16)}`, new Uint8Array(16), before);
    const next = new Uint8Array(16);
    for (let n = 0; n < 16; n++) next[n] = (before[n] as number) ^ (n < 4 ? (assist[12 + n] as number) : (next[n - 4] as number));
    keys.push(next);
  }
  return keys;
}

describe("AES", () => {
  it("encrypts and decrypts as Node does", () => {
    const next = random(197);
    for (let n = 0; n < 20; n++) {
      const key = Uint8Array.from({ length: 16 }, () => next() & 0xff);
      const block = Uint8Array.from({ length: 16 }, () => next() & 0xff);
      const keys = expand(key);
      let state = xor(block, key);
      for (let round = 1; round < 10; round++) state = apply("66 0f 38 dc c1", state, keys[round] as Uint8Array);
      state = apply("66 0f 38 dd c1", state, keys[10] as Uint8Array);
      const cipher = createCipheriv("aes-128-ecb", key, null).setAutoPadding(false);
      expect(Buffer.from(state).toString("hex")).toBe(cipher.update(block).toString("hex"));

      state = xor(block, keys[10] as Uint8Array);
      for (let round = 9; round > 0; round--) {
        const inverse = apply("66 0f 38 db c1", new Uint8Array(16), keys[round] as Uint8Array);
        state = apply("66 0f 38 de c1", state, inverse);
      }
      state = apply("66 0f 38 df c1", state, key);
      const decipher = createDecipheriv("aes-128-ecb", key, null).setAutoPadding(false);
      expect(Buffer.from(state).toString("hex")).toBe(decipher.update(block).toString("hex"));
    }
  });
});

describe("PCLMULQDQ", () => {
  it("multiplies polynomials, all four choices of halves", () => {
    const next = random(64);
    const number = (bytes: Uint8Array): bigint => bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
    for (let n = 0; n < 200; n++) {
      const dense = n % 4 === 0;
      const x = Uint8Array.from({ length: 16 }, () => (dense ? 0xff : next() & 0xff));
      const y = Uint8Array.from({ length: 16 }, () => (dense && n % 8 ? 0xff : next() & 0xff));
      const imm = (next() & 0xee) | (n & 1) | ((n & 2) << 3);
      const a = number(x.subarray(imm & 1 ? 8 : 0, imm & 1 ? 16 : 8));
      const b = number(y.subarray(imm & 16 ? 8 : 0, imm & 16 ? 16 : 8));
      let product = 0n;
      for (let bit = 0n; bit < 64n; bit++) if ((b >> bit) & 1n) product ^= a << bit;
      expect(number(apply(`66 0f 3a 44 c1 ${imm.toString(16)}`, x, y)).toString(16)).toBe(product.toString(16));
    }
  });
});

/** The 128-bit constants of asm/semantics/x87/tables128.ts, computed again. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { arctangent2, BITS, ONE } from "./reference";

const source = readFileSync(fileURLToPath(new URL("../../asm/semantics/x87/tables128.ts", import.meta.url)), "utf8");

/** Entries of one table as integers scaled by 2^127. */
function table(name: string): bigint[] {
  const body = new RegExp(`const ${name}: usize = memory\\.data<u64>\\(\\[([^\\]]*)\\]`).exec(source)?.[1] ?? "";
  const words = [...body.matchAll(/0x[0-9a-f]+/g)].map((match) => BigInt(match[0]));
  return words.flatMap((word, n) => (n % 2 === 0 ? [(word << 64n) | (words[n + 1] as bigint)] : []));
}
/** numerator/denominator scaled by 2^127, to nearest. */
const ratio = (numerator: bigint, denominator: bigint): bigint => ((numerator << 128n) / denominator + 1n) >> 1n;
const factorial = (n: number): bigint => (n === 0 ? 1n : BigInt(n) * factorial(n - 1));

describe("series coefficients", () => {
  it("are the reciprocals they say", () => {
    expect(table("SINE")).toEqual(Array.from({ length: 17 }, (_, k) => ratio(1n, factorial(2 * k + 1))));
    expect(table("COSINE")).toEqual(Array.from({ length: 18 }, (_, k) => ratio(1n, factorial(2 * k))));
    expect(table("EXPONENTIAL")).toEqual(Array.from({ length: 32 }, (_, k) => ratio(1n, factorial(k + 1))));
    expect(table("ODD_RECIPROCALS")).toEqual(Array.from({ length: 26 }, (_, k) => ratio(1n, BigInt(2 * k + 1))));
  });
  it("arctangents of sixteenths", () => {
    expect(table("ARCTANGENTS")).toEqual(
      Array.from({ length: 17 }, (_, j) => ratio(arctangent2((BigInt(j) * ONE) / 16n, ONE), 1n << BITS)),
    );
  });
});

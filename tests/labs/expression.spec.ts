/** The language of checks: what it means, and that what is wrong is said, never guessed. */
import { describe, expect, it } from "vitest";
import { type Expression, ExpressionError, evaluate, type Facts, fill, parse } from "../../web/lib/expression";

const scope: Facts = {
  n: 5,
  exits: { Cpuid: 3, total: 9 },
  end: "halted",
  byte: (address) => Number(address) & 0xff,
  count: {
    lazy: ([condition]: readonly Expression[], outer: Facts) =>
      [1, 2, 3].filter((n) => evaluate(condition!, { ...outer, n }) === true).length,
  },
};
const value = (text: string): unknown => evaluate(parse(text), scope);

describe("expressions", () => {
  it.each([
    ["1 + 2 * 3", 7],
    ["(1 + 2) * 3", 9],
    ["7 / 2 - 7 % 4", 0],
    ["0xff_00 >> 8 & 0x0f", 15],
    ["1 << 31 | 1", 0x80000001],
    ["0xfffffff0 ^ 0xffffffff", 15],
    ["~0", 0xffffffff],
    ["-n", -5],
    ["exits.Cpuid == 3 and not exits.total == 3", true],
    ["false and nowhere", false],
    ["true or nowhere", true],
    ["n < 5 or n <= 5 and n != 4", true],
    ['end == "halted" ? n : 0', 5],
    ["byte(0x1234) == 0x34", true],
    ["count(n >= 2)", 2],
    ["n", 5],
  ])("%s is %s", (text, wanted) => expect(value(text)).toBe(wanted));

  it.each([
    ["nowhere", "there is no fact named nowhere"],
    ["exits.Nothing", "there is no part of exits named Nothing"],
    ["exits.constructor", "there is no part of exits named constructor"],
    ["__proto__", "there is no fact named __proto__"],
    ["n == end", "a number is compared with a text"],
    ["n and true", "n is a number, not true or false"],
    ["end + 1", "end is a text, not a number"],
    ["1 / 0", "division by zero"],
    ["1 << 60", "a shift by 60 is not possible"],
    ["n(1)", "n takes no arguments"],
    ["n.x", "n has no parts"],
    ["1 +", "it ends too early"],
    ["1 2", 'unexpected "2"'],
    ["a = 1", 'unexpected "="'],
    ["(1", '")" is missing'],
    [`${"(".repeat(500)}1`, "too deeply nested"],
    [`${"-".repeat(500)}1`, "too deeply nested"],
  ])("%s: %s", (text, message) => {
    expect(() => value(text)).toThrow(ExpressionError);
    expect(() => value(text)).toThrow(message);
  });

  it("fills texts", () => {
    expect(fill("{{n}} of {{exits.total | hex}}, {{n * 4096 | hex32}}", scope)).toBe("5 of 0x9, 0x00005000");
    expect(() => fill("{{exits}}", scope)).toThrow(ExpressionError);
    expect(() => fill("{{n | hex99}}", scope)).toThrow("known format");
  });
});

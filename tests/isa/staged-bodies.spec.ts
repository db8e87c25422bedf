/**
 * Staged meanings ask nothing about guest values: with `Emit` a value is the index of a local, and `if (x)` or `x == y`
 * would compile and compare indexes (asm/README.md, trap 8).
 */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const SEMANTICS = fileURLToPath(new URL("../../asm/semantics/", import.meta.url));

/** A staged method: its first type parameter is the backend. */
const HEAD = /^ {2}@inline (?:static )?(\w+)<B\b[^>]*>\(([^)]*)\)[^{]*\{/gm;

interface Body {
  readonly name: string;
  readonly parameters: string;
  readonly text: string;
}

function bodiesOf(source: string): Body[] {
  return [...source.matchAll(HEAD)].map((match) => {
    let depth = 1;
    let at = match.index + match[0].length;
    const start = at;
    for (; depth > 0; at++) depth += source[at] === "{" ? 1 : source[at] === "}" ? -1 : 0;
    return { name: match[1]!, parameters: match[2]!, text: source.slice(start, at - 1) };
  });
}

/** Guest values asked about, as `method: expression`. */
function questionsIn({ name, parameters, text }: Body): string[] {
  const guest = new Set([...parameters.matchAll(/(\w+): [VW]\b/g)].map((match) => match[1]!));
  for (const [, variable, value] of text.matchAll(/\b(?:const|let) (\w+)(?:: [VW])? = ([^;]*)/g))
    if (/^(?:b|Nil\.of<[BMI]>\(\))\.(?!faulted)\w+</.test(value!)) guest.add(variable!);
  const isGuest = (expression: string): boolean => [...guest].some((value) => new RegExp(`\\b${value}\\b`).test(expression));
  const asked = [
    ...[...text.matchAll(/\b(?:if|while|for) \((.*?)\)(?= |\n|$)/g)]
      .map((match) => match[1]!)
      .filter((condition) => !/^b\.(?:when|otherwise)\b/.test(condition)),
    ...[...text.matchAll(/(\w+) (?:[=!]=|<=?|>=?|&&|\|\|) (\w+)/g)].map((match) => `${match[1]} ? ${match[2]}`),
    ...[...text.matchAll(/(\w+|\)) \? /g)].map((match) => match[1]!),
  ];
  return asked.filter(isGuest).map((expression) => `${name}: ${expression}`);
}

const check = (source: string): string[] => bodiesOf(source).flatMap(questionsIn);

describe("staged bodies", () => {
  it("ask nothing about guest values", () => {
    const found: string[] = [];
    let bodies = 0;
    for (const file of readdirSync(SEMANTICS, { recursive: true }) as string[]) {
      // Run's own verbs work on numbers.
      if (!file.endsWith(".ts") || file.endsWith(".generated.ts") || ["run.ts", "backend.ts"].includes(file)) continue;
      const source = readFileSync(SEMANTICS + file, "utf8");
      bodies += bodiesOf(source).length;
      found.push(...check(source).map((question) => `${file}: ${question}`));
    }
    expect(found).toEqual([]);
    expect(bodies).toBeGreaterThan(70);
  });

  it.each([
    ["if (x) return;", true],
    ["if (b.isNotZero<T, V, W>(x) == y) return;", true],
    ["const z = b.add<T, V>(x, y);\n    const r = z == x;", true],
    ["const z = Nil.of<M>().read<B, T, V>(i);\n    while (z) {}", true],
    ["const r = x ? y : x;", true],
    ["if (sizeof<T>() == 8) return;", false],
    ["if (i.addressSize == 2) return;", false],
    ["if (Nil.of<M>().faulted<B>()) return;", false],
    ["if (b.when<W>(b.isNotZero<T, V, W>(x))) b.end();", false],
    ["const count = i.imm & 31;\n    if (count != 0) return;", false],
  ])("%s: noticed: %s", (text, isWrong) => {
    const source = `export class X {\n  @inline static exec<B, M, T, S, V, W>(i: Insn, x: V, y: V): void {\n    ${text}\n  }\n}\n`;
    expect(check(source).length > 0).toBe(isWrong);
  });
});

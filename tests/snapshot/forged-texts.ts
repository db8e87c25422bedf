/**
 * Damaged and forged heads of published machines, and recipe links, from a seed: the small texts that come from strangers. Used
 * by the spec and, at full count, by `npm run accept -- 8.6`.
 */
import { deflateRawSync } from "node:zlib";
import { isEmulatorError } from "../../web/lib/errors";
import { headText, parseHead } from "../../web/snapshot/published";
import { BadLink, decodeLink, encodeLink } from "../../web/ui/recipe-link";
import { random } from "../tools/core";

const SLOW_MS = 2000;
const ID = "0123456789abcdef".repeat(4);
const HEAD = headText({ title: "A machine", whole: { id: ID, bytes: 1 << 20 }, hot: { id: ID, bytes: 5000 } });
const LINK = {
  title: "A machine",
  memoryMb: 64,
  commandLine: "console=ttyS0",
  files: [{ role: "image", name: "vmlinuz", sha256: ID }],
  typed: [{ after: "# ", text: "ls\n" }],
} as const;
const VALUES = [
  "null",
  "-1",
  "1e999",
  '""',
  "[]",
  "{}",
  '"\\u0000"',
  `"${"x".repeat(9000)}"`,
  "[[[[[[]]]]]]",
  '{"__proto__":{"v":1}}',
  "true",
];

type Next = () => number;

/** One value, or one byte, of a JSON text is another. */
function damaged(text: string, next: Next): string {
  const values = [...text.matchAll(/(?<=[:[,]\s*)("[^"]*"|\d+)(?!\s*:)/g)];
  // A link's own text is no JSON and has none.
  if (values.length > 0 && next() % 2 === 0) {
    const { index, 0: old } = values[next() % values.length]!;
    return text.slice(0, index) + VALUES[next() % VALUES.length]! + text.slice(index + old.length);
  }
  const at = next() % text.length;
  const kind = next() % 3;
  if (kind === 0) return text.slice(0, at);
  return text.slice(0, at) + String.fromCharCode(next() % (kind === 1 ? 128 : 0x10000)) + text.slice(at + 1);
}

export interface TextsReport {
  readonly refused: number;
  readonly read: number;
  readonly longestMs: number;
  readonly objections: readonly string[];
}

export async function tryForgedTexts(count: number, seed = 7): Promise<TextsReport> {
  const next = random(seed);
  const report = { refused: 0, read: 0, longestMs: 0, objections: [] as string[] };
  const link = await encodeLink(LINK as unknown as Parameters<typeof encodeLink>[0]);
  const json = JSON.stringify({ v: 1, ...LINK });
  for (let n = 0; n < count; n++) {
    const began = performance.now();
    try {
      if (n % 3 === 0) parseHead(damaged(HEAD, next));
      else if (n % 3 === 1) decodeLink(`m=${damaged(link.slice(2), next)}`);
      // A right frame, so that what is inside is reached.
      else decodeLink(`m=${deflateRawSync(damaged(json, next)).toString("base64url")}`);
      report.read++;
    } catch (error) {
      if (isEmulatorError(error) || error instanceof BadLink) report.refused++;
      else report.objections.push(`text ${n}: ${error instanceof Error ? error.message : String(error)}`);
    }
    const ms = performance.now() - began;
    report.longestMs = Math.max(report.longestMs, ms);
    if (ms > SLOW_MS) report.objections.push(`text ${n} took ${Math.round(ms)} ms`);
  }
  return report;
}

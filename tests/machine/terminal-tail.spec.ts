/** The end of the console that snapshots carry. */
import { expect, it } from "vitest";
import { plainLines, TAIL_BYTES, TerminalTail } from "../../web/machine/terminal-tail";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

it("keeps everything while there is room, and whole lines afterwards", () => {
  const tail = new TerminalTail();
  tail.add(bytes("one\n"));
  tail.add(bytes("two"));
  expect(new TextDecoder().decode(tail.bytes())).toBe("one\ntwo");
  for (let n = 0; n < 10_000; n++) tail.add(bytes(`line ${n} ${"x".repeat(50)}\n`));
  const text = new TextDecoder().decode(tail.bytes());
  expect(text.length).toBeGreaterThan(TAIL_BYTES - 100);
  expect(text).toMatch(/^line \d+ x+\n/);
  expect(text.endsWith(`line 9999 ${"x".repeat(50)}\n`)).toBe(true);
  tail.add(new Uint8Array(3 * TAIL_BYTES).fill(0x79));
  expect(tail.bytes().every((byte) => byte === 0x79)).toBe(true);
});

it("goes on from what was restored, to the byte", () => {
  const [first, second] = [new TerminalTail(), new TerminalTail()];
  for (let n = 0; n < 9000; n++) first.add(bytes(`line ${n} ${"x".repeat(n % 90)}\n`));
  second.restore(first.bytes());
  expect(second.bytes()).toEqual(first.bytes());
});

it("shows lines as people see them", () => {
  const lines = plainLines(bytes("\u001b[1;31mred\u001b[0m\r\n\u001b]0;title\u0007abc\b\bX\r\n10 %\r20 %\r\n\r\n# \u001b[6n"), 10);
  expect(lines).toEqual(["red", "aX", "20 %", "", "#"]);
  expect(plainLines(bytes("a\nb\nc\n\n"), 2)).toEqual(["b", "c"]);
});

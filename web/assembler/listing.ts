/** Source beside addresses and bytes, as `--listing` and the page's assembler show it. */
import type { Assembled } from "./assemble";

const BYTES_A_LINE = 8;

/** One text line for each source line; long data continues on lines without source. */
export function listing(source: string, assembled: Assembled): string[] {
  const { org } = assembled;
  const emitted = new Map(assembled.lines.map((line) => [line.line, line]));
  return source.split(/\r?\n/).flatMap((text, index) => {
    const line = emitted.get(index + 1);
    const number = String(index + 1).padStart(5);
    if (line === undefined) return [`${number}${" ".repeat(29)}${text}`.trimEnd()];
    const bytes = assembled.bytes.subarray(line.address - org, line.address - org + line.length);
    const rows: string[] = [];
    for (let at = 0; at < bytes.length; at += BYTES_A_LINE) {
      const digits = Array.from(bytes.subarray(at, at + BYTES_A_LINE), (byte) => byte.toString(16).padStart(2, "0")).join("");
      const address = (line.address + at).toString(16).padStart(8, "0");
      rows.push(`${at === 0 ? number : "     "} ${address} ${digits.padEnd(18)} ${at === 0 ? text : ""}`.trimEnd());
    }
    return rows;
  });
}

/** Numbers as students write them: 12, 0x1f, 1Fh, 0b101, with spaces or underscores between digits. */

/** Undefined: not a number. `radix` is that of digits alone. */
export function parseNumber(text: string, radix: 10 | 16): number | undefined {
  const digits = text.replace(/[\s_]/g, "").toLowerCase();
  const forms: readonly [RegExp, number][] = [
    [/^0x([0-9a-f]+)$/, 16],
    [/^([0-9a-f]+)h$/, 16],
    [/^0b([01]+)$/, 2],
    [radix === 16 ? /^([0-9a-f]+)$/ : /^([0-9]+)$/, radix],
  ];
  for (const [form, base] of forms) {
    const match = form.exec(digits);
    if (!match) continue;
    const value = Number.parseInt(match[1]!, base);
    return Number.isSafeInteger(value) ? value : undefined;
  }
  return undefined;
}

/** Bytes as people type them: pairs of hexadecimal digits, with or without spaces, or a text in double quotes. */

/** Undefined: neither, or nothing. */
export function parseBytes(text: string): Uint8Array | undefined {
  const typed = text.trim();
  const quoted = /^"(.+)"$/.exec(typed)?.[1];
  if (quoted !== undefined) return new TextEncoder().encode(quoted);
  const digits = typed.replaceAll(/[\s,]|0x/g, "");
  if (digits === "" || digits.length % 2 !== 0 || !/^[0-9a-f]+$/i.test(digits)) return undefined;
  return Uint8Array.from(digits.match(/../g)!, (pair) => Number.parseInt(pair, 16));
}

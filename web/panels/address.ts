/** Addresses as people type them: hexadecimal with or without 0x or h, or the name of a register. */

const REGISTER = /^(?:([c-gs]s):)?([a-z0-9]+)$/;

/**
 * A linear address, or undefined for what is none. `registers` by the names of the state; a segment before a register
 * (`ss:esp`) adds its base, and `eip` alone means CS:EIP.
 */
export function parseAddress(text: string, registers: Readonly<Record<string, bigint>>): number | undefined {
  const typed = text.trim().toLowerCase();
  const [, segment, name] = REGISTER.exec(typed) ?? [];
  const register = name?.replace(/^e(ax|bx|cx|dx|sp|bp|si|di|ip)$/, "r$1");
  const value = register === undefined ? undefined : registers[register];
  if (value !== undefined && !/^[0-9a-f]+$/.test(typed)) {
    const base = registers[`${segment ?? (register === "rip" ? "cs" : "")}_base`] ?? 0n;
    return Number((base + value) & 0xffffffffn);
  }
  const digits = /^(?:0x)?([0-9a-f]{1,8})h?$/.exec(typed)?.[1];
  return digits === undefined ? undefined : Number.parseInt(digits, 16);
}

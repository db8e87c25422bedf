/** Addresses as people type them: hexadecimal with or without 0x or h, or the name of a register. */

import { modeWords } from "../lib/cpu-bits";
import { signedLinear } from "../lib/linear";

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
    // In 64-bit code only FS and GS have a base.
    const isLong = modeWords(registers).codeBits === 64;
    const name = segment ?? (register === "rip" ? "cs" : "");
    const base = isLong && name !== "fs" && name !== "gs" ? 0n : (registers[`${name}_base`] ?? 0n);
    return isLong ? signedLinear(base + value) : Number((base + value) & 0xffffffffn);
  }
  const digits = /^(?:0x)?([0-9a-f]{1,16})h?$/.exec(typed.replaceAll("_", ""))?.[1];
  if (digits === undefined || (digits.length > 8 && modeWords(registers).mode !== "long mode")) return undefined;
  return signedLinear(BigInt(`0x${digits}`));
}

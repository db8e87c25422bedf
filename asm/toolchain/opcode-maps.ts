/**
 * What SDM Vol 2D Appendix A defines outside 64-bit mode, typed a second time and in another shape than the rows, so
 * that validate.ts can compare: the opcodes of each map, the mandatory prefixes they have, and the holes in groups.
 */

/** `"10-12 2A"` → [0x10, 0x11, 0x12, 0x2A]. */
export function opcodes(text: string): number[] {
  return text
    .split(/\s+/)
    .filter(Boolean)
    .flatMap((part) => {
      const [first, last = first] = part.split("-").map((digits) => Number.parseInt(digits, 16)) as [number, number?];
      return Array.from({ length: last - first + 1 }, (_, index) => first + index);
    });
}

/** Bytes of the one-byte map that are prefixes or escapes, not instructions. */
export const NOT_INSTRUCTIONS = "0F 26 2E 36 3E 64-67 F0 F2 F3";

/**
 * Opcodes by the mandatory prefixes that give them a meaning: `any` prefixes do not select, else letters n (none), 6,
 * 3, 2. Instructions that Vitrine does not offer (VMX, SMX, SGX, AVX, ADX, SHA, 3DNow!, TZCNT/LZCNT, RDSEED, RDPID …)
 * are not in the list: their encodings are #UD, or, where an older meaning is underneath, that meaning.
 */
export const LEGAL: { readonly [map in 2 | 3 | 4]: Readonly<Record<string, string>> } = {
  2: {
    any: "00-03 05-09 0B 0D 18-23 30-35 40-4F 80-A5 A8-AD AF-B7 B9-C1 C7-CF FF",
    n632: "10-12 2A 2C 2D 51 58-5A 5C-5F 70 C2",
    n63: "16 5B 6F 7E 7F",
    n6: "13-15 17 28 29 2B 2E 2F 50 54-57 60-6B 6E 71-76 C4-C6 D1-D5 D7-E5 E7-EF F1-FE",
    n3: "52 53 AE",
    n: "77 C3",
    "6": "6C 6D",
    "62": "7C 7D D0",
    "632": "D6 E6",
    "3": "B8",
    "2": "F0",
  },
  3: {
    n6: "00-0B 1C-1E",
    "6": "10 14 15 17 20-25 28-2B 30-35 37-41 82 DB-DF",
    any: "F0 F1",
  },
  4: {
    n6: "0F",
    "6": "08-0E 14-17 20-22 40-42 44 60-63 DF",
  },
};

/** ModRM bytes without a meaning, by opcode: `m/1` memory with reg = 1, `r/1-3` registers, `E2` a single byte, `*` any. */
export const MODRM_HOLES: { readonly [map in 1 | 2 | 3 | 4]: Readonly<Record<string, string>> } = {
  1: {
    "62": "r/0-7",
    "8D": "r/0-7",
    "8F": "m/1-7 r/1-7",
    C4: "r/0-7",
    C5: "r/0-7",
    C6: "m/1-7 r/1-7",
    C7: "m/1-7 r/1-7",
    D9: "m/1 D1-D7 E2 E3 E6 E7 EF",
    DA: "E0-E8 EA-FF",
    DB: "m/4 m/6 E5-E7 F8-FF",
    DD: "m/5 F0-FF",
    DE: "D8 DA-DF",
    DF: "E1-E7 F8-FF",
    FE: "m/2-7 r/2-7",
    FF: "m/7 r/3 r/5 r/7",
  },
  2: {
    "00": "m/6-7 r/6-7",
    "01": "m/5 r/0 CC-CF D2-D7 r/3 r/5 F8 FA-FF",
    "0D": "r/0-7",
    "12/6": "r/0-7",
    "13": "r/0-7",
    "16/6": "r/0-7",
    "17": "r/0-7",
    "2B": "r/0-7",
    "50": "m/0-7",
    "71": "m/0-7 r/0-1 r/3 r/5 r/7",
    "72": "m/0-7 r/0-1 r/3 r/5 r/7",
    "73/n": "m/0-7 r/0-1 r/3-5 r/7",
    "73/6": "m/0-7 r/0-1 r/4-5",
    "AE/n": "m/6 r/0-4",
    "AE/3": "m/0-7 r/0-7",
    B2: "r/0-7",
    B4: "r/0-7",
    B5: "r/0-7",
    BA: "m/0-3 r/0-3",
    C3: "r/0-7",
    C5: "m/0-7",
    C7: "m/0 m/2-7 r/0-5 r/7",
    "D6/3": "m/0-7",
    "D6/2": "m/0-7",
    D7: "m/0-7",
    E7: "r/0-7",
    F0: "r/0-7",
    F7: "m/0-7",
  },
  3: {
    "2A": "r/0-7",
    "82": "r/0-7",
    "F0/n": "r/0-7",
    "F0/6": "r/0-7",
    "F0/3": "r/0-7",
    "F1/n": "r/0-7",
    "F1/6": "r/0-7",
    "F1/3": "r/0-7",
  },
  4: {},
};

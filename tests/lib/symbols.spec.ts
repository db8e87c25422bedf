/** Symbols: a kernel's compressed table as Linux's scripts/kallsyms.c lays it out, ELF files, System.map, look-ups. */
import { describe, expect, it } from "vitest";
import { decodeKallsyms, type KernelSymbol } from "../../web/lib/kallsyms";
import { readSymbols, Symbols, symbolsElf } from "../../web/lib/symbols";
import { random } from "../tools/core";

/** Names of random lengths, one of them long, at ascending addresses. */
function symbols(count: number, base: bigint): KernelSymbol[] {
  const next = random(7);
  let address = base;
  return Array.from({ length: count }, (_, n) => {
    address += BigInt(16 + (next() % 200));
    const name = `${["do", "sys", "__x64", "tcp", "kmem"][next() % 5]}_${next().toString(36)}_${n}${n === 99 ? "_long".repeat(40) : ""}`;
    return { address, type: "TtDdBbRr"[next() % 8]!, name };
  });
}

/** An image with the table in it, in the order of Linux 6.1 or of 6.6 (addresses last). */
function image(all: readonly KernelSymbol[], is64Bit: boolean, addressesLast: boolean): Uint8Array {
  const word = is64Bit ? 8 : 4;
  const out: number[] = [];
  const align = (): void => {
    while (out.length % word) out.push(0);
  };
  const u32 = (value: number): void => void out.push(value & 255, (value >>> 8) & 255, (value >>> 16) & 255, value >>> 24);
  const long = (value: bigint): void => {
    u32(Number(value & 0xffffffffn));
    if (is64Bit) u32(Number(value >> 32n));
  };
  const base = all[0]!.address;
  const addresses = (): void => {
    for (const { address } of all) u32(is64Bit ? Number(base - 1n - address) : Number(address - base));
    align();
    long(base);
  };
  const next = random(3);
  for (let n = 0; n < 5000; n++) out.push(next() & 255);
  out.push(...[..."0123456789"].flatMap((digit) => [digit.charCodeAt(0), 0]));
  align();
  if (!addressesLast) addresses();
  u32(all.length);
  align();
  const start = out.length;
  const markers: number[] = [];
  // Tokens below 20h stand for two letters.
  const pairs = ["do", "sy", "s_", "tc", "km", "em"];
  const tokens = Array.from({ length: 256 }, (_, n) =>
    n >= 1 && n <= pairs.length ? pairs[n - 1]! : n >= 0x20 && n < 0x7f ? String.fromCharCode(n) : "",
  );
  all.forEach(({ type, name }, n) => {
    if (n % 256 === 0) markers.push(out.length - start);
    let text = type + name;
    const bytes: number[] = [];
    while (text !== "") {
      const pair = pairs.findIndex((each) => text.startsWith(each));
      bytes.push(pair >= 0 ? pair + 1 : text.charCodeAt(0));
      text = text.slice(pair >= 0 ? 2 : 1);
    }
    if (bytes.length < 0x80) out.push(bytes.length);
    else out.push((bytes.length & 0x7f) | 0x80, bytes.length >> 7);
    out.push(...bytes);
  });
  align();
  for (const marker of markers) u32(marker);
  align();
  const places: number[] = [];
  const table = out.length;
  for (const token of tokens) {
    places.push(out.length - table);
    out.push(...[...token].map((letter) => letter.charCodeAt(0)), 0);
  }
  align();
  for (const place of places) out.push(place & 255, place >> 8);
  align();
  if (addressesLast) addresses();
  for (let n = 0; n < 1000; n++) out.push(next() & 255);
  return Uint8Array.from(out);
}

describe.each([
  ["32 bits", false, 0xc1000000n],
  ["64 bits", true, 0xffff_ffff_8100_0000n],
] as const)("a kernel's own table, %s", (_name, is64Bit, base) => {
  it.each([
    ["addresses first", false],
    ["addresses last", true],
  ] as const)("%s", (_order, addressesLast) => {
    const all = symbols(3000, base);
    expect(decodeKallsyms(image(all, is64Bit, addressesLast), is64Bit)).toEqual(all);
  });

  it("goes through an ELF file and back", () => {
    const table = new Symbols(symbols(500, base));
    const again = readSymbols(symbolsElf(table, is64Bit), "x.elf");
    expect(again.all.map(({ address, name }) => [address, name])).toEqual(table.all.map(({ address, name }) => [address, name]));
  });
});

it("is not found where there is none", () => {
  const all = symbols(3000, 0xc1000000n);
  const broken = image(all, false, false);
  // The index of the tokens is what proves them.
  broken.fill(1, broken.length - 1000 - 520, broken.length - 1000);
  expect(decodeKallsyms(broken, false)).toBeUndefined();
  expect(() => readSymbols(new Uint8Array(5000), "zeros")).toThrow("zeros has no symbols");
});

it("reads System.map and finds names and addresses", () => {
  const map = readSymbols(
    new TextEncoder().encode("c1000000 T _stext\nc1000000 t first\nc1000040 T second\nc2000000 D data\n"),
    "System.map",
  );
  expect(map.find("second")).toBe(0xc1000040);
  expect([0xc1000000, 0xc1000041, 0xc0ffffff, 0xc2000000 + 0x200000].map((at) => map.at(at))).toEqual([
    "_stext",
    "second+0x1",
    undefined,
    undefined,
  ]);
});

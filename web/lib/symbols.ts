/** Names for addresses: of a kernel's own table, an ELF file, a System.map. */
import { BadArgument } from "./errors";
import { decodeKallsyms, type KernelSymbol } from "./kallsyms";
import { signedLinear } from "./linear";

/** So far behind a symbol an address still belongs to it. */
const MOST_OFFSET = 0x100000;
const ELF_MAGIC = 0x464c457f;
const SHT_SYMTAB = 2;
const STT_FUNC = 2;
const STT_NOTYPE = 0;
const STT_OBJECT = 1;

export class Symbols {
  /** By address. */
  readonly all: readonly KernelSymbol[];
  /** Linear addresses (linear.ts) of `all`. */
  readonly #linear: Float64Array;
  readonly #byName = new Map<string, number>();

  constructor(symbols: readonly KernelSymbol[]) {
    const placed = symbols
      .map((symbol) => ({ symbol, linear: signedLinear(symbol.address) }))
      .filter((each): each is { symbol: KernelSymbol; linear: number } => each.linear !== undefined && each.symbol.name !== "")
      .sort((a, b) => a.linear - b.linear);
    this.all = placed.map(({ symbol }) => symbol);
    this.#linear = Float64Array.from(placed, ({ linear }) => linear);
    for (const { symbol, linear } of placed) if (!this.#byName.has(symbol.name)) this.#byName.set(symbol.name, linear);
  }

  /** Linear address, or undefined. */
  find(name: string): number | undefined {
    return this.#byName.get(name);
  }

  /** What begins at this address. */
  exactly(linear: number): string | undefined {
    const name = this.at(linear);
    return name !== undefined && this.#byName.get(name) === linear ? name : undefined;
  }

  /** `schedule+0x1c`, or undefined where no symbol is near. */
  at(linear: number): string | undefined {
    let low = 0;
    let high = this.#linear.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#linear[middle]! <= linear) low = middle + 1;
      else high = middle;
    }
    const place = this.#linear[low - 1];
    if (place === undefined || linear - place > MOST_OFFSET) return undefined;
    // Of several names for one address, the first that is a function.
    let first = low - 1;
    while (first > 0 && this.#linear[first - 1] === place) first--;
    const same = this.all.slice(first, low);
    const { name } = same.find(({ type }) => /t/i.test(type)) ?? same[0]!;
    return linear === place ? name : `${name}+0x${(linear - place).toString(16)}`;
  }
}

/**
 * Symbols of what a user gives: a System.map or nm's output, an ELF file with a symbol table, or an unpacked kernel.
 * Throws BadArgument where there are none.
 */
export function readSymbols(bytes: Uint8Array, name: string): Symbols {
  const isElf = bytes.length > 52 && new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true) === ELF_MAGIC;
  const found = isElf ? (elfSymbols(bytes) ?? decodeKallsyms(bytes, bytes[4] === 2)) : (mapSymbols(bytes) ?? decodeKallsyms(bytes, false));
  if (!found || found.length === 0)
    throw new BadArgument(
      "symbols",
      `${name} has no symbols: give an unpacked kernel (vmlinux), an ELF file with a symbol table, or a System.map.`,
    );
  return new Symbols(found);
}

/** Lines of `address type name`. */
function mapSymbols(bytes: Uint8Array): KernelSymbol[] | undefined {
  const head = new TextDecoder("latin1").decode(bytes.subarray(0, 64));
  if (!/^[0-9a-f]{8,16} [a-zA-Z?] \S+\n/.test(head)) return undefined;
  return [...new TextDecoder("latin1").decode(bytes).matchAll(/^([0-9a-f]{8,16}) (\S) (\S+)/gm)].map(([, address, type, name]) => ({
    address: BigInt(`0x${address}`),
    type: type!,
    name: name!,
  }));
}

/** The symbol table of an ELF file; undefined where it was stripped. */
function elfSymbols(bytes: Uint8Array): KernelSymbol[] | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const wide = bytes[4] === 2;
  const offset = (at: number): number => (wide ? Number(view.getBigUint64(at, true)) : view.getUint32(at, true));
  try {
    const sections = offset(wide ? 40 : 32);
    const size = view.getUint16(wide ? 58 : 46, true);
    const count = view.getUint16(wide ? 60 : 48, true);
    for (let n = 0; n < count; n++) {
      const section = sections + n * size;
      if (view.getUint32(section + 4, true) !== SHT_SYMTAB) continue;
      const start = offset(section + (wide ? 24 : 16));
      const length = offset(section + (wide ? 32 : 20));
      const strings = offset(sections + view.getUint32(section + (wide ? 40 : 24), true) * size + (wide ? 24 : 16));
      const result: KernelSymbol[] = [];
      for (let at = start; at < start + length; at += wide ? 24 : 16) {
        const kind = view.getUint8(at + (wide ? 4 : 12)) & 15;
        if (view.getUint16(at + (wide ? 6 : 14), true) === 0 || (kind !== STT_FUNC && kind !== STT_OBJECT && kind !== STT_NOTYPE)) continue;
        const text = strings + view.getUint32(at, true);
        const name = new TextDecoder("latin1").decode(bytes.subarray(text, bytes.indexOf(0, text)));
        const address = wide ? view.getBigUint64(at + 8, true) : BigInt(view.getUint32(at + 4, true));
        if (name !== "") result.push({ address, type: kind === STT_OBJECT ? "d" : "t", name });
      }
      return result;
    }
  } catch (error) {
    // A header that points outside of the file.
    if (!(error instanceof RangeError)) throw error;
  }
  return undefined;
}

/** An ELF file that holds nothing but these symbols, for gdb's `file` and for `nm`. */
export function symbolsElf(symbols: Symbols, is64Bit: boolean): Uint8Array<ArrayBuffer> {
  const encoder = new TextEncoder();
  const code = symbols.all.filter(({ type }) => /[tw]/i.test(type)).map(({ address }) => address);
  const textStart = code[0] ?? 0n;
  const textSize = (code.at(-1) ?? 0n) - textStart + 0x1000n;
  const names = ["", ".text", ".symtab", ".strtab", ".shstrtab"];
  const sectionNames = encoder.encode(`${names.join("\0")}\0`);
  const strings: Uint8Array[] = [Uint8Array.of(0)];
  let stringBytes = 1;
  const entry = is64Bit ? 24 : 16;
  const table = new Uint8Array(entry * (symbols.all.length + 1));
  const entries = new DataView(table.buffer);
  symbols.all.forEach(({ address, type, name }, n) => {
    const at = entry * (n + 1);
    const isCode = address >= textStart && address < textStart + textSize && /[tw]/i.test(type);
    // Global, a function or an object; outside of .text it is absolute.
    const info = (1 << 4) | (isCode ? STT_FUNC : STT_OBJECT);
    const section = isCode ? 1 : 0xfff1;
    entries.setUint32(at, stringBytes, true);
    if (is64Bit) {
      entries.setUint8(at + 4, info);
      entries.setUint16(at + 6, section, true);
      entries.setBigUint64(at + 8, address, true);
    } else {
      entries.setUint32(at + 4, Number(address), true);
      entries.setUint8(at + 12, info);
      entries.setUint16(at + 14, section, true);
    }
    const bytes = encoder.encode(`${name}\0`);
    strings.push(bytes);
    stringBytes += bytes.length;
  });
  const header = is64Bit ? 64 : 52;
  const sectionSize = is64Bit ? 64 : 40;
  const sectionsAt = header;
  const symbolsAt = (sectionsAt + sectionSize * names.length + 15) & ~15;
  const stringsAt = symbolsAt + table.length;
  const namesAt = stringsAt + stringBytes;
  const file = new Uint8Array(namesAt + sectionNames.length);
  const view = new DataView(file.buffer);
  const word = (at: number, value: bigint | number): number => {
    if (is64Bit) view.setBigUint64(at, BigInt(value), true);
    else view.setUint32(at, Number(value), true);
    return at + (is64Bit ? 8 : 4);
  };
  file.set([0x7f, 0x45, 0x4c, 0x46, is64Bit ? 2 : 1, 1, 1]);
  view.setUint16(16, 2, true); // ET_EXEC
  view.setUint16(18, is64Bit ? 62 : 3, true);
  view.setUint32(20, 1, true);
  let at = word(word(word(24, textStart), 0), sectionsAt) + 4;
  for (const value of [header, 0, 0, sectionSize, names.length, names.length - 1]) {
    view.setUint16(at, value, true);
    at += 2;
  }
  const nameOf = (n: number): number => names.slice(0, n).reduce((sum, name) => sum + name.length + 1, 0);
  const rows = [
    [0, 0, 0n, 0, 0n, 0, 0, 0],
    [8, 6, textStart, 0, textSize, 0, 0, 0], // NOBITS, allocated and executable
    [SHT_SYMTAB, 0, 0n, symbolsAt, BigInt(table.length), 3, 1, entry],
    [3, 0, 0n, stringsAt, BigInt(stringBytes), 0, 0, 0],
    [3, 0, 0n, namesAt, BigInt(sectionNames.length), 0, 0, 0],
  ] as const;
  rows.forEach(([type, flags, address, offset, size, link, info, each], n) => {
    const section = sectionsAt + n * sectionSize;
    view.setUint32(section, nameOf(n), true);
    view.setUint32(section + 4, type, true);
    let next = word(word(word(word(section + 8, flags), address), offset), size);
    view.setUint32(next, link, true);
    view.setUint32(next + 4, info, true);
    next = word(next + 8, type === 8 ? 16 : 1);
    word(next, each);
  });
  file.set(table, symbolsAt);
  let place = stringsAt;
  for (const bytes of strings) {
    file.set(bytes, place);
    place += bytes.length;
  }
  file.set(sectionNames, namesAt);
  return file;
}

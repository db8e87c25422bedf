/**
 * Captures of real-mode instructions in the MOO format: chunks of a four-letter type, a 32-bit length and that many bytes,
 * some of which hold chunks again. Plain or compressed with gzip (docs/vectors.md).
 */
import { BadVectorFile, expand } from "./vector-file";

/** In the order of a REGS chunk, whose 16-bit mask says which follow. */
export const MOO_REGISTERS = ["ax", "bx", "cx", "dx", "cs", "ss", "ds", "es", "sp", "bp", "si", "di", "ip", "flags"] as const;
export type MooRegister = (typeof MOO_REGISTERS)[number];

export interface MooState {
  /** 16-bit values. */
  readonly registers: Readonly<Partial<Record<MooRegister, number>>>;
  /** [physical address, byte]. */
  readonly ram: readonly (readonly [number, number])[];
}

export interface MooTest {
  readonly index: number;
  /** The instruction as the capture's author wrote it. */
  readonly name: string;
  /** The instruction and the HLT behind it. */
  readonly bytes: Uint8Array;
  /** All registers, and all bytes that the CPU was given to read. */
  readonly initial: Readonly<{ registers: Readonly<Record<MooRegister, number>> } & Pick<MooState, "ram">>;
  /** What changed. */
  readonly final: MooState;
  readonly exception?: { readonly vector: number; readonly flagsAddress: number };
}

const MAGIC = "MOO ";
const CPU = "C286";

/** Whether uncompressed bytes begin as a MOO file does. */
export const isMoo = (bytes: Uint8Array): boolean => letters(bytes, 0) === MAGIC;

function letters(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + 4));
}

interface Chunk {
  readonly type: string;
  readonly data: DataView;
}

function* chunksOf(name: string, data: DataView): Generator<Chunk> {
  for (let at = 0; at < data.byteLength; ) {
    const length = at + 8 <= data.byteLength ? data.getUint32(at + 4, true) : Number.POSITIVE_INFINITY;
    if (length > data.byteLength - at - 8) throw new BadVectorFile(`${name}: ends within a chunk; get it again`);
    const bytes = new Uint8Array(data.buffer, data.byteOffset + at, 4);
    yield { type: letters(bytes, 0), data: new DataView(data.buffer, data.byteOffset + at + 8, length) };
    at += 8 + length;
  }
}

/** Yields the tests of a file's bytes. Throws BadVectorFile where it is none, or was captured from another CPU than an 80286. */
export function* readMoo(name: string, file: Uint8Array): Generator<MooTest> {
  const bytes = expand(name, file);
  if (!isMoo(bytes)) throw new BadVectorFile(`${name}: holds no MOO captures`);
  let expected = 0;
  let found = 0;
  try {
    for (const { type, data } of chunksOf(name, new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength))) {
      if (type === MAGIC) {
        const cpu = letters(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), 8);
        if (cpu !== CPU) throw new BadVectorFile(`${name}: was captured from "${cpu}"; only "${CPU}" is run`);
        expected = data.getUint32(4, true);
      } else if (type === "TEST") {
        found++;
        yield parseTest(`${name}, test ${data.getUint32(0, true)}`, data);
      }
    }
  } catch (error) {
    if (error instanceof RangeError) throw new BadVectorFile(`${name}: has a chunk that is too short; get it again`);
    throw error;
  }
  if (found !== expected) throw new BadVectorFile(`${name}: has ${found} tests but promises ${expected}; get it again`);
}

/** A 32-bit count and as many bytes. */
function countedBytes(data: DataView): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset + 4, data.getUint32(0, true));
}

function parseTest(where: string, data: DataView): MooTest {
  const chunks = new Map<string, DataView>();
  for (const { type, data: inner } of chunksOf(where, new DataView(data.buffer, data.byteOffset + 4, data.byteLength - 4)))
    chunks.set(type, inner);
  const need = (type: string): DataView => {
    const chunk = chunks.get(type);
    if (!chunk) throw new BadVectorFile(`${where}: has no ${type} chunk`);
    return chunk;
  };
  const initial = parseState(where, need("INIT"));
  if (MOO_REGISTERS.some((register) => initial.registers[register] === undefined))
    throw new BadVectorFile(`${where}: does not give all registers`);
  const exception = chunks.get("EXCP");
  return {
    index: data.getUint32(0, true),
    name: new TextDecoder().decode(countedBytes(need("NAME"))),
    bytes: countedBytes(need("BYTS")),
    initial: initial as MooTest["initial"],
    final: parseState(where, need("FINA")),
    ...(exception && { exception: { vector: exception.getUint8(0), flagsAddress: exception.getUint32(1, true) } }),
  };
}

function parseState(where: string, data: DataView): MooState {
  const registers: Partial<Record<MooRegister, number>> = {};
  const ram: [number, number][] = [];
  for (const { type, data: inner } of chunksOf(where, data)) {
    if (type === "REGS") {
      const mask = inner.getUint16(0, true);
      let at = 2;
      MOO_REGISTERS.forEach((register, n) => {
        if (!(mask & (1 << n))) return;
        registers[register] = inner.getUint16(at, true);
        at += 2;
      });
    } else if (type === "RAM ") {
      const count = inner.getUint32(0, true);
      for (let n = 0; n < count; n++) ram.push([inner.getUint32(4 + n * 5, true), inner.getUint8(8 + n * 5)]);
    }
  }
  return { registers, ram };
}

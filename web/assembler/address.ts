/** Effective addresses → ModRM, SIB and displacement. SDM Vol 2 Tables 2-1, 2-2, 2-3. */
import type { Value } from "./expression";
import type { Register } from "./registers";
import { SourceError } from "./source-error";

export interface EncodedAddress {
  /** Bytes of the address size: 2, 4, 8. */
  readonly addressSize: 2 | 4 | 8;
  readonly mod: number;
  readonly rm: number;
  readonly sib: number;
  readonly displacement: { readonly bytes: number; readonly value: bigint };
  /** REX.X and REX.B. */
  readonly rex: number;
  /** RIP-relative: the displacement leads here from the instruction's end. */
  readonly target?: bigint;
}

interface Shape {
  readonly rm: number;
  readonly sib: number;
  readonly rex: number;
  /** mod = 0 does not mean "no displacement" for this base. */
  readonly needsDisplacement: boolean;
  /** No base: always a full displacement with mod = 0. */
  readonly absolute: boolean;
}

export const fits = (value: bigint, bytes: number): boolean => value >= -(1n << BigInt(bytes * 8 - 1)) && value < 1n << BigInt(bytes * 8);

/** Does `value`, as a number of `bytes`, equal its own sign-extended low byte? */
export const fitsSignedByte = (value: bigint, bytes: number): boolean => {
  const bits = bytes * 8;
  return fits(value, bytes) && BigInt.asUintN(bits, BigInt.asIntN(8, value)) === BigInt.asUintN(bits, value);
};

/**
 * All encodings of an address, shortest first. `sizeWord` is the size word inside the brackets: of the displacement if
 * there are registers, else of the address.
 */
export function encodeAddress(value: Value, sizeWord: number, bits: 16 | 32 | 64): EncodedAddress[] {
  const addressSize = addressSizeOf(value, sizeWord, bits);
  const shape = addressSize === 2 ? shape16(value) : shape32(value, addressSize);
  const full = addressSize === 2 ? 2 : 4;
  // With 64-bit addresses the four bytes are extended with their sign.
  const displacement = addressSize === 8 && fits(value.constant, 8) ? BigInt.asIntN(64, value.constant) : value.constant;
  if (!fits(displacement, full) || (addressSize === 8 && displacement >= 1n << 31n))
    throw new SourceError(tooFar(displacement, value, addressSize));
  const make = (mod: number, bytes: number): EncodedAddress => ({
    addressSize,
    mod,
    rm: shape.rm,
    sib: shape.sib,
    rex: shape.rex,
    displacement: { bytes, value: displacement },
  });
  if (shape.absolute) return [make(0, full)];
  const forced = value.terms.length > 0 ? sizeWord : 0;
  const encodings: EncodedAddress[] = [];
  if (forced === 0 && displacement === 0n && !shape.needsDisplacement) encodings.push(make(0, 0));
  if (forced <= 1 && fitsSignedByte(displacement, full)) encodings.push(make(1, 1));
  if (forced !== 1) encodings.push(make(2, full));
  if (encodings.length === 0) throw new SourceError(`the displacement ${displacement} does not fit in a signed byte`);
  return encodings;
}

/** `[rel target]`: SDM 2A "RIP-Relative Addressing". */
export function relativeAddress(value: Value, sizeWord: number, bits: 16 | 32 | 64): EncodedAddress {
  if (bits !== 64) throw new SourceError("rel addresses exist in 64-bit code only");
  if (value.terms.length > 0) throw new SourceError(`a rel address has no registers: ${value.terms[0]!.register.name}`);
  const addressSize = sizeWord === 4 ? 4 : 8;
  return { addressSize, mod: 0, rm: 5, sib: -1, rex: 0, displacement: { bytes: 4, value: 0n }, target: value.constant };
}

function tooFar(displacement: bigint, value: Value, addressSize: number): string {
  const hint =
    value.terms.length > 0
      ? ""
      : addressSize === 2
        ? ": write [dword …] for a 32-bit address"
        : addressSize === 8
          ? ": only MOV with the accumulator takes a [qword …] address"
          : "";
  return `the address 0x${displacement.toString(16)} does not fit in ${addressSize === 2 ? 16 : 32} bits${hint}`;
}

/** Without registers and size words it is that of the code. */
export function addressSizeOf(value: Value, sizeWord: number, bits: 16 | 32 | 64): 2 | 4 | 8 {
  const sizes = new Set(value.terms.map((term) => term.register.bytes));
  const bad = value.terms.find((term) => term.register.kind !== "general" || term.register.bytes < 2);
  if (bad) throw new SourceError(`${bad.register.name} cannot be part of an address`);
  if (sizes.size > 1) throw new SourceError(`an address cannot mix ${value.terms.map((term) => term.register.name).join(" and ")}`);
  const size = value.terms[0]?.register.bytes ?? (sizeWord === 0 ? bits / 8 : sizeWord);
  if (size !== 2 && size !== 4 && size !== 8) throw new SourceError("an address without registers can be word, dword or qword only");
  if (bits === 64 ? size === 2 : size === 8) throw new SourceError(`${size * 8}-bit addresses do not exist in ${bits}-bit code`);
  return size;
}

const PAIRS: Readonly<Record<string, number>> = { "bx si": 0, "bx di": 1, "bp si": 2, "bp di": 3, si: 4, di: 5, bp: 6, bx: 7 };

function shape16(value: Value): Shape {
  const { terms } = value;
  if (terms.length === 0) return { rm: 6, sib: -1, rex: 0, needsDisplacement: true, absolute: true };
  const names = terms.map((term) => term.register.name).sort();
  const rm = terms.some((term) => term.factor !== 1n) ? undefined : (PAIRS[names.join(" ")] ?? PAIRS[names.reverse().join(" ")]);
  if (rm === undefined) throw new SourceError(`16-bit addresses are [bx|bp] + [si|di] + displacement: ${names.join("+")} is none`);
  return { rm, sib: -1, rex: 0, needsDisplacement: rm === 6, absolute: false };
}

function shape32(value: Value, addressSize: number): Shape {
  const { base, index, scale } = baseAndIndex(value);
  if (index?.number === 4) throw new SourceError(`${index.name} cannot be an index`);
  const rex = (index && index.number > 7 ? 2 : 0) | (base && base.number > 7 ? 1 : 0);
  if (!base && !index)
    return { rm: addressSize === 8 ? 4 : 5, sib: addressSize === 8 ? 0x25 : -1, rex, needsDisplacement: true, absolute: true };
  const needsSib = index !== undefined || (base !== undefined && (base.number & 7) === 4);
  const sib = (scale << 6) | ((index ? index.number & 7 : 4) << 3) | (base ? base.number & 7 : 5);
  if (!base) return { rm: 4, sib, rex, needsDisplacement: true, absolute: true };
  const low = base.number & 7;
  return { rm: needsSib ? 4 : low, sib: needsSib ? sib : -1, rex, needsDisplacement: low === 5, absolute: false };
}

function baseAndIndex(value: Value): { base: Register | undefined; index: Register | undefined; scale: number } {
  const [first, second, third] = value.terms;
  const scaleOf = (factor: bigint): number => {
    const scale = [1n, 2n, 4n, 8n].indexOf(factor);
    if (scale < 0) throw new SourceError("an index can be multiplied by 1, 2, 4 or 8");
    return scale;
  };
  if (third !== undefined) throw new SourceError("an address has at most a base and an index register");
  if (first === undefined) return { base: undefined, index: undefined, scale: 0 };
  if (second === undefined) {
    const { register, factor } = first;
    if (factor === 1n) return { base: register, index: undefined, scale: 0 };
    // [eax*2] is shorter as [eax+eax]; 3, 5 and 9 are only possible that way.
    if ([2n, 3n, 5n, 9n].includes(factor) && register.number !== 4) return { base: register, index: register, scale: scaleOf(factor - 1n) };
    return { base: undefined, index: register, scale: scaleOf(factor) };
  }
  // The register written first is the base, unless only the other one can be.
  const swap = first.factor !== 1n || (second.factor === 1n && second.register.number === 4);
  const [base, index] = swap ? [second, first] : [first, second];
  if (base.factor !== 1n) throw new SourceError("only one register of an address can be multiplied");
  return { base: base.register, index: index.register, scale: scaleOf(index.factor) };
}

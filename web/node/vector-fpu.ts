/**
 * The x87 and SSE state of vectors (docs/vectors.md): bytes 0 to 27 as FXSAVE lays them out, then ST(0) to ST(7) and eight or
 * sixteen XMM registers of 16 bytes each; into the core, out of it, and compared.
 */
import type { CoreHost } from "../machine/core-host";

const HEADER = 28;
const XMM_AT = HEADER + 8 * 16;

export const hex = (digits: string): Uint8Array => Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
export const text = (bytes: Uint8Array): string => Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");

/** Gives the core the state of an image; the recordings begin with cleared last-instruction pointers. */
export function loadFpu(core: CoreHost, image: Uint8Array): void {
  const view = new DataView(image.buffer, image.byteOffset);
  const state = new Uint8Array(core.buffer);
  const status = view.getUint16(2, true);
  const abridged = view.getUint8(4);
  const at = core.stateOffset("st");
  let tag = 0;
  for (let n = 0; n < 8; n++) {
    const physical = ((status >> 11) + n) & 7;
    const register = image.subarray(HEADER + n * 16, HEADER + n * 16 + 10);
    state.fill(0, at + physical * 16, at + physical * 16 + 16);
    state.set(register, at + physical * 16);
    tag |= (abridged & (1 << physical) ? classify(register) : 3) << (physical * 2);
  }
  state.set(image.subarray(XMM_AT), core.stateOffset("xmm"));
  core.setFields({
    fpuControl: BigInt(view.getUint16(0, true)),
    fpuStatus: BigInt(status),
    fpuTag: BigInt(tag),
    mxcsr: BigInt(view.getUint32(24, true)),
    fpuIp: 0n,
    fpuDp: 0n,
    fpuCs: 0n,
    fpuDs: 0n,
    fpuOpcode: 0n,
  });
}

/** The core's state as an image of `bytes`. */
function saveFpu(core: CoreHost, bytes: number): Uint8Array {
  const image = new Uint8Array(bytes);
  const view = new DataView(image.buffer);
  const state = new Uint8Array(core.buffer);
  const field = (name: string): number => Number(core.getRegister(name));
  const status = field("fpuStatus");
  const at = core.stateOffset("st");
  view.setUint16(0, field("fpuControl"), true);
  view.setUint16(2, status, true);
  for (let n = 0; n < 8; n++) {
    if (((field("fpuTag") >> (n * 2)) & 3) !== 3) image[4]! |= 1 << n;
    const register = at + (((status >> 11) + n) & 7) * 16;
    image.set(state.subarray(register, register + 10), HEADER + n * 16);
  }
  view.setUint32(24, field("mxcsr"), true);
  const xmm = core.stateOffset("xmm");
  image.set(state.subarray(xmm, xmm + bytes - XMM_AT), XMM_AT);
  return image;
}

/** How the core's state differs from the image `want`, but for FOP, FIP, FDP and what the rules allow to the instruction of `code`. */
export function fpuDifferences(core: CoreHost, code: string, want: Uint8Array): string[] {
  const got = saveFpu(core, want.length);
  for (const image of [got, want]) image.fill(0, 6, 24);
  if (isTranscendental(code)) forgiveLastPlace(got, want);
  forgiveApproximation(code, got, want);
  const parts: [string, number, number][] = [
    ["FCW", 0, 2],
    ["FSW", 2, 2],
    ["FTW", 4, 1],
    ["MXCSR", 24, 4],
  ];
  for (let n = 0; n < 8; n++) parts.push([`ST${n}`, HEADER + n * 16, 10]);
  for (let at = XMM_AT; at < want.length; at += 16) parts.push([`XMM${(at - XMM_AT) >> 4}`, at, 16]);
  const value = (image: Uint8Array, at: number, length: number): string => text(image.slice(at, at + length).reverse());
  return parts.flatMap(([name, at, length]) => {
    const is = value(got, at, length);
    const was = value(want, at, length);
    return is === was ? [] : [`${name} ${is}, expected ${was}`];
  });
}

/** F2XM1 FYL2X FPTAN FPATAN FYL2XP1 FSINCOS FSIN FCOS: makers differ in the last place. */
function isTranscendental(code: string): boolean {
  return /^(66|67|2e|36|3e|26|64|65)*(4[0-9a-f])?d9f[01239bef]$/.test(code);
}

/** Rule for transcendentals: within one unit in the last place, all flags but C1 and PE equal. What it allows is copied into `got`. */
function forgiveLastPlace(got: Uint8Array, want: Uint8Array): void {
  const ROUNDED = 0x220; // C1, PE
  const status = (image: Uint8Array): number => (image[2] as number) | ((image[3] as number) << 8);
  const allowed = (status(got) & ~ROUNDED) | (status(want) & ROUNDED);
  got[2] = allowed & 0xff;
  got[3] = allowed >> 8;
  for (let at = HEADER; at < XMM_AT; at += 16) {
    const distance = orderOf(got, at) - orderOf(want, at);
    if (distance === 1n || distance === -1n) got.set(want.subarray(at, at + 10), at);
  }
}

/** Position of an 80-bit value among all values of its sign, so that neighbours differ by 1. */
function orderOf(image: Uint8Array, at: number): bigint {
  const view = new DataView(image.buffer, image.byteOffset);
  const head = view.getUint16(at + 8, true);
  const exponent = BigInt(head & 0x7fff);
  const significand = view.getBigUint64(at, true);
  const order = exponent <= 1n ? significand : (exponent - 1n) * (1n << 63n) + significand;
  return head & 0x8000 ? -order : order;
}

/**
 * Rule for RCPPS RCPSS RSQRTPS RSQRTSS, tables of the maker: a finite lane of the destination within 1.5 × 2^-12 of the recorded
 * value. What it allows is copied into `got`.
 */
function forgiveApproximation(code: string, got: Uint8Array, want: Uint8Array): void {
  const match = /^((?:66|67|2e|36|3e|26|64|65|f2|f3)*)(4[0-9a-f])?0f5[23](..)/.exec(code);
  if (!match) return;
  // REX.R is bit 3 of the register's number.
  const extension = Number.parseInt(match[2] ?? "0", 16) & 4 ? 8 : 0;
  const start = XMM_AT + (((Number.parseInt(match[3] as string, 16) >> 3) & 7) + extension) * 16;
  const single = (image: Uint8Array, at: number): number => new DataView(image.buffer, image.byteOffset).getFloat32(at, true);
  for (let at = start; at < start + (match[1]?.includes("f3") ? 4 : 16); at += 4) {
    const a = single(got, at);
    const b = single(want, at);
    if (Number.isFinite(a) && Number.isFinite(b) && Math.abs(a - b) <= 1.5 * 2 ** -12 * Math.abs(b)) got.set(want.subarray(at, at + 4), at);
  }
}

/** Full tag of a register in use: 0 valid, 1 zero, 2 special. */
function classify(register: Uint8Array): number {
  const exponent = ((register[8] as number) | ((register[9] as number) << 8)) & 0x7fff;
  const zero = register.subarray(0, 8).every((b) => b === 0);
  if (exponent === 0) return zero ? 1 : 2;
  return exponent === 0x7fff || !((register[7] as number) & 0x80) ? 2 : 0;
}

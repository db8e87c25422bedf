/**
 * Registers as gdb numbers and sizes them (its features org.gnu.gdb.i386.core, .sse and .segments): the target
 * description, and what lies behind each of its numbers.
 */
import { signedLinear } from "../lib/linear";
import type { CoreHost } from "../machine/core-host";

export interface GdbRegister {
  readonly name: string;
  readonly bytes: number;
  read(core: CoreHost): Uint8Array;
  /** Undefined: it cannot be written. */
  write?(core: CoreHost, value: Uint8Array): void;
}

interface Feature {
  readonly name: string;
  readonly rows: readonly { readonly register: GdbRegister; readonly type: string }[];
}

const fromBytes = (bytes: Uint8Array): bigint => bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
const toBytes = (value: bigint, length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, n) => Number((value >> BigInt(8 * n)) & 0xffn));

/** A field of the CPU's state (asm/isa/cpu-state.ts). */
const field = (name: string, bytes: number, stateName: string): GdbRegister => ({
  name,
  bytes,
  read: (core) => toBytes(core.getRegister(stateName), bytes),
  write: (core, value) => core.setRegister(stateName, fromBytes(value)),
});
const computed = (name: string, bytes: number, value: (core: CoreHost) => bigint): GdbRegister => ({
  name,
  bytes,
  read: (core) => toBytes(value(core), bytes),
});
/** An element of an array of 16 bytes each; `place` finds it. */
const element = (name: string, array: "st" | "xmm", bytes: number, place: (core: CoreHost) => number): GdbRegister => {
  const at = (core: CoreHost): Uint8Array => {
    core.exports.materializeState!();
    return new Uint8Array(core.buffer, core.stateOffset(array) + 16 * place(core), bytes);
  };
  return { name, bytes, read: (core) => at(core).slice(), write: (core, value) => at(core).set(value) };
};

const top = (core: CoreHost): number => Number((core.getRegister("fpuStatus") >> 11n) & 7n);
/** gdb wants all 16 bits of tags; the core keeps them for R0 to R7, as FSTENV writes them. */
const FPU_CONTROL: readonly [string, string][] = [
  ["fctrl", "fpuControl"],
  ["fstat", "fpuStatus"],
  ["ftag", "fpuTag"],
  ["fiseg", "fpuCs"],
  ["fioff", "fpuIp"],
  ["foseg", "fpuDs"],
  ["fooff", "fpuDp"],
  ["fop", "fpuOpcode"],
];
const SEGMENTS = ["cs", "ss", "ds", "es", "fs", "gs"];
const OLD = ["ax", "cx", "dx", "bx", "sp", "bp", "si", "di"];
const LONG_ORDER = ["rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp"];

function features(is64Bit: boolean): readonly Feature[] {
  const pointer = (name: string): string => (/[sb]p$/.test(name) ? "data_ptr" : is64Bit ? "int64" : "int32");
  const general = is64Bit
    ? [...LONG_ORDER, ...Array.from({ length: 8 }, (_, n) => `r${n + 8}`)].map((name) => ({
        register: field(name, 8, name),
        type: pointer(name),
      }))
    : OLD.map((name) => ({ register: field(`e${name}`, 4, `r${name}`), type: pointer(name) }));
  const core: Feature = {
    name: "org.gnu.gdb.i386.core",
    rows: [
      ...general,
      { register: field(is64Bit ? "rip" : "eip", is64Bit ? 8 : 4, "rip"), type: "code_ptr" },
      { register: field("eflags", 4, "eflags"), type: "int32" },
      ...SEGMENTS.map((name) => ({ register: { ...field(name, 4, `${name}_selector`), write: undefined } as GdbRegister, type: "int32" })),
      ...Array.from({ length: 8 }, (_, n) => ({ register: element(`st${n}`, "st", 10, (c) => (top(c) + n) & 7), type: "i387_ext" })),
      ...FPU_CONTROL.map(([name, state]) => ({ register: field(name, 4, state), type: "int" })),
    ],
  };
  const sse: Feature = {
    name: "org.gnu.gdb.i386.sse",
    rows: [
      ...Array.from({ length: is64Bit ? 16 : 8 }, (_, n) => ({ register: element(`xmm${n}`, "xmm", 16, () => n), type: "uint128" })),
      { register: field("mxcsr", 4, "mxcsr"), type: "int" },
    ],
  };
  // Bases as an unsigned address, for $gs_base of a kernel's per-CPU data.
  const bases: Feature = {
    name: "org.gnu.gdb.i386.segments",
    rows: ["fs_base", "gs_base"].map((name) => ({ register: field(name, 8, name), type: "int" })),
  };
  const system: Feature = {
    name: "org.vitrine.i386.system",
    rows: ["cr0", "cr2", "cr3", "cr4", "efer", "cpl"].map((name) => ({
      register: computed(name, is64Bit ? 8 : 4, (c) => c.getRegister(name)),
      type: is64Bit ? "int64" : "int32",
    })),
  };
  return is64Bit ? [core, sse, bases, system] : [core, sse, system];
}

export interface GdbTarget {
  readonly xml: string;
  readonly registers: readonly GdbRegister[];
}

/** gdb's view of a CPU that has 64-bit mode, or has not. */
export function gdbTarget(is64Bit: boolean): GdbTarget {
  const all = features(is64Bit);
  const xml = all
    .map(
      ({ name, rows }) =>
        `<feature name="${name}">${rows
          .map(({ register, type }) => `<reg name="${register.name}" bitsize="${register.bytes * 8}" type="${type}"/>`)
          .join("")}</feature>`,
    )
    .join("");
  return {
    xml: `<?xml version="1.0"?><!DOCTYPE target SYSTEM "gdb-target.dtd"><target version="1.0"><architecture>${is64Bit ? "i386:x86-64" : "i386"}</architecture>${xml}</target>`,
    registers: all.flatMap(({ rows }) => rows.map(({ register }) => register)),
  };
}

/** An address of gdb's as a linear address (lib/linear.ts); undefined: it is not canonical. */
export const linearOf = (text: string, is64Bit: boolean): number | undefined => {
  if (!/^[0-9a-f]{1,16}$/i.test(text)) return undefined;
  const value = BigInt(`0x${text}`);
  return is64Bit ? signedLinear(value) : Number(value & 0xffffffffn);
};

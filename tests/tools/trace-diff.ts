/**
 * Our core and QEMU in step over a bare-metal image: the first instruction after which they differ, with those before it and
 * both register sets. General registers, EIP, EFLAGS without what the row leaves undefined, and segment selectors are compared.
 *
 * A repeated string instruction counts as one. What comes from outside (IN, RDTSC, CPUID, MSRs) is taken over from QEMU. Not for
 * x87 and SIMD; and timers, devices and BIOS services of the two machines are not the same.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROWS } from "../../asm/isa/index";
import { createDecoder, type Decode } from "../../web/disasm/decoder";
import { list } from "../../web/disasm/listing";
import type { BootPlan } from "../../web/machine/boot/boot-plan";
import { planFirmware } from "../../web/machine/boot/firmware";
import { isMultiboot, planMultiboot } from "../../web/machine/boot/multiboot";
import { applyPlan, mapRoms } from "../../web/machine/boot/plan";
import { planSector } from "../../web/machine/boot/sector";
import { type CoreHost, CPU_MODELS } from "../../web/machine/core-host";
import { undefinedAfter } from "../fuzz/flags";
import { bareMachine } from "./bare-qemu";
import { createCore } from "./core";
import { decodingCore } from "./decoding-core";
import { GDB_REGISTERS, type GdbRegisters, GdbRemote } from "./gdb-remote";

export type TraceKind = "multiboot" | "sector" | "rom";

export interface TraceOptions {
  readonly image: Uint8Array;
  /** Default: by content, a multiboot header, a boot signature, else a ROM. */
  readonly kind?: TraceKind;
  /** Instructions to compare. */
  readonly until: number;
  readonly cpu?: (typeof CPU_MODELS)[number];
  /** Called now and then with the instructions done. */
  readonly onProgress?: (done: number) => void;
}

export interface TracedInstruction {
  readonly linear: number;
  readonly bytes: string;
  readonly text: string;
}

export interface TraceResult {
  readonly instructions: number;
  /** Why it ended. */
  readonly end: "until" | "halted" | "differs";
  readonly before: readonly TracedInstruction[];
  readonly ours: GdbRegisters;
  readonly theirs: GdbRegisters;
  readonly differs: readonly string[];
}

const RAM_BYTES = 16 << 20;
const SHOWN_BEFORE = 20;
const RF = 0x10000;
const TF = 0x100;
const FROM_OUTSIDE = /^(IN|INS|RDTSC|RDTSCP|RDPMC|CPUID|RDMSR|SMSW|SLDT|STR|SGDT|SIDT)$/;
/** Steps that QEMU may be behind: a fault is a step of its own there. */
const MOST_EXTRA = 3;

export function traceKind(image: Uint8Array): TraceKind {
  if (isMultiboot(image)) return "multiboot";
  return image[510] === 0x55 && image[511] === 0xaa && image.length < 0x80000 ? "sector" : "rom";
}

export async function traceDiff(options: TraceOptions): Promise<TraceResult> {
  const kind = options.kind ?? traceKind(options.image);
  const plan = planOf(kind, options.image);
  const folder = mkdtempSync(join(tmpdir(), "vitrine-trace-"));
  let qemu: ChildProcess | undefined;
  let gdb: GdbRemote | undefined;
  try {
    const socket = join(folder, "gdb");
    const file = join(folder, "image.bin");
    writeFileSync(file, options.image);
    const cpu = options.cpu === "max" ? "max" : (options.cpu ?? "pentium3");
    const machine = [...bareMachine(cpu), "-S"];
    const medium = { multiboot: ["-kernel", file], sector: ["-drive", `file=${file},format=raw,if=floppy`], rom: ["-bios", file] }[kind];
    qemu = spawn(
      "qemu-system-i386",
      [...machine, ...medium, "-chardev", `socket,path=${socket},server=on,wait=off,id=g`, "-gdb", "chardev:g"],
      {
        stdio: "ignore",
      },
    );
    gdb = await GdbRemote.connect(socket);
    const core = await createCore({ ramBytes: RAM_BYTES, cpuModel: CPU_MODELS.indexOf(options.cpu ?? "pentium3") });
    core.reset();
    mapRoms(plan, core);
    applyPlan(plan, core);
    return await new Tracer(core, gdb, createDecoder(await decodingCore()), options).run(kind);
  } finally {
    gdb?.close();
    qemu?.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  }
}

function planOf(kind: TraceKind, image: Uint8Array): BootPlan {
  if (kind === "sector") return planSector(image);
  if (kind === "rom") return planFirmware(image);
  return planMultiboot({ kernel: image, commandLine: "" }, RAM_BYTES);
}

class Tracer {
  readonly #before: TracedInstruction[] = [];

  constructor(
    readonly core: CoreHost,
    readonly gdb: GdbRemote,
    readonly decode: Decode,
    readonly options: TraceOptions,
  ) {}

  async run(kind: TraceKind): Promise<TraceResult> {
    const { core, gdb, options } = this;
    if (kind !== "rom" && !(await gdb.runTo(this.#linear()))) throw new Error("QEMU did not reach the entry point of the image");
    let theirs = await gdb.registers();
    this.#begin(theirs);
    let open = 0;
    for (let done = 0; ; done++) {
      if (done >= options.until) return this.#result(done, "until", theirs, []);
      if (done % 2000 === 0) options.onProgress?.(done);
      const linear = this.#linear();
      const bits = (core.getRegister("cs_attributes") & 0x400n) !== 0n ? 32 : 16;
      const code = this.#codeAt(linear);
      const decoded = code && this.decode(code, bits);
      const row = decoded && decoded.row >= 0 ? ROWS[decoded.row] : undefined;
      const text = code ? (list(code, this.decode, bits, BigInt(linear), 1)[0]?.text ?? "?") : "(page fault)";
      const bytes = code && decoded ? Buffer.from(code.subarray(0, decoded.bytes.length)).toString("hex") : "";
      this.#before.push({ linear, bytes, text });
      if (this.#before.length > SHOWN_BEFORE + 1) this.#before.shift();
      if (row?.mnemonic === "HLT") return this.#result(done, "halted", theirs, []);
      const repeats = /^[0-9a-f]*?(f2|f3)/.test(bytes) && row?.rep !== undefined;

      const start = theirs.eip;
      core.step(1);
      await gdb.step();
      theirs = await gdb.registers();
      // A REP is one instruction of ours, and a fault none.
      while (repeats && theirs.eip === start && this.#ours().eip !== start) {
        await gdb.step();
        theirs = await gdb.registers();
      }
      for (let extra = 0; extra < MOST_EXTRA && theirs.eip !== this.#ours().eip; extra++) {
        await gdb.step();
        theirs = await gdb.registers();
      }
      if (row && FROM_OUTSIDE.test(row.mnemonic)) this.#takeOver(theirs);
      open = row ? undefinedAfter(row, open, decoded!.operandSize * 8, undefined) : open;
      const ours = this.#ours();
      const mask = ~(RF | TF | open);
      const differs = GDB_REGISTERS.filter((name) =>
        name === "eflags" ? ((ours.eflags ^ theirs.eflags) & mask) !== 0 : ours[name] !== theirs[name],
      );
      if (differs.length > 0) return this.#result(done + 1, "differs", theirs, differs);
      // What is open may be looked at later: both go on with the same.
      if (((ours.eflags ^ theirs.eflags) & open) !== 0) core.setRegisters({ eflags: BigInt(theirs.eflags) });
    }
  }

  #result(instructions: number, end: TraceResult["end"], theirs: GdbRegisters, differs: readonly string[]): TraceResult {
    return { instructions, end, before: [...this.#before], ours: this.#ours(), theirs, differs };
  }

  #linear(): number {
    return Number((this.core.getRegister("cs_base") + this.core.getRegister("eip")) & 0xffffffffn);
  }

  #ours(): GdbRegisters {
    const value = (name: string): number => Number(this.core.getRegister(name) & 0xffffffffn);
    return Object.fromEntries(
      GDB_REGISTERS.map((name) => [name, /^[csdefg]s$/.test(name) ? value(`${name}_selector`) : value(name)]),
    ) as GdbRegisters;
  }

  /** Both begin alike: loaders differ in selectors (the descriptors are the same, flat or real-mode ones), flags and left-over registers. */
  #begin(theirs: GdbRegisters): void {
    this.#takeOver(theirs);
    const selectors = GDB_REGISTERS.slice(10).map((name): [string, bigint] => [`${name}_selector`, BigInt(theirs[name])]);
    this.core.setRegisters({ ...Object.fromEntries(selectors), eflags: BigInt(theirs.eflags) });
  }

  /** General registers as QEMU has them. */
  #takeOver(theirs: GdbRegisters): void {
    const general = GDB_REGISTERS.slice(0, 8);
    this.core.setRegisters(Object.fromEntries(general.map((name) => [name, BigInt(theirs[name])])));
  }

  /** Up to 15 code bytes, as far as the pages are there. */
  #codeAt(linear: number): Uint8Array | undefined {
    const bytes: number[] = [];
    for (let n = 0; n < 15; n++) {
      const physical = this.core.exports.translate!((linear + n) >>> 0, 4);
      if (physical < 0) break;
      bytes.push(this.core.memory.read(physical, 1)[0]!);
    }
    return bytes.length > 0 ? Uint8Array.from(bytes) : undefined;
  }
}

/** The result for people. */
export function describeTrace(result: TraceResult): string {
  const hex = (value: number): string => (value >>> 0).toString(16).padStart(8, "0");
  if (result.end === "until") return `${result.instructions} instructions, no difference`;
  if (result.end === "halted")
    return `${result.instructions} instructions to the HLT at ${hex(result.before.at(-1)!.linear)}, no difference`;
  const before = result.before.map(
    ({ linear, bytes, text }, n) => `${n === result.before.length - 1 ? ">" : " "} ${hex(linear)}  ${bytes.padEnd(22)} ${text}`,
  );
  const registers = GDB_REGISTERS.map(
    (name) => `${result.differs.includes(name) ? "*" : " "} ${name.padEnd(7)} ${hex(result.ours[name])}  ${hex(result.theirs[name])}`,
  );
  return `differs after instruction ${result.instructions}: ${result.differs.join(", ")}\n${before.join("\n")}\n\n  ${"".padEnd(7)} Vitrine   QEMU\n${registers.join("\n")}`;
}

/**
 * The machine's view of one CPU core: what `core-host.ts` offers over the WebAssembly instance, and what tests
 * replace by a fake. All addresses are guest-physical numbers (exact to 2^53); ticks are numbers (exact to 2^53).
 */

import type { ExitReason } from "../lib/events.generated";
import type { AccessSize } from "./device";
import type { JitStats } from "./jit-host";

/** What the core asks of the board while it runs. Called synchronously at the exact tick (`Core.ticks` is current). */
export interface CoreCallbacks {
  portRead(port: number, size: AccessSize): number;
  portWrite(port: number, value: number, size: AccessSize): void;
  mmioRead(address: number, size: AccessSize): number;
  mmioWrite(address: number, value: number, size: AccessSize): void;
  /** The INTA cycle: the interrupt controller's vector (0-255). Called only while the INTR line is up. */
  acknowledgeInterrupt(): number;
  /** The x87's FERR# output changed (only with CR0.NE = 0); true = asserted. */
  ferr(level: boolean): void;
  /** IA32_APIC_BASE was written: physical base, global enable, x2APIC mode. */
  apicBase?(base: number, enabled: boolean, extended: boolean): void;
  /** MSR 800h + `register` of x2APIC mode; what exists and what is reserved the core has checked. */
  readLocalApic?(register: number): bigint;
  writeLocalApic?(register: number, value: bigint): void;
  /** IA32_TSC_DEADLINE was written, or the TSC under it; `tsc` is the TSC now. */
  tscDeadline?(deadline: bigint, tsc: bigint): void;
  /** Reads IA32_TSC_DEADLINE. */
  readTscDeadline?(): bigint;
  /** CR8 is the upper half of the local APIC's task priority. */
  taskPriority?(priority: number): void;
  readTaskPriority?(): number;
  /** A guest frame that is not present was touched; asked once per `run()` that ends with FrameMissing. */
  frameMissing(frame: number): void;
}

export interface GuestMemory {
  /** RAM size in bytes, and whether the byte range is all present RAM. */
  readonly ramBytes: number;
  read(address: number, length: number): Uint8Array;
  write(address: number, data: Uint8Array): void;
  /** Bytes of memory were changed through `view`. */
  notice?(address: number, length: number): void;
  /** A present frame's own bytes, to be looked at without copying before anything else is done; undefined: use `read`. */
  view?(frame: number): Uint8Array | undefined;
}

export interface Core {
  /**
   * Runs until `ticks >= untilTick` or another reason. ExitReason.Budget: the tick was reached. Halt: HLT with
   * interrupts possible; set `ticks` forward to the next deadline and run again. Stop: `stop()` was called.
   */
  run(untilTick: number): ExitReason;
  /** From a callback: end the current `run()` no later than this tick (a device armed an earlier deadline). */
  limit(untilTick: number): void;
  /** From a callback: end the current `run()` after this instruction. */
  stop(): void;
  /** Budget and clock counter (+1 per instruction, +1 per further REP iteration). May be set while stopped. */
  ticks: number;
  /** Instructions retired (a REP counts 1). */
  readonly instructions: number;
  /** The TSC as a function of ticks: tsc = base + (ticks - baseTicks) * perTick. */
  setTsc(base: bigint, baseTicks: number, perTick: number): void;
  setIntr(level: boolean): void;
  pulseNmi(): void;
  /** The IGNNE# input; true = asserted. */
  setIgnne(level: boolean): void;
  setA20(enabled: boolean): void;
  /** Makes guest frames absent: the first touch ends `run()` with FrameMissing. */
  markAbsent(firstFrame: number, count: number): void;
  /** After FrameMissing: the guest frame (guest-physical address / 4096) that was touched. */
  readonly missingFrame: number;
  /** Gives an absent frame its 4096 bytes; without effect on a present one. */
  deliverFrame(frame: number, contents: Uint8Array): void;
  /** Puts read-only memory of whole frames at a guest-physical address, over RAM or where nothing was. */
  mapRom(address: number, data: Uint8Array): void;
  /** Puts zeroed memory of whole frames at a guest-physical address: a screen's. */
  mapRam?(address: number, bytes: number): void;
  /** Leaves whole frames to devices, or to nobody. What was there is forgotten. */
  mapDevice?(address: number, bytes: number): void;
  /** Makes whole frames of memory read-only or writable; they keep what they hold. */
  protect?(address: number, bytes: number, readOnly: boolean): void;
  /** Begins a write epoch and returns its number: that of every frame of RAM written from now on. */
  beginWriteEpoch(): number;
  /** Epoch of a frame's last write, whoever wrote; 0 = never written. */
  frameEpoch(frame: number): number;
  /**
   * `hear` is told each frame of RAM that has not been written since `epoch` began, before whoever writes to it first does:
   * the last chance to copy it. Undefined ends it.
   */
  keepFrames?(epoch: number, hear: ((frame: number) => void) | undefined): void;
  /** RESET# pin: registers to their power-on values, caches dropped. RAM and ticks stay. */
  reset(): void;
  readonly memory: GuestMemory;
  /** Architectural registers by the names of asm/isa/cpu-state.ts (eax, eip, cs.selector, cr0 …), 64-bit slots as bigint. */
  getRegister(name: string): bigint;
  setRegister(name: string, value: bigint): void;
  /** Canonical CPU state (no caches), as saved in snapshots and hashed. */
  saveCpu(): Uint8Array;
  loadCpu(state: Uint8Array): void;
  /** Counters for --stats and panels; exits by reason name, shadow counters, unimplemented list. */
  stats(): CoreStats;
}

export interface CoreStats {
  instructions: number;
  ticks: number;
  exits: Record<string, number>;
  exitsTotal: number;
  shadow: Record<string, number>;
  jit: JitStats;
  unimplemented: { bytes: string; address: string; count: number }[];
}

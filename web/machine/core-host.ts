/**
 * Owns the core's WebAssembly instance: implements `Core` over the exports of asm/index.ts, and hands the core's imports
 * on to the board. The only file that knows the core's memory layout, all of it through generated tables.
 */
import { SHADOW_COUNTERS } from "../../asm/isa/shadow-counters";
import { CPU_MODELS, type CpuModel } from "../lib/cpu-models";
import { CPU_STATE, CPU_STATE_BYTES, type CpuStateField, type StateFieldPlace } from "../lib/cpu-state.generated";
import { CoreCrash } from "../lib/errors";
import { EXITS, type ExitReason } from "../lib/events.generated";
import type { Core, CoreCallbacks, CoreStats, GuestMemory } from "./core";
import { decodeCpu, encodeCpu } from "./cpu-section";
import type { AccessSize } from "./device";
import { JitHost, type JitLimits } from "./jit-host";

/** The exports this file uses; asm/index.ts is their definition. */
interface CoreExports {
  init(ramBytes: number, cpuModel: number): void;
  reset(): void;
  restore(): void;
  materializeState(): void;
  run(limit: number): number;
  step(count: number): number;
  getTicks(): number;
  setTicks(value: number): void;
  getInstructions(): number;
  setLimit(limit: number): void;
  requestStop(): void;
  setIntr(level: number): void;
  pulseNmi(): void;
  setIgnne(level: number): void;
  listenEvents(on: number): void;
  stateAddress(): number;
  countersAddress(): number;
  ringAddress(): number;
  ringCapacity(): number;
  scratchAddress(): number;
  setA20(enabled: number): void;
  guestFrameHost(frame: number): number;
  dmaWriteNotice(frame: number, first: number, last: number): void;
  deliverFrame(frame: number): number;
  mapAbsent(frame: number, count: number): void;
  mapRom(frame: number, count: number): number;
  mapRam(frame: number, count: number): number;
  mapMmio(frame: number, count: number): void;
  protectRam(frame: number, count: number, readOnly: number): void;
  beginWriteEpoch(): number;
  keepFramesBefore(epoch: number): void;
  hostWillWrite(frame: number): void;
  frameEpoch(frame: number): number;
  setShadowMode(flush: number): void;
  checkShadow(): number;
  debugClear(): void;
  debugBreak(linear: number): number;
  debugWatch(linear: number, bytes: number, kinds: number): number;
  debugExit(reason: number, mask: number, value: number): number;
  debugAddress(): number;
  start(): void;
}

export interface CoreOptions {
  readonly ramBytes: number;
  /** Index into CPU_MODELS. */
  readonly cpuModel?: number;
  readonly shadowFlush?: boolean;
  /** Default "interp". */
  readonly accel?: Accel;
  /** For tests: when to translate, and how much at once. */
  readonly jitLimits?: JitLimits;
}
/** `--accel`: how guest code runs. The guest cannot tell. */
export const ACCELS = ["interp", "jit"] as const;
export type Accel = (typeof ACCELS)[number];
export { CPU_MODELS } from "../lib/cpu-models";
/** Does the model have 64-bit mode? */
export const hasLongMode = (model: CpuModel): boolean => model === "x86-64-v2" || model === "max";

export interface CoreEvent {
  readonly reason: string;
  readonly cpl: number;
  readonly rip: bigint;
  readonly qualification: bigint;
  readonly tick: bigint;
}

/** Why `run()` ended with Breakpoint. */
export type DebugHit =
  | { readonly kind: "code" | "read" | "write"; readonly linear: number }
  | { readonly kind: "exit"; readonly reason: string; readonly qualification: bigint };

const PAGE = 4096;
/** asm/core/exits.ts: counters area. */
const Counters = { exitsTotal: 0, ringWritten: 8, exits: 32, shadow: 0x400, unimplemented: 0x800 } as const;

export class CoreHost implements Core {
  readonly memory: HostMemory;
  readonly #x: CoreExports;
  readonly #wasm: WebAssembly.Memory;
  #view: DataView;
  readonly #state: number;
  readonly #cpuModel: number;

  readonly jit: JitHost;

  private constructor(exports: CoreExports, wasm: WebAssembly.Memory, jit: JitHost, options: CoreOptions) {
    this.#x = exports;
    this.#wasm = wasm;
    this.#cpuModel = options.cpuModel ?? CPU_MODELS.indexOf("pentium4");
    exports.init(options.ramBytes, this.#cpuModel);
    if (options.shadowFlush) exports.setShadowMode(1);
    this.jit = jit;
    if (options.accel === "jit") jit.start(exports, options.jitLimits);
    this.#view = new DataView(wasm.buffer);
    this.#state = exports.stateAddress();
    this.memory = new HostMemory(exports, wasm, options.ramBytes);
  }

  static async create(wasm: BufferSource | WebAssembly.Module, callbacks: CoreCallbacks, options: CoreOptions): Promise<CoreHost> {
    const memory = new WebAssembly.Memory({ initial: 64 });
    let host: CoreHost | undefined;
    const jit = new JitHost(memory);
    const imports: WebAssembly.Imports = {
      env: { memory },
      host: {
        portRead: (port: number, size: AccessSize) => callbacks.portRead(port, size),
        portWrite: (port: number, value: number, size: AccessSize) => callbacks.portWrite(port, value >>> 0, size),
        mmioRead: (address: number, size: AccessSize) => callbacks.mmioRead(address, size),
        mmioWrite: (address: number, value: number, size: AccessSize) => callbacks.mmioWrite(address, value >>> 0, size),
        acknowledgeInterrupt: () => callbacks.acknowledgeInterrupt(),
        ferr: (level: number) => callbacks.ferr(level !== 0),
        ...jit.imports,
        apicBase: (base: number, enabled: number, extended: number) => callbacks.apicBase?.(base, enabled !== 0, extended !== 0),
        readLocalApic: (register: number) => callbacks.readLocalApic?.(register) ?? 0n,
        writeLocalApic: (register: number, value: bigint) => callbacks.writeLocalApic?.(register, BigInt.asUintN(64, value)),
        tscDeadline: (deadline: bigint, tsc: bigint) => callbacks.tscDeadline?.(BigInt.asUintN(64, deadline), BigInt.asUintN(64, tsc)),
        taskPriority: (priority: number) => callbacks.taskPriority?.(priority),
        readTaskPriority: () => callbacks.readTaskPriority?.() ?? 0,
        readTscDeadline: () => callbacks.readTscDeadline?.() ?? 0n,
        keepFrame: (frame: number) => host?.memory.hearKeep?.(frame >>> 0),
        crash: (code: number, value: bigint) => {
          throw host ? host.#crash(`assertion at line ${code} (${value})`) : new CoreCrash(`assertion at line ${code} (${value})`, "");
        },
      },
    };
    const module = wasm instanceof WebAssembly.Module ? wasm : await WebAssembly.compile(wasm);
    const instance = await WebAssembly.instantiate(module, imports);
    const exports = instance.exports as unknown as CoreExports;
    exports.start?.();
    host = new CoreHost(exports, memory, jit, options);
    return host;
  }

  run(untilTick: number): ExitReason {
    return this.#guard(() => this.#x.run(untilTick));
  }
  step(count: number): ExitReason {
    return this.#guard(() => this.#x.step(count));
  }
  /** A WebAssembly trap is a bug of the core: it becomes CoreCrash with the registers. */
  #guard(body: () => number): ExitReason {
    try {
      return body() as ExitReason;
    } catch (error) {
      if (error instanceof WebAssembly.RuntimeError || error instanceof RangeError)
        throw this.#crash(`${error.message}\n${error.stack ?? ""}`);
      throw error;
    }
  }
  limit(untilTick: number): void {
    this.#x.setLimit(untilTick);
  }
  stop(): void {
    this.#x.requestStop();
  }
  get ticks(): number {
    return this.#x.getTicks();
  }
  set ticks(value: number) {
    this.#x.setTicks(value);
  }
  get instructions(): number {
    return this.#x.getInstructions();
  }
  setTsc(base: bigint, baseTicks: number, perTick: number): void {
    this.#write("tscBase", base);
    this.#write("tscTicks", BigInt(baseTicks));
    // 32.32 fixed point
    this.#write("tscPerTick", BigInt(Math.round(perTick * 2 ** 32)));
  }
  setIntr(level: boolean): void {
    this.#x.setIntr(level ? 1 : 0);
  }
  setIgnne(level: boolean): void {
    this.#x.setIgnne(level ? 1 : 0);
  }
  pulseNmi(): void {
    this.#x.pulseNmi();
  }
  setA20(enabled: boolean): void {
    this.#x.setA20(enabled ? 1 : 0);
  }
  reset(): void {
    this.#x.reset();
  }

  getRegister(name: string): bigint {
    this.#x.materializeState();
    return this.#read(resolve(name));
  }
  /** Writes one architectural field and rebuilds what derives from it. */
  setRegister(name: string, value: bigint): void {
    this.setRegisters({ [name]: value });
  }
  setRegisters(values: Record<string, bigint>): void {
    this.#x.materializeState();
    for (const [name, value] of Object.entries(values)) this.#write(resolve(name), value);
    this.#x.restore();
  }

  /** Writes fields that nothing derives from (x87, SSE), without the rebuilding. */
  setFields(values: Record<string, bigint>): void {
    for (const [name, value] of Object.entries(values)) this.#write(resolve(name), value);
  }
  /** Address of a state field in `buffer`. */
  stateOffset(name: string): number {
    return this.#state + CPU_STATE[resolve(name)].offset;
  }

  saveCpu(): Uint8Array {
    this.#x.materializeState();
    return encodeCpu(new Uint8Array(this.#buffer(), this.#state, CPU_STATE_BYTES));
  }
  /** Throws SnapshotIncompatible for what is not the state of such a CPU. */
  loadCpu(section: Uint8Array): void {
    decodeCpu(section, new Uint8Array(this.#buffer(), this.#state, CPU_STATE_BYTES), this.#cpuModel);
    this.#x.restore();
  }

  stats(): CoreStats {
    const base = this.#x.countersAddress();
    const view = this.#fresh();
    const u64 = (at: number): number => Number(view.getBigUint64(base + at, true));
    const exits: Record<string, number> = {};
    EXITS.forEach((row, n) => {
      exits[row.name] = u64(Counters.exits + n * 8);
    });
    const shadow: Record<string, number> = {};
    SHADOW_COUNTERS.forEach(([name], n) => {
      shadow[name] = u64(Counters.shadow + n * 8);
    });
    const unimplemented: CoreStats["unimplemented"] = [];
    const count = view.getUint32(base + Counters.unimplemented, true);
    for (let n = 0; n < count; n++) {
      const at = base + Counters.unimplemented + 32 + n * 32;
      const what = view.getBigUint64(at, true);
      const kind = view.getBigUint64(at + 8, true);
      unimplemented.push({
        bytes: kind === 0n ? littleEndianBytes(what) : `${kind === 1n ? "MSR" : "register"} ${what.toString(16)}`,
        address: view.getBigUint64(at + 16, true).toString(16),
        count: Number(view.getBigUint64(at + 24, true)),
      });
    }
    const { instructions, ticks } = this;
    return { instructions, ticks, exits, exitsTotal: u64(Counters.exitsTotal), shadow, jit: this.jit.stats, unimplemented };
  }

  /** Starts or stops writing the event ring. */
  listen(on: boolean): void {
    this.#x.listenEvents(on ? 1 : 0);
  }
  /** Events `from` (a count since power-on) to now, oldest first, as far as the ring still has them. */
  events(from: number): { events: CoreEvent[]; next: number } {
    const view = this.#fresh();
    const written = Number(view.getBigUint64(this.#x.countersAddress() + Counters.ringWritten, true));
    const capacity = this.#x.ringCapacity();
    const events: CoreEvent[] = [];
    for (let n = Math.max(from, written - capacity); n < written; n++) {
      const at = this.#x.ringAddress() + (n % capacity) * 32;
      events.push({
        reason: EXITS[view.getUint32(at, true)]?.name ?? "?",
        cpl: view.getUint32(at + 4, true) & 3,
        rip: view.getBigUint64(at + 8, true),
        qualification: view.getBigUint64(at + 16, true),
        tick: view.getBigUint64(at + 24, true),
      });
    }
    return { events, next: written };
  }

  /** Guest frame whose absence ended the last run. */
  get missingFrame(): number {
    return Number(this.#read("missingFrame"));
  }
  markAbsent(firstFrame: number, count: number): void {
    this.#x.mapAbsent(firstFrame, count);
  }
  /** Gives an absent frame its contents. */
  deliverFrame(frame: number, contents: Uint8Array): void {
    const host = this.#x.deliverFrame(frame) >>> 0;
    if (host === 0) return;
    new Uint8Array(this.#buffer(), host, PAGE).set(contents.subarray(0, PAGE));
  }
  /** Throws RangeError when the core has no frames left for it. */
  mapRom(address: number, data: Uint8Array): void {
    const first = address / PAGE;
    if (this.#x.mapRom(first, data.length / PAGE) === 0) throw new RangeError(`no room for a ROM of ${data.length} bytes`);
    for (let at = 0; at < data.length; at += PAGE)
      new Uint8Array(this.#buffer(), this.#x.guestFrameHost(first + at / PAGE) >>> 0, PAGE).set(data.subarray(at, at + PAGE));
  }
  /** Throws RangeError when the core has no frames left for it. */
  mapRam(address: number, bytes: number): void {
    if (this.#x.mapRam(address / PAGE, bytes / PAGE) === 0) throw new RangeError(`no room for ${bytes} bytes of memory`);
  }
  mapDevice(address: number, bytes: number): void {
    this.#x.mapMmio(address / PAGE, bytes / PAGE);
  }
  protect(address: number, bytes: number, readOnly: boolean): void {
    this.#x.protectRam(address / PAGE, bytes / PAGE, readOnly ? 1 : 0);
  }
  beginWriteEpoch(): number {
    return this.#x.beginWriteEpoch();
  }
  frameEpoch(frame: number): number {
    return this.#x.frameEpoch(frame);
  }
  keepFrames(epoch: number, hear: ((frame: number) => void) | undefined): void {
    this.#x.keepFramesBefore(hear ? epoch : 0);
    this.memory.hearKeep = hear;
  }
  /** Does the CPU model have 64-bit mode? */
  get hasLongMode(): boolean {
    return hasLongMode(CPU_MODELS[this.#cpuModel]!);
  }
  /** Forgets all breakpoints, watchpoints and stops on exits. */
  clearDebug(): void {
    this.#x.debugClear();
  }
  /** `run()` ends with Breakpoint before the instruction at this linear address. False: there is no room for more (64). */
  breakAt(linear: number): boolean {
    return this.#x.debugBreak(linear) !== 0;
  }
  /** `run()` ends with Breakpoint after an instruction that reads or writes there. False: no room (32). */
  watch(linear: number, bytes: number, kinds: { read: boolean; write: boolean }): boolean {
    return this.#x.debugWatch(linear, bytes, (kinds.read ? 1 : 0) | (kinds.write ? 2 : 0)) !== 0;
  }
  /** `run()` ends with Breakpoint after one of these exits (names of asm/isa/events.ts); optionally only these vectors, this port. */
  stopOnExits(names: readonly string[], filter: { vectors?: readonly number[]; port?: number } = {}): void {
    for (const name of names) {
      const reason = EXITS.findIndex((row) => row.name === name);
      if (reason < 0) throw new RangeError(`no exit reason "${name}"`);
      if (name === "Exception" && filter.vectors) for (const vector of filter.vectors) this.#x.debugExit(reason, 0xff, vector);
      else if (name.startsWith("Io") && filter.port !== undefined) this.#x.debugExit(reason, 0xffff, filter.port);
      else this.#x.debugExit(reason, 0, 0);
    }
  }
  /** What ended the last run with Breakpoint (asm/core/debug.ts `Hit`). */
  get debugHit(): DebugHit | undefined {
    const view = this.#fresh();
    const at = this.#x.debugAddress();
    const where = view.getBigInt64(at + 32, true);
    switch (view.getUint32(at + 24, true)) {
      case 1:
        return { kind: "code", linear: Number(where) };
      case 2:
        return { kind: "read", linear: Number(where) };
      case 3:
        return { kind: "write", linear: Number(where) };
      case 4:
        return { kind: "exit", reason: EXITS[view.getUint32(at + 40, true)]?.name ?? "?", qualification: BigInt.asUintN(64, where) };
      default:
        return undefined;
    }
  }
  /** 0, or a code saying what the shadow checker found wrong. */
  checkShadow(): number {
    return this.#x.checkShadow();
  }
  /** For tests and tools: the raw exports. */
  get exports(): Record<string, (...values: number[]) => number> {
    return this.#x as unknown as Record<string, (...values: number[]) => number>;
  }
  get buffer(): ArrayBuffer {
    return this.#buffer();
  }
  get wasmMemory(): WebAssembly.Memory {
    return this.#wasm;
  }
  get table(): WebAssembly.Table {
    return (this.#x as unknown as { table: WebAssembly.Table }).table;
  }

  #buffer(): ArrayBuffer {
    return this.#wasm.buffer as ArrayBuffer;
  }
  #fresh(): DataView {
    if (this.#view.buffer !== this.#wasm.buffer) this.#view = new DataView(this.#wasm.buffer);
    return this.#view;
  }
  #read(name: CpuStateField): bigint {
    const place = CPU_STATE[name];
    const view = this.#fresh();
    const at = this.#state + place.offset;
    switch (place.type as StateFieldPlace["type"]) {
      case "u8":
        return BigInt(view.getUint8(at));
      case "u16":
        return BigInt(view.getUint16(at, true));
      case "u32":
        return BigInt(view.getUint32(at, true));
      default:
        return view.getBigUint64(at, true);
    }
  }
  #write(name: CpuStateField, value: bigint): void {
    const place = CPU_STATE[name];
    const view = this.#fresh();
    const at = this.#state + place.offset;
    switch (place.type as StateFieldPlace["type"]) {
      case "u8":
        view.setUint8(at, Number(value & 0xffn));
        break;
      case "u16":
        view.setUint16(at, Number(value & 0xffffn), true);
        break;
      case "u32":
        view.setUint32(at, Number(value & 0xffffffffn), true);
        break;
      default:
        view.setBigUint64(at, BigInt.asUintN(64, value), true);
    }
  }
  #crash(reason: string): CoreCrash {
    const registers: Record<string, string> = {};
    for (const name of Object.keys(CPU_STATE) as CpuStateField[]) {
      const place: StateFieldPlace = CPU_STATE[name];
      if (place.count === 1 && place.type !== "f80" && place.type !== "v128") registers[name] = this.#read(name).toString(16);
    }
    return new CoreCrash(reason, registers.rip ?? "", registers);
  }
}

/** Guest-physical memory by copying; DMA and loader writes are told to the MMU (write tracking, code). */
class HostMemory implements GuestMemory {
  readonly ramBytes: number;
  /** See `Core.keepFrames`. */
  hearKeep: ((frame: number) => void) | undefined;
  readonly #x: CoreExports;
  readonly #wasm: WebAssembly.Memory;
  constructor(exports: CoreExports, wasm: WebAssembly.Memory, ramBytes: number) {
    this.#x = exports;
    this.#wasm = wasm;
    this.ramBytes = ramBytes;
  }
  read(address: number, length: number): Uint8Array {
    const result = new Uint8Array(length);
    this.#each(address, length, (host, at, count) => {
      if (host !== 0) result.set(new Uint8Array(this.#wasm.buffer, host, count), at);
    });
    return result;
  }
  write(address: number, data: Uint8Array): void {
    this.#each(address, data.length, (host, at, count, frame, first) => {
      if (host === 0) return;
      if (this.hearKeep) this.#x.hostWillWrite(frame);
      new Uint8Array(this.#wasm.buffer, host, count).set(data.subarray(at, at + count));
      this.#x.dmaWriteNotice(frame, first, first + count - 1);
    });
  }
  notice(address: number, length: number): void {
    this.#each(address, length, (_host, _at, count, frame, first) => this.#x.dmaWriteNotice(frame, first, first + count - 1));
  }
  view(frame: number): Uint8Array | undefined {
    const host = this.#x.guestFrameHost(frame) >>> 0;
    return host === 0 ? undefined : new Uint8Array(this.#wasm.buffer, host, PAGE);
  }
  #each(address: number, length: number, visit: (host: number, at: number, count: number, frame: number, first: number) => void): void {
    for (let at = 0; at < length; ) {
      const frame = Math.floor((address + at) / PAGE);
      const first = (address + at) % PAGE;
      const count = Math.min(PAGE - first, length - at);
      // An i32 comes signed: addresses from 2 GB on would be negative.
      const host = this.#x.guestFrameHost(frame) >>> 0;
      visit(host === 0 ? 0 : host + first, at, count, frame, first);
      at += count;
    }
  }
}

/** `eax` `eip` `cs.selector` and the state's own names → the state's field. */
function resolve(name: string): CpuStateField {
  const renamed = name.replace(/^e(ax|bx|cx|dx|sp|bp|si|di|ip)$/, "r$1").replace(".", "_");
  if (!(renamed in CPU_STATE)) throw new RangeError(`no register "${name}"`);
  return renamed as CpuStateField;
}
function littleEndianBytes(value: bigint): string {
  return Array.from({ length: 8 }, (_, n) =>
    Number((value >> BigInt(n * 8)) & 0xffn)
      .toString(16)
      .padStart(2, "0"),
  ).join(" ");
}

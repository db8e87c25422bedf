/**
 * A whole machine behind one object: what the page's worker, the command line and other programs use (docs/api.md).
 * It joins core, board and scheduler, boots, runs, stops, saves and loads. One thread; nothing blocks.
 */
import { type Disposable, Emitter } from "../lib/disposable";
import { BadArgument, SnapshotIncompatible } from "../lib/errors";
import type { StopCause } from "../lib/inspection";
import type { ByteSink, ByteSource } from "../snapshot/byte-store";
import type { SnapshotFile } from "../snapshot/snapshot-file";
import type { WrittenSnapshot } from "../snapshot/writer";
import type { BlockDevice } from "../storage/block-device";
import { hasApic, processorIdentity } from "./apic";
import { boardCallbacks } from "./board-callbacks";
import { boardPicture } from "./board-view";
import type { BootPlan } from "./boot/boot-plan";
import { setUpPci } from "./boot/pci-setup";
import { applyPlan, mapRoms, planBoot } from "./boot/plan";
import { type MachineConfig, type ResolvedConfig, resolveConfig } from "./config";
import type { Core } from "./core";
import { CoreHost, hasLongMode } from "./core-host";
import { createCore, type MachineOptions } from "./create-core";
import {
  crashExit,
  debugExit,
  exitOfCore,
  GUEST_POWERED_OFF,
  type MachineExit,
  memoryExit,
  POWERED_OFF,
  RESET_WITHOUT_IMAGES,
} from "./exit";
import { FrozenMoments } from "./frozen-ram";
import { History } from "./history";
import { createHost, type Host } from "./host";
import type { InputRecord } from "./input-record";
import { Inspector } from "./inspect";
import { Media } from "./media";
import { createPc, type LogEntry, type Pc } from "./pc";
import { PostCodes, PostWatch } from "./post-codes";
import { FRAME_BYTES, Ram, type RamImage } from "./ram";
import { RunControl } from "./run-control";
import { Scheduler, type SliceEnd } from "./scheduler";
import { Screen } from "./screen/screen";
import { Serial, type SerialChip, type SerialPort } from "./serial";
import { SHADOW } from "./shadow-rom";
import {
  allDisks,
  type CapturedSnapshot,
  CPU_SECTION,
  captureFrames,
  fillDisks,
  type LoadSnapshotOptions,
  loadParts,
  openSnapshot,
  type SavedParts,
  type SaveSnapshotOptions,
  type SnapshotOrigin,
  saveParts,
} from "./snapshotting";
import { type FrameReader, hashState } from "./state-hash";
import { assembleStats, type MachineStats } from "./stats";
import { TerminalTail } from "./terminal-tail";
import { TextWatch } from "./text-watch";
import { WriteTracker } from "./write-tracker";

export { type CoreFactory, type MachineOptions, setDefaultWasm } from "./create-core";
export type { MachineExit } from "./exit";
export type { InputRecord } from "./input-record";

export type RunState = "paused" | "running" | "ended";

/** The full canonical state: sections by name, and RAM. Caches are not part of it. */
export interface MachineState {
  readonly sections: ReadonlyMap<string, Uint8Array>;
  readonly ram: RamImage;
}

export interface RunLimits {
  /** Stop at the instruction that completes this text on a serial port. */
  readonly text?: string;
  /** Port for `text`, default 0. */
  readonly serial?: number;
  /** Stop at the instruction that writes this POST code. */
  readonly postCode?: number;
  /** Stop when so many instructions have retired since power-on, exactly. */
  readonly instructions?: number;
  /** Stop when ticks have reached this. */
  readonly tick?: number;
  /** Stop after so much host time. */
  readonly wallSeconds?: number;
  /** Cut the run every so many instructions; the result must not depend on it. */
  readonly sliceInstructions?: number;
}

export interface RunResult {
  /** `breakpoint`: `Machine.debug.cause` says which, or which step. */
  readonly reason: "text" | "post-code" | "instructions" | "tick" | "timeout" | "paused" | "breakpoint" | "exit";
  readonly exit: MachineExit | null;
}

/** Looking inside and run control; a core of tests has none. */
interface Glass {
  readonly inspect: Inspector;
  readonly debug: RunControl;
}

interface Parts {
  readonly core: Core;
  readonly pc: Pc;
  readonly ram: Ram;
  readonly host: Host;
  readonly plan: BootPlan;
  readonly history: History;
}

export class Machine {
  readonly config: ResolvedConfig;
  /** POST codes that the guest writes to `config.postPort`. */
  readonly post = new PostCodes();
  /** Going back in time. */
  readonly history: History;
  /** Drives beside virtio's, and what is in them. */
  readonly media: Media;
  readonly #core: Core;
  readonly #pc: Pc;
  readonly #ram: Ram;
  readonly #host: Host;
  readonly #scheduler: Scheduler;
  readonly #plan: BootPlan;
  readonly #serial: readonly Serial[];
  readonly #createdMs: number;
  readonly #glass: Glass | undefined;
  readonly #moments: FrozenMoments;
  readonly #stops = new Emitter<StopCause>();
  readonly #exits = new Emitter<MachineExit>();
  readonly #states = new Emitter<RunState>();
  readonly #inputs: Emitter<InputRecord>;
  readonly #logs: Emitter<LogEntry>;
  readonly #resets = new Emitter<void>();
  readonly #travels = new Emitter<void>();
  #state: RunState = "paused";
  #exit: MachineExit | null = null;
  /** `reset()` was called from within an instruction. */
  #resetAsked = false;
  #resetCount = 0;
  readonly #tail = new TerminalTail();
  readonly #screen: Screen | undefined;
  #origin: SnapshotOrigin | undefined;
  /** Counts calls of `run`: a loop that slept through a pause and the next start sees that its turn is over. */
  #turn = 0;

  /**
   * Builds the board, loads the images, and leaves the machine paused before its first instruction. Throws
   * BadArgument, ImageUnreadable, OutOfMemory; or what the core factory throws.
   */
  static async create(config: MachineConfig, options: MachineOptions = {}): Promise<Machine> {
    const machine = await Machine.#build(config, options);
    await machine.#powerOn();
    return machine;
  }

  /**
   * A machine that goes on where a snapshot was saved, paused. It is made like the one that was saved; `options.boot`
   * gives it its boot images again, without which a reset ends it. Throws SnapshotIncompatible, BadArgument, OutOfMemory,
   * and as the source does.
   */
  static async fromSnapshot(source: ByteSource | SnapshotFile, options: LoadSnapshotOptions & MachineOptions = {}): Promise<Machine> {
    const { file, config } = await openSnapshot(source, options);
    const parts = await loadParts(file);
    // Before a machine is made that the pages do not fit.
    await file.ram.countPages();
    const machine = await Machine.#build(config, options);
    mapRoms(machine.#plan, machine.#core);
    machine.#core.reset();
    machine.#pc.reset();
    // Pages of zeros are not written over what the ROM left there.
    if (config.boot.kind === "firmware") machine.#core.memory.write(SHADOW.first, new Uint8Array(SHADOW.bytes));
    if (!options.lazy) await file.ram.load(machine.#ram.target, options.onProgress);
    else if (config.boot.kind === "firmware") await machine.#ram.restore(SHADOW.first, SHADOW.bytes);
    if (!options.disksAreFilled) await fillDisks(file, allDisks(machine.config));
    machine.#takeOver(parts.sections, true);
    parts.pending.forEach((input, port) => {
      machine.#serial[port]?.restorePending(input);
    });
    machine.#tail.restore(parts.tail);
    machine.#origin = parts.origin;
    return machine;
  }

  /** Everything but the boot images, which are planned only. */
  static async #build(config: MachineConfig, options: MachineOptions): Promise<Machine> {
    const host = options.host ?? createHost();
    const resolved = resolveConfig(config, host.epochSeconds());
    const ramBytes = resolved.memoryMb * 0x100000;
    // Before anything large is allocated: most failures are unreadable images.
    const plan = planBoot(resolved.boot, ramBytes, hasLongMode(resolved.cpu), processorIdentity(resolved.cpu));
    let pc: Pc | undefined;
    const board = (): Pc => pc!;
    const core = await createCore(boardCallbacks(board), resolved, options);
    const ram = new Ram(core, resolved.ramProvider);
    const history = new History();
    const listeners = { log: new Emitter<LogEntry>(), input: new Emitter<InputRecord>() };
    pc = createPc(core, {
      ...resolved,
      apic: hasApic(resolved.cpu),
      firmware: resolved.boot.kind === "firmware" ? resolved.boot : undefined,
      log: (entry) => {
        if (!history.isTravelling) listeners.log.emit(entry);
      },
      disks: resolved.disks.map((disk) => history.disks.follow(disk)),
      drives: resolved.drives.map((drive) => ({ ...drive, disk: drive.disk && history.disks.follow(drive.disk) })),
      onClockAdjusted: (adjustment) => listeners.input.emit({ kind: "clock", ...adjustment }),
    });
    return new Machine(resolved, { core, pc, ram, host, plan, history }, listeners);
  }

  private constructor(config: ResolvedConfig, parts: Parts, listeners: { log: Emitter<LogEntry>; input: Emitter<InputRecord> }) {
    this.config = config;
    this.#core = parts.core;
    this.#pc = parts.pc;
    this.#ram = parts.ram;
    this.#host = parts.host;
    this.#plan = parts.plan;
    this.history = parts.history;
    this.#logs = listeners.log;
    this.#inputs = listeners.input;
    this.#createdMs = parts.host.now();
    this.#moments = new FrozenMoments(parts.core, parts.ram);
    if (parts.core instanceof CoreHost) {
      const inspect = new Inspector(parts.core, (chosen, tables) => boardPicture(parts.pc, tables, chosen));
      this.#glass = { inspect, debug: new RunControl(parts.core, inspect) };
    }
    this.#scheduler = new Scheduler(parts.core, parts.pc.clock, parts.host, config.clock.kind === "realtime");
    this.media = new Media({
      ...{ config, pc: parts.pc, history: parts.history, scheduler: this.#scheduler },
      ...{ isRunning: () => this.#state === "running", tick: () => parts.core.ticks },
      heard: (tick, slot, medium) => listeners.input.emit({ kind: "medium", tick, slot, medium }),
    });
    const { vga, videoMemory } = parts.pc;
    this.#screen = vga && videoMemory ? new Screen(vga, videoMemory, () => parts.pc.clock.now()) : undefined;
    parts.pc.postPort.onCode = (code) => {
      if (!this.history.isTravelling) this.post.write(code);
    };
    parts.pc.works.onDone = (record, apply) =>
      this.#scheduler.input((tick) => {
        this.history.heardWork(record);
        apply();
        this.#inputs.emit({ kind: "work", tick, ...record });
      });
    this.#serial = parts.pc.serial.map((chip, port) => this.#attachSerial(chip, port));
    this.#serial[0]?.onData((bytes) => this.#tail.add(bytes));
    this.#inputs.on((input) => this.#record(input));
    this.#connectHistory();
  }

  /** Inputs that are recorded when they have been given; `work` was before. */
  #record(input: InputRecord): void {
    const { clock } = this.#pc;
    if (input.kind === "keys") this.history.heard(() => this.#pc.keyboard.press(input.codes));
    else if (input.kind === "mouse") this.history.heard(() => this.#pc.mouse.move(input.right, input.up, input.buttons));
    else if (input.kind === "power-button") this.history.heard(() => void this.#pc.pressPowerButton());
    else if (input.kind === "serial") this.history.heard(() => this.#serial[input.port]!.repeat(input.bytes));
    else if (input.kind === "date") this.history.heard(() => this.#pc.skipDate(input.seconds));
    else if (input.kind === "clock")
      this.history.heard(() => {
        clock.adjust(input.tick, input.ns, input.nsPerTick);
        this.#scheduler.setTsc();
      });
  }

  #connectHistory(): void {
    const glass = this.#glass;
    if (!glass) return;
    const { inspect, debug } = glass;
    const [com1, ...others] = this.#serial;
    this.history.connect({
      ...{ core: this.#core, ram: this.#ram, clock: this.#pc.clock, works: this.#pc.works, scheduler: this.#scheduler },
      ...{ serial: this.#serial, terminal: this.#tail, stops: debug, counters: inspect.counters },
      sections: () => this.#sections(),
      takeOver: (sections) => {
        this.#core.reset();
        this.#takeOver(sections, false);
        debug.forget();
      },
      repeat: (limits) => this.#slice(() => this.#scheduler.repeatedSlice(limits)),
      deliver: () => this.#deliver(),
      yield: () => this.#host.yield(),
      demandStill: () => this.#demandStill("history"),
      demandBetween: () => {
        this.#demandHere("history");
        if (this.#scheduler.isSlicing) throw new BadArgument("history", "recording begins between two slices.");
      },
      departing: () => {
        inspect.suspend();
        if (com1) com1.divert = (bytes) => this.#tail.add(bytes);
        for (const port of others) port.divert = () => {};
      },
      arrived: () => {
        inspect.resume();
        for (const port of this.#serial) port.divert = undefined;
        this.#exit = null;
        this.#setState("paused");
        this.#travels.emit();
      },
    });
  }

  #attachSerial(chip: SerialChip, port: number): Serial {
    return new Serial(chip, (give) => {
      // Whoever types in the past makes another future.
      this.history.branch();
      this.#scheduler.input((tick) => {
        const bytes = give();
        if (bytes) this.#inputs.emit({ kind: "serial", tick, port, bytes });
      });
    });
  }

  async #powerOn(): Promise<void> {
    mapRoms(this.#plan, this.#core);
    for (const { address, data } of this.#plan.writes) await this.#ram.demand(address, data.length);
    for (const { address, length } of this.#plan.clears) await this.#ram.demand(address, length);
    this.#bootState();
  }

  /** RESET# everywhere, then the state in which the boot image is entered. Every frame written is present. */
  #bootState(): void {
    this.#glass?.debug.forget();
    this.#core.reset();
    this.#pc.reset();
    // Where no firmware runs before the guest, what it would have done to PCI is done here.
    if (this.#pc.hasPciCards && this.config.boot.kind !== "firmware") setUpPci(this.#pc);
    applyPlan(this.#plan, this.#core);
    this.history.restart();
  }

  /** Undefined where no firmware sets one up. */
  get screen(): Screen | undefined {
    return this.#screen;
  }

  /** Keys by set 2 scan codes (F0 = release, E0 = extended), a logged input. What the keyboard has no room for is lost, as on a real one. */
  pressKeys(codes: readonly number[]): void {
    this.history.branch();
    this.#scheduler.input((tick) => {
      this.#pc.keyboard.press(codes);
      this.#inputs.emit({ kind: "keys", tick, codes });
    });
  }

  /** A movement in counts (-255 to 255) and the buttons (bit 0 left, 1 right, 2 middle), a logged input. */
  moveMouse(right: number, up: number, buttons: number): void {
    this.history.branch();
    this.#scheduler.input((tick) => {
      this.#pc.mouse.move(right, up, buttons);
      this.#inputs.emit({ kind: "mouse", tick, right, up, buttons });
    });
  }

  /** The power button on the case, which a guest with ACPI hears as a request to end; a logged input. Without effect on boards without firmware. */
  pressPowerButton(): void {
    this.history.branch();
    this.#scheduler.input((tick) => {
      this.#pc.pressPowerButton();
      this.#inputs.emit({ kind: "power-button", tick });
    });
  }

  /** The disks of every controller, in the order of a snapshot's images. */
  get disks(): readonly BlockDevice[] {
    return allDisks(this.config);
  }

  get state(): RunState {
    return this.#state;
  }

  /** Why the machine ended, or null. */
  get exit(): MachineExit | null {
    return this.#exit;
  }

  /** One line: what was loaded and where. */
  get bootSummary(): string {
    return this.#plan.summary;
  }

  get instructions(): number {
    return this.#core.instructions;
  }

  /** Registers, code, memory, page walks, exits: what panels and debuggers show. */
  get inspect(): Inspector {
    return this.#demandGlass().inspect;
  }

  /** Breakpoints, watchpoints, stops on exits, steps. */
  get debug(): RunControl {
    return this.#demandGlass().debug;
  }

  /** Hears why run control stopped the machine, when it is paused. */
  onStop(listener: (cause: StopCause) => void): Disposable {
    return this.#stops.on(listener);
  }

  #demandGlass(): Glass {
    if (!this.#glass) throw new BadArgument("inspect", "a machine with another core has no inside to look at.");
    return this.#glass;
  }

  /** Host time spent running guest code since creation, in seconds. */
  get busySeconds(): number {
    return this.#scheduler.busyMs / 1000;
  }

  /** Guest time since power-on in seconds. */
  get guestSeconds(): number {
    return this.#pc.clock.now() / 1e9;
  }

  /** COM1 is port 0. Throws BadArgument for a port that the board does not have. */
  serial(port: number): SerialPort {
    const serial = this.#serial[port];
    if (!serial) throw new BadArgument("serial", `port ${port} does not exist; there are ${this.#serial.length}, counted from 0.`);
    return serial;
  }

  /** Hears once how the machine ended. */
  onExit(listener: (exit: MachineExit) => void): Disposable {
    return this.#exits.on(listener);
  }

  onStateChange(listener: (state: RunState) => void): Disposable {
    return this.#states.on(listener);
  }

  /** Hears every reset, by the guest or by `reset()`, when the boot image has been loaded anew. */
  onReset(listener: () => void): Disposable {
    return this.#resets.on(listener);
  }

  /** Hears that the machine was taken to another moment: its terminal holds what `terminal` gives. */
  onTravel(listener: () => void): Disposable {
    return this.#travels.on(listener);
  }

  /** Hears every input when the guest is given it: with configuration and images, all that a replay needs. */
  onInput(listener: (input: InputRecord) => void): Disposable {
    return this.#inputs.on(listener);
  }

  /** Runs until `pause()`, `powerOff()` or the guest's end. Without effect while running. Throws BadArgument after the end. */
  start(): void {
    if (this.#state === "running") return;
    this.#demandPaused("start");
    void this.run({});
  }

  /** Stops before the next instruction; from a listener that is called within one, after it. Without effect unless running. */
  pause(): void {
    if (this.#state !== "running") return;
    this.#setState("paused");
    this.#scheduler.stop();
  }

  /** Like the reset button: every chip and the CPU to power-on, the boot image loaded anew. RAM keeps what it held elsewhere. */
  reset(): void {
    if (this.#scheduler.isSlicing) {
      this.#resetAsked = true;
      this.#scheduler.stop();
      return;
    }
    this.#resetNow();
  }

  /** Ends the machine. Without effect when it has ended. */
  powerOff(): void {
    this.#end(POWERED_OFF);
  }

  /**
   * Runs until a limit is reached, the guest ends, or `pause()`. Afterwards the machine is paused or has ended.
   * Rejects with BadArgument while running and after the end.
   */
  async run(limits: RunLimits): Promise<RunResult> {
    this.#demandPaused("run");
    const watch = limits.text === undefined ? undefined : this.#watch(limits.serial ?? 0, limits.text);
    const postWatch = limits.postCode === undefined ? undefined : new PostWatch(this.post, limits.postCode, () => this.#scheduler.stop());
    const turn = ++this.#turn;
    this.#scheduler.rebase();
    this.#catchUpDate();
    this.#glass?.debug.begin();
    this.#setState("running");
    try {
      const reason = await this.#loop(limits, () => this.#turn === turn && this.#state === "running", watch, postWatch);
      return { reason, exit: this.#exit };
    } finally {
      watch?.dispose();
      postWatch?.dispose();
      if (this.#turn === turn && this.#state === "running") this.#setState("paused");
      const cause = this.#turn === turn ? this.#glass?.debug.cause : null;
      if (cause) this.#stops.emit(cause);
    }
  }

  /** Guest time stands still with the machine; the clock on the board's battery does not. */
  #catchUpDate(): void {
    if (this.config.clock.kind !== "realtime" || this.history.isPast) return;
    const seconds = this.#pc.catchUpDate(this.#host.epochSeconds());
    if (seconds > 0) this.#inputs.emit({ kind: "date", tick: this.#core.ticks, seconds });
  }

  /** Runs exactly `count` instructions, fewer only if the guest ends, sleeps for ever, or comes to a breakpoint. HLT jumps to the next deadline. Returns how many ran. */
  async step(count: number): Promise<number> {
    this.#demandPaused("step");
    if (!Number.isInteger(count) || count < 1)
      throw new BadArgument("step", `${count} instructions are not possible; give a whole number above 0.`);
    const first = this.#core.instructions;
    this.#glass?.debug.begin();
    while (this.#core.instructions < first + count) {
      const end = this.#slice(() => this.#scheduler.slice(this.history.clip({ instructions: first + count, jump: true })));
      if (end.kind === "frame-missing") await this.#deliver();
      else if (end.kind === "waiting" || (end.kind === "idle" && this.#pc.works.isBusy)) await this.#pc.works.settled();
      else if (end.kind === "idle" || this.#state !== "paused") break;
      else if (end.kind === "breakpoint" && this.debug.accepts()) break;
    }
    return this.#core.instructions - first;
  }

  /**
   * Runs at most `maxTicks` ticks, synchronously: for programs that drive the machine themselves. `idle`: in HLT until
   * an input comes; `frame-missing`, `waiting` (for a disk): call `step` or `run`, which can wait for it.
   */
  runSlice(maxTicks: number): "limit" | "idle" | "frame-missing" | "waiting" | "breakpoint" | "ended" {
    this.#demandPaused("runSlice");
    const tick = this.#core.ticks + maxTicks;
    while (this.#core.ticks < tick && !this.#isEnded) {
      const end = this.#slice(() => this.#scheduler.slice(this.history.clip({ tick, jump: true })));
      if (end.kind === "idle" || end.kind === "frame-missing" || end.kind === "waiting") return end.kind;
      if (end.kind === "breakpoint" && this.debug.accepts()) return end.kind;
    }
    return this.#isEnded ? "ended" : "limit";
  }

  /** The figures of `--stats`. With `hash`, the state hash too (a second for each 256 MB, in steps). */
  async stats(options: { readonly hash?: boolean } = {}): Promise<MachineStats> {
    const stats = assembleStats({
      core: this.#core.stats(),
      devices: this.#pc.counters(),
      guestNs: this.#pc.clock.now(),
      wallMs: this.#host.now() - this.#createdMs,
      ran: this.#scheduler.ranInstructions,
      busyMs: this.#scheduler.busyMs,
      exitReason: this.#exit?.reason ?? null,
      postCode: this.post.last,
    });
    return options.hash ? { ...stats, stateHash: await this.stateHash() } : stats;
  }

  /** SHA-256 of the canonical state (state-hash.ts), as 64 hexadecimal digits. Pause first. */
  async stateHash(): Promise<string> {
    this.#demandStill("stateHash");
    return hashState(this.#sections(), this.#ram.frameCount * FRAME_BYTES, (frame) => this.#ram.readFrame(frame));
  }

  /** The full canonical state. Pause first. Bytes sent to a serial port that the chip has not taken are not part of it. */
  async save(): Promise<MachineState> {
    this.#demandStill("save");
    // So that a disk which is read next holds all that this state says was written.
    await this.#pc.works.quiet();
    return { sections: this.#sections(), ram: await this.#ram.image() };
  }

  /** Resolves when the host has done what the guest has begun at its disks: then they hold all that the state says was written. Pause first. */
  disksQuiet(): Promise<void> {
    return this.#pc.works.quiet();
  }

  /** Takes over a state saved by a machine of the same configuration. Throws SnapshotIncompatible, and is then not to be used. */
  load(state: MachineState): void {
    this.#demandStill("load");
    for (const serial of this.#serial) serial.clear();
    this.#scheduler.clearInputs();
    this.#core.reset();
    this.#ram.load(state.ram);
    this.#takeOver(state.sections, false);
    this.#glass?.debug.forget();
    this.history.restart();
    this.#exit = null;
    this.#setState("paused");
  }

  /** CPU, then board; RAM is there, and the core has been reset. */
  #takeOver(sections: ReadonlyMap<string, Uint8Array>, lenient: boolean): void {
    const cpu = sections.get(CPU_SECTION);
    if (!cpu) throw new SnapshotIncompatible(CPU_SECTION, "it is missing.");
    this.#core.loadCpu(cpu);
    const devices = new Map(sections);
    devices.delete(CPU_SECTION);
    this.#pc.load(devices, lenient);
  }

  /**
   * Writes the machine as a snapshot file (docs/snapshot-format.md) into an empty sink, page by page. Pause first, and
   * do not run it before the promise has settled. Typed input that the guest has not taken is in the file.
   */
  async saveSnapshot(sink: ByteSink, options: SaveSnapshotOptions = {}): Promise<WrittenSnapshot> {
    this.#demandStill("saveSnapshot");
    await this.#pc.works.quiet();
    return saveParts(
      this.#parts((frame) => this.#ram.readFrame(frame)),
      sink,
      options,
    );
  }

  /**
   * The state of this moment, without the frames that `isParents` says are as in the snapshot that it will build
   * upon: frames are copied only when they are about to be written before `save` has come to them. Also while it runs, from outside of listeners. What disks hold is not copied: pause a machine that has some, wait
   * for `disksQuiet()`, and have the disks keep what they hold then; `disksAreFilled` puts both together again.
   */
  capture(isParents: (frame: number) => boolean = () => false): CapturedSnapshot {
    if (this.#scheduler.isSlicing) throw new BadArgument("capture", "it is taken between two slices.");
    if (allDisks(this.config).length > 0) this.#demandStill("capture");
    const moments = this.#moments;
    if (!moments.isPossible) {
      const frames = captureFrames(this.#ram.frameCount, (frame) => this.#ram.readFrame(frame), isParents);
      const parts = { ...this.#parts(frames), leavesDisks: true };
      return { save: (sink, options = {}) => saveParts(parts, sink, options), drop: () => {} };
    }
    const frozen = moments.begin({ isParents, yield: () => this.#host.yield(), now: () => this.#host.now() });
    const parts = { ...this.#parts(frozen.read), releaseFrame: frozen.release, leavesDisks: true };
    const drop = (): void => moments.end(frozen);
    return { save: (sink, options = {}) => saveParts(parts, sink, options).finally(drop), drop };
  }

  #parts(readFrame: FrameReader): SavedParts {
    return {
      config: this.config,
      sections: this.#sections(),
      readFrame,
      pending: this.#serial.map((serial) => serial.pending),
      tail: this.#tail.bytes(),
      instructions: this.instructions,
      ticks: this.#core.ticks,
      origin: this.#origin,
    };
  }

  /** Of a machine whose pages come when they are touched: which are there, and bringing the others while it runs. */
  get frames(): Pick<Ram, "bringAll" | "presentFrames" | "usedCount"> {
    return this.#ram;
  }

  /** From now on says which frames of RAM have been written: what a snapshot that builds upon one made now must hold. */
  trackWrites(): WriteTracker {
    return new WriteTracker(this.#core);
  }

  /** The end of COM1's output, as bytes that draw it again: of a machine from a snapshot, also what came before. */
  get terminal(): Uint8Array {
    return this.#tail.bytes();
  }

  /** Hears what devices report: what the guest did wrong or asked for in vain. */
  onLog(listener: (entry: LogEntry) => void): Disposable {
    return this.#logs.on(listener);
  }

  #sections(): Map<string, Uint8Array> {
    return new Map([[CPU_SECTION, this.#core.saveCpu()], ...this.#pc.save()]);
  }

  /** The loop of `run`: slices, the host's turn between, sleep in HLT. Runs while `mayGoOn`. */
  async #loop(
    limits: RunLimits,
    mayGoOn: () => boolean,
    watch: TextWatch | undefined,
    postWatch: PostWatch | undefined,
  ): Promise<RunResult["reason"]> {
    const deadlineMs = this.#host.now() + (limits.wallSeconds ?? Number.POSITIVE_INFINITY) * 1000;
    const lastInstruction = limits.instructions ?? Number.POSITIVE_INFINITY;
    const debug = this.#glass?.debug;
    for (;;) {
      if (this.#isEnded) return "exit";
      if (!mayGoOn()) return "paused";
      if (watch?.seen) return "text";
      if (postWatch?.seen) return "post-code";
      if (this.#core.instructions >= (debug?.instructionLimit ?? Number.POSITIVE_INFINITY) && debug?.reachedLimit()) return "breakpoint";
      if (this.#core.instructions >= lastInstruction) return "instructions";
      if (this.#core.ticks >= (limits.tick ?? Number.POSITIVE_INFINITY)) return "tick";
      if (this.#host.now() >= deadlineMs) return "timeout";
      const cut = this.#core.instructions + (limits.sliceInstructions ?? Number.POSITIVE_INFINITY);
      const instructions = Math.min(lastInstruction, cut, debug?.instructionLimit ?? Number.POSITIVE_INFINITY);
      const slice = this.history.clip({ tick: limits.tick, instructions });
      const end = this.#slice(() => (this.history.isPast ? this.#scheduler.repeatedSlice(slice) : this.#scheduler.timedSlice(slice)));
      if (end.kind === "frame-missing") await this.#deliver();
      else if (end.kind === "waiting") await this.#pc.works.settled();
      else if (end.kind === "breakpoint") {
        if (debug?.accepts() && !this.#isEnded) return "breakpoint";
      } else if (end.kind === "idle") await this.#scheduler.sleepUntil(end.untilTick, deadlineMs);
      else if (this.#scheduler.isTurnOver()) await this.#host.yield();
    }
  }

  /** One slice and what follows from it: output to listeners, a reset, the end. A host bug ends the machine with CoreCrash. */
  #slice(run: () => SliceEnd): SliceEnd {
    let end: SliceEnd;
    try {
      this.#pc.works.start();
      end = run();
      this.#pc.works.start();
    } catch (error) {
      if (this.history.isTravelling) throw error;
      this.#end(crashExit(error, this.#core));
      end = { kind: "stopped" };
    }
    this.#glass?.inspect.drain();
    const request = this.#pc.takeRequest();
    const resetAsked = this.#resetAsked || request?.kind === "reset";
    this.#resetAsked = false;
    const resets = this.#resetCount;
    for (const serial of this.#serial) serial.flush();
    // A listener may have ended the machine, or reset it: then this slice's end is of the past.
    if (this.#isEnded || this.#resetCount !== resets) return end;
    // Now that the terminal shows what the guest has sent: a moment has both.
    this.history.passed();
    if (request?.kind === "power-off") this.#end(GUEST_POWERED_OFF);
    else if (request?.kind === "debug-exit") this.#end(debugExit(request.value));
    else if (resetAsked) this.#resetNow();
    else if (end.kind === "exit") this.#end(exitOfCore(end.reason, this.#core, this.#plan));
    return end;
  }

  async #deliver(): Promise<void> {
    try {
      await this.#ram.deliver();
    } catch (error) {
      this.#end(memoryExit(error));
    }
  }

  #resetNow(): void {
    if (this.config.boot.kind === "snapshot") {
      this.#end(RESET_WITHOUT_IMAGES);
      return;
    }
    this.#resetCount++;
    this.#bootState();
    if (this.#isEnded) {
      this.#exit = null;
      this.#setState("paused");
    }
    this.#resets.emit();
  }

  #end(exit: MachineExit): void {
    if (this.#isEnded || this.history.isTravelling) return;
    this.#exit = exit;
    this.#setState("ended");
    this.#scheduler.stop();
    this.#exits.emit(exit);
  }

  #watch(port: number, text: string): TextWatch {
    const serial = this.#serial[port];
    if (!serial) throw new BadArgument("serial", `port ${port} does not exist; there are ${this.#serial.length}, counted from 0.`);
    return new TextWatch(serial, text, () => this.#scheduler.stop());
  }

  /** A function, because TypeScript would take the state for unchanged across calls. */
  get #isEnded(): boolean {
    return this.#exit !== null;
  }

  #setState(state: RunState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#states.emit(state);
  }

  #demandPaused(method: string): void {
    this.#demandHere(method);
    if (this.#state !== "paused")
      throw new BadArgument(method, `the machine ${this.#state === "running" ? "is running; pause it" : "has ended; reset it"} first.`);
  }

  /** Paused or ended, and not within an instruction. */
  #demandStill(method: string): void {
    this.#demandHere(method);
    if (this.#state === "running" || this.#scheduler.isSlicing) throw new BadArgument(method, "the machine is running; pause it first.");
  }

  #demandHere(method: string): void {
    if (this.history.isTravelling) throw new BadArgument(method, "the machine is on its way to another moment; wait for it.");
  }
}

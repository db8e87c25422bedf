/**
 * The processor's local APIC: SDM 3A chapter "Advanced Programmable Interrupt Controller (APIC)", as a Pentium 4 has it.
 * It lies between the interrupt controllers and the processor: fixed interrupts by priority, the 8259s through LINT0,
 * NMI through LINT1, its own timer, messages from the I/O APIC, from PCI devices (MSI) and to itself.
 *
 * The board has one processor, so a message reaches it or nobody. SMI, INIT and start-up messages are accepted, do
 * nothing, and are reported. After reset LINT0 takes ExtINT and LINT1 NMI, as firmware leaves them (virtual wire mode, MP
 * Specification 1.4, 3.6.2.2): no firmware runs before a guest that is booted directly.
 */
import { SnapshotIncompatible } from "../../lib/errors";
import { bool, bytes, copyState, f64, initially, initialState, type StateOf, since, state, u32 } from "../../snapshot/schema";
import type { AccessSize, Board, Clock, Device, DeviceLog, Region, RegisterHandler, Timer } from "../device";

export const LOCAL_APIC_BASE = 0xfee00000;
const PAGE = 0x1000;
/** The timer's clock before its divider: 100 MHz. */
const NS_PER_COUNT = 10;
/** Version 14h, five LVT entries beyond the first. */
const VERSION = 0x00050014;
/** The bus id of the only processor. */
const ID = 0;
/** In x2APIC mode the logical id follows from it: cluster, and a bit in the cluster. */
const LOGICAL_ID = ((ID >> 4) << 16) | (1 << (ID & 15));
/** Destination of a broadcast in x2APIC mode. */
const EVERYBODY = 0xffffffff;

const enum Reg {
  Id = 0x020,
  Version = 0x030,
  TaskPriority = 0x080,
  ArbitrationPriority = 0x090,
  ProcessorPriority = 0x0a0,
  Eoi = 0x0b0,
  LogicalDestination = 0x0d0,
  DestinationFormat = 0x0e0,
  Spurious = 0x0f0,
  InService = 0x100,
  TriggerMode = 0x180,
  Request = 0x200,
  ErrorStatus = 0x280,
  CommandLow = 0x300,
  CommandHigh = 0x310,
  LvtTimer = 0x320,
  LvtThermal = 0x330,
  LvtPerformance = 0x340,
  LvtLint0 = 0x350,
  LvtLint1 = 0x360,
  LvtError = 0x370,
  InitialCount = 0x380,
  CurrentCount = 0x390,
  Divide = 0x3e0,
}
/** Where the self-IPI register would lie; it is an MSR of x2APIC mode alone. */
const SELF_IPI = 0x3f0;
const Lvt = { Vector: 0xff, Mode: 0x700, Masked: 0x10000, TimerMode: 0x60000 } as const;
const TimerMode = { OneShot: 0, Periodic: 0x20000, Deadline: 0x40000 } as const;
const Spurious = { Enabled: 0x100, Writable: 0x3ff } as const;
/** Error status: illegal vector sent, received; register that does not exist. */
const ApicError = { SendIllegalVector: 0x20, ReceiveIllegalVector: 0x40, IllegalRegister: 0x80 } as const;

/** How a message is delivered: ICR, LVT, redirection table and MSI data, bits 10-8. */
export const DeliveryMode = { Fixed: 0, LowestPriority: 1, Smi: 2, Nmi: 4, Init: 5, StartUp: 6, ExtInt: 7 } as const;

/** An interrupt message. */
export interface ApicMessage {
  readonly mode: number;
  readonly vector: number;
  /** Level-triggered: its EOI goes back to the I/O APIC. */
  readonly level: boolean;
  readonly destination: number;
  /** Whether `destination` is a set of logical ids rather than an APIC id. */
  readonly logical: boolean;
}

/** What it is wired to. */
export interface LocalApicPins {
  /** The processor's interrupt request. */
  readonly intr: (level: boolean) => void;
  readonly nmi: () => void;
  /** INTA to the 8259s: their vector. */
  readonly acknowledgeExternal: () => number;
  /** Whether the I/O APIC lets the 8259s' INT through as ExtINT. */
  readonly externalByBus: () => boolean;
  /** The end of a level-triggered interrupt, to the I/O APIC. */
  readonly endOfInterrupt: (vector: number) => void;
}

const schema = state("local APIC", 2, {
  /** IA32_APIC_BASE: where, and whether at all. */
  base: initially(u32, LOCAL_APIC_BASE),
  enabled: initially(bool, true),
  taskPriority: u32,
  logicalDestination: u32,
  destinationFormat: initially(u32, 0xffffffff),
  spurious: initially(u32, 0xff),
  errors: u32,
  /** Errors since the last write of the error status register. */
  newErrors: u32,
  commandLow: u32,
  commandHigh: u32,
  lvtTimer: initially(u32, Lvt.Masked),
  lvtThermal: initially(u32, Lvt.Masked),
  lvtPerformance: initially(u32, Lvt.Masked),
  lvtLint0: initially(u32, DeliveryMode.ExtInt << 8),
  lvtLint1: initially(u32, DeliveryMode.Nmi << 8),
  lvtError: initially(u32, Lvt.Masked),
  initialCount: u32,
  divide: u32,
  /** Guest time at which the timer counted from its initial count. */
  startedNs: f64,
  /** Guest time at which it fires; Infinity: not armed. */
  firesNs: initially(f64, Number.POSITIVE_INFINITY),
  deadlineLow: u32,
  deadlineHigh: u32,
  request: bytes(32),
  inService: bytes(32),
  levels: bytes(32),
  /** The 8259s' INT. */
  external: bool,
  /** x2APIC mode: the registers are MSRs. */
  extended: since(2, bool),
});

const LVT_FIELDS = {
  [Reg.LvtTimer]: { field: "lvtTimer", writable: Lvt.Vector | Lvt.Masked | Lvt.TimerMode },
  [Reg.LvtThermal]: { field: "lvtThermal", writable: Lvt.Vector | Lvt.Masked | Lvt.Mode },
  [Reg.LvtPerformance]: { field: "lvtPerformance", writable: Lvt.Vector | Lvt.Masked | Lvt.Mode },
  [Reg.LvtLint0]: { field: "lvtLint0", writable: Lvt.Vector | Lvt.Masked | Lvt.Mode | 0xa000 },
  [Reg.LvtLint1]: { field: "lvtLint1", writable: Lvt.Vector | Lvt.Masked | Lvt.Mode | 0xa000 },
  [Reg.LvtError]: { field: "lvtError", writable: Lvt.Vector | Lvt.Masked },
} as const;

/** The highest set bit of 256; -1 for none. */
function highest(set: Uint8Array): number {
  for (let n = 31; n >= 0; n--) if (set[n] !== 0) return n * 8 + 31 - Math.clz32(set[n]!);
  return -1;
}
const has = (set: Uint8Array, n: number): boolean => ((set[n >> 3]! >> (n & 7)) & 1) !== 0;
function put(set: Uint8Array, n: number, on: boolean): void {
  if (on) set[n >> 3]! |= 1 << (n & 7);
  else set[n >> 3]! &= ~(1 << (n & 7));
}

export class LocalApic implements Device<typeof schema>, RegisterHandler {
  readonly schema = schema;
  readonly sizes = 1 | 2 | 4;
  #s = initialState(schema);
  #clock!: Clock;
  #timer!: Timer;
  #region!: Region;
  #log!: DeviceLog;
  #intr = false;

  constructor(private readonly pins: LocalApicPins) {}

  attach(board: Board): void {
    this.#log = board.log;
    this.#clock = board.clock;
    this.#timer = board.clock.timer("local APIC", () => this.#fire());
    this.#region = board.region("mmio", PAGE, this);
    this.#region.place(LOCAL_APIC_BASE);
  }

  reset(): void {
    const external = this.#s.external;
    this.#s = { ...initialState(schema), external };
    this.#region.place(this.#s.base);
    this.#timer.disarm();
    this.#update();
  }

  /** IA32_APIC_BASE was written. A disabled APIC loses its state and lets the 8259s through; in x2APIC mode nothing lies at the base. */
  setBase(base: number, enabled: boolean, extended = false): void {
    const s = this.#s;
    if (!enabled && s.enabled) {
      this.reset();
      this.#s.enabled = false;
    } else s.enabled = enabled;
    this.#s.base = base;
    this.#s.extended = extended;
    this.#region.place(enabled && !extended ? base : undefined);
    this.#update();
  }

  /** The INT output of the 8259s, on LINT0. */
  setExternal(level: boolean): void {
    const s = this.#s;
    if (s.external === level) return;
    s.external = level;
    if (level && s.enabled && (s.lvtLint0 & Lvt.Masked) === 0) this.#local(s.lvtLint0);
    this.#update();
  }
  /** The board's NMI, on LINT1. */
  nmi(): void {
    const s = this.#s;
    if (!s.enabled) this.pins.nmi();
    else if ((s.lvtLint1 & Lvt.Masked) === 0) this.#local(s.lvtLint1);
  }

  /** The task priority, which 64-bit code also reaches as CR8. */
  get taskPriority(): number {
    return this.#s.taskPriority;
  }
  setTaskPriority(value: number): void {
    this.#s.taskPriority = value & 0xff;
    this.#update();
  }

  /** INTA: the vector to be delivered. */
  acknowledge(): number {
    const s = this.#s;
    const vector = this.#deliverable();
    if (vector >= 0) {
      put(s.request, vector, false);
      put(s.inService, vector, true);
      this.#update();
      return vector;
    }
    if (this.#externalThrough()) return this.pins.acknowledgeExternal();
    return s.spurious & 0xff;
  }

  /** A message from the bus; false if it is for nobody. */
  deliver(message: ApicMessage): boolean {
    // The bus has 8 bits of destination, of which all ones are everybody.
    const destination = this.#s.extended && message.destination === 0xff ? EVERYBODY : message.destination;
    if (!this.#s.enabled || !this.#isAddressed(destination, message.logical)) return false;
    this.#take(message.mode, message.vector, message.level);
    return true;
  }

  /** WRMSR IA32_TSC_DEADLINE at TSC `tsc`, which runs at `nsPerTsc`; 0 disarms. Without effect in the other modes. */
  setDeadline(deadline: bigint, tsc: bigint, nsPerTsc: number): void {
    const s = this.#s;
    if ((s.lvtTimer & Lvt.TimerMode) !== TimerMode.Deadline) return;
    s.deadlineLow = Number(deadline & 0xffffffffn);
    s.deadlineHigh = Number(deadline >> 32n);
    const distance = Number(BigInt.asIntN(64, deadline - tsc));
    if (deadline === 0n) this.#arm(Number.POSITIVE_INFINITY);
    else this.#arm(Math.min(this.#clock.now() + Math.max(0, Math.ceil(distance * nsPerTsc)), Number.MAX_SAFE_INTEGER));
  }
  /** IA32_TSC_DEADLINE; 0 when it has passed. */
  get deadline(): bigint {
    return (BigInt(this.#s.deadlineHigh) << 32n) | BigInt(this.#s.deadlineLow);
  }

  /** MSR 800h + `register` of x2APIC mode. SDM 3A Table "Local APIC Register Address Map Supported by x2APIC". */
  readMsr(register: number): bigint {
    const s = this.#s;
    const place = register << 4;
    if (place === Reg.Id) return BigInt(ID);
    if (place === Reg.LogicalDestination) return BigInt(LOGICAL_ID);
    if (place === Reg.CommandLow) return (BigInt(s.commandHigh) << 32n) | BigInt(s.commandLow);
    return BigInt(this.#readRegister(place));
  }
  writeMsr(register: number, value: bigint): void {
    const low = Number(value & 0xffffffffn);
    const place = register << 4;
    if (place === SELF_IPI) {
      if (low < 16) this.#error(ApicError.SendIllegalVector);
      else this.#take(DeliveryMode.Fixed, low, false);
    } else {
      if (place === Reg.CommandLow) this.#s.commandHigh = Number(value >> 32n);
      this.#writeRegister(place, low);
    }
    this.#update();
  }

  read(offset: number, size: AccessSize): number {
    const value = this.#readRegister(offset & ~15);
    // Of the 16 bytes of a register's place the first 4 are it.
    const shift = (offset & 15) * 8;
    return shift >= 32 ? 0 : size === 4 ? value : (value >>> shift) & (2 ** (8 * size) - 1);
  }

  #readRegister(register: number): number {
    const s = this.#s;
    if (register >= Reg.InService && register < Reg.ErrorStatus) {
      const set = register < Reg.TriggerMode ? s.inService : register < Reg.Request ? s.levels : s.request;
      const at = ((register >> 4) & 7) * 4;
      return (set[at]! | (set[at + 1]! << 8) | (set[at + 2]! << 16) | (set[at + 3]! << 24)) >>> 0;
    }
    const lvt = LVT_FIELDS[register as keyof typeof LVT_FIELDS];
    if (lvt) return s[lvt.field];
    switch (register) {
      case Reg.Id:
        return ID << 24;
      case Reg.Version:
        return VERSION;
      case Reg.TaskPriority:
        return s.taskPriority;
      case Reg.ArbitrationPriority:
      case Reg.ProcessorPriority:
        return this.#processorPriority();
      case Reg.Eoi:
        return 0;
      case Reg.LogicalDestination:
        return s.logicalDestination;
      case Reg.DestinationFormat:
        return s.destinationFormat;
      case Reg.Spurious:
        return s.spurious;
      case Reg.ErrorStatus:
        return s.errors;
      case Reg.CommandLow:
        return s.commandLow;
      case Reg.CommandHigh:
        return s.commandHigh;
      case Reg.InitialCount:
        return s.initialCount;
      case Reg.CurrentCount:
        return this.#currentCount();
      case Reg.Divide:
        return s.divide;
      default:
        this.#error(ApicError.IllegalRegister);
        return 0;
    }
  }

  write(offset: number, value: number, size: AccessSize): void {
    if (size !== 4 || (offset & 15) !== 0) {
      this.#log.guest(`a write of ${size} bytes at offset ${offset.toString(16)}h; only aligned dwords are registers`);
      return;
    }
    this.#writeRegister(offset, value);
    this.#update();
  }

  #writeRegister(register: number, value: number): void {
    const s = this.#s;
    const lvt = LVT_FIELDS[register as keyof typeof LVT_FIELDS];
    if (lvt) {
      const before = s[lvt.field];
      // While the APIC is disabled by software, mask bits cannot be cleared.
      s[lvt.field] = ((value & lvt.writable) | (this.#softwareEnabled() ? 0 : Lvt.Masked)) >>> 0;
      if (register === Reg.LvtTimer && ((before ^ value) & Lvt.TimerMode) !== 0) this.#changeTimerMode(before & Lvt.TimerMode);
      return;
    }
    switch (register) {
      case Reg.TaskPriority:
        s.taskPriority = value & 0xff;
        break;
      case Reg.Eoi:
        this.#endOfInterrupt();
        break;
      case Reg.LogicalDestination:
        s.logicalDestination = (value & 0xff000000) >>> 0;
        break;
      case Reg.DestinationFormat:
        s.destinationFormat = (value | 0x0fffffff) >>> 0;
        break;
      case Reg.Spurious: {
        const before = this.#softwareEnabled();
        s.spurious = value & Spurious.Writable;
        if (before && !this.#softwareEnabled()) for (const { field } of Object.values(LVT_FIELDS)) s[field] = (s[field] | Lvt.Masked) >>> 0;
        break;
      }
      case Reg.ErrorStatus:
        s.errors = s.newErrors;
        s.newErrors = 0;
        break;
      case Reg.CommandLow:
        s.commandLow = value & 0x000ccfff;
        this.#command();
        break;
      case Reg.CommandHigh:
        s.commandHigh = (value & 0xff000000) >>> 0;
        break;
      case Reg.InitialCount:
        // In deadline mode the counter is out of use.
        if ((s.lvtTimer & Lvt.TimerMode) === TimerMode.Deadline) break;
        s.initialCount = value;
        this.#start();
        break;
      case Reg.Divide:
        this.#changeDivide(value & 0b1011);
        break;
      case Reg.Id:
        // One processor, whose id is wired.
        break;
      case Reg.Version:
      case Reg.ArbitrationPriority:
      case Reg.ProcessorPriority:
      case Reg.CurrentCount:
        break;
      default:
        if (register < Reg.InService || register >= Reg.ErrorStatus) this.#error(ApicError.IllegalRegister);
    }
  }

  /** A write of the command register's low half sends. */
  #command(): void {
    const s = this.#s;
    const mode = (s.commandLow >> 8) & 7;
    const vector = s.commandLow & 0xff;
    const shorthand = (s.commandLow >> 18) & 3;
    const [none, self, , others] = [0, 1, 2, 3];
    if ((mode === DeliveryMode.Fixed || mode === DeliveryMode.LowestPriority) && vector < 16) {
      this.#error(ApicError.SendIllegalVector);
      return;
    }
    // INIT with level 0 tells the APICs of old buses to agree on their ids.
    if (mode === DeliveryMode.Init && (s.commandLow & 0xc000) === 0x8000) return;
    if (
      shorthand === others ||
      (shorthand === none && !this.#isAddressed(s.extended ? s.commandHigh : s.commandHigh >>> 24, (s.commandLow & 0x800) !== 0))
    )
      return;
    if (shorthand === self && mode !== DeliveryMode.Fixed) return;
    this.#take(mode, vector, false);
  }

  #isAddressed(destination: number, logical: boolean): boolean {
    const s = this.#s;
    if (s.extended) {
      if (destination === EVERYBODY || !logical) return destination === EVERYBODY || destination === ID;
      return destination >>> 16 === LOGICAL_ID >>> 16 && (destination & LOGICAL_ID & 0xffff) !== 0;
    }
    if (!logical) return destination === ID || destination === 0xff;
    const mine = s.logicalDestination >>> 24;
    if (destination === 0xff) return true;
    // Flat model: a bit each. Cluster model: the cluster in the upper half, a bit each in the lower.
    if (s.destinationFormat >>> 28 === 0xf) return (mine & destination) !== 0;
    return mine >> 4 === destination >> 4 && (mine & destination & 0xf) !== 0;
  }

  /** An entry of the local vector table is due. */
  #local(entry: number): void {
    this.#take((entry & Lvt.Mode) >> 8, entry & Lvt.Vector, false);
  }

  #take(mode: number, vector: number, level: boolean): void {
    switch (mode) {
      case DeliveryMode.Fixed:
      case DeliveryMode.LowestPriority:
        if (vector < 16) this.#error(ApicError.ReceiveIllegalVector);
        else if (this.#softwareEnabled()) {
          put(this.#s.request, vector, true);
          put(this.#s.levels, vector, level);
        }
        break;
      case DeliveryMode.Nmi:
        this.pins.nmi();
        break;
      case DeliveryMode.ExtInt:
        // The 8259s' line speaks for itself.
        break;
      case DeliveryMode.Smi:
        this.#log.guest("a system-management interrupt was sent; there is no system-management mode, it is dropped");
        break;
      case DeliveryMode.Init:
        this.#log.guest("an INIT was sent to the only processor; it is dropped");
        break;
      case DeliveryMode.StartUp:
        this.#log.guest("a start-up message was sent to the only processor; it is dropped");
        break;
      default:
        this.#log.guest(`delivery mode ${mode} is reserved`);
    }
    this.#update();
  }

  #endOfInterrupt(): void {
    const s = this.#s;
    const vector = highest(s.inService);
    if (vector < 0) return;
    put(s.inService, vector, false);
    if (has(s.levels, vector)) this.pins.endOfInterrupt(vector);
  }

  #softwareEnabled(): boolean {
    return (this.#s.spurious & Spurious.Enabled) !== 0;
  }
  /** SDM 3A "Task and Processor Priorities". */
  #processorPriority(): number {
    const service = highest(this.#s.inService);
    const task = this.#s.taskPriority;
    return service < 0 || task >> 4 >= service >> 4 ? task : service & 0xf0;
  }
  /** The request that may interrupt the processor now; -1 for none. */
  #deliverable(): number {
    if (!this.#s.enabled || !this.#softwareEnabled()) return -1;
    const vector = highest(this.#s.request);
    return vector >= 0 && vector >> 4 > this.#processorPriority() >> 4 ? vector : -1;
  }
  /** Whether the 8259s' line reaches the processor. */
  #externalThrough(): boolean {
    const s = this.#s;
    if (!s.external) return false;
    return !s.enabled || (s.lvtLint0 & (Lvt.Masked | Lvt.Mode)) === DeliveryMode.ExtInt << 8 || this.pins.externalByBus();
  }
  #update(): void {
    const level = this.#deliverable() >= 0 || this.#externalThrough();
    if (level === this.#intr) return;
    this.#intr = level;
    this.pins.intr(level);
  }

  #error(bit: number): void {
    const s = this.#s;
    if ((s.newErrors & bit) !== 0) return;
    s.newErrors = (s.newErrors | bit) >>> 0;
    if ((s.lvtError & Lvt.Masked) === 0) this.#take(DeliveryMode.Fixed, s.lvtError & Lvt.Vector, false);
  }

  /** Divide configuration, bits 3, 1, 0: 2, 4, 8 … 128, then 1. */
  #nsPerCount(): number {
    const code = ((this.#s.divide >> 1) & 4) | (this.#s.divide & 3);
    return NS_PER_COUNT * (code === 7 ? 1 : 2 << code);
  }
  #currentCount(): number {
    const s = this.#s;
    if (s.firesNs === Number.POSITIVE_INFINITY || (s.lvtTimer & Lvt.TimerMode) === TimerMode.Deadline) return 0;
    const passed = Math.floor((this.#clock.now() - s.startedNs) / this.#nsPerCount());
    if (passed < s.initialCount) return s.initialCount - Math.max(0, passed);
    // Due, but not fired yet.
    return (s.lvtTimer & Lvt.TimerMode) === TimerMode.Periodic ? s.initialCount - (passed % s.initialCount) : 0;
  }
  #start(): void {
    const s = this.#s;
    s.startedNs = this.#clock.now();
    this.#arm(s.initialCount === 0 ? Number.POSITIVE_INFINITY : s.startedNs + s.initialCount * this.#nsPerCount());
  }
  /** What is left is counted at the new rate. */
  #changeDivide(value: number): void {
    const s = this.#s;
    const left = this.#currentCount();
    s.divide = value;
    if (left === 0) return;
    const perCount = this.#nsPerCount();
    s.startedNs = Math.max(0, this.#clock.now() - (s.initialCount - left) * perCount);
    this.#arm(this.#clock.now() + left * perCount);
  }
  /** To and from deadline mode the timer is disarmed. SDM 3A "TSC-Deadline Mode". */
  #changeTimerMode(before: number): void {
    const s = this.#s;
    if (before !== TimerMode.Deadline && (s.lvtTimer & Lvt.TimerMode) !== TimerMode.Deadline) return;
    s.initialCount = 0;
    s.deadlineLow = 0;
    s.deadlineHigh = 0;
    this.#arm(Number.POSITIVE_INFINITY);
  }
  #arm(ns: number): void {
    this.#s.firesNs = ns;
    this.#timer.arm(ns);
  }
  #fire(): void {
    const s = this.#s;
    this.#arm(Number.POSITIVE_INFINITY);
    if ((s.lvtTimer & Lvt.TimerMode) === TimerMode.Periodic && s.initialCount !== 0) {
      // Periods that lie between two looks at the clock are one interrupt.
      const period = s.initialCount * this.#nsPerCount();
      s.startedNs += period * Math.max(1, Math.floor((this.#clock.now() - s.startedNs) / period));
      this.#arm(s.startedNs + period);
    }
    s.deadlineLow = 0;
    s.deadlineHigh = 0;
    if ((s.lvtTimer & Lvt.Masked) === 0) this.#take(DeliveryMode.Fixed, s.lvtTimer & Lvt.Vector, false);
  }

  save(): StateOf<typeof schema> {
    return copyState(schema, this.#s);
  }
  load(saved: StateOf<typeof schema>): void {
    const isTime = (ns: number): boolean => ns >= 0 && (Number.isSafeInteger(ns) || ns === Number.POSITIVE_INFINITY);
    if (!isTime(saved.firesNs) || !Number.isSafeInteger(saved.startedNs) || saved.startedNs < 0)
      throw new SnapshotIncompatible("local APIC", "its timer has no time.");
    if (saved.base % PAGE !== 0) throw new SnapshotIncompatible("local APIC", "its registers are on no page.");
    this.#s = copyState(schema, saved);
    this.#region.place(saved.enabled && !saved.extended ? saved.base : undefined);
    this.#timer.arm(saved.firesNs);
    this.#update();
    this.pins.intr(this.#intr);
  }
}

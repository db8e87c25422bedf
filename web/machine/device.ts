/**
 * The device contract. A device is a chip: it knows its registers and its board, and nothing else; never the CPU,
 * another device, `Date` or `Math.random`. Handles (lines, clock, DMA) are given by the board; `pc.ts` alone
 * connects chip to chip.
 */
import type { Schema, StateOf } from "../snapshot/schema";

export type AccessSize = 1 | 2 | 4;

/** Port or memory-mapped registers. `offset` counts bytes from the first address claimed. Values are unsigned. */
export interface RegisterHandler {
  /**
   * Access sizes it takes, added up: 1, 2, 4, 1 + 2 + 4 … (1 when left out). The owner of the first address decides:
   * a size it takes arrives whole; a wider access is split in halves until it fits; a byte it does not take is as
   * unclaimed. See bus.ts.
   */
  readonly sizes?: number;
  read(offset: number, size: AccessSize): number;
  write(offset: number, value: number, size: AccessSize): void;
}

/** A wire driven by a device: interrupt request, A20 gate, timer gate, reset. Level, not edge. */
export interface Line {
  set(level: boolean): void;
}

/** Memory of a screen: bytes that a device reads and writes itself, and that the guest sees where it is placed. */
export interface VideoMemory {
  readonly bytes: number;
  /** Whole pages beyond RAM, or undefined: the guest does not see it. */
  place(first: number | undefined): void;
  get(offset: number): number;
  set(offset: number, value: number): void;
  read(offset: number, length: number): Uint8Array;
  write(offset: number, data: Uint8Array): void;
}

/** I/O ports, or guest-physical addresses. */
export type AddressSpace = "port" | "mmio";

/** A range of ports or addresses that the guest moves: what a PCI base address register maps. */
export interface Region {
  /** Its first port or byte address (whole pages), or undefined for nowhere. It fits into the address space. */
  place(first: number | undefined): void;
}

/** One alarm on the board's clock. Arming an armed timer moves it. Saved by its owner as a deadline (f64, ns). */
export interface Timer {
  /** Guest time in ns at which `fire` is to be called; a deadline in the past fires at the next event check. */
  arm(deadlineNs: number): void;
  disarm(): void;
  /** The armed deadline in ns, or Infinity. */
  readonly deadlineNs: number;
}

/** How work of the host ended. */
export type Outcome<T> = { readonly value: T } | { readonly error: unknown };

/** Guest time: a pure function of the core's ticks and a log of adjustments. Never the wall clock. */
export interface Clock {
  /** Guest time since power-on in ns, exact at the instruction that asks. */
  now(): number;
  /** While `isReady` is false at the deadline, guest time waits there (deterministic mode only). */
  timer(name: string, fire: () => void, isReady?: () => boolean): Timer;
  /** Seconds since 1970 (UTC) at guest time 0: a logged input of the run, given at power-on. */
  readonly epochSeconds: number;
}

/** Work of the host that takes its time, such as reading a disk. See host-work.ts. */
export interface HostWork {
  /**
   * `done` is called once, between two instructions: at `deadlineNs` of guest time in deterministic mode, in real time
   * when the work is done. Never after a load: what is in progress when the machine is saved is begun again by `load`.
   */
  begin<T>(deadlineNs: number, work: () => Promise<T>, done: (outcome: Outcome<T>) => void): void;
}

/** A device's access to guest memory. Guest-physical addresses; touching an absent frame throws FrameNotPresent, which the board turns into a retry. */
export interface Dma {
  read(address: number, length: number): Uint8Array;
  write(address: number, data: Uint8Array): void;
  /** Whether the whole range is RAM. */
  contains(address: number, length: number): boolean;
}

export interface DeviceLog {
  /** What the guest did wrong or asked for in vain; counted, shown in the log tab. */
  guest(message: string): void;
  info(message: string): void;
}

export interface Board {
  /** Claims I/O ports; overlap throws BusOverlap with both owners' names. */
  ports(first: number, count: number, handler: RegisterHandler): void;
  /** Claims guest-physical addresses, whole 4 KB pages. */
  mmio(first: number, bytes: number, handler: RegisterHandler): void;
  /** Claims a number of ports, or of bytes in whole pages, that lies nowhere until it is placed. RAM goes before it. */
  region(space: AddressSpace, length: number, handler: RegisterHandler): Region;
  /** Zeroed memory of whole pages, placed nowhere. */
  videoMemory(bytes: number): VideoMemory;
  /** ISA interrupt request 0-15, as a level. */
  irq(line: number): Line;
  /** The interrupt pin (1 = INTA# to 4 = INTD#) of the PCI device with this number on bus 0; true = asserted. Pins share wires. */
  pciInterrupt(device: number, pin: number): Line;
  /** A PCI device's message-signalled interrupt: what it would write where. Lost, and said, where no APIC takes it. */
  messageInterrupt(address: number, data: number): void;
  readonly clock: Clock;
  readonly dma: Dma;
  readonly host: HostWork;
  readonly log: DeviceLog;
}

/** No default methods: forgetting `save` does not compile. `reset` is the RESET# pin: back to power-on, except what a battery keeps. */
export interface Device<S extends Schema = Schema> {
  readonly schema: S;
  attach(board: Board): void;
  reset(): void;
  save(): StateOf<S>;
  load(state: StateOf<S>): void;
}

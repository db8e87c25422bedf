/**
 * What every PCI device with registers of its own shares (PCI Local Bus Specification 2.1, 6.1-6.2): configuration
 * header, base address registers that place its registers on the bus, one interrupt pin, a list of capabilities.
 */
import { assert } from "../../lib/assert";
import type { AddressSpace, Board, Line, Region, RegisterHandler } from "../device";
import { ConfigRegister, ConfigSpace, type PciFunction } from "./pci";

const FIRST_BAR = 0x10;
const FIRST_CAPABILITY = 0x40;
const CAPABILITIES_POINTER = 0x34;
const INTERRUPT_LINE = 0x3c;
const INTERRUPT_PIN = 0x3d;
/** Command and status bits. */
const Command = { IoSpace: 0x0001, MemorySpace: 0x0002, BusMaster: 0x0004, InterruptDisable: 0x0400, Writable: 0x0547 } as const;
const Status = { Interrupt: 0x08, CapabilitiesList: 0x0010 } as const;
const BAR_IO = 0x01;
const BAR_PREFETCHABLE = 0x08;
/** What cannot be placed: a region that reaches the last port or address, which is what sizing writes ask for. */
const LAST: Readonly<Record<AddressSpace, number>> = { port: 0xffff, mmio: 0xffffffff };

export interface BarOptions {
  /** 0 to 5. */
  readonly index: number;
  readonly space: AddressSpace;
  /** A power of two: at least 4 ports, or 4096 bytes. */
  readonly length: number;
  /** Registers on the bus; left out for memory, which `onPlaced` puts where it belongs. */
  readonly handler?: RegisterHandler;
  /** Hears where it lies from now on. */
  readonly onPlaced?: (first: number | undefined) => void;
  /** Memory without side effects of reading. */
  readonly prefetchable?: boolean;
}

export interface EndpointOptions {
  /** Device number on bus 0. */
  readonly device: number;
  readonly vendorId: number;
  readonly deviceId: number;
  readonly revision: number;
  /** Base class, subclass, interface: 24 bits. */
  readonly classCode: number;
  readonly subsystemVendorId: number;
  readonly subsystemId: number;
  readonly bars: readonly BarOptions[];
  /** Function number; default 0. */
  readonly function?: number;
  /** An interrupt pin is wired; default yes. */
  readonly interrupt?: boolean;
  /** Capabilities in the order of the list: id, then what follows the pointer to the next. */
  readonly capabilities?: readonly { readonly id: number; readonly body: readonly number[] }[];
}

interface Bar extends BarOptions {
  region: Region | undefined;
}

export class PciEndpoint implements PciFunction {
  readonly device: number;
  readonly function: number;
  /** Offsets of the capabilities in configuration space, in the order given. */
  readonly capabilityAt: readonly number[];
  readonly #config = new ConfigSpace();
  readonly #hasInterrupt: boolean;
  readonly #bars: Bar[];
  #line: Line | undefined;
  #interrupt = false;
  /** For a device with registers of its own in configuration space: the answer to a read, or undefined for what is kept there. */
  onRead: (register: number) => number | undefined = () => undefined;
  /** Hears of each byte that was written, after it was. */
  onWrite: (register: number) => void = () => {};

  constructor(options: EndpointOptions) {
    this.device = options.device;
    this.function = options.function ?? 0;
    this.#hasInterrupt = options.interrupt ?? true;
    const hasCapabilities = (options.capabilities?.length ?? 0) > 0;
    this.#config
      .define(ConfigRegister.VendorId, 2, options.vendorId)
      .define(ConfigRegister.DeviceId, 2, options.deviceId)
      .define(ConfigRegister.Command, 2, 0, Command.Writable)
      .define(ConfigRegister.Status, 2, hasCapabilities ? Status.CapabilitiesList : 0)
      .define(ConfigRegister.RevisionId, 1, options.revision)
      .define(ConfigRegister.ClassCode, 3, options.classCode)
      // Cache line size and latency timer keep what is written.
      .define(0x0c, 2, 0, 0xffff)
      .define(ConfigRegister.SubsystemVendorId, 2, options.subsystemVendorId)
      .define(ConfigRegister.SubsystemId, 2, options.subsystemId)
      .define(INTERRUPT_LINE, 1, 0, 0xff)
      .define(INTERRUPT_PIN, 1, this.#hasInterrupt ? 1 : 0);
    this.#bars = options.bars.map((bar) => ({ ...bar, region: undefined }));
    for (const { index, space, length, prefetchable } of this.#bars) {
      const least = space === "port" ? 4 : 0x1000;
      assert(length >= least && (length & (length - 1)) === 0, `the length of BAR ${index} is a power of two`);
      this.#config.define(FIRST_BAR + 4 * index, 4, space === "port" ? BAR_IO : prefetchable ? BAR_PREFETCHABLE : 0, -length >>> 0);
    }
    this.capabilityAt = this.#layCapabilities(options.capabilities ?? []);
  }

  #layCapabilities(capabilities: readonly { readonly id: number; readonly body: readonly number[] }[]): number[] {
    const places: number[] = [];
    let at = FIRST_CAPABILITY;
    let pointer = CAPABILITIES_POINTER;
    for (const { id, body } of capabilities) {
      this.#config.define(pointer, 1, at);
      this.#config.define(at, 1, id);
      for (const [i, byte] of body.entries()) this.#config.define(at + 2 + i, 1, byte);
      places.push(at);
      pointer = at + 1;
      at += (2 + body.length + 3) & ~3;
    }
    assert(at <= 0x100, "capabilities fit into configuration space");
    return places;
  }

  /** Makes `size` bytes of a capability writable by the guest. */
  defineWritable(register: number, size: 1 | 4, writable: number): void {
    this.#config.define(register, size, 0, writable);
  }

  attach(board: Board): void {
    if (this.#hasInterrupt) this.#line = board.pciInterrupt(this.device, 1);
    for (const bar of this.#bars) if (bar.handler) bar.region = board.region(bar.space, bar.length, bar.handler);
  }

  /** Asserts or releases INTA#. */
  setInterrupt(level: boolean): void {
    this.#interrupt = level;
    this.#drive();
  }

  /** Whether the device may read and write guest memory. */
  get isBusMaster(): boolean {
    return (this.#command & Command.BusMaster) !== 0;
  }

  get #command(): number {
    return this.#config.read(ConfigRegister.Command) | (this.#config.read(ConfigRegister.Command + 1) << 8);
  }

  #drive(): void {
    this.#line?.set(this.#interrupt && (this.#command & Command.InterruptDisable) === 0);
  }

  /** Guest's value of a base address register, without the type bits. */
  #base(index: number): number {
    let value = 0;
    for (let i = 3; i >= 0; i--) value = value * 256 + this.#config.read(FIRST_BAR + 4 * index + i);
    return value;
  }

  #place(): void {
    for (const { index, space, length, region, onPlaced } of this.#bars) {
      const isDecoded = (this.#command & (space === "port" ? Command.IoSpace : Command.MemorySpace)) !== 0;
      const first = Math.floor(this.#base(index) / length) * length;
      const fits = first !== 0 && first + length - 1 < LAST[space];
      region?.place(isDecoded && fits ? first : undefined);
      onPlaced?.(isDecoded && fits ? first : undefined);
    }
  }

  readConfig(register: number): number {
    const value = this.onRead(register) ?? this.#config.read(register);
    return register === ConfigRegister.Status && this.#interrupt ? value | Status.Interrupt : value;
  }

  writeConfig(register: number, value: number): void {
    this.#config.write(register, value);
    const isBar = register >= FIRST_BAR && register < FIRST_BAR + 24;
    if (isBar || register === ConfigRegister.Command) this.#place();
    if (register === ConfigRegister.Command + 1) this.#drive();
    this.onWrite(register);
  }

  reset(): void {
    this.#config.reset();
    this.#interrupt = false;
    this.#place();
    this.#drive();
  }

  /** The 256 bytes of configuration space: part of the device's state. */
  save(): Uint8Array {
    return this.#config.bytes.slice();
  }

  load(config: Uint8Array, interrupt: boolean): void {
    this.#config.bytes.set(config);
    this.#interrupt = interrupt;
    this.#place();
    this.#drive();
  }
}

/**
 * A virtio device on PCI (virtio 1.1, chapter 4.1): transitional, that is, with the registers of virtio 1 in memory
 * (BAR 4) and those of the legacy interface in I/O ports (BAR 0), both over the same state. Interrupts by INTA#; there
 * is no MSI-X. What kind of device it is (a disk, a network card, …) is given as a `VirtioKind`.
 */
import { bytes, prefixed, type StateOf, state, u8, u16, u32, unprefixed } from "../../snapshot/schema";
import type { AccessSize, Board, RegisterHandler } from "../device";
import { PciEndpoint } from "./pci-endpoint";
import { Broken, type Chain, isQueueSize, type QueueState, Virtqueue } from "./virtqueue";

const VENDOR = 0x1af4;
/** Transitional device ids: 1000h network, 1001h block, 1002h balloon, 1003h console. */
const TRANSITIONAL_IDS: Readonly<Record<number, number>> = { 1: 0x1000, 2: 0x1001, 3: 0x1003, 5: 0x1002, 4: 0x1005 };

export const DeviceStatus = { Acknowledge: 1, Driver: 2, DriverOk: 4, FeaturesOk: 8, NeedsReset: 64, Failed: 128 } as const;
/** Feature bits of every device, above 2^24. */
export const Feature = { AnyLayout: 27, Indirect: 28, EventIndex: 29, Version1: 32 } as const;
const bit = (n: number): bigint => 1n << BigInt(n);
const COMMON_FEATURES = bit(Feature.AnyLayout) | bit(Feature.Indirect) | bit(Feature.EventIndex) | bit(Feature.Version1);
/** What only a legacy driver is offered. */
const LEGACY_ONLY = bit(Feature.AnyLayout);

const Isr = { Queue: 1, Config: 2 } as const;
const NO_VECTOR = 0xffff;

/** The pages of BAR 4, and how far apart the queues' notification words are. */
const ModernBar = { index: 4, length: 0x4000, common: 0x0000, isr: 0x1000, device: 0x2000, notify: 0x3000, notifyStep: 4 } as const;
const LEGACY_BAR = 0;
/** Ports before the device's own registers, as long as there is no MSI-X. */
const LEGACY_HEADER = 0x14;
const CapabilityType = { Common: 1, Notify: 2, Isr: 3, Device: 4, PciConfig: 5 } as const;
const VENDOR_CAPABILITY = 9;

/** What makes a virtio device this one. */
export interface VirtioKind {
  /** Device type, virtio 1.1, chapter 5: 1 network, 2 block … */
  readonly type: number;
  /** PCI class code. */
  readonly classCode: number;
  /** Features of its own, bits 0-23. */
  readonly features: bigint;
  /** Most entries of each queue. */
  readonly queues: readonly number[];
  /** Its configuration registers, which drivers only read. */
  readonly config: Uint8Array;
  /** The driver has given buffers to a queue, or is ready. */
  process(queue: number): void;
  /** The driver has reset the device: nothing of what it gave is to be touched any more. */
  abandon(): void;
}

/** State of the transport. A device's schema has these, `queueFields` prefixed with "queue0", "queue1" …, and its own. */
export const virtioFields = {
  pciConfig: bytes(256),
  /** Answer of the last access through the configuration space's window on the registers. */
  window: bytes(4),
  deviceFeatureSelect: u32,
  driverFeatureSelect: u32,
  driverFeaturesLow: u32,
  driverFeaturesHigh: u32,
  status: u8,
  isr: u8,
  queueSelect: u16,
  /** Queues that were notified of and not looked at yet, a bit each. */
  notified: u32,
};
const plain = state("virtio transport", 1, virtioFields);
type TransportState = StateOf<typeof plain>;

export class VirtioPci {
  readonly endpoint: PciEndpoint;
  readonly queues: Virtqueue[] = [];
  readonly #kind: VirtioKind;
  readonly #offered: bigint;
  readonly #legacy = new LegacyRegisters(this);
  readonly #modern = new ModernRegisters(this);
  readonly #legacyPorts: number;
  #s: TransportState;
  #board!: Board;
  #alarm!: ReturnType<Board["clock"]["timer"]>;

  constructor(device: number, kind: VirtioKind) {
    this.#kind = kind;
    this.#offered = kind.features | COMMON_FEATURES;
    const area = (type: number, offset: number, length: number, more: readonly number[] = []) => ({
      id: VENDOR_CAPABILITY,
      body: [16 + more.length, type, ModernBar.index, 0, 0, 0, ...le32(offset), ...le32(length), ...more],
    });
    this.#legacyPorts = 2 ** Math.ceil(Math.log2(LEGACY_HEADER + kind.config.length));
    this.endpoint = new PciEndpoint({
      device,
      vendorId: VENDOR,
      deviceId: TRANSITIONAL_IDS[kind.type] ?? 0x1040 + kind.type,
      revision: 0,
      classCode: kind.classCode,
      subsystemVendorId: VENDOR,
      subsystemId: kind.type,
      bars: [
        { index: LEGACY_BAR, space: "port", length: this.#legacyPorts, handler: this.#legacy },
        { index: ModernBar.index, space: "mmio", length: ModernBar.length, handler: this.#modern },
      ],
      capabilities: [
        area(CapabilityType.Common, ModernBar.common, 56),
        area(CapabilityType.Notify, ModernBar.notify, ModernBar.notifyStep * kind.queues.length, le32(ModernBar.notifyStep)),
        area(CapabilityType.Isr, ModernBar.isr, 1),
        area(CapabilityType.Device, ModernBar.device, kind.config.length),
        { id: VENDOR_CAPABILITY, body: [20, CapabilityType.PciConfig, ...new Array(16).fill(0)] },
      ],
    });
    this.#openWindow(this.endpoint.capabilityAt.at(-1)!);
    this.#s = emptyTransport();
  }

  /**
   * The last capability: BAR, offset, length and data, by which firmware reaches the registers without mapping them
   * (virtio 1.1, 4.1.4.7). Reading the first byte of the data reads the register; writing the last one writes it.
   */
  #openWindow(at: number): void {
    const { endpoint } = this;
    endpoint.defineWritable(at + 4, 1, 0xff);
    for (const register of [8, 12, 16]) endpoint.defineWritable(at + register, 4, 0xffffffff);
    const register = (offset: number): number => readBytes(endpoint.save(), at + offset, 4);
    const target = () => {
      const [bar, offset, length] = [register(4) & 0xff, register(8), register(12)];
      const isSize = length === 1 || length === 2 || length === 4;
      if (!isSize || offset % length !== 0) return undefined;
      if (bar === LEGACY_BAR && offset < this.#legacyPorts) return { registers: this.#legacy, offset, length: length as AccessSize };
      return bar === ModernBar.index && offset < ModernBar.length
        ? { registers: this.#modern, offset, length: length as AccessSize }
        : undefined;
    };
    endpoint.onRead = (place) => {
      const byte = place - at - 16;
      if (byte < 0 || byte > 3) return undefined;
      if (byte === 0) {
        const access = target();
        const value = access ? access.registers.read(access.offset, access.length) : 0;
        this.#s.window = Uint8Array.from(le32(value));
      }
      return this.#s.window[byte];
    };
    endpoint.onWrite = (place) => {
      const access = place >= at + 16 ? target() : undefined;
      if (!access || place !== at + 16 + access.length - 1) return;
      const value = access.length === 4 ? register(16) : register(16) & (2 ** (8 * access.length) - 1);
      access.registers.write(access.offset, value, access.length);
    };
  }

  attach(board: Board): void {
    this.#board = board;
    this.#alarm = board.clock.timer("virtio", () => this.#processNotified());
    for (const most of this.#kind.queues) this.queues.push(new Virtqueue(board.dma, most, {} as QueueState));
    this.endpoint.attach(board);
    this.#resetRegisters();
  }

  /** RESET#. */
  reset(): void {
    this.#resetDevice();
    this.endpoint.reset();
  }

  /** What the driver does by writing 0 to the status. */
  #resetDevice(): void {
    this.#kind.abandon();
    this.#resetRegisters();
    this.#drive();
  }

  #resetRegisters(): void {
    this.#s = emptyTransport();
    for (const queue of this.queues) queue.reset();
    this.#alarm.disarm();
  }

  has(feature: number): boolean {
    return ((this.driverFeatures >> BigInt(feature)) & 1n) !== 0n;
  }

  get driverFeatures(): bigint {
    return (BigInt(this.#s.driverFeaturesHigh) << 32n) | BigInt(this.#s.driverFeaturesLow);
  }

  /** Whether the driver has set the device up, and nothing has gone wrong since. */
  get isLive(): boolean {
    return (this.#s.status & (DeviceStatus.DriverOk | DeviceStatus.NeedsReset)) === DeviceStatus.DriverOk;
  }

  /** The next chain of a queue; undefined when there is none, or none may be taken any more. */
  take(n: number): Chain | undefined {
    const queue = this.queues[n]!;
    if (!this.isLive || !queue.s.enabled || !this.endpoint.isBusMaster) return undefined;
    const answer = queue.take({ indirect: this.has(Feature.Indirect), eventIndex: this.has(Feature.EventIndex) });
    if (!(answer instanceof Broken)) return answer;
    this.fail(answer.reason);
    return undefined;
  }

  give(n: number, head: number, written: number): void {
    if (!this.isLive) return;
    if (this.queues[n]!.give(head, written, this.has(Feature.EventIndex))) this.#interrupt(Isr.Queue);
  }

  /** The driver has broken the rules: the device stops until it is reset (virtio 1.1, 2.1.2). */
  fail(reason: string): void {
    this.#board.log.guest(`${reason}: the device stops until the driver resets it`);
    this.#s.status |= DeviceStatus.NeedsReset;
    if ((this.#s.status & DeviceStatus.DriverOk) !== 0) this.#interrupt(Isr.Config);
  }

  #interrupt(cause: number): void {
    this.#s.isr |= cause;
    this.#drive();
  }

  #drive(): void {
    this.endpoint.setInterrupt(this.#s.isr !== 0);
  }

  /** Reading the interrupt status clears it, and with it the interrupt. */
  takeIsr(): number {
    const { isr } = this.#s;
    this.#s.isr = 0;
    this.#drive();
    return isr;
  }

  /** Queues are looked at between two instructions, not within the one that writes the register. */
  notify(queue: number): void {
    if (queue >= this.queues.length) {
      this.#board.log.guest(`notification of queue ${queue}, which does not exist`);
      return;
    }
    this.#s.notified |= 1 << queue;
    this.#alarm.arm(this.#board.clock.now());
  }

  #processNotified(): void {
    const { notified } = this.#s;
    this.#s.notified = 0;
    for (let n = 0; n < this.queues.length; n++) if ((notified >> n) & 1) this.#kind.process(n);
  }

  get status(): number {
    return this.#s.status;
  }

  set status(value: number) {
    if (value === 0) {
      this.#resetDevice();
      return;
    }
    const before = this.#s.status;
    let status = (value & 0xff & ~DeviceStatus.NeedsReset) | (before & DeviceStatus.NeedsReset);
    // A driver that asks for what was not offered, or for virtio 1 without saying so, does not get its features.
    const rises = (status & ~before & DeviceStatus.FeaturesOk) !== 0;
    if (rises && ((this.driverFeatures & ~this.#offered) !== 0n || !this.has(Feature.Version1))) status &= ~DeviceStatus.FeaturesOk;
    this.#s.status = status;
    if ((status & ~before & DeviceStatus.DriverOk) !== 0) for (let n = 0; n < this.queues.length; n++) this.notify(n);
  }

  /** 32 of the 64 feature bits that are offered. */
  offered(word: number): number {
    if (word > 1) return 0;
    return Number(((this.#offered & ~LEGACY_ONLY) >> BigInt(32 * word)) & 0xffffffffn);
  }

  get legacyOffered(): number {
    return Number(this.#offered & 0xffffffffn);
  }

  accept(word: number, value: number): void {
    // Once they are agreed on, features stay.
    if ((this.#s.status & DeviceStatus.FeaturesOk) !== 0) return;
    if (word === 0) this.#s.driverFeaturesLow = value;
    else if (word === 1) this.#s.driverFeaturesHigh = value;
  }

  accepted(word: number): number {
    return word === 0 ? this.#s.driverFeaturesLow : word === 1 ? this.#s.driverFeaturesHigh : 0;
  }

  /** A legacy driver may take only what it is offered. */
  acceptLegacy(value: number): void {
    this.accept(0, (value & this.legacyOffered) >>> 0);
  }

  /** Registers that only select. */
  get registers(): Pick<TransportState, "deviceFeatureSelect" | "driverFeatureSelect" | "queueSelect"> {
    return this.#s;
  }

  get selectedQueue(): Virtqueue | undefined {
    return this.queues[this.#s.queueSelect];
  }

  get config(): Uint8Array {
    return this.#kind.config;
  }

  complain(message: string): void {
    this.#board.log.guest(message);
  }

  /** Own fields of the device's state, by the schema of `virtioFields`. */
  save(): Record<string, unknown> {
    const queues = this.queues.map((queue, n) => prefixed(`queue${n}`, queue.s));
    return Object.assign({ ...this.#s, window: this.#s.window.slice(), pciConfig: this.endpoint.save() }, ...queues);
  }

  load(saved: Record<string, unknown>): void {
    const s = emptyTransport() as unknown as Record<string, unknown>;
    for (const name of Object.keys(s)) if (name !== "pciConfig") s[name] = saved[name];
    this.#s = s as unknown as TransportState;
    this.#s.window = this.#s.window.slice();
    for (const [n, queue] of this.queues.entries()) queue.s = unprefixed(`queue${n}`, saved as never) as QueueState;
    this.endpoint.load(saved.pciConfig as Uint8Array, this.#s.isr !== 0);
    if (this.#s.notified !== 0) this.#alarm.arm(this.#board.clock.now());
    else this.#alarm.disarm();
  }
}

const emptyTransport = (): TransportState => ({
  pciConfig: new Uint8Array(256),
  window: new Uint8Array(4),
  deviceFeatureSelect: 0,
  driverFeatureSelect: 0,
  driverFeaturesLow: 0,
  driverFeaturesHigh: 0,
  status: 0,
  isr: 0,
  queueSelect: 0,
  notified: 0,
});

const le32 = (value: number): number[] => [value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, value >>> 24];

/** `size` bytes of a little-endian table. */
function readBytes(table: Uint8Array, offset: number, size: AccessSize): number {
  let value = 0;
  for (let i = size - 1; i >= 0; i--) value = value * 256 + (table[offset + i] ?? 0);
  return value >>> 0;
}

/** The legacy interface (virtio 1.1, 4.1.4.8): ports, the device's configuration behind them. */
class LegacyRegisters implements RegisterHandler {
  readonly sizes = 1 | 2 | 4;
  constructor(readonly virtio: VirtioPci) {}

  read(offset: number, size: AccessSize): number {
    const { virtio } = this;
    if (offset >= LEGACY_HEADER) return readBytes(virtio.config, offset - LEGACY_HEADER, size);
    // The interrupt status is cleared by reading it alone.
    if (offset === 0x13) return virtio.takeIsr();
    const table = new Uint8Array(LEGACY_HEADER);
    const view = new DataView(table.buffer);
    view.setUint32(0x00, virtio.legacyOffered, true);
    view.setUint32(0x04, virtio.accepted(0), true);
    view.setUint32(0x08, virtio.selectedQueue?.s.enabled ? virtio.selectedQueue.legacyPage : 0, true);
    view.setUint16(0x0c, virtio.selectedQueue?.mostEntries ?? 0, true);
    view.setUint16(0x0e, virtio.registers.queueSelect, true);
    table[0x12] = virtio.status;
    return readBytes(table, offset, size);
  }

  write(offset: number, value: number, size: AccessSize): void {
    const { virtio } = this;
    switch (`${offset}/${size}`) {
      case "4/4":
        virtio.acceptLegacy(value);
        return;
      case "8/4":
        // Page 0 takes the queue away, and in drivers' practice resets the device.
        if (value === 0) virtio.status = 0;
        else virtio.selectedQueue?.placeLegacy(value);
        return;
      case "14/2":
        virtio.registers.queueSelect = value;
        return;
      case "16/2":
        virtio.notify(value);
        return;
      case "18/1":
        virtio.status = value;
        return;
      default:
        virtio.complain(`write of ${size} bytes to legacy register ${offset}, which cannot be written so`);
    }
  }
}

/** The virtio 1 registers, four pages (virtio 1.1, 4.1.4). */
class ModernRegisters implements RegisterHandler {
  readonly sizes = 1 | 2 | 4;
  constructor(readonly virtio: VirtioPci) {}

  read(offset: number, size: AccessSize): number {
    const page = offset & 0xf000;
    if (page === ModernBar.common) return this.#readCommon(offset, size);
    if (page === ModernBar.isr) return offset === ModernBar.isr ? this.virtio.takeIsr() : 0;
    if (page === ModernBar.device) return readBytes(this.virtio.config, offset - page, size);
    return 0;
  }

  #readCommon(offset: number, size: AccessSize): number {
    const { virtio } = this;
    const table = new Uint8Array(56);
    const view = new DataView(table.buffer);
    const { registers, selectedQueue: queue } = virtio;
    view.setUint32(0, registers.deviceFeatureSelect, true);
    view.setUint32(4, virtio.offered(registers.deviceFeatureSelect), true);
    view.setUint32(8, registers.driverFeatureSelect, true);
    view.setUint32(12, virtio.accepted(registers.driverFeatureSelect), true);
    view.setUint16(16, NO_VECTOR, true);
    view.setUint16(18, virtio.queues.length, true);
    table[20] = virtio.status;
    view.setUint16(22, registers.queueSelect, true);
    if (queue) {
      view.setUint16(24, queue.s.size, true);
      view.setUint16(26, NO_VECTOR, true);
      view.setUint16(28, queue.s.enabled ? 1 : 0, true);
      view.setUint16(30, registers.queueSelect, true);
      const { s } = queue;
      for (const [i, word] of [s.descriptorsLow, s.descriptorsHigh, s.availableLow, s.availableHigh, s.usedLow, s.usedHigh].entries())
        view.setUint32(32 + 4 * i, word, true);
    }
    return readBytes(table, offset, size);
  }

  write(offset: number, value: number, size: AccessSize): void {
    const page = offset & 0xf000;
    if (page === ModernBar.notify) {
      if (offset % ModernBar.notifyStep === 0) this.virtio.notify((offset - page) / ModernBar.notifyStep);
    } else if (page !== ModernBar.common || !this.#writeCommon(offset, value, size))
      this.virtio.complain(`write of ${size} bytes to register ${offset}, which cannot be written so`);
  }

  /** False if there is no such register of that width. */
  #writeCommon(offset: number, value: number, size: AccessSize): boolean {
    const { virtio } = this;
    const { registers, selectedQueue: queue } = virtio;
    switch (`${offset}/${size}`) {
      case "0/4":
        registers.deviceFeatureSelect = value;
        return true;
      case "8/4":
        registers.driverFeatureSelect = value;
        return true;
      case "12/4":
        virtio.accept(registers.driverFeatureSelect, value);
        return true;
      case "20/1":
        virtio.status = value;
        return true;
      case "22/2":
        registers.queueSelect = value;
        return true;
      case "16/2":
      case "26/2":
        // Vectors: there are none to choose.
        return true;
      case "24/2":
        if (queue && !queue.s.enabled && isQueueSize(value, queue.mostEntries)) queue.s.size = value;
        else virtio.complain(`a queue size of ${value} is not possible`);
        return true;
      case "28/2":
        if (queue && value === 1) queue.s.enabled = true;
        return true;
    }
    if (size !== 4 || offset < 32 || offset >= 56 || offset % 4 !== 0) return false;
    if (!queue || queue.s.enabled) return true;
    const names = ["descriptorsLow", "descriptorsHigh", "availableLow", "availableHigh", "usedLow", "usedHigh"] as const;
    queue.s[names[(offset - 32) / 4]!] = value;
    return true;
  }
}

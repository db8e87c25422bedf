/** The guest's side of a virtio device, on a test board: a driver of either interface, as small as the specification allows. */
import { setUpPci } from "../../web/machine/boot/pci-setup";
import type { AccessSize } from "../../web/machine/device";
import { PciHostBridge } from "../../web/machine/devices/pci";
import type { PciEndpoint } from "../../web/machine/devices/pci-endpoint";
import type { TestBoard } from "./test-board";

export const SLOT = 4;
export const RAM_BYTES = 0x200000;
/** Where this driver has its tables and buffers. */
export const TABLES = 0x10000;
const BUFFERS = 0x40000;
export const QUEUE = 256;

/** Puts the card on the bus and sets it up as firmware does. */
export function onBus(board: TestBoard, endpoint: PciEndpoint): { port: number; memory: number } {
  board.fit(new PciHostBridge([endpoint]));
  board.ports(0x4d1, 1, { read: () => 0, write: () => {} });
  setUpPci({ portRead: (port, size) => board.in(port, size), portWrite: (port, value, size) => board.out(port, value, size) });
  return { port: config(board, 0x10) & ~3, memory: config(board, 0x20) };
}

export function config(board: TestBoard, register: number): number {
  board.out(0xcf8, (0x80000000 | (SLOT << 11) | register) >>> 0, 4);
  return board.in(0xcfc, 4);
}

export function setConfig(board: TestBoard, register: number, value: number, size: AccessSize = 4): void {
  board.out(0xcf8, (0x80000000 | (SLOT << 11) | (register & ~3)) >>> 0, 4);
  board.out(0xcfc + (register & 3), value, size);
}

export interface Buffer {
  readonly address: number;
  readonly length: number;
  readonly isIn?: boolean;
}

export class Driver {
  readonly board: TestBoard;
  readonly isLegacy: boolean;
  readonly port: number;
  readonly memory: number;
  readonly #view: DataView;
  features = 0n;
  #available = 0;
  #seen = 0;
  #nextDescriptor = 0;
  #nextBuffer = BUFFERS;

  constructor(board: TestBoard, places: { port: number; memory: number }, isLegacy = false) {
    this.board = board;
    this.isLegacy = isLegacy;
    this.port = places.port;
    this.memory = places.memory;
    this.#view = new DataView(board.ram.buffer);
  }

  get available(): number {
    return TABLES + 16 * QUEUE;
  }
  get used(): number {
    return Math.ceil((this.available + 6 + 2 * QUEUE) / 4096) * 4096;
  }

  common(offset: number, size: AccessSize): number {
    return this.board.bus.readMmio(this.memory + offset, size);
  }
  setCommon(offset: number, value: number, size: AccessSize): void {
    this.board.bus.writeMmio(this.memory + offset, value, size);
  }

  /** Reset, features, queue 0, ready. `wanted` as feature bits. */
  setUp(wanted: readonly number[]): void {
    this.#available = 0;
    this.#seen = 0;
    this.board.ram.fill(0, TABLES, BUFFERS);
    const bits = wanted.reduce((sum, bit) => sum | (1n << BigInt(bit)), 0n);
    if (this.isLegacy) {
      const { board, port } = this;
      board.out(port + 0x12, 0);
      board.out(port + 0x12, 3);
      this.features = BigInt(board.in(port, 4)) & bits;
      board.out(port + 4, Number(this.features), 4);
      board.out(port + 0x0e, 0, 2);
      board.out(port + 0x08, TABLES / 4096, 4);
      board.out(port + 0x12, 7);
      return;
    }
    this.setCommon(20, 0, 1);
    this.setCommon(20, 3, 1);
    let offered = 0n;
    for (const word of [0, 1]) {
      this.setCommon(0, word, 4);
      offered |= BigInt(this.common(4, 4)) << BigInt(32 * word);
    }
    this.features = offered & (bits | (1n << 32n));
    for (const word of [0, 1]) {
      this.setCommon(8, word, 4);
      this.setCommon(12, Number((this.features >> BigInt(32 * word)) & 0xffffffffn), 4);
    }
    this.setCommon(20, 11, 1);
    this.setCommon(22, 0, 2);
    this.setCommon(24, QUEUE, 2);
    for (const [at, address] of [
      [32, TABLES],
      [40, this.available],
      [48, this.used],
    ] as const) {
      this.setCommon(at, address, 4);
      this.setCommon(at + 4, 0, 4);
    }
    this.setCommon(28, 1, 2);
    this.setCommon(20, 15, 1);
  }

  get status(): number {
    return this.isLegacy ? this.board.in(this.port + 0x12) : this.common(20, 1);
  }

  /** Reads, and so clears, the interrupt status. */
  isr(): number {
    return this.isLegacy ? this.board.in(this.port + 0x13) : this.common(0x1000, 1);
  }

  get interrupt(): boolean {
    return this.board.pins.get(SLOT * 4) ?? false;
  }

  /** A fresh buffer; its contents, or its length for the device to fill. */
  buffer(contents: Uint8Array | number): Buffer {
    const length = typeof contents === "number" ? contents : contents.length;
    const address = this.#nextBuffer;
    this.#nextBuffer += (length + 15) & ~15;
    if (this.#nextBuffer > RAM_BYTES) throw new Error("the test driver is out of memory");
    if (typeof contents !== "number") this.board.ram.set(contents, address);
    return { address, length, isIn: typeof contents === "number" };
  }

  descriptor(table: number, n: number, buffer: Buffer, flags: number, next: number): void {
    const at = table + 16 * n;
    this.#view.setBigUint64(at, BigInt(buffer.address), true);
    this.#view.setUint32(at + 8, buffer.length, true);
    this.#view.setUint16(at + 12, flags, true);
    this.#view.setUint16(at + 14, next, true);
  }

  /** Puts a chain into the available ring; its head. `indirect`: by a table of its own. */
  offer(buffers: readonly Buffer[], indirect = false): number {
    const count = indirect ? 1 : buffers.length;
    if (this.#nextDescriptor + count > QUEUE) this.#nextDescriptor = 0;
    const head = this.#nextDescriptor;
    this.#nextDescriptor += count;
    const table = indirect ? this.buffer(16 * buffers.length).address : TABLES;
    const first = indirect ? 0 : head;
    for (const [i, buffer] of buffers.entries()) {
      const isLast = i === buffers.length - 1;
      this.descriptor(table, first + i, buffer, (buffer.isIn ? 2 : 0) | (isLast ? 0 : 1), isLast ? 0 : first + i + 1);
    }
    if (indirect) this.descriptor(TABLES, head, { address: table, length: 16 * buffers.length }, 4, 0);
    this.offerHead(head);
    return head;
  }

  offerHead(head: number): void {
    this.#view.setUint16(this.available + 4 + 2 * (this.#available % QUEUE), head, true);
    this.setAvailableIndex(this.#available + 1);
  }

  /** As if so many entries had gone through the rings already. */
  startAt(index: number): void {
    this.setAvailableIndex(index);
    this.#seen = index;
    this.#view.setUint16(this.used + 2, index, true);
    this.#view.setUint16(this.used + 4 + 8 * QUEUE, index, true);
  }

  setAvailableIndex(index: number): void {
    this.#available = index & 0xffff;
    this.#view.setUint16(this.available + 2, this.#available, true);
  }

  notify(): void {
    if (this.isLegacy) this.board.out(this.port + 0x10, 0, 2);
    else this.board.bus.writeMmio(this.memory + 0x3000, 0, 2);
  }

  /** Chains given back since the last call. */
  takeUsed(): { head: number; written: number }[] {
    const index = this.#view.getUint16(this.used + 2, true);
    const result: { head: number; written: number }[] = [];
    for (; this.#seen !== index; this.#seen = (this.#seen + 1) & 0xffff) {
      const at = this.used + 4 + 8 * (this.#seen % QUEUE);
      result.push({ head: this.#view.getUint32(at, true), written: this.#view.getUint32(at + 4, true) });
    }
    return result;
  }

  /** The entry of the available ring with which the device wants to be notified. */
  get availEvent(): number {
    return this.#view.getUint16(this.used + 4 + 8 * QUEUE, true);
  }
  setUsedEvent(index: number): void {
    this.#view.setUint16(this.available + 4 + 2 * QUEUE, index, true);
  }
  setNoInterrupt(isOn: boolean): void {
    this.#view.setUint16(this.available, isOn ? 1 : 0, true);
  }
}

/** virtio-blk's header. */
export function header(type: number, sector = 0): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, type, true);
  view.setUint32(8, sector >>> 0, true);
  view.setUint32(12, Math.floor(sector / 2 ** 32), true);
  return bytes;
}

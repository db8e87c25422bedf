/**
 * QEMU's firmware configuration device (QEMU, docs/specs/fw_cfg.rst): what firmware asks about its machine. A selector at
 * port 510h (a word), data byte by byte at 511h, and the DMA interface at 514h, whose two dwords are big-endian. Items are
 * the board's, not state: what they hold follows from the configuration. A read beyond an item's end gives zeros.
 */
import { copyState, initialState, type StateOf, state, u16, u32 } from "../../snapshot/schema";
import type { AccessSize, Board, Device, DeviceLog, Dma, RegisterHandler } from "../device";

const SELECTOR_PORT = 0x510;
const DMA_PORT = 0x514;
/** Keys that every such device has. */
export const FwCfgKey = {
  Signature: 0x00,
  Id: 0x01,
  RamSize: 0x03,
  CpuCount: 0x05,
  BootMenu: 0x0e,
  MostCpus: 0x0f,
  Directory: 0x19,
  /** Not 0: the 8254's request 0 is on pin 2 of the I/O APIC. */
  TimerOnPin2: 0x8002,
} as const;
const FIRST_FILE = 0x20;
/** Plain ports, and the DMA interface. */
const FEATURES = 0x03;
/** What a read of the DMA address gives. */
const DMA_SIGNATURE = "QEMU CFG";
const NAME_BYTES = 56;
const ENTRY_BYTES = 64;
const Control = { Error: 0x01, Read: 0x02, Skip: 0x04, Select: 0x08, Write: 0x10 } as const;
const ACCESS_BYTES = 16;
/** Zeros are written in pieces of this size. */
const PIECE = 0x10000;
const MOST_LENGTH = 0x1000000;

const schema = state("fw_cfg", 1, { key: u16, offset: u32, dmaHigh: u32 });

export interface FwCfgItems {
  /** By file name; at most 55 characters. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** By key, beside those of the device itself. */
  readonly items?: ReadonlyMap<number, Uint8Array>;
}

export class FwCfg implements Device<typeof schema>, RegisterHandler {
  readonly schema = schema;
  readonly sizes = 1 | 2;
  #s = initialState(schema);
  #dma!: Dma;
  #log!: DeviceLog;
  readonly #items = new Map<number, Uint8Array>();

  constructor({ files, items = new Map() }: FwCfgItems) {
    this.#items.set(FwCfgKey.Signature, new TextEncoder().encode("QEMU"));
    this.#items.set(FwCfgKey.Id, littleEndian(FEATURES, 4));
    for (const [key, data] of items) this.#items.set(key, data);
    // Sorted: the order is part of what the guest sees, and must not depend on how the board was built.
    const names = [...files.keys()].sort();
    const directory = new Uint8Array(4 + ENTRY_BYTES * names.length);
    const view = new DataView(directory.buffer);
    view.setUint32(0, names.length);
    for (const [n, name] of names.entries()) {
      const at = 4 + ENTRY_BYTES * n;
      view.setUint32(at, files.get(name)!.length);
      view.setUint16(at + 4, FIRST_FILE + n);
      directory.set(new TextEncoder().encode(name).subarray(0, NAME_BYTES - 1), at + 8);
      this.#items.set(FIRST_FILE + n, files.get(name)!);
    }
    this.#items.set(FwCfgKey.Directory, directory);
  }

  attach(board: Board): void {
    this.#dma = board.dma;
    this.#log = board.log;
    board.ports(SELECTOR_PORT, 2, this);
    board.ports(DMA_PORT, 8, {
      sizes: 1 | 4,
      read: (offset, size) => {
        let value = 0;
        for (let i = size - 1; i >= 0; i--) value = value * 256 + (DMA_SIGNATURE.charCodeAt(offset + i) || 0);
        return value;
      },
      write: (offset, value, size) => this.#writeAddress(offset, value, size),
    });
  }

  reset(): void {
    this.#s = initialState(schema);
  }

  read(offset: number, size: AccessSize): number {
    if (offset === 0) return size === 1 ? 0xff : 0xffff;
    let value = 0;
    for (let i = 0; i < size; i++) value |= this.#next() << (8 * i);
    return value;
  }

  write(offset: number, value: number, size: AccessSize): void {
    // Data cannot be written; a byte selects as a word does.
    if (offset === 0) this.#select(value & (size === 1 ? 0xff : 0xffff));
  }

  #select(key: number): void {
    this.#s.key = key;
    this.#s.offset = 0;
  }

  #next(): number {
    return this.#items.get(this.#s.key)?.[this.#s.offset++] ?? 0;
  }

  /** The lower dword starts the transfer. */
  #writeAddress(offset: number, value: number, size: AccessSize): void {
    if (size !== 4 || (offset !== 0 && offset !== 4)) return;
    const address = swap(value);
    if (offset === 0) {
      this.#s.dmaHigh = address;
      return;
    }
    const at = this.#s.dmaHigh * 2 ** 32 + address;
    this.#s.dmaHigh = 0;
    if (this.#dma.contains(at, ACCESS_BYTES)) this.#transfer(at);
    else this.#log.guest(`fw_cfg DMA at 0x${at.toString(16)}, where there is no memory`);
  }

  /** The structure in memory: control, length (32 bits each), address (64), all big-endian. Control is 0 when it is done. */
  #transfer(at: number): void {
    const access = new DataView(this.#dma.read(at, ACCESS_BYTES).slice().buffer);
    const control = access.getUint32(0);
    const length = Math.min(access.getUint32(4), MOST_LENGTH);
    const address = access.getUint32(8) * 2 ** 32 + access.getUint32(12);
    if (control & Control.Select) this.#select(control >>> 16);
    let failed = (control & Control.Write) !== 0;
    if (control & Control.Read) {
      if (this.#dma.contains(address, length)) this.#copyTo(address, length);
      else failed = true;
    } else if (control & Control.Skip) this.#s.offset += length;
    if (failed) this.#log.guest(`fw_cfg DMA of ${length} bytes (control ${control.toString(16)}) is not possible`);
    access.setUint32(0, failed ? Control.Error : 0);
    this.#dma.write(at, new Uint8Array(access.buffer, 0, 4));
  }

  #copyTo(address: number, length: number): void {
    const data = this.#items.get(this.#s.key) ?? new Uint8Array();
    for (let done = 0; done < length; done += PIECE) {
      const piece = new Uint8Array(Math.min(PIECE, length - done));
      piece.set(data.subarray(this.#s.offset + done, this.#s.offset + done + piece.length));
      this.#dma.write(address + done, piece);
    }
    this.#s.offset = (this.#s.offset + length) >>> 0;
  }

  save(): StateOf<typeof schema> {
    return copyState(schema, this.#s);
  }

  load(from: StateOf<typeof schema>): void {
    this.#s = copyState(schema, from);
  }
}

const swap = (value: number): number =>
  (((value & 0xff) << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24)) >>> 0;

/** A number in `size` bytes. */
export function littleEndian(value: number, size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, i) => Math.floor(value / 2 ** (8 * i)) & 0xff);
}

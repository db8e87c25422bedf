/**
 * Intel 8237A DMA controller, one chip with the page registers of its four channels (datasheet 231466-005; page
 * registers as in the 82371SB, 290550). The AT has two: channels 0-3 move bytes, channels 4-7 words, at word-spaced
 * ports; channel 4 is the cascade. A transfer happens at once when a device asks for it: bus arbitration, block and
 * demand timing, compressed timing and memory-to-memory transfers are not modelled.
 */
import { initially, initialState, prefixed, type Schema, type StateOf, state, u8, u16, unprefixed } from "../../snapshot/schema";
import type { Board, Device, DeviceLog, Dma, RegisterHandler } from "../device";

/** Registers in datasheet order, after the address and count registers of channels 0-3. */
const enum Reg {
  StatusCommand = 8,
  Request = 9,
  SingleMask = 10,
  Mode = 11,
  ClearBytePointer = 12,
  MasterClear = 13,
  ClearMask = 14,
  AllMask = 15,
}
const REGISTER_COUNT = 16;
const Mode = { TransferMask: 0x0c, ToMemory: 0x04, FromMemory: 0x08, AutoInitialize: 0x10, Decrement: 0x20 } as const;
const Command = { MemoryToMemory: 0x01, Disable: 0x04 } as const;

const channelFields = { baseAddress: u16, baseCount: u16, address: u16, count: u16, mode: u8, page: u8 };
type Channel = StateOf<Schema<typeof channelFields>>;
const channelSchema = state("8237A channel", 1, channelFields);
const chipFields = {
  /** Bit per channel: requests are ignored. */
  mask: initially(u8, 0x0f),
  command: u8,
  /** Bits 3-0: terminal count since the last read. Bits 7-4: software requests. */
  status: u8,
  /** 1: the next access to an address or count register means its high byte. */
  bytePointer: u8,
};
const schema = state("8237A", 1, {
  ...prefixed("channel0", channelFields),
  ...prefixed("channel1", channelFields),
  ...prefixed("channel2", channelFields),
  ...prefixed("channel3", channelFields),
  ...prefixed("chip", chipFields),
});
const chipSchema = state("8237A chip", 1, chipFields);

/** Where a chip sits: its first port, the distance of its registers, each channel's page port, and what a count counts. */
export interface DmaPlace {
  readonly firstPort: number;
  readonly spacing: 1 | 2;
  readonly pagePorts: readonly [number, number, number, number];
  readonly unitBytes: 1 | 2;
}
export const BYTE_DMA: DmaPlace = { firstPort: 0x00, spacing: 1, pagePorts: [0x87, 0x83, 0x81, 0x82], unitBytes: 1 };
export const WORD_DMA: DmaPlace = { firstPort: 0xc0, spacing: 2, pagePorts: [0x8f, 0x8b, 0x89, 0x8a], unitBytes: 2 };

export class Dma8237 implements Device<typeof schema>, RegisterHandler {
  readonly schema = schema;
  #channels = [0, 1, 2, 3].map(() => initialState(channelSchema));
  #chip = initialState(chipSchema);
  #log!: DeviceLog;
  #memory!: Dma;

  constructor(private readonly place: DmaPlace) {}

  attach(board: Board): void {
    this.#log = board.log;
    this.#memory = board.dma;
    board.ports(this.place.firstPort, REGISTER_COUNT * this.place.spacing, this);
    this.place.pagePorts.forEach((port, channel) => {
      board.ports(port, 1, {
        read: () => this.#channels[channel]!.page,
        write: (_offset, value) => {
          this.#channels[channel]!.page = value;
        },
      });
    });
  }

  /** The page registers are not on the chip but fall with the same RESET#. */
  reset(): void {
    this.#channels = this.#channels.map(() => initialState(channelSchema));
    this.#chip = initialState(chipSchema);
  }

  read(offset: number): number {
    const register = Math.floor(offset / this.place.spacing);
    if (register < Reg.StatusCommand) return this.#readChannel(register);
    if (register === Reg.StatusCommand) {
      const { status } = this.#chip;
      this.#chip.status &= 0xf0;
      return status;
    }
    if (register === Reg.AllMask) return this.#chip.mask | 0xf0;
    // The temporary register belongs to memory-to-memory transfers; the others can only be written.
    return register === Reg.MasterClear ? 0 : 0xff;
  }

  write(offset: number, value: number): void {
    const chip = this.#chip;
    const register = Math.floor(offset / this.place.spacing);
    const bit = 1 << (value & 3);
    switch (register) {
      case Reg.StatusCommand:
        if (value & Command.MemoryToMemory) this.#log.guest("memory-to-memory DMA, which a PC does not wire");
        chip.command = value;
        break;
      case Reg.Request:
        chip.status = value & 4 ? chip.status | (bit << 4) : chip.status & ~(bit << 4);
        break;
      case Reg.SingleMask:
        chip.mask = value & 4 ? chip.mask | bit : chip.mask & ~bit;
        break;
      case Reg.Mode:
        this.#channels[value & 3]!.mode = value & 0xfc;
        break;
      case Reg.ClearBytePointer:
        chip.bytePointer = 0;
        break;
      case Reg.MasterClear:
        this.#chip = initialState(chipSchema);
        break;
      case Reg.ClearMask:
        chip.mask = 0;
        break;
      case Reg.AllMask:
        chip.mask = value & 0x0f;
        break;
      default:
        this.#writeChannel(register, value);
    }
  }

  /** Even registers are addresses, odd ones counts; low and high byte in turn. */
  #readChannel(register: number): number {
    const channel = this.#channels[register >> 1]!;
    const value = register & 1 ? channel.count : channel.address;
    this.#chip.bytePointer ^= 1;
    return this.#chip.bytePointer ? value & 0xff : value >> 8;
  }

  /** Base and current register are written together. */
  #writeChannel(register: number, value: number): void {
    const channel = this.#channels[register >> 1]!;
    const before = register & 1 ? channel.baseCount : channel.baseAddress;
    const after = this.#chip.bytePointer ? (before & 0x00ff) | (value << 8) : (before & 0xff00) | value;
    this.#chip.bytePointer ^= 1;
    if (register & 1) channel.baseCount = channel.count = after;
    else channel.baseAddress = channel.address = after;
  }

  /** Bytes that channel 0-3 of this chip would move now in the device's direction; 0 while masked or set up otherwise. */
  ready(channel: number, toMemory: boolean): number {
    const { mode, count } = this.#channels[channel]!;
    const isOff = (this.#chip.command & Command.Disable) !== 0 || (this.#chip.mask & (1 << channel)) !== 0;
    if (isOff || (mode & Mode.TransferMask) !== (toMemory ? Mode.ToMemory : Mode.FromMemory)) return 0;
    return (count + 1) * this.place.unitBytes;
  }

  /**
   * The device gives bytes to memory, whole units of the channel. Returns how many were taken: fewer at the
   * terminal count, 0 while the channel is masked. Throws FrameNotPresent and has then changed nothing.
   */
  writeMemory(channel: number, data: Uint8Array): number {
    const length = this.#whole(Math.min(data.length, this.ready(channel, true)));
    let done = 0;
    for (const { address, count } of this.#pieces(channel, length)) {
      const piece = data.subarray(done, done + count);
      this.#memory.write(address, this.#isDescending(channel) ? reversed(piece, this.place.unitBytes) : piece);
      done += count;
    }
    this.#advance(channel, length);
    return length;
  }

  /** The device takes up to `length` bytes from memory; fewer at the terminal count. Throws FrameNotPresent likewise. */
  readMemory(channel: number, length: number): Uint8Array {
    const result = new Uint8Array(this.#whole(Math.min(length, this.ready(channel, false))));
    let done = 0;
    for (const { address, count } of this.#pieces(channel, result.length)) {
      const piece = this.#memory.read(address, count);
      result.set(this.#isDescending(channel) ? reversed(piece, this.place.unitBytes) : piece, done);
      done += count;
    }
    this.#advance(channel, result.length);
    return result;
  }

  #whole(length: number): number {
    return length - (length % this.place.unitBytes);
  }

  #isDescending(channel: number): boolean {
    return (this.#channels[channel]!.mode & Mode.Decrement) !== 0;
  }

  /** Physical ranges of a transfer in its order: the 16-bit address wraps within its page. */
  *#pieces(channel: number, length: number): Generator<{ address: number; count: number }> {
    const unit = this.place.unitBytes;
    const { page } = this.#channels[channel]!;
    // On the word chip the page register's bit 0 is not connected: address bit 16 comes from the chip.
    const base = (unit === 2 ? page & 0xfe : page) * 0x10000;
    let { address } = this.#channels[channel]!;
    for (let left = length / unit; left > 0; ) {
      const run = Math.min(left, this.#isDescending(channel) ? address + 1 : 0x10000 - address);
      const lowest = this.#isDescending(channel) ? address - run + 1 : address;
      yield { address: base + lowest * unit, count: run * unit };
      address = this.#isDescending(channel) ? (address - run) & 0xffff : (address + run) & 0xffff;
      left -= run;
    }
  }

  /** Datasheet "Autoinitialize", "Terminal count": the count runs through 0 to FFFF. */
  #advance(index: number, length: number): void {
    const channel = this.#channels[index]!;
    const units = length / this.place.unitBytes;
    if (units === 0) return;
    const isTerminal = units > channel.count;
    channel.address = (channel.address + (this.#isDescending(index) ? -units : units)) & 0xffff;
    channel.count = (channel.count - units) & 0xffff;
    if (!isTerminal) return;
    this.#chip.status |= 1 << index;
    if (channel.mode & Mode.AutoInitialize) {
      channel.address = channel.baseAddress;
      channel.count = channel.baseCount;
    } else this.#chip.mask |= 1 << index;
  }

  save(): StateOf<typeof schema> {
    const [zero, one, two, three] = this.#channels as [Channel, Channel, Channel, Channel];
    return {
      ...prefixed("channel0", zero),
      ...prefixed("channel1", one),
      ...prefixed("channel2", two),
      ...prefixed("channel3", three),
      ...prefixed("chip", this.#chip),
    };
  }

  load(from: StateOf<typeof schema>): void {
    this.#channels = [
      unprefixed("channel0", from),
      unprefixed("channel1", from),
      unprefixed("channel2", from),
      unprefixed("channel3", from),
    ];
    this.#chip = unprefixed("chip", from);
  }
}

/** Units in reverse order, each unit's bytes as they are. */
function reversed(data: Uint8Array, unitBytes: number): Uint8Array {
  const result = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i += unitBytes) result.set(data.subarray(i, i + unitBytes), data.length - i - unitBytes);
  return result;
}

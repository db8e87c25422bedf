/**
 * PCI bus 0 and its access by configuration mechanism 1 (PCI Local Bus Specification 2.1, 3.7.4.1): the address
 * register at CF8h, taken only as a dword, and the data window CFCh-CFFh for bytes, words and dwords. A function is
 * 256 bytes of configuration space, of which a mask tells the writable bits.
 */
import { bytes, type StateOf, state, u32 } from "../../snapshot/schema";
import type { AccessSize, Board, Device, RegisterHandler } from "../device";

const ADDRESS_PORT = 0xcf8;
const DATA_PORT = 0xcfc;
/** Address register: bit 31 enable, 23-16 bus, 15-11 device, 10-8 function, 7-2 register. */
const Address = { Enable: 0x80000000, Writable: 0x80fffffc } as const;
const CONFIG_BYTES = 256;

/** Offsets of the configuration header that every function has, in the specification's order. */
export const ConfigRegister = {
  VendorId: 0x00,
  DeviceId: 0x02,
  Command: 0x04,
  Status: 0x06,
  RevisionId: 0x08,
  ClassCode: 0x09,
  HeaderType: 0x0e,
  SubsystemVendorId: 0x2c,
  SubsystemId: 0x2e,
} as const;
export const HEADER_TYPE_MULTIFUNCTION = 0x80;

/** One function on the bus: its place and its configuration space. */
export interface PciFunction {
  /** Device number 0-31 and function number 0-7 on bus 0. */
  readonly device: number;
  readonly function: number;
  readConfig(register: number): number;
  writeConfig(register: number, value: number): void;
}

/** 256 bytes with power-on values and writable bits: what the simple functions are made of. */
export class ConfigSpace {
  readonly bytes = new Uint8Array(CONFIG_BYTES);
  readonly #initial = new Uint8Array(CONFIG_BYTES);
  readonly #writable = new Uint8Array(CONFIG_BYTES);

  /** A little-endian register of `size` bytes with its power-on value and writable bits. */
  define(register: number, size: 1 | 2 | 3 | 4, initial: number, writable = 0): this {
    for (let i = 0; i < size; i++) {
      this.#initial[register + i] = initial >>> (8 * i);
      this.#writable[register + i] = writable >>> (8 * i);
    }
    this.reset();
    return this;
  }

  reset(): void {
    this.bytes.set(this.#initial);
  }

  read(register: number): number {
    return this.bytes[register]!;
  }

  write(register: number, value: number): void {
    const writable = this.#writable[register]!;
    this.bytes[register] = (this.bytes[register]! & ~writable) | (value & writable);
  }
}

const PAM0 = 0x59;
const PAM6 = 0x5f;

/** What a part of C0000h-FFFFFh reads and writes: bit 0 reads RAM (else ROM), bit 1 writes RAM (else nothing). */
export interface PamSegment {
  readonly first: number;
  readonly bytes: number;
  readonly mode: number;
}

const hostSchema = state("PCI host bridge", 1, { address: u32, config: bytes(CONFIG_BYTES) });

/**
 * Intel 82441FX, the i440FX's host bridge (datasheet 290549): 8086:1237 at 00:00.0, with QEMU's subsystem id, by
 * which SeaBIOS knows its board. The PAM registers say what C0000h-FFFFFh reads and writes; `onPam` does it.
 */
export class PciHostBridge implements Device<typeof hostSchema>, RegisterHandler, PciFunction {
  readonly schema = hostSchema;
  readonly sizes = 1 | 2 | 4;
  readonly device = 0;
  readonly function = 0;
  #address = 0;
  readonly #config = new ConfigSpace()
    .define(ConfigRegister.VendorId, 2, 0x8086)
    .define(ConfigRegister.DeviceId, 2, 0x1237)
    .define(ConfigRegister.Command, 2, 0x0006, 0x0100)
    .define(ConfigRegister.Status, 2, 0x0280)
    .define(ConfigRegister.RevisionId, 1, 0x02)
    .define(ConfigRegister.ClassCode, 3, 0x060000)
    .define(ConfigRegister.SubsystemVendorId, 2, 0x1af4)
    .define(ConfigRegister.SubsystemId, 2, 0x1100)
    // PMCCFG, DETURBO, DBC, then PAM0-PAM6, DRB0-DRB7, FDHC, SMRAM.
    .define(0x50, 2, 0x0000, 0xffff)
    .define(0x58, 1, 0x00, 0xff)
    .define(0x59, 4, 0, 0x33333330)
    .define(0x5d, 3, 0, 0x333333)
    .define(0x60, 4, 0, 0xffffffff)
    .define(0x64, 4, 0, 0xffffffff)
    .define(0x68, 1, 0x00, 0xc0)
    .define(0x72, 1, 0x02, 0x78);
  /** Functions by device number * 8 + function number. */
  readonly #functions: (PciFunction | undefined)[] = new Array(256).fill(undefined);

  /** `others` are the further functions on bus 0. `onPam` hears of the segments when they may have changed, or were loaded. */
  constructor(
    others: readonly PciFunction[],
    private readonly onPam: (segments: readonly PamSegment[], isLoaded: boolean) => void = () => {},
  ) {
    for (const each of [this, ...others]) this.#functions[each.device * 8 + each.function] = each;
  }

  attach(board: Board): void {
    board.ports(ADDRESS_PORT, 1, {
      sizes: 4,
      read: () => this.#address,
      write: (_offset, value) => {
        this.#address = (value & Address.Writable) >>> 0;
      },
    });
    board.ports(DATA_PORT, 4, this);
  }

  reset(): void {
    this.#address = 0;
    this.#config.reset();
    this.onPam(this.#segments(), false);
  }

  /** C0000h to EFFFFh in pieces of 16 KB (PAM1-PAM6, the low nibble first), then F0000h (PAM0, the high nibble). */
  #segments(): PamSegment[] {
    const segments: PamSegment[] = [];
    for (let n = 0; n < 12; n++) {
      const pam = this.#config.read(PAM0 + 1 + (n >> 1));
      segments.push({ first: 0xc0000 + 0x4000 * n, bytes: 0x4000, mode: (n & 1 ? pam >> 4 : pam) & 3 });
    }
    segments.push({ first: 0xf0000, bytes: 0x10000, mode: (this.#config.read(PAM0) >> 4) & 3 });
    return segments;
  }

  /** The function that the address register selects, or none. */
  #selected(): PciFunction | undefined {
    const address = this.#address;
    if ((address & Address.Enable) === 0 || ((address >>> 16) & 0xff) !== 0) return undefined;
    return this.#functions[(address >>> 8) & 0xff];
  }

  read(offset: number, size: AccessSize): number {
    const selected = this.#selected();
    let value = 0;
    // The lowest byte first: a register may take it as the access.
    for (let i = 0; i < size; i++) {
      const isInWindow = offset + i < 4;
      value += (selected && isInWindow ? selected.readConfig((this.#address & 0xfc) + offset + i) : 0xff) * 2 ** (8 * i);
    }
    return value;
  }

  write(offset: number, value: number, size: AccessSize): void {
    const selected = this.#selected();
    if (!selected) return;
    for (let i = 0; i < size && offset + i < 4; i++) selected.writeConfig((this.#address & 0xfc) + offset + i, (value >>> (8 * i)) & 0xff);
  }

  readConfig(register: number): number {
    return this.#config.read(register);
  }

  writeConfig(register: number, value: number): void {
    this.#config.write(register, value);
    if (register >= PAM0 && register <= PAM6) this.onPam(this.#segments(), false);
  }

  save(): StateOf<typeof hostSchema> {
    return { address: this.#address, config: this.#config.bytes.slice() };
  }

  load(state: StateOf<typeof hostSchema>): void {
    this.#address = state.address;
    this.#config.bytes.set(state.config);
    this.onPam(this.#segments(), true);
  }
}

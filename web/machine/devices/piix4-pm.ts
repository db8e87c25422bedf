/**
 * Power management of the PIIX4 (datasheet 290562, 7.1-7.3): function 3 of the south bridge, 8086:7113. Its registers lie at
 * the port that PMBASE gives: PM1 event, enable and control, and the 24-bit timer at 3.579545 MHz; the general purpose
 * events at AFE0h, where QEMU's board has them; APM's ports B2h and B3h; the SMBus host (7.3.4), on whose bus nothing answers. There is no system management mode: the register
 * by which firmware turns its SMI on says that it is on already, as QEMU does where it has none.
 */
import { SnapshotIncompatible } from "../../lib/errors";
import { bool, bytes, copyState, f64, initialState, type StateOf, state, u8, u16, u32 } from "../../snapshot/schema";
import type { AccessSize, Board, Clock, Device, DeviceLog, Line, Region, RegisterHandler, Timer } from "../device";
import { ConfigRegister, ConfigSpace, type PciFunction } from "./pci";

const SCI = 9;
const APM_PORT = 0xb2;
const GPE_PORT = 0xafe0;
const PM_PORTS = 64;
const Pm = { Status: 0, Enable: 2, Control: 4, Timer: 8 } as const;
const Config = { Base: 0x40, Misc: 0x80, SmbusBase: 0x90, SmbusHost: 0xd2 } as const;
const SMBUS_PORTS = 16;
const SMBUS_CONTROL = 2;
const SMBUS_START = 0x40;
/** Status bit 2: no device took the address. */
const SMBUS_DEVICE_ERROR = 0x04;
/** Bits of PM1 status and enable. */
const Event = { Timer: 0x0001, Global: 0x0020, PowerButton: 0x0100, Rtc: 0x0400 } as const;
const ALL_EVENTS = Event.Timer | Event.Global | Event.PowerButton | Event.Rtc;
const Control = { SciEnable: 0x0001, SleepType: 0x1c00, SleepEnable: 0x2000 } as const;
/** SLP_TYP of soft off in this board's ACPI tables. */
const SOFT_OFF = 0;
/** What the ACPI tables say to write to port B2h. */
const Apm = { AcpiEnable: 0xf1, AcpiDisable: 0xf0 } as const;
const TIMER_HZ = 3_579_545;
/** The timer's top bit changes this often. */
const HALF_PERIOD = 0x800000;
const NS = 1e9;

const schema = state("PIIX4 power management", 1, {
  config: bytes(256),
  status: u16,
  enable: u16,
  control: u16,
  apmControl: u8,
  apmStatus: u8,
  /** GPE0: status in the low, enable in the high word. */
  generalEvents: u32,
  /** Guest time at which the timer's top bit next changes; the status bit has been set for what came before. */
  overflowNs: f64,
  poweredOff: bool,
  /** The SMBus host's 16 registers. */
  smbus: bytes(SMBUS_PORTS),
});

export class Piix4Pm implements Device<typeof schema>, PciFunction, RegisterHandler {
  readonly schema = schema;
  readonly sizes = 1 | 2 | 4;
  readonly device = 1;
  readonly function = 3;
  readonly #config = new ConfigSpace()
    .define(ConfigRegister.VendorId, 2, 0x8086)
    .define(ConfigRegister.DeviceId, 2, 0x7113)
    .define(ConfigRegister.Command, 2, 0x0000, 0x0001)
    .define(ConfigRegister.Status, 2, 0x0280)
    .define(ConfigRegister.RevisionId, 1, 0x03)
    .define(ConfigRegister.ClassCode, 3, 0x068000)
    .define(ConfigRegister.SubsystemVendorId, 2, 0x1af4)
    .define(ConfigRegister.SubsystemId, 2, 0x1100)
    .define(0x3c, 1, 0, 0xff)
    .define(0x3d, 1, 1)
    .define(Config.Base, 4, 0x0001, 0xffc0)
    // DEVACTB: bit 25 is APMC_EN, on from the start.
    .define(0x58, 4, 0x02000000, 0xffffffff)
    .define(Config.Misc, 1, 0x00, 0x01)
    .define(Config.SmbusBase, 4, 0x0001, 0xfff0)
    .define(Config.SmbusHost, 1, 0x00, 0x0f);
  #s = initialState(schema);
  #clock!: Clock;
  #log!: DeviceLog;
  #sci!: Line;
  #alarm!: Timer;
  #region!: Region;
  #smbusRegion!: Region;

  /** `powerOff` is the power supply's switch. */
  constructor(private readonly powerOff: () => void) {
    this.#s.config = this.#config.bytes;
  }

  attach(board: Board): void {
    this.#clock = board.clock;
    this.#log = board.log;
    this.#sci = board.irq(SCI);
    this.#alarm = board.clock.timer("PM timer", () => this.#follow());
    this.#region = board.region("port", PM_PORTS, this);
    this.#smbusRegion = board.region("port", SMBUS_PORTS, {
      read: (offset) => this.#s.smbus[offset]!,
      write: (offset, value) => this.#writeSmbus(offset, value),
    });
    board.ports(APM_PORT, 2, {
      read: (offset) => (offset === 0 ? this.#s.apmControl : this.#s.apmStatus),
      write: (offset, value) => this.#writeApm(offset, value),
    });
    board.ports(GPE_PORT, 4, {
      read: (offset) => (this.#s.generalEvents >>> (8 * offset)) & 0xff,
      write: (offset, value) => {
        const shift = 8 * offset;
        const before = (this.#s.generalEvents >>> shift) & 0xff;
        const after = offset < 2 ? before & ~value : value;
        this.#s.generalEvents = ((this.#s.generalEvents & ~(0xff << shift)) | (after << shift)) >>> 0;
      },
    });
    this.#s.overflowNs = this.#nextOverflow();
  }

  reset(): void {
    this.#config.reset();
    this.#s = { ...initialState(schema), config: this.#config.bytes, overflowNs: this.#nextOverflow() };
    this.#place();
    this.#follow();
  }

  /** The power button on the case: an ACPI event. Without effect while the guest has not enabled it. */
  pressPowerButton(): void {
    this.#s.status |= Event.PowerButton;
    this.#follow();
  }

  #ticks(): number {
    return Math.floor((this.#clock.now() * TIMER_HZ) / NS);
  }

  #nextOverflow(): number {
    return Math.ceil((((Math.floor(this.#ticks() / HALF_PERIOD) + 1) * HALF_PERIOD) / TIMER_HZ) * NS);
  }

  /** Brings the timer's status bit up to date, and drives SCI. */
  #follow(): void {
    const s = this.#s;
    if (this.#clock.now() >= s.overflowNs) {
      s.status |= Event.Timer;
      s.overflowNs = this.#nextOverflow();
    }
    this.#drive();
  }

  #drive(): void {
    const s = this.#s;
    const wants = (s.enable & Event.Timer) !== 0 && (s.status & Event.Timer) === 0;
    this.#alarm.arm(wants ? s.overflowNs : Number.POSITIVE_INFINITY);
    this.#sci.set((s.control & Control.SciEnable) !== 0 && (s.status & s.enable & ALL_EVENTS) !== 0);
  }

  #place(): void {
    const bytes = this.#config.bytes;
    const base = (bytes[Config.Base]! | (bytes[Config.Base + 1]! << 8)) & 0xffc0;
    this.#region.place((bytes[Config.Misc]! & 1) !== 0 && base !== 0 ? base : undefined);
    const smbus = (bytes[Config.SmbusBase]! | (bytes[Config.SmbusBase + 1]! << 8)) & 0xfff0;
    this.#smbusRegion.place((bytes[Config.SmbusHost]! & 1) !== 0 && smbus !== 0 ? smbus : undefined);
  }

  read(offset: number, size: AccessSize): number {
    this.#follow();
    let value = 0;
    for (let i = size - 1; i >= 0; i--) value = value * 256 + this.#byte(offset + i);
    return value;
  }

  #byte(offset: number): number {
    const s = this.#s;
    const word = (register: number, value: number): number => (value >>> (8 * (offset - register))) & 0xff;
    if (offset >= Pm.Timer && offset < Pm.Timer + 4) return Math.floor((this.#ticks() % 0x1000000) / 2 ** (8 * (offset - Pm.Timer))) & 0xff;
    if (offset < Pm.Enable) return word(Pm.Status, s.status);
    if (offset < Pm.Control) return word(Pm.Enable, s.enable);
    if (offset < Pm.Control + 2) return word(Pm.Control, s.control);
    return 0;
  }

  write(offset: number, value: number, size: AccessSize): void {
    this.#follow();
    for (let i = 0; i < size; i++) this.#writeByte(offset + i, (value >>> (8 * i)) & 0xff);
    this.#follow();
  }

  #writeByte(offset: number, value: number): void {
    const s = this.#s;
    const shift = 8 * (offset & 1);
    if (offset < Pm.Enable) s.status &= ~(value << shift);
    else if (offset < Pm.Control) s.enable = ((s.enable & ~(0xff << shift)) | (value << shift)) & ALL_EVENTS;
    else if (offset < Pm.Control + 2) {
      const after = (s.control & ~(0xff << shift)) | (value << shift);
      s.control = after & ~Control.SleepEnable;
      if (after & Control.SleepEnable) this.#sleep((after & Control.SleepType) >> 10);
    }
  }

  #sleep(type: number): void {
    if (type !== SOFT_OFF) {
      this.#log.guest(`sleep of type ${type} was asked for; this board can only be turned off`);
      return;
    }
    this.#s.poweredOff = true;
    this.powerOff();
  }

  #writeApm(offset: number, value: number): void {
    const s = this.#s;
    if (offset === 1) {
      s.apmStatus = value;
      return;
    }
    s.apmControl = value;
    if (value === Apm.AcpiEnable) s.control |= Control.SciEnable;
    else if (value === Apm.AcpiDisable) s.control &= ~Control.SciEnable;
    this.#follow();
  }

  /** Status bits are cleared by writing them; every transaction ends at once, without an answer. */
  #writeSmbus(offset: number, value: number): void {
    const { smbus } = this.#s;
    if (offset === 0) smbus[0]! &= ~value;
    else if (offset === SMBUS_CONTROL) {
      smbus[SMBUS_CONTROL] = value & ~SMBUS_START;
      if (value & SMBUS_START) smbus[0]! |= SMBUS_DEVICE_ERROR;
    } else smbus[offset] = value;
  }

  readConfig(register: number): number {
    return this.#config.read(register);
  }

  writeConfig(register: number, value: number): void {
    this.#config.write(register, value);
    this.#place();
  }

  save(): StateOf<typeof schema> {
    return copyState(schema, this.#s);
  }

  load(from: StateOf<typeof schema>): void {
    if (!(from.overflowNs >= 0)) throw new SnapshotIncompatible("PIIX4 power management", "its timer overflows before power-on.");
    this.#config.bytes.set(from.config);
    this.#s = { ...copyState(schema, from), config: this.#config.bytes };
    this.#place();
    this.#drive();
  }
}

/**
 * Intel 82371SB (PIIX3), function 0: the PCI-to-ISA bridge 8086:7000 at 00:01.0 (datasheet 290550), with its reset
 * control register at port CF9h. It routes the four PCI interrupts to ISA requests: PIRQRC A-D (60h-63h), 4.1.10.
 */
import { bytes, type StateOf, state, u8 } from "../../snapshot/schema";
import type { Board, Device, Line, RegisterHandler } from "../device";
import { Wire } from "../irq";
import { ConfigRegister, ConfigSpace, HEADER_TYPE_MULTIFUNCTION, type PciFunction } from "./pci";

const RESET_CONTROL_PORT = 0xcf9;
/** SRST selects a hard reset; the rise of RCPU starts it. */
const ResetControl = { SystemReset: 0x02, ResetCpu: 0x04, Mask: 0x06 } as const;

/** PIRQRC: bit 7 not routed, bits 3-0 the ISA request, of which these may be chosen. */
const PIRQ_REGISTERS = 0x60;
const PIRQ_COUNT = 4;
const PIRQ_DISABLED = 0x80;
const ROUTABLE = 0b1101_1110_1111_1000;

const schema = state("PIIX3", 1, { resetControl: u8, config: bytes(256) });

export class Piix3 implements Device<typeof schema>, RegisterHandler, PciFunction {
  readonly schema = schema;
  readonly device = 1;
  readonly function = 0;
  #resetControl = 0;
  readonly #config = new ConfigSpace()
    .define(ConfigRegister.VendorId, 2, 0x8086)
    .define(ConfigRegister.DeviceId, 2, 0x7000)
    .define(ConfigRegister.Command, 2, 0x0007, 0x0008)
    .define(ConfigRegister.Status, 2, 0x0200)
    .define(ConfigRegister.ClassCode, 3, 0x060100)
    // The IDE function is on the same chip: the header says so whether or not that function is fitted.
    .define(ConfigRegister.HeaderType, 1, HEADER_TYPE_MULTIFUNCTION)
    .define(ConfigRegister.SubsystemVendorId, 2, 0x1af4)
    .define(ConfigRegister.SubsystemId, 2, 0x1100)
    // IORT and XBCS (ISA timing, X-bus chip selects).
    .define(0x4c, 1, 0x4d, 0xff)
    .define(0x4e, 2, 0x0003, 0x01ff)
    // PIRQRC A-D: 80h = not routed. TOM, MBIRQ0 and 1.
    .define(0x60, 4, 0x80808080, 0x8f8f8f8f)
    .define(0x69, 1, 0x02, 0xfe)
    .define(0x70, 2, 0x8080, 0xefef)
    // MBDMA 0 and 1, PCSC, APICBASE, DLC.
    .define(0x76, 2, 0x0c0c, 0x8f8f)
    .define(0x78, 2, 0x0002, 0xfffe)
    .define(0x80, 1, 0x00, 0x7f)
    .define(0x82, 1, 0x00, 0x0f)
    // SMICNTL, SMIEN, SEE, FTMR, SMIREQ, CTLTMR, CTHTMR.
    .define(0xa0, 1, 0x08, 0x1f)
    .define(0xa2, 2, 0x0000, 0x01ff)
    .define(0xa4, 4, 0, 0xe000ffff)
    .define(0xa8, 1, 0x0f, 0xff)
    .define(0xaa, 2, 0x0000, 0x01ff)
    .define(0xac, 1, 0x00, 0xff)
    .define(0xae, 1, 0x00, 0xff);

  /** PIRQA# to PIRQD#: wires that the devices' pins share. */
  readonly #pirqs = Array.from(
    { length: PIRQ_COUNT },
    (_, n) =>
      new Wire((level) => {
        this.#route();
        this.onPirq(n, level);
      }),
  );
  /** By ISA request; undefined where it cannot be chosen. */
  #requests: (Line | undefined)[] = [];

  /** `onPirq` hears of the PCI interrupts A to D (0-3) before they are routed. */
  constructor(
    private readonly requestReset: () => void,
    private readonly onPirq: (n: number, level: boolean) => void = () => {},
  ) {}

  attach(board: Board): void {
    board.ports(RESET_CONTROL_PORT, 1, this);
    this.#requests = Array.from({ length: 16 }, (_, request) => ((ROUTABLE >> request) & 1 ? board.irq(request) : undefined));
  }

  /** A driver of the interrupt pin (1-4) of a device: device by device the pins are turned by one wire, as on QEMU's board. */
  interruptPin(device: number, pin: number): Line {
    return this.#pirqs[(device + pin - 2) & (PIRQ_COUNT - 1)]!.driver();
  }

  /** Each ISA request is up while a PCI interrupt that is routed to it is. */
  #route(): void {
    let high = 0;
    for (let n = 0; n < PIRQ_COUNT; n++) {
      const route = this.#config.read(PIRQ_REGISTERS + n);
      if (this.#pirqs[n]!.level && (route & PIRQ_DISABLED) === 0) high |= 1 << (route & 0x0f);
    }
    for (const [request, line] of this.#requests.entries()) line?.set(((high >> request) & 1) !== 0);
  }

  reset(): void {
    this.#resetControl = 0;
    this.#config.reset();
    this.#route();
  }

  read(): number {
    return this.#resetControl;
  }

  write(_offset: number, value: number): void {
    const starts = (value & ~this.#resetControl & ResetControl.ResetCpu) !== 0;
    this.#resetControl = value & ResetControl.Mask;
    if (starts) this.requestReset();
  }

  readConfig(register: number): number {
    return this.#config.read(register);
  }

  writeConfig(register: number, value: number): void {
    this.#config.write(register, value);
    this.#route();
  }

  save(): StateOf<typeof schema> {
    return { resetControl: this.#resetControl, config: this.#config.bytes.slice() };
  }

  load(state: StateOf<typeof schema>): void {
    this.#resetControl = state.resetControl;
    this.#config.bytes.set(state.config);
    this.#route();
  }
}

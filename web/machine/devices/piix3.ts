/**
 * Intel 82371SB (PIIX3), function 0: the PCI-to-ISA bridge 8086:7000 at 00:01.0 (datasheet 290550), with its reset
 * control register at port CF9h. Interrupt routing (PIRQ) is kept for the PCI devices that will use it.
 */
import { bytes, type StateOf, state, u8 } from "../../snapshot/schema";
import type { Board, Device, RegisterHandler } from "../device";
import { ConfigRegister, ConfigSpace, HEADER_TYPE_MULTIFUNCTION, type PciFunction } from "./pci";

const RESET_CONTROL_PORT = 0xcf9;
/** SRST selects a hard reset; the rise of RCPU starts it. */
const ResetControl = { SystemReset: 0x02, ResetCpu: 0x04, Mask: 0x06 } as const;

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

  constructor(private readonly requestReset: () => void) {}

  attach(board: Board): void {
    board.ports(RESET_CONTROL_PORT, 1, this);
  }

  reset(): void {
    this.#resetControl = 0;
    this.#config.reset();
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
  }

  save(): StateOf<typeof schema> {
    return { resetControl: this.#resetControl, config: this.#config.bytes.slice() };
  }

  load(state: StateOf<typeof schema>): void {
    this.#resetControl = state.resetControl;
    this.#config.bytes.set(state.config);
  }
}

/**
 * Intel 8259A programmable interrupt controller, one chip; the AT board has two (irq.ts wires them). Datasheet
 * 231468-003; edge/level control registers as in the PIIX3 (82371SB, 290550 "ELCR"). The MCS-80 mode, buffered mode
 * and cascade identity (ICW3) have no effect on a PC board and are not modelled; ICW1.LTIM is replaced by the ELCR,
 * as the PIIX3's datasheet says of its own 8259 core.
 */
import { bool, copyState, initially, initialState, type StateOf, state, u8 } from "../../snapshot/schema";
import type { Board, Device, DeviceLog, RegisterHandler } from "../device";

/** Offsets from the chip's first port. ICW1, OCW2 and OCW3 share the first, told apart by bits 4 and 3. */
const enum Reg {
  Command = 0,
  Data = 1,
}
const Icw1 = { NeedsIcw4: 0x01, Single: 0x02, Select: 0x10 } as const;
const Icw4 = { Mode8086: 0x01, AutoEoi: 0x02, SpecialFullyNested: 0x10 } as const;
const Ocw3 = {
  ReadRegisterMask: 0x03,
  ReadIrr: 0x02,
  ReadIsr: 0x03,
  Poll: 0x04,
  Select: 0x08,
  SpecialMaskMask: 0x60,
  SpecialMaskOff: 0x40,
  SpecialMaskOn: 0x60,
} as const;
/** OCW2 bits 7-5: R, SL, EOI. */
const enum Ocw2 {
  RotateInAutoEoiClear = 0,
  NonSpecificEoi = 1,
  NoOperation = 2,
  SpecificEoi = 3,
  RotateInAutoEoiSet = 4,
  RotateOnNonSpecificEoi = 5,
  SetPriority = 6,
  RotateOnSpecificEoi = 7,
}
/** Which initialization word the data port expects next. */
const enum Expect {
  Ocw1 = 0,
  Icw2 = 2,
  Icw3 = 3,
  Icw4 = 4,
}
const CASCADE_BIT = 0x04;
const NO_INPUT = -1;

const schema = state("8259A", 1, {
  /** Levels of the eight IR pins. */
  inputs: u8,
  /** Edge sense latches: a rise not yet acknowledged. */
  latch: u8,
  /** 1 = level-triggered. */
  elcr: u8,
  inService: u8,
  mask: u8,
  /** Bits 7-3 of the vector. */
  vectorBase: u8,
  /** The input with the lowest priority, 0-7. */
  lowest: initially(u8, 7),
  expect: u8,
  needsIcw4: bool,
  single: bool,
  autoEoi: bool,
  specialFullyNested: bool,
  rotateInAutoEoi: bool,
  specialMask: bool,
  readIsr: bool,
  poll: bool,
});

export class Pic implements Device<typeof schema>, RegisterHandler {
  readonly schema = schema;
  /** INT output; set by whoever wires the chip. Called on each change. */
  onInt: (level: boolean) => void = () => {};
  #s = initialState(schema);
  #int = false;
  #log!: DeviceLog;

  /** `elcrPort` is its edge/level register; bits of `elcrFixed` are always edge-triggered there. */
  constructor(
    private readonly firstPort: number,
    private readonly elcrPort: number,
    private readonly elcrFixed: number,
    private readonly isMaster: boolean,
  ) {}

  attach(board: Board): void {
    this.#log = board.log;
    board.ports(this.firstPort, 2, this);
    board.ports(this.elcrPort, 1, {
      read: () => this.#s.elcr,
      write: (_offset, value) => {
        this.#s.elcr = value & ~this.elcrFixed;
        this.#update();
      },
    });
  }

  reset(): void {
    const inputs = this.#s.inputs;
    this.#s = initialState(schema);
    this.#s.inputs = inputs;
    this.#update();
  }

  /** Drives pin IR0-IR7. */
  setInput(input: number, level: boolean): void {
    const bit = 1 << input;
    const s = this.#s;
    if (((s.inputs & bit) !== 0) === level) return;
    if (level) {
      s.inputs |= bit;
      s.latch |= bit;
    } else {
      // Datasheet "Edge and level triggered modes": a request that falls before its INTA is withdrawn.
      s.inputs &= ~bit;
      s.latch &= ~bit;
    }
    this.#update();
  }

  /** Interrupt request register: level-triggered inputs as they are, edge-triggered ones as latched. */
  get requests(): number {
    return this.#s.inputs & (this.#s.elcr | this.#s.latch);
  }

  /**
   * First INTA pulse: the input that wins goes into service; INT falls, and rises again if another request is
   * waiting. With none left: 7, and nothing goes into service (datasheet "default IR7", the spurious interrupt).
   */
  acknowledge(): number {
    const s = this.#s;
    const input = this.#winner();
    if (input === NO_INPUT) return 7;
    s.latch &= ~(1 << input);
    if (!s.autoEoi) s.inService |= 1 << input;
    else if (s.rotateInAutoEoi) s.lowest = input;
    this.#setInt(false);
    this.#update();
    return input;
  }

  /** The vector that the second INTA pulse reads for an input. */
  vector(input: number): number {
    return (this.#s.vectorBase & 0xf8) | input;
  }

  read(offset: number): number {
    const s = this.#s;
    if (s.poll) {
      // Datasheet "Poll command": the next read is an INTA; bit 7 says that there was a request.
      s.poll = false;
      const pending = this.#winner() !== NO_INPUT;
      return pending ? 0x80 | this.acknowledge() : 0;
    }
    if (offset === Reg.Data) return s.mask;
    return s.readIsr ? s.inService : this.requests;
  }

  write(offset: number, value: number): void {
    if (offset === Reg.Data) this.#writeData(value);
    else if (value & Icw1.Select) this.#writeIcw1(value);
    else if (value & Ocw3.Select) this.#writeOcw3(value);
    else this.#writeOcw2(value >> 5, value & 7);
    this.#update();
  }

  /** Datasheet "Initialization Command Words": what ICW1 clears by itself. */
  #writeIcw1(value: number): void {
    const s = this.#s;
    s.latch = 0;
    s.mask = 0;
    s.inService = 0;
    s.lowest = 7;
    s.specialMask = false;
    s.readIsr = false;
    s.poll = false;
    s.autoEoi = false;
    s.specialFullyNested = false;
    s.rotateInAutoEoi = false;
    s.single = (value & Icw1.Single) !== 0;
    s.needsIcw4 = (value & Icw1.NeedsIcw4) !== 0;
    if (!s.needsIcw4) this.#log.guest("ICW1 without ICW4 asks for the MCS-80 mode, which an x86 cannot use");
    s.expect = Expect.Icw2;
  }

  #writeData(value: number): void {
    const s = this.#s;
    if (s.expect === Expect.Icw2) {
      s.vectorBase = value & 0xf8;
      s.expect = s.single ? (s.needsIcw4 ? Expect.Icw4 : Expect.Ocw1) : Expect.Icw3;
    } else if (s.expect === Expect.Icw3) {
      const wired = this.isMaster ? CASCADE_BIT : 2;
      if (value !== wired) this.#log.guest(`ICW3 is ${value}, but this board's cascade is wired for ${wired}`);
      s.expect = s.needsIcw4 ? Expect.Icw4 : Expect.Ocw1;
    } else if (s.expect === Expect.Icw4) {
      s.autoEoi = (value & Icw4.AutoEoi) !== 0;
      s.specialFullyNested = (value & Icw4.SpecialFullyNested) !== 0;
      if (!(value & Icw4.Mode8086)) this.#log.guest("ICW4 asks for the MCS-80 mode, which an x86 cannot use");
      s.expect = Expect.Ocw1;
    } else s.mask = value;
  }

  #writeOcw2(command: number, input: number): void {
    const s = this.#s;
    switch (command) {
      case Ocw2.RotateInAutoEoiClear:
        s.rotateInAutoEoi = false;
        break;
      case Ocw2.RotateInAutoEoiSet:
        s.rotateInAutoEoi = true;
        break;
      case Ocw2.NonSpecificEoi:
      case Ocw2.RotateOnNonSpecificEoi: {
        // Datasheet "Special mask mode": a non-specific EOI does not clear an in-service bit that is masked then.
        const highest = this.#highest(s.specialMask ? s.inService & ~s.mask : s.inService);
        if (highest === NO_INPUT) break;
        s.inService &= ~(1 << highest);
        if (command === Ocw2.RotateOnNonSpecificEoi) s.lowest = highest;
        break;
      }
      case Ocw2.SpecificEoi:
        s.inService &= ~(1 << input);
        break;
      case Ocw2.RotateOnSpecificEoi:
        s.inService &= ~(1 << input);
        s.lowest = input;
        break;
      case Ocw2.SetPriority:
        s.lowest = input;
        break;
      case Ocw2.NoOperation:
        break;
    }
  }

  #writeOcw3(value: number): void {
    const s = this.#s;
    const specialMask = value & Ocw3.SpecialMaskMask;
    if (specialMask === Ocw3.SpecialMaskOn) s.specialMask = true;
    else if (specialMask === Ocw3.SpecialMaskOff) s.specialMask = false;
    if (value & Ocw3.Poll) {
      s.poll = true;
      return;
    }
    const readRegister = value & Ocw3.ReadRegisterMask;
    if (readRegister === Ocw3.ReadIsr) s.readIsr = true;
    else if (readRegister === Ocw3.ReadIrr) s.readIsr = false;
  }

  /** Rank of an input: 0 is the highest priority. */
  #rank(input: number): number {
    return (input - this.#s.lowest - 1) & 7;
  }

  /** The input of highest priority in a set of bits. */
  #highest(bits: number): number {
    if (bits === 0) return NO_INPUT;
    let input = (this.#s.lowest + 1) & 7;
    while ((bits & (1 << input)) === 0) input = (input + 1) & 7;
    return input;
  }

  /** The request that INT stands for: the highest unmasked one, if nothing in service holds it back. */
  #winner(): number {
    const s = this.#s;
    const request = this.#highest(this.requests & ~s.mask);
    if (request === NO_INPUT) return NO_INPUT;
    let holding = s.inService;
    if (s.specialMask) holding &= ~s.mask;
    // Datasheet "Special fully nested mode": a slave in service does not lock out its own higher requests.
    if (s.specialFullyNested && this.isMaster) holding &= ~CASCADE_BIT;
    const service = this.#highest(holding);
    return service === NO_INPUT || this.#rank(request) < this.#rank(service) ? request : NO_INPUT;
  }

  #update(): void {
    this.#setInt(this.#winner() !== NO_INPUT);
  }

  #setInt(level: boolean): void {
    if (level === this.#int) return;
    this.#int = level;
    this.onInt(level);
  }

  save(): StateOf<typeof schema> {
    return copyState(schema, this.#s);
  }

  load(state: StateOf<typeof schema>): void {
    this.#s = copyState(schema, state);
    this.#int = this.#winner() !== NO_INPUT;
    this.onInt(this.#int);
  }
}

/**
 * National PC16550D universal asynchronous receiver/transmitter with FIFOs (datasheet TL/C/8652). A byte written to
 * the transmitter has left when the write ends: nothing in a PC needs the wire's slowness, and a boot prints tens of
 * thousands of bytes. The receiver takes from a queue of the host as fast as the guest reads, so that host input is
 * never lost to a full FIFO; only loopback can overrun. Of the host it is known when nothing more comes: the receiver does not
 * wait out the silence then, so that a key is echoed at once. The modem on the other side is always ready (CTS, DSR, DCD).
 */
import { ByteQueue } from "../../lib/byte-queue";
import { SnapshotIncompatible } from "../../lib/errors";
import { bool, copyState, f64, initially, initialState, list, type StateOf, state, u8, u16 } from "../../snapshot/schema";
import type { Board, Clock, Device, Line, RegisterHandler, Timer } from "../device";

/** Register offsets in datasheet order. With LCR.DivisorLatchAccess, 0 and 1 are the divisor latch. */
const enum Reg {
  Data = 0,
  InterruptEnable = 1,
  /** Read: interrupt identification. Written: FIFO control. */
  InterruptIdentFifoControl = 2,
  LineControl = 3,
  ModemControl = 4,
  LineStatus = 5,
  ModemStatus = 6,
  Scratch = 7,
}
const Ier = { ReceivedData: 0x01, TransmitterEmpty: 0x02, LineStatus: 0x04, ModemStatus: 0x08, Mask: 0x0f } as const;
/** Interrupt identifications by falling priority, bit 0 = none. */
const Iir = {
  None: 0x01,
  LineStatus: 0x06,
  ReceivedData: 0x04,
  Timeout: 0x0c,
  TransmitterEmpty: 0x02,
  ModemStatus: 0x00,
  FifosEnabled: 0xc0,
} as const;
const Fcr = { Enable: 0x01, ClearReceiver: 0x02 } as const;
const Lcr = { WordLengthMask: 0x03, TwoStopBits: 0x04, Parity: 0x08, Break: 0x40, DivisorLatchAccess: 0x80 } as const;
const Mcr = { Dtr: 0x01, Rts: 0x02, Out1: 0x04, Out2: 0x08, Loopback: 0x10, Mask: 0x1f } as const;
const Lsr = {
  DataReady: 0x01,
  Overrun: 0x02,
  Break: 0x10,
  TransmitterHoldingEmpty: 0x20,
  TransmitterEmpty: 0x40,
  ErrorInFifo: 0x80,
  ErrorMask: 0x1e,
} as const;
/** Modem status: inputs in bits 7-4, their changes since the last read in bits 3-0 (RI: only its fall). */
const Msr = { Cts: 0x10, Dsr: 0x20, Ri: 0x40, Dcd: 0x80, DeltaMask: 0x0f, DeltaRi: 0x04 } as const;
const MODEM_READY = Msr.Cts | Msr.Dsr | Msr.Dcd;

const FIFO_BYTES = 16;
/** FCR bits 7-6. */
const TRIGGER_LEVELS = [1, 4, 8, 14] as const;
/** 1.8432 MHz crystal / 16: bits per second at divisor 1. */
const BASE_BAUD = 115_200;
/** Receiver FIFO timeout in character times (datasheet "FIFO interrupt mode operation"). */
const TIMEOUT_CHARACTERS = 4;
const HOST_QUEUE_BYTES = 0x10000;

const schema = state("16550A", 1, {
  interruptEnable: u8,
  lineControl: u8,
  modemControl: u8,
  modemStatus: u8,
  scratch: u8,
  /** 9,600 baud, as the firmware of old left it; a driver that computes the rate from it must not divide by 0. */
  divisor: initially(u16, 12),
  fifosEnabled: bool,
  triggerIndex: u8,
  receiver: list(FIFO_BYTES),
  /** LSR error bits of each byte in `receiver`. */
  receiverErrors: list(FIFO_BYTES),
  overrun: bool,
  /** The transmitter has become empty and nobody has been told. */
  transmitterEmpty: bool,
  /** The receiver timed out with bytes below the trigger level. */
  timedOut: bool,
  timeoutNs: initially(f64, Number.POSITIVE_INFINITY),
  hostQueue: list(HOST_QUEUE_BYTES),
});
type State = Omit<StateOf<typeof schema>, "receiver" | "receiverErrors" | "hostQueue" | "timeoutNs"> & {
  receiver: number[];
  receiverErrors: number[];
};

export class Uart implements Device<typeof schema>, RegisterHandler {
  readonly schema = schema;
  /** Hears each byte that the guest sends. */
  onTransmit: (byte: number) => void = () => {};
  /** Hears that the host's queue has become empty. */
  onReceiveDrained: () => void = () => {};
  #s: State = powerOn();
  readonly #hostQueue = new ByteQueue(HOST_QUEUE_BYTES);
  #clock!: Clock;
  #interrupt!: Line;
  #timeout!: Timer;

  constructor(
    private readonly name: string,
    private readonly firstPort: number,
    private readonly irq: number,
  ) {}

  attach(board: Board): void {
    this.#clock = board.clock;
    this.#interrupt = board.irq(this.irq);
    this.#timeout = board.clock.timer(`${this.name} receiver timeout`, () => this.#onTimeout());
    board.ports(this.firstPort, 8, this);
  }

  /** Datasheet "Master reset": the divisor, the scratch register and what the host has queued stay. */
  reset(): void {
    const { scratch, divisor } = this.#s;
    this.#s = { ...powerOn(), scratch, divisor };
    this.#timeout.disarm();
    this.#update();
  }

  /**
   * Bytes from the host, an input of the run: call between two `run()` calls. Returns how many fit into the queue
   * (64 KB); offer the rest again after `onReceiveDrained`, not from within it.
   */
  receive(bytes: ArrayLike<number>): number {
    const taken = this.#hostQueue.push(bytes);
    this.#refill();
    this.#update();
    return taken;
  }

  /** A break condition on the line (Linux: the magic SysRq key). Lost if the FIFO is full. */
  receiveBreak(): void {
    if (this.#s.receiver.length < this.#receiverCapacity) this.#take(0, Lsr.Break);
    this.#update();
  }

  /** Bytes of the host that the guest has not been given yet. */
  get queuedBytes(): number {
    return this.#hostQueue.length;
  }

  get #receiverCapacity(): number {
    return this.#s.fifosEnabled ? FIFO_BYTES : 1;
  }

  get #isLoopback(): boolean {
    return (this.#s.modemControl & Mcr.Loopback) !== 0;
  }

  read(offset: number): number {
    const s = this.#s;
    switch (offset) {
      case Reg.Data:
        return s.lineControl & Lcr.DivisorLatchAccess ? s.divisor & 0xff : this.#readData();
      case Reg.InterruptEnable:
        return s.lineControl & Lcr.DivisorLatchAccess ? s.divisor >> 8 : s.interruptEnable;
      case Reg.InterruptIdentFifoControl:
        return this.#readIdent();
      case Reg.LineControl:
        return s.lineControl;
      case Reg.ModemControl:
        return s.modemControl;
      case Reg.LineStatus:
        return this.#readLineStatus();
      case Reg.ModemStatus: {
        const value = s.modemStatus;
        s.modemStatus &= ~Msr.DeltaMask;
        this.#update();
        return value;
      }
      default:
        return s.scratch;
    }
  }

  write(offset: number, value: number): void {
    const s = this.#s;
    switch (offset) {
      case Reg.Data:
        if (s.lineControl & Lcr.DivisorLatchAccess) s.divisor = (s.divisor & 0xff00) | value;
        else this.#transmit(value);
        break;
      case Reg.InterruptEnable:
        if (s.lineControl & Lcr.DivisorLatchAccess) s.divisor = (s.divisor & 0xff) | (value << 8);
        else this.#writeInterruptEnable(value & Ier.Mask);
        break;
      case Reg.InterruptIdentFifoControl:
        this.#writeFifoControl(value);
        break;
      case Reg.LineControl:
        s.lineControl = value;
        break;
      case Reg.ModemControl:
        s.modemControl = value & Mcr.Mask;
        this.#setModemInputs(this.#isLoopback ? loopedInputs(s.modemControl) : MODEM_READY);
        this.#refill();
        this.#update();
        break;
      case Reg.Scratch:
        s.scratch = value;
        break;
      default:
        // LSR and MSR writes are for factory testing only.
        break;
    }
  }

  #writeInterruptEnable(value: number): void {
    const s = this.#s;
    // Enabling the interrupt while the transmitter is empty raises it anew; Linux tests for this.
    if (value & Ier.TransmitterEmpty && !(s.interruptEnable & Ier.TransmitterEmpty)) s.transmitterEmpty = true;
    s.interruptEnable = value;
    this.#refillEmpty();
    this.#update();
  }

  #writeFifoControl(value: number): void {
    const s = this.#s;
    const enable = (value & Fcr.Enable) !== 0;
    // Datasheet FCR0: changing the mode clears both FIFOs. The transmitter's is always empty.
    if (enable !== s.fifosEnabled || value & Fcr.ClearReceiver) {
      s.receiver.length = 0;
      s.receiverErrors.length = 0;
      s.timedOut = false;
      this.#timeout.disarm();
    }
    s.fifosEnabled = enable;
    s.triggerIndex = enable ? value >> 6 : 0;
    this.#refill();
    this.#update();
  }

  #transmit(value: number): void {
    const s = this.#s;
    s.transmitterEmpty = false;
    if (this.#isLoopback) this.#loop(value);
    else this.onTransmit(value);
    // The write clears the interrupt and the byte's departure raises it again: an edge, which the 8259A must see.
    if (s.interruptEnable & Ier.TransmitterEmpty) this.#update();
    s.transmitterEmpty = true;
    this.#update();
  }

  #loop(value: number): void {
    const s = this.#s;
    if (s.receiver.length < this.#receiverCapacity) this.#take(value, 0);
    else {
      s.overrun = true;
      // Without FIFOs the newer byte replaces the older; with FIFOs it is lost in the shift register.
      if (!s.fifosEnabled) s.receiver[0] = value;
    }
  }

  /** One byte arrives in the FIFO or holding register, which has room. */
  #take(value: number, errors: number): void {
    const s = this.#s;
    s.receiver.push(value);
    s.receiverErrors.push(errors);
    this.#restartTimeout();
  }

  /** Moves bytes of the host to the receiver, as many as it has room for. In loopback the line is cut off. */
  #refill(): void {
    if (this.#hostQueue.length === 0 || this.#isLoopback) return;
    while (this.#s.receiver.length < this.#receiverCapacity) {
      const byte = this.#hostQueue.shift();
      if (byte < 0) break;
      this.#take(byte, 0);
    }
    if (this.#hostQueue.length > 0) return;
    // Departure from the four character times of silence, which at 9,600 baud are 4 ms.
    if (this.#s.fifosEnabled) {
      this.#timeout.disarm();
      this.#onTimeout();
    }
    this.onReceiveDrained();
  }

  #refillEmpty(): void {
    if (this.#hostQueue.length === 0 || this.#s.receiver.length > 0) return;
    this.#refill();
    this.#update();
  }

  #readData(): number {
    const s = this.#s;
    if (s.receiver.length === 0) return 0;
    const value = s.receiver.shift()!;
    s.receiverErrors.shift();
    s.timedOut = false;
    this.#restartTimeout();
    this.#update();
    // The request has fallen: the next batch gives an edge of its own, as the wire's slowness would.
    this.#refillEmpty();
    return value;
  }

  #readIdent(): number {
    const s = this.#s;
    const ident = this.#pending();
    if (ident === Iir.TransmitterEmpty) {
      // Reading its identification clears this interrupt; the others have sources of their own.
      s.transmitterEmpty = false;
      this.#update();
    }
    return ident | (s.fifosEnabled ? Iir.FifosEnabled : 0);
  }

  #readLineStatus(): number {
    const s = this.#s;
    this.#refillEmpty();
    let value: number = Lsr.TransmitterHoldingEmpty | Lsr.TransmitterEmpty;
    if (s.receiver.length > 0) value |= Lsr.DataReady | s.receiverErrors[0]!;
    if (s.overrun) value |= Lsr.Overrun;
    if (s.fifosEnabled && s.receiverErrors.some((errors) => errors !== 0)) value |= Lsr.ErrorInFifo;
    if (value & Lsr.ErrorMask) {
      s.overrun = false;
      if (s.receiver.length > 0) s.receiverErrors[0] = 0;
      this.#update();
    }
    return value;
  }

  #setModemInputs(inputs: number): void {
    const s = this.#s;
    const before = s.modemStatus & ~Msr.DeltaMask;
    const changed = (before ^ inputs) >> 4;
    // RI: only the trailing edge counts (datasheet "TERI").
    const ringEnded = before & ~inputs & Msr.Ri ? Msr.DeltaRi : 0;
    s.modemStatus = inputs | (s.modemStatus & Msr.DeltaMask) | (changed & ~Msr.DeltaRi) | ringEnded;
  }

  /** With FIFOs, bytes that wait unread for four character times are announced whatever the trigger level. */
  #restartTimeout(): void {
    const s = this.#s;
    if (!s.fifosEnabled || s.receiver.length === 0) this.#timeout.disarm();
    else this.#timeout.arm(this.#clock.now() + TIMEOUT_CHARACTERS * this.#characterNs());
  }

  /** Time of one character on the wire in ns: start bit, 5-8 data bits, parity, stop bits. */
  #characterNs(): number {
    const s = this.#s;
    const bits =
      1 + 5 + (s.lineControl & Lcr.WordLengthMask) + (s.lineControl & Lcr.Parity ? 1 : 0) + (s.lineControl & Lcr.TwoStopBits ? 2 : 1);
    return Math.ceil((bits * Math.max(1, s.divisor) * 1e9) / BASE_BAUD);
  }

  #onTimeout(): void {
    this.#s.timedOut = this.#s.receiver.length > 0;
    this.#update();
  }

  /** The interrupt of highest priority that is enabled and pending (datasheet table "Interrupt control functions"). */
  #pending(): number {
    const s = this.#s;
    const enable = s.interruptEnable;
    if (enable & Ier.LineStatus && (s.overrun || (s.receiver.length > 0 && s.receiverErrors[0] !== 0))) return Iir.LineStatus;
    if (enable & Ier.ReceivedData) {
      if (s.receiver.length >= (s.fifosEnabled ? TRIGGER_LEVELS[s.triggerIndex & 3]! : 1)) return Iir.ReceivedData;
      if (s.timedOut) return Iir.Timeout;
    }
    if (enable & Ier.TransmitterEmpty && s.transmitterEmpty) return Iir.TransmitterEmpty;
    if (enable & Ier.ModemStatus && s.modemStatus & Msr.DeltaMask) return Iir.ModemStatus;
    return Iir.None;
  }

  /**
   * Departure: a PC's adapter gates the request with MCR.OUT2; as in QEMU it passes always, because teaching kernels
   * (xv6 sets MCR to 0) are written against that.
   */
  #update(): void {
    this.#interrupt.set(this.#pending() !== Iir.None);
  }

  save(): StateOf<typeof schema> {
    return copyState(schema, { ...this.#s, timeoutNs: this.#timeout.deadlineNs, hostQueue: this.#hostQueue.toArray() });
  }

  load(from: StateOf<typeof schema>): void {
    const { timeoutNs, hostQueue, receiver, receiverErrors, ...rest } = copyState(schema, from);
    if (receiver.length !== receiverErrors.length)
      throw new SnapshotIncompatible(`16550A ${this.name}`, "not every received byte has its error bits.");
    this.#s = { ...rest, receiver: [...receiver], receiverErrors: [...receiverErrors] };
    this.#hostQueue.clear();
    this.#hostQueue.push(hostQueue);
    this.#timeout.arm(timeoutNs);
    this.#update();
  }
}

function powerOn(): State {
  const { timeoutNs: _timeout, hostQueue: _queue, receiver: _receiver, receiverErrors: _errors, ...rest } = initialState(schema);
  return { ...rest, modemStatus: MODEM_READY, transmitterEmpty: true, receiver: [], receiverErrors: [] };
}

/** Loopback: the modem control outputs come back as inputs: DTR → DSR, RTS → CTS, OUT1 → RI, OUT2 → DCD. */
function loopedInputs(modemControl: number): number {
  return (
    (modemControl & Mcr.Dtr ? Msr.Dsr : 0) |
    (modemControl & Mcr.Rts ? Msr.Cts : 0) |
    (modemControl & Mcr.Out1 ? Msr.Ri : 0) |
    (modemControl & Mcr.Out2 ? Msr.Dcd : 0)
  );
}

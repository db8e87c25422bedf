/**
 * IBM PS/2 mouse (IBM PS/2 Hardware Interface Technical Reference, "Mouse"): its command set, its movement counters
 * and the three-byte packets of stream mode.
 */
import { bool, copyState, initially, initialState, list, type StateOf, state, u8 } from "../../snapshot/schema";
import type { Board, Device, DeviceLog } from "../device";
import { PS2_QUEUE_BYTES, type Ps2Device, Ps2Reply } from "./ps2";

const enum Command {
  Scaling1To1 = 0xe6,
  Scaling2To1 = 0xe7,
  Resolution = 0xe8,
  Status = 0xe9,
  StreamMode = 0xea,
  ReadData = 0xeb,
  ResetWrapMode = 0xec,
  WrapMode = 0xee,
  RemoteMode = 0xf0,
  Identify = 0xf2,
  SampleRate = 0xf3,
  Enable = 0xf4,
  Disable = 0xf5,
  Defaults = 0xf6,
  Resend = 0xfe,
  Reset = 0xff,
}
/** A standard mouse without wheel. */
const IDENTITY = 0x00;
const PACKET_BYTES = 3;
const Packet = { AlwaysOne: 0x08, SignX: 0x10, SignY: 0x20 } as const;
const StatusByte = { Scaling2To1: 0x10, Reporting: 0x20, Remote: 0x40 } as const;

const schema = state("PS/2 mouse", 1, {
  queue: list(PS2_QUEUE_BYTES),
  /** The command that waits for its argument, or 0. */
  awaiting: u8,
  reporting: bool,
  remote: bool,
  wrap: bool,
  scaling2To1: bool,
  resolution: initially(u8, 2),
  sampleRate: initially(u8, 100),
  /** Bit 0 left, 1 right, 2 middle. */
  buttons: u8,
  lastSent: u8,
});
type State = Omit<StateOf<typeof schema>, "queue"> & { queue: number[] };

export class Mouse implements Device<typeof schema>, Ps2Device {
  readonly schema = schema;
  onReady: () => void = () => {};
  #s: State = { ...initialState(schema), queue: [] };
  #log!: DeviceLog;

  attach(board: Board): void {
    this.#log = board.log;
  }

  reset(): void {
    this.#s = { ...initialState(schema), queue: [] };
  }

  /**
   * A movement in counts (right and up are positive, -255 to 255) and the buttons' new state (bit 0 left, 1 right,
   * 2 middle), an input of the run. Returns false, and keeps only the buttons, while reporting is off or the queue is full.
   */
  move(dx: number, dy: number, buttons: number): boolean {
    const s = this.#s;
    s.buttons = buttons & 7;
    if (!s.reporting || s.remote || s.wrap || s.queue.length + PACKET_BYTES > PS2_QUEUE_BYTES) return false;
    s.queue.push(...this.#packet(dx, dy));
    this.onReady();
    return true;
  }

  #packet(dx: number, dy: number): number[] {
    return [Packet.AlwaysOne | this.#s.buttons | (dx < 0 ? Packet.SignX : 0) | (dy < 0 ? Packet.SignY : 0), dx & 0xff, dy & 0xff];
  }

  take(): number {
    const byte = this.#s.queue.shift();
    if (byte === undefined) return -1;
    if (byte !== Ps2Reply.Resend) this.#s.lastSent = byte;
    return byte;
  }

  receive(byte: number): void {
    this.#s.queue.length = 0;
    const reply = this.#answer(byte);
    this.#s.queue.push(...reply);
    this.onReady();
  }

  #answer(byte: number): readonly number[] {
    const s = this.#s;
    if (s.wrap && byte !== Command.ResetWrapMode && byte !== Command.Reset) return [byte];
    return s.awaiting !== 0 ? this.#argument(s.awaiting, byte) : this.#command(byte);
  }

  #argument(command: number, value: number): readonly number[] {
    const s = this.#s;
    s.awaiting = 0;
    if (command === Command.Resolution) s.resolution = value & 3;
    else s.sampleRate = value;
    return [Ps2Reply.Acknowledge];
  }

  #command(byte: number): readonly number[] {
    const s = this.#s;
    switch (byte) {
      case Command.Scaling1To1:
      case Command.Scaling2To1:
        s.scaling2To1 = byte === Command.Scaling2To1;
        return [Ps2Reply.Acknowledge];
      case Command.Resolution:
      case Command.SampleRate:
        s.awaiting = byte;
        return [Ps2Reply.Acknowledge];
      case Command.Status:
        return [Ps2Reply.Acknowledge, this.#statusByte(), s.resolution, s.sampleRate];
      case Command.StreamMode:
      case Command.RemoteMode:
        s.remote = byte === Command.RemoteMode;
        return [Ps2Reply.Acknowledge];
      case Command.ReadData:
        return [Ps2Reply.Acknowledge, ...this.#packet(0, 0)];
      case Command.WrapMode:
      case Command.ResetWrapMode:
        s.wrap = byte === Command.WrapMode;
        return [Ps2Reply.Acknowledge];
      case Command.Identify:
        return [Ps2Reply.Acknowledge, IDENTITY];
      case Command.Enable:
      case Command.Disable:
        s.reporting = byte === Command.Enable;
        return [Ps2Reply.Acknowledge];
      case Command.Defaults:
        this.#defaults();
        return [Ps2Reply.Acknowledge];
      case Command.Resend:
        return [s.lastSent];
      case Command.Reset:
        this.reset();
        return [Ps2Reply.Acknowledge, Ps2Reply.SelfTestPassed, IDENTITY];
      default:
        this.#log.guest(`mouse command 0x${byte.toString(16)} does not exist`);
        return [Ps2Reply.Resend];
    }
  }

  #statusByte(): number {
    const s = this.#s;
    // Bits 2-0: left, middle, right (not the packet's order).
    const buttons = ((s.buttons & 1) << 2) | ((s.buttons & 4) >> 1) | ((s.buttons & 2) >> 1);
    return (
      buttons | (s.scaling2To1 ? StatusByte.Scaling2To1 : 0) | (s.reporting ? StatusByte.Reporting : 0) | (s.remote ? StatusByte.Remote : 0)
    );
  }

  #defaults(): void {
    const { resolution, sampleRate } = initialState(schema);
    Object.assign(this.#s, { resolution, sampleRate, scaling2To1: false, reporting: false, remote: false });
  }

  save(): StateOf<typeof schema> {
    return copyState(schema, this.#s);
  }

  load(state: StateOf<typeof schema>): void {
    const copy = copyState(schema, state);
    this.#s = { ...copy, queue: [...copy.queue] };
  }
}

/**
 * IBM PS/2 keyboard (IBM PS/2 Hardware Interface Technical Reference, "Keyboards", 101/102 keys): its command set
 * and its queue. It sends scan code set 2; the i8042 translates to set 1 where the guest has asked for that.
 */
import { bool, copyState, initially, initialState, list, type StateOf, state, u8 } from "../../snapshot/schema";
import type { Board, Device, DeviceLog } from "../device";
import { PS2_QUEUE_BYTES, type Ps2Device, Ps2Reply } from "./ps2";

const enum Command {
  SetIndicators = 0xed,
  Echo = 0xee,
  ScanCodeSet = 0xf0,
  Identify = 0xf2,
  TypematicRate = 0xf3,
  Enable = 0xf4,
  DefaultsAndDisable = 0xf5,
  Defaults = 0xf6,
  AllTypematic = 0xf7,
  AllMakeBreak = 0xf8,
  AllMake = 0xf9,
  AllTypematicMakeBreak = 0xfa,
  KeyTypematic = 0xfb,
  KeyMakeBreak = 0xfc,
  KeyMake = 0xfd,
  Resend = 0xfe,
  Reset = 0xff,
}
const ECHO = 0xee;
/** An MF2 keyboard. */
const IDENTITY = [0xab, 0x83] as const;

const schema = state("PS/2 keyboard", 1, {
  queue: list(PS2_QUEUE_BYTES),
  /** The command that waits for its argument, or 0. */
  awaiting: u8,
  scanning: initially(bool, true),
  /** Bit 0 Scroll Lock, 1 Num Lock, 2 Caps Lock. */
  indicators: u8,
  typematic: initially(u8, 0x2b),
  scanCodeSet: initially(u8, 2),
  lastSent: u8,
});
type State = Omit<StateOf<typeof schema>, "queue"> & { queue: number[] };

export class Keyboard implements Device<typeof schema>, Ps2Device {
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

  /** Indicator lights: bit 0 Scroll Lock, 1 Num Lock, 2 Caps Lock. */
  get indicators(): number {
    return this.#s.indicators;
  }

  /**
   * Key codes of scan code set 2 from the host (F0 = release, E0 = extended), an input of the run: call between two
   * `run()` calls. Returns false, and sends nothing, while scanning is off or the queue has no room for all of them.
   */
  press(codes: readonly number[]): boolean {
    const s = this.#s;
    if (!s.scanning || s.queue.length + codes.length > PS2_QUEUE_BYTES) return false;
    s.queue.push(...codes);
    this.onReady();
    return true;
  }

  take(): number {
    const byte = this.#s.queue.shift();
    if (byte === undefined) return -1;
    if (byte !== Ps2Reply.Resend) this.#s.lastSent = byte;
    return byte;
  }

  receive(byte: number): void {
    const s = this.#s;
    // A command empties the queue (reference: "the keyboard clears its output buffer").
    s.queue.length = 0;
    const reply = s.awaiting !== 0 && byte < Command.SetIndicators ? this.#argument(s.awaiting, byte) : this.#command(byte);
    this.#s.queue.push(...reply);
    this.onReady();
  }

  #argument(command: number, value: number): readonly number[] {
    const s = this.#s;
    s.awaiting = 0;
    if (command === Command.SetIndicators) s.indicators = value & 7;
    else if (command === Command.TypematicRate) s.typematic = value & 0x7f;
    else if (command === Command.ScanCodeSet) {
      if (value === 0) return [Ps2Reply.Acknowledge, s.scanCodeSet];
      if (value > 3) return [Ps2Reply.Resend];
      if (value !== 2) this.#log.guest(`scan code set ${value} was asked for; the keyboard goes on sending set 2`);
      s.scanCodeSet = value;
    }
    return [Ps2Reply.Acknowledge];
  }

  #command(byte: number): readonly number[] {
    const s = this.#s;
    s.awaiting = 0;
    switch (byte) {
      case Command.SetIndicators:
      case Command.ScanCodeSet:
      case Command.TypematicRate:
      case Command.KeyTypematic:
      case Command.KeyMakeBreak:
      case Command.KeyMake:
        s.awaiting = byte;
        return [Ps2Reply.Acknowledge];
      case Command.Echo:
        return [ECHO];
      case Command.Identify:
        return [Ps2Reply.Acknowledge, ...IDENTITY];
      case Command.Enable:
        s.scanning = true;
        return [Ps2Reply.Acknowledge];
      case Command.DefaultsAndDisable:
        this.#defaults();
        s.scanning = false;
        return [Ps2Reply.Acknowledge];
      case Command.Defaults:
        this.#defaults();
        s.scanning = true;
        return [Ps2Reply.Acknowledge];
      case Command.AllTypematic:
      case Command.AllMakeBreak:
      case Command.AllMake:
      case Command.AllTypematicMakeBreak:
        // They change scan code set 3 only.
        return [Ps2Reply.Acknowledge];
      case Command.Resend:
        return [s.lastSent];
      case Command.Reset:
        this.reset();
        return [Ps2Reply.Acknowledge, Ps2Reply.SelfTestPassed];
      default:
        this.#log.guest(`keyboard command 0x${byte.toString(16)} does not exist`);
        return [Ps2Reply.Resend];
    }
  }

  #defaults(): void {
    const { typematic, scanCodeSet } = initialState(schema);
    this.#s.typematic = typematic;
    this.#s.scanCodeSet = scanCodeSet;
    this.#s.indicators = 0;
  }

  save(): StateOf<typeof schema> {
    return copyState(schema, this.#s);
  }

  load(state: StateOf<typeof schema>): void {
    const copy = copyState(schema, state);
    this.#s = { ...copy, queue: [...copy.queue] };
  }
}

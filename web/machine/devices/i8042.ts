/**
 * Intel 8042 keyboard controller with the PS/2 firmware (IBM PS/2 Hardware Interface Technical Reference, "Keyboard
 * and Auxiliary Device Controller"): ports 60h and 64h, IRQ 1 and IRQ 12, the A20 gate and the reset line of its
 * output port. It is never busy: a command has been carried out when the write ends.
 */
import { SnapshotIncompatible } from "../../lib/errors";
import { bool, bytes, copyState, initialState, list, type StateOf, state, u8 } from "../../snapshot/schema";
import type { Board, Device, DeviceLog, Line } from "../device";
import type { Ps2Device } from "./ps2";
import { translateToSet1 } from "./scan-codes";
import type { A20Gate } from "./system-control";

const DATA_PORT = 0x60;
const COMMAND_PORT = 0x64;
const KEYBOARD_IRQ = 1;
const MOUSE_IRQ = 12;

const enum Command {
  ReadRam = 0x20,
  WriteRam = 0x60,
  TestPassword = 0xa4,
  DisableMouse = 0xa7,
  EnableMouse = 0xa8,
  TestMouseLine = 0xa9,
  SelfTest = 0xaa,
  TestKeyboardLine = 0xab,
  DisableKeyboard = 0xad,
  EnableKeyboard = 0xae,
  ReadInputPort = 0xc0,
  ReadOutputPort = 0xd0,
  WriteOutputPort = 0xd1,
  WriteKeyboardOutput = 0xd2,
  WriteMouseOutput = 0xd3,
  WriteMouse = 0xd4,
  CloseA20 = 0xdd,
  OpenA20 = 0xdf,
  ReadTestInputs = 0xe0,
  PulseOutputs = 0xf0,
}
const Status = { OutputFull: 0x01, SystemFlag: 0x04, CommandLast: 0x08, NotInhibited: 0x10, OutputFromMouse: 0x20 } as const;
/** Command byte: cell 0 of the controller's RAM. */
const Config = {
  KeyboardInterrupt: 0x01,
  MouseInterrupt: 0x02,
  SystemFlag: 0x04,
  KeyboardOff: 0x10,
  MouseOff: 0x20,
  Translate: 0x40,
} as const;
const OutputPort = { NotReset: 0x01, A20: 0x02, KeyboardRequest: 0x10, MouseRequest: 0x20, IdleLines: 0xcc } as const;
/** Input port: keyboard not inhibited. */
const INPUT_PORT = 0x80;
const SELF_TEST_PASSED = 0x55;
const NO_PASSWORD = 0xf1;
const RAM_BYTES = 32;
const REPLY_COUNT = 16;

/** Where the byte in the output buffer came from. */
const enum Source {
  None = 0,
  Controller = 1,
  Keyboard = 2,
  Mouse = 3,
}

const schema = state("i8042", 1, {
  /** Controller RAM 20h-3Fh; cell 0 is the command byte. */
  ram: bytes(RAM_BYTES),
  outputPort: u8,
  /** The command that waits for a byte at port 60h, or 0. */
  awaiting: u8,
  commandLast: bool,
  output: u8,
  source: u8,
  /** Controller replies waiting for the output buffer, and their sources. */
  replies: list(REPLY_COUNT),
  replySources: list(REPLY_COUNT),
  /** Translation has swallowed a release prefix (F0). */
  releasing: bool,
});
type State = Omit<StateOf<typeof schema>, "replies" | "replySources"> & { replies: number[]; replySources: number[] };

export class I8042 implements Device<typeof schema> {
  readonly schema = schema;
  #s: State = powerOn();
  #log!: DeviceLog;
  #irq1!: Line;
  #irq12!: Line;
  readonly #keyboard: Ps2Device;
  readonly #mouse: Ps2Device;
  readonly #a20: A20Gate;
  readonly #requestReset: () => void;

  /** Output port bit 1 sets `a20`; bit 0 and the pulse command call `requestReset`. */
  constructor(keyboard: Ps2Device, mouse: Ps2Device, a20: A20Gate, requestReset: () => void) {
    this.#keyboard = keyboard;
    this.#mouse = mouse;
    this.#a20 = a20;
    this.#requestReset = requestReset;
    keyboard.onReady = () => this.#fill();
    mouse.onReady = () => this.#fill();
  }

  attach(board: Board): void {
    this.#log = board.log;
    board.ports(DATA_PORT, 1, { read: () => this.#readData(), write: (_offset, value) => this.#writeData(value) });
    board.ports(COMMAND_PORT, 1, { read: () => this.#status(), write: (_offset, value) => this.#command(value) });
    this.#irq1 = board.irq(KEYBOARD_IRQ);
    this.#irq12 = board.irq(MOUSE_IRQ);
  }

  /** What an AT BIOS leaves behind: keyboard interrupt and translation on. */
  reset(): void {
    this.#s = powerOn();
    this.#fill();
  }

  get #config(): number {
    return this.#s.ram[0]!;
  }

  #status(): number {
    const s = this.#s;
    return (
      Status.NotInhibited |
      (s.source !== Source.None ? Status.OutputFull : 0) |
      (s.source === Source.Mouse ? Status.OutputFromMouse : 0) |
      (this.#config & Config.SystemFlag ? Status.SystemFlag : 0) |
      (s.commandLast ? Status.CommandLast : 0)
    );
  }

  #readData(): number {
    const s = this.#s;
    if (s.source !== Source.None) {
      s.source = Source.None;
      // The requests fall before the next byte raises them: an edge for each byte.
      this.#updateRequests();
      const value = s.output;
      this.#fill();
      return value;
    }
    return s.output;
  }

  /** Takes the next byte into the empty output buffer: the controller's own first, then keyboard, then mouse. */
  #fill(): void {
    const s = this.#s;
    if (s.source === Source.None && s.replies.length > 0) {
      s.output = s.replies.shift()!;
      s.source = s.replySources.shift()!;
    }
    while (s.source === Source.None && (this.#config & Config.KeyboardOff) === 0) {
      const byte = this.#keyboard.take();
      if (byte < 0) break;
      this.#acceptFromKeyboard(byte);
    }
    if (s.source === Source.None && (this.#config & Config.MouseOff) === 0) {
      const byte = this.#mouse.take();
      if (byte >= 0) {
        s.output = byte;
        s.source = Source.Mouse;
      }
    }
    this.#updateRequests();
  }

  #acceptFromKeyboard(byte: number): void {
    const s = this.#s;
    if (this.#config & Config.Translate) {
      if (byte === 0xf0) {
        s.releasing = true;
        return;
      }
      s.output = translateToSet1(byte) | (s.releasing ? 0x80 : 0);
      s.releasing = false;
    } else s.output = byte;
    s.source = Source.Keyboard;
  }

  #updateRequests(): void {
    const s = this.#s;
    const fromMouse = s.source === Source.Mouse;
    this.#irq1.set(s.source !== Source.None && !fromMouse && (this.#config & Config.KeyboardInterrupt) !== 0);
    this.#irq12.set(fromMouse && (this.#config & Config.MouseInterrupt) !== 0);
  }

  #reply(value: number, source: Source = Source.Controller): void {
    const s = this.#s;
    if (s.replies.length === REPLY_COUNT) {
      this.#log.guest("commands to the keyboard controller whose replies are never read");
      s.replies.shift();
      s.replySources.shift();
    }
    s.replies.push(value);
    s.replySources.push(source);
    this.#fill();
  }

  #writeData(value: number): void {
    const s = this.#s;
    const command = s.awaiting;
    s.awaiting = 0;
    s.commandLast = false;
    if (command >= Command.WriteRam && command < Command.WriteRam + RAM_BYTES) {
      s.ram[command - Command.WriteRam] = value;
      this.#fill();
      return;
    }
    switch (command) {
      case Command.WriteOutputPort:
        s.outputPort = value & ~(OutputPort.NotReset | OutputPort.A20 | OutputPort.KeyboardRequest | OutputPort.MouseRequest);
        this.#a20.set((value & OutputPort.A20) !== 0);
        if ((value & OutputPort.NotReset) === 0) this.#requestReset();
        break;
      case Command.WriteKeyboardOutput:
        this.#reply(value, Source.Keyboard);
        break;
      case Command.WriteMouseOutput:
        this.#reply(value, Source.Mouse);
        break;
      case Command.WriteMouse:
        this.#mouse.receive(value);
        break;
      default:
        // A byte for the keyboard starts its clock.
        s.ram[0] = this.#config & ~Config.KeyboardOff;
        this.#keyboard.receive(value);
    }
  }

  #command(value: number): void {
    const s = this.#s;
    s.awaiting = 0;
    s.commandLast = true;
    if (value >= Command.ReadRam && value < Command.ReadRam + RAM_BYTES) {
      this.#reply(s.ram[value - Command.ReadRam]!);
      return;
    }
    if (value >= Command.WriteRam && value < Command.WriteRam + RAM_BYTES) {
      s.awaiting = value;
      return;
    }
    if (value >= Command.PulseOutputs) {
      // Bits 3-0 that are 0 pulse low: bit 0 is the processor's reset.
      if ((value & 1) === 0) this.#requestReset();
      return;
    }
    switch (value) {
      case Command.TestPassword:
        this.#reply(NO_PASSWORD);
        break;
      case Command.DisableMouse:
        this.#setConfig(this.#config | Config.MouseOff);
        break;
      case Command.EnableMouse:
        this.#setConfig(this.#config & ~Config.MouseOff);
        break;
      case Command.TestMouseLine:
      case Command.TestKeyboardLine:
        this.#reply(0);
        break;
      case Command.SelfTest:
        s.ram[0] = this.#config | Config.SystemFlag;
        this.#reply(SELF_TEST_PASSED);
        break;
      case Command.DisableKeyboard:
        this.#setConfig(this.#config | Config.KeyboardOff);
        break;
      case Command.EnableKeyboard:
        this.#setConfig(this.#config & ~Config.KeyboardOff);
        break;
      case Command.ReadInputPort:
        this.#reply(INPUT_PORT);
        break;
      case Command.ReadOutputPort:
        this.#reply(this.#readOutputPort());
        break;
      case Command.WriteOutputPort:
      case Command.WriteKeyboardOutput:
      case Command.WriteMouseOutput:
      case Command.WriteMouse:
        s.awaiting = value;
        break;
      case Command.CloseA20:
        this.#a20.set(false);
        break;
      case Command.OpenA20:
        this.#a20.set(true);
        break;
      case Command.ReadTestInputs:
        this.#reply(0);
        break;
      default:
        this.#log.guest(`keyboard controller command 0x${value.toString(16)} does not exist`);
    }
  }

  #setConfig(value: number): void {
    this.#s.ram[0] = value;
    this.#fill();
  }

  #readOutputPort(): number {
    const s = this.#s;
    const requests = s.source === Source.None ? 0 : s.source === Source.Mouse ? OutputPort.MouseRequest : OutputPort.KeyboardRequest;
    return s.outputPort | OutputPort.NotReset | (this.#a20.isOpen ? OutputPort.A20 : 0) | requests;
  }

  save(): StateOf<typeof schema> {
    return copyState(schema, this.#s);
  }

  load(state: StateOf<typeof schema>): void {
    const copy = copyState(schema, state);
    const areSources = [copy.source, ...copy.replySources].every((source) => source <= Source.Mouse);
    if (!areSources || copy.replies.length !== copy.replySources.length)
      throw new SnapshotIncompatible("i8042", "a byte in its output has no source.");
    this.#s = { ...copy, replies: [...copy.replies], replySources: [...copy.replySources] };
    this.#updateRequests();
  }
}

function powerOn(): State {
  const fresh = { ...initialState(schema), replies: [], replySources: [], outputPort: OutputPort.IdleLines };
  fresh.ram[0] = Config.KeyboardInterrupt | Config.Translate;
  return fresh;
}

/**
 * Ports for programs that talk to their developer: QEMU's isa-debug-exit (a write ends the run) and the debug
 * console that Bochs (E9h) and SeaBIOS (402h) know, and the POST code port 80h, whose latch also serves as a delay.
 */
import { copyState, initialState, type StateOf, state, u8 } from "../../snapshot/schema";
import type { AccessSize, Board, Device, RegisterHandler } from "../device";

const DEBUG_EXIT_PORTS = 4;
const DEBUG_CONSOLE_PORTS = [0xe9, 0x402] as const;
/** What a read of the debug console returns to say that it is there. */
const DEBUG_CONSOLE_PRESENT = 0xe9;
/** Where it is on a PC. */
export const POST_PORT = 0x80;

const exitSchema = state("isa-debug-exit", 1, {});
const consoleSchema = state("debug console", 1, {});
const postSchema = state("POST port", 1, { code: u8 });

/** The value written ends the run with exit status (value << 1) | 1. Reads give 0. */
export class DebugExit implements Device<typeof exitSchema>, RegisterHandler {
  readonly schema = exitSchema;
  readonly sizes = 1 | 2 | 4;

  constructor(
    private readonly port: number,
    private readonly requestExit: (value: number) => void,
  ) {}

  attach(board: Board): void {
    board.ports(this.port, DEBUG_EXIT_PORTS, this);
  }

  read(): number {
    return 0;
  }

  write(_offset: number, value: number, _size: AccessSize): void {
    this.requestExit(value);
  }

  reset(): void {}

  save(): StateOf<typeof exitSchema> {
    return {};
  }

  load(): void {}
}

export class DebugConsole implements Device<typeof consoleSchema>, RegisterHandler {
  readonly schema = consoleSchema;
  /** Hears each byte written. */
  onByte: (byte: number) => void = () => {};

  attach(board: Board): void {
    for (const port of DEBUG_CONSOLE_PORTS) board.ports(port, 1, this);
  }

  read(): number {
    return DEBUG_CONSOLE_PRESENT;
  }

  write(_offset: number, value: number): void {
    this.onByte(value);
  }

  reset(): void {}

  save(): StateOf<typeof consoleSchema> {
    return {};
  }

  load(): void {}
}

export class PostPort implements Device<typeof postSchema>, RegisterHandler {
  readonly schema = postSchema;
  /** Hears each code written. */
  onCode: (code: number) => void = () => {};
  #s = initialState(postSchema);

  constructor(private readonly port: number = POST_PORT) {}

  attach(board: Board): void {
    board.ports(this.port, 1, this);
  }

  reset(): void {
    this.#s = initialState(postSchema);
  }

  read(): number {
    return this.#s.code;
  }

  write(_offset: number, value: number): void {
    this.#s.code = value;
    this.onCode(value);
  }

  save(): StateOf<typeof postSchema> {
    return copyState(postSchema, this.#s);
  }

  load(state: StateOf<typeof postSchema>): void {
    this.#s = copyState(postSchema, state);
  }
}

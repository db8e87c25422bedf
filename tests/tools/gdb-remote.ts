/** As much of GDB's remote protocol as a tracer of QEMU needs: registers, memory, steps, a breakpoint. */
import { createConnection, type Socket } from "node:net";

export const GDB_REGISTERS = [
  "eax",
  "ecx",
  "edx",
  "ebx",
  "esp",
  "ebp",
  "esi",
  "edi",
  "eip",
  "eflags",
  "cs",
  "ss",
  "ds",
  "es",
  "fs",
  "gs",
] as const;
export type GdbRegister = (typeof GDB_REGISTERS)[number];
export type GdbRegisters = Record<GdbRegister, number>;

const ATTEMPTS = 100;
const PAUSE_MS = 50;

export class GdbRemote {
  readonly #socket: Socket;
  #received = "";
  #waiting: ((packet: string) => void) | undefined;
  #failed: ((error: Error) => void) | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on("data", (bytes) => this.#take(bytes.toString("latin1")));
    socket.on("close", () => this.#failed?.(new Error("QEMU has ended")));
    socket.on("error", (error) => this.#failed?.(error));
  }

  /** Waits for the server to listen at a Unix socket. */
  static async connect(path: string): Promise<GdbRemote> {
    for (let attempt = 0; ; attempt++) {
      try {
        const socket = await new Promise<Socket>((resolve, reject) => {
          const made = createConnection(path, () => resolve(made));
          made.once("error", reject);
        });
        return new GdbRemote(socket);
      } catch (error) {
        if (attempt === ATTEMPTS) throw error;
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      }
    }
  }

  #take(text: string): void {
    this.#received += text;
    const match = /\$([^#]*)#[0-9a-f]{2}/.exec(this.#received);
    if (!match || !this.#waiting) return;
    this.#received = this.#received.slice(match.index + match[0].length);
    this.#socket.write("+");
    const resolve = this.#waiting;
    this.#waiting = undefined;
    resolve(match[1]!);
  }

  /** Sends a packet; the answer. */
  ask(packet: string): Promise<string> {
    const sum = [...packet].reduce((total, character) => (total + character.charCodeAt(0)) & 0xff, 0);
    return new Promise((resolve, reject) => {
      this.#waiting = resolve;
      this.#failed = reject;
      this.#socket.write(`$${packet}#${sum.toString(16).padStart(2, "0")}`);
    });
  }

  async registers(): Promise<GdbRegisters> {
    const bytes = Buffer.from(await this.ask("g"), "hex");
    return Object.fromEntries(GDB_REGISTERS.map((name, n) => [name, bytes.readUInt32LE(n * 4)])) as GdbRegisters;
  }

  /** Runs to a linear address. False: the guest stopped for another reason. */
  async runTo(address: number): Promise<boolean> {
    if ((await this.ask(`Z1,${address.toString(16)},1`)) !== "OK") throw new Error("QEMU took no breakpoint");
    const stopped = await this.ask("c");
    await this.ask(`z1,${address.toString(16)},1`);
    return stopped.startsWith("T05") || stopped.startsWith("S05");
  }

  async step(): Promise<void> {
    await this.ask("s");
  }

  close(): void {
    this.#failed = undefined;
    this.#socket.destroy();
  }
}

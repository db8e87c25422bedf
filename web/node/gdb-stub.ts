/**
 * gdb's remote protocol (the GDB manual, "Remote Protocol") over a machine: breakpoints, watchpoints, steps and memory are
 * those of `Machine.debug` and `Machine.inspect`, so the guest sees none of it. With a history, gdb also goes back.
 * Addresses are linear. One machine, one thread, one gdb at a time.
 */
import { BadArgument } from "../lib/errors";
import { EXITS } from "../lib/events.generated";
import type { StopCause, StopSpec } from "../lib/inspection";
import { linearText } from "../lib/linear";
import { accessWords } from "../lib/paging-words";
import type { Machine } from "../machine/machine";
import type { StopHandle } from "../machine/run-control";
import { type GdbTarget, gdbTarget, linearOf } from "./gdb-registers";

/** How a session ended: the run of the command line goes on, or ends too. */
export type SessionEnd = "detached" | "killed" | "gone";

const PACKET_BYTES = 0x4000;
const SIGINT = 2;
const SIGTRAP = 5;
const INTERRUPT = 3;
const INTERRUPTED = "T02thread:1;";
const ACCESS = { "2": "write", "3": "read", "4": "both" } as const;
const ACCESS_NAME = { write: "watch", read: "rwatch", both: "awatch" } as const;

export interface Wire {
  send(text: string): void;
  close(): void;
}

export class GdbStub {
  readonly #machine: Machine;
  readonly #wire: Wire;
  readonly #is64Bit: boolean;
  readonly #target: GdbTarget;
  readonly #stops = new Map<string, StopHandle>();
  /** Latin-1: packets are bytes. */
  #input = "";
  #acknowledges = true;
  #interrupted = false;
  #isRunning = false;
  #work: Promise<void> = Promise.resolve();
  #last = "";
  readonly ended: Promise<SessionEnd>;
  #end!: (how: SessionEnd) => void;

  constructor(machine: Machine, wire: Wire) {
    this.#machine = machine;
    this.#wire = wire;
    this.#is64Bit = machine.inspect.core.hasLongMode;
    this.#target = gdbTarget(this.#is64Bit);
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  /** Bytes from gdb, as Latin-1. */
  receive(text: string): void {
    this.#input += text;
    for (;;) {
      if (this.#input.charCodeAt(0) === INTERRUPT) {
        this.#input = this.#input.slice(1);
        this.#interrupted = true;
        if (this.#isRunning) this.#machine.pause();
        continue;
      }
      if (/^[+-]/.test(this.#input)) {
        if (this.#input[0] === "-") this.#wire.send(this.#last);
        this.#input = this.#input.slice(1);
        continue;
      }
      const packet = /^\$([^#]*)#([0-9a-f]{2})/is.exec(this.#input);
      if (!packet) {
        // What is no packet's beginning is dropped.
        const start = this.#input.indexOf("$");
        if (start !== 0 && this.#input !== "" && this.#input.charCodeAt(0) !== INTERRUPT && !/[+-]/.test(this.#input[0]!))
          this.#input = start < 0 ? "" : this.#input.slice(start);
        else return;
        if (this.#input === "") return;
        continue;
      }
      this.#input = this.#input.slice(packet[0].length);
      const [, body, sum] = packet;
      const good = checksum(body!) === sum!.toLowerCase();
      if (this.#acknowledges) this.#wire.send(good ? "+" : "-");
      if (good) this.#work = this.#work.then(() => this.#answer(body!));
    }
  }

  /** The connection is gone. */
  hungUp(): void {
    if (this.#isRunning) this.#machine.pause();
    void this.#work.then(() => this.#finish("gone"));
  }

  #finish(how: SessionEnd): void {
    for (const stop of this.#stops.values()) stop.remove();
    this.#stops.clear();
    this.#end(how);
  }

  #send(body: string): void {
    this.#last = `$${body}#${checksum(body)}`;
    this.#wire.send(this.#last);
  }

  async #answer(body: string): Promise<void> {
    let reply: string | undefined;
    try {
      reply = await this.#reply(body);
    } catch (error) {
      // Words are understood in answers to Z only; elsewhere gdb takes them for data.
      const words = error instanceof Error ? error.message.replace(/[#$}*]/g, " ") : "failed";
      reply = /^[Zz]/.test(body) ? `E.${words}` : "E01";
    }
    if (reply !== undefined) this.#send(reply);
  }

  /** Undefined: no answer. Empty: not supported. */
  async #reply(body: string): Promise<string | undefined> {
    const { registers } = this.#target;
    const [, command, rest] = /^(.)(.*)$/s.exec(body) ?? ["", "", ""];
    switch (command) {
      case "?":
        return this.#stopped();
      case "g":
        return registers.map((register) => hexOf(register.read(this.#core))).join("");
      case "G":
        return this.#writeAll(rest!);
      case "p": {
        const register = registers[Number.parseInt(rest!, 16)];
        return register ? hexOf(register.read(this.#core)) : "E01";
      }
      case "P": {
        const [number, value] = rest!.split("=");
        return this.#writeRegister(Number.parseInt(number!, 16), bytesOf(value ?? ""));
      }
      case "m": {
        const range = this.#range(rest!);
        return range ? this.#read(range.linear, range.length) : "E01";
      }
      case "M": {
        const [where, data] = rest!.split(":");
        const range = this.#range(where!);
        return range ? this.#write(range.linear, bytesOf(data ?? "")) : "E01";
      }
      case "X": {
        const at = rest!.indexOf(":");
        const range = this.#range(rest!.slice(0, at));
        return range ? this.#write(range.linear, unescaped(rest!.slice(at + 1))) : "E01";
      }
      case "Z":
      case "z":
        return this.#breakpoint(command === "Z", rest!);
      case "c":
      case "s":
        return this.#resume(command);
      case "b":
        return this.#back(rest!);
      case "v":
        return this.#verbose(rest!);
      case "H":
      case "T":
        return "OK";
      case "D":
        this.#finish("detached");
        return "OK";
      case "k":
        this.#finish("killed");
        return undefined;
      case "q":
      case "Q":
        return this.#query(body);
      default:
        return "";
    }
  }

  get #core() {
    return this.#machine.inspect.core;
  }

  #query(body: string): string {
    if (body.startsWith("qSupported")) {
      const back = this.#machine.history.isRecording ? ";ReverseStep+;ReverseContinue+" : "";
      return `PacketSize=${PACKET_BYTES.toString(16)};qXfer:features:read+;swbreak+;hwbreak+;vContSupported+;QStartNoAckMode+${back}`;
    }
    const xfer = /^qXfer:features:read:target\.xml:([0-9a-f]+),([0-9a-f]+)$/i.exec(body);
    if (xfer) {
      const [at, length] = [Number.parseInt(xfer[1]!, 16), Number.parseInt(xfer[2]!, 16)];
      const part = this.#target.xml.slice(at, at + length);
      return `${at + length >= this.#target.xml.length ? "l" : "m"}${part}`;
    }
    if (body === "QStartNoAckMode") {
      this.#acknowledges = false;
      return "OK";
    }
    if (body === "qC") return "QC1";
    if (body === "qfThreadInfo") return "m1";
    if (body === "qsThreadInfo") return "l";
    if (body.startsWith("qAttached")) return "1";
    if (body.startsWith("qRcmd,")) return this.#monitor(new TextDecoder().decode(bytesOf(body.slice(6))));
    return "";
  }

  /** `monitor …` of gdb. */
  #monitor(line: string): string {
    const { inspect } = this.#machine;
    const [word = "", argument = ""] = line.trim().split(/\s+/);
    let text: string;
    if (word === "exits") {
      const { counts, total } = inspect.exits();
      text = `${EXITS.flatMap(({ name }, n) => (counts[n] ? [`${name} ${counts[n]}`] : [])).join("\n")}\ntotal ${total}\n`;
    } else if (word === "walk") {
      const linear = linearOf(argument.replace(/^0x/i, ""), this.#is64Bit);
      if (linear === undefined) return hexOf(new TextEncoder().encode("monitor walk ADDRESS, in hexadecimal\n"));
      const walk = inspect.walk(linear);
      const entries = walk.guest.map(({ level, index, value }) => `level ${level}, entry ${index}: ${value.toString(16)}`);
      const accesses = walk.accesses.map((access) => accessWords(walk, access));
      text = `${linearText(linear)}, paging: ${walk.paging}\n${[...entries, ...accesses].join("\n")}\n`;
    } else if (word === "check") {
      const { finding } = inspect.check();
      text = finding === 0 ? "every shadow entry is right\n" : `finding ${finding}\n`;
    } else if (word === "instructions") text = `${this.#machine.instructions}\n`;
    else if (word === "reset") {
      this.#machine.reset();
      text = "reset; the boot image is loaded anew\n";
    } else text = "monitor exits | walk ADDRESS | check | instructions | reset\n";
    return hexOf(new TextEncoder().encode(text));
  }

  async #verbose(rest: string): Promise<string | undefined> {
    if (rest === "Cont?") return "vCont;c;C;s;S";
    const action = /^Cont;([csCS])/.exec(rest)?.[1];
    if (action) return this.#resume(action.toLowerCase());
    if (rest.startsWith("Kill")) {
      this.#finish("killed");
      return "OK";
    }
    return "";
  }

  async #resume(how: string): Promise<string> {
    if (this.#machine.state === "ended") return this.#stopped();
    this.#isRunning = true;
    try {
      // Ctrl-C may have come before the machine ran.
      if (this.#interrupted) {
        this.#interrupted = false;
        return INTERRUPTED;
      }
      if (how === "s") await this.#step();
      else await this.#machine.run({});
    } finally {
      this.#isRunning = false;
    }
    return this.#stopped();
  }

  /** One instruction; in HLT, as long as it takes. */
  async #step(): Promise<void> {
    this.#machine.debug.prepare("into");
    await this.#machine.run({});
  }

  /** Reverse step and reverse continue. */
  async #back(how: string): Promise<string> {
    const { history } = this.#machine;
    if (!history.isRecording) return "";
    const atBeginning = `T05replaylog:begin;thread:1;`;
    if (how === "s") {
      if (this.#machine.instructions <= history.oldest!) return atBeginning;
      await history.back();
      return this.#stopped();
    }
    if (how !== "c") return "";
    if (await history.backToLast()) return this.#stopped();
    await history.to(history.oldest!);
    return atBeginning;
  }

  /** Why the machine stands still. */
  #stopped(): string {
    const { exit, debug } = this.#machine;
    if (exit) return `W${exit.status.toString(16).padStart(2, "0")}`;
    const signal = this.#interrupted && !debug.cause ? SIGINT : SIGTRAP;
    this.#interrupted = false;
    return `T${signal.toString(16).padStart(2, "0")}${this.#causeWords(debug.cause)}thread:1;`;
  }

  #causeWords(cause: StopCause | null): string {
    if (cause?.kind === "watchpoint" && cause.spec.kind === "access") {
      // gdb knows its watchpoint by an address within it.
      const within = Math.max(cause.linear, cause.spec.address);
      return `${ACCESS_NAME[cause.spec.on]}:${linearText(within)};`;
    }
    return "";
  }

  #breakpoint(on: boolean, rest: string): string {
    const key = rest.split(";")[0]!;
    const [kind, where, size] = key.split(",");
    const address = linearOf(where ?? "", this.#is64Bit);
    if (address === undefined) return "E01";
    let spec: StopSpec;
    if (kind === "0" || kind === "1") spec = { kind: "execute", address };
    else if (kind === "2" || kind === "3" || kind === "4")
      spec = { kind: "access", address, bytes: Number.parseInt(size ?? "1", 16), on: ACCESS[kind] };
    else return "";
    this.#stops.get(key)?.remove();
    this.#stops.delete(key);
    if (on) this.#stops.set(key, this.#machine.debug.add(spec));
    return "OK";
  }

  #range(text: string): { linear: number; length: number } | undefined {
    const [address, length] = text.split(",");
    const linear = linearOf(address ?? "", this.#is64Bit);
    const count = Number.parseInt(length ?? "", 16);
    return linear === undefined || !(count >= 0 && count <= PACKET_BYTES / 2) ? undefined : { linear, length: count };
  }

  /** As many bytes as can be read from the beginning. */
  #read(linear: number, length: number): string {
    let text = "";
    for (const { bytes } of this.#machine.inspect.memory(linear, length)) {
      if (!bytes) break;
      text += hexOf(bytes);
    }
    return text === "" && length > 0 ? "E01" : text;
  }

  /** RAM only, through the guest's tables but whatever their rights are. */
  #write(linear: number, data: Uint8Array): string {
    const pieces = this.#machine.inspect.memory(linear, data.length);
    if (pieces.some(({ kind }) => kind !== "ram")) return "E01";
    let at = 0;
    for (const { physical, length } of pieces) {
      this.#core.memory.write(physical!, data.subarray(at, at + length));
      at += length;
    }
    this.#changed();
    return "OK";
  }

  #writeRegister(number: number, value: Uint8Array): string {
    const register = this.#target.registers[number];
    if (!register || value.length < register.bytes) return "E01";
    if (!register.write) throw new BadArgument(register.name, "it cannot be written from here.");
    register.write(this.#core, value.subarray(0, register.bytes));
    this.#changed();
    return "OK";
  }

  #writeAll(text: string): string {
    const bytes = bytesOf(text);
    let at = 0;
    for (const register of this.#target.registers) {
      const value = bytes.subarray(at, at + register.bytes);
      at += register.bytes;
      if (value.length === register.bytes && register.write && hexOf(value) !== hexOf(register.read(this.#core)))
        register.write(this.#core, value);
    }
    this.#changed();
    return "OK";
  }

  /** What was recorded does not lead here any more. */
  #changed(): void {
    this.#machine.history.restart();
  }
}

const checksum = (body: string): string => {
  let sum = 0;
  for (let n = 0; n < body.length; n++) sum += body.charCodeAt(n);
  return (sum & 0xff).toString(16).padStart(2, "0");
};
const hexOf = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
const bytesOf = (text: string): Uint8Array => Uint8Array.from(text.match(/[0-9a-f]{2}/gi) ?? [], (pair) => Number.parseInt(pair, 16));

/** Binary data: } escapes the next byte, which is XORed with 20h. */
function unescaped(text: string): Uint8Array {
  const bytes: number[] = [];
  for (let n = 0; n < text.length; n++) bytes.push(text[n] === "}" ? text.charCodeAt(++n) ^ 0x20 : text.charCodeAt(n));
  return Uint8Array.from(bytes);
}

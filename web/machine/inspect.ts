/**
 * Looking into a machine without touching it: registers, code, memory by linear address, the way of an address through
 * the page tables, exits. Everything here reads what the core keeps; nothing changes the guest, its A and D bits
 * included. Call it between two slices: paused, or from a listener.
 *
 * Linear addresses are numbers. Those of 64-bit mode are signed, as the processor extends them: the upper half is negative,
 * and every canonical address is exact (web/lib/linear.ts).
 */
import { type CodeBits, createDecoder, type Decode } from "../disasm/decoder";
import { format } from "../disasm/format";
import { list } from "../disasm/listing";
import { segmentWords } from "../lib/cpu-bits";
import { CPU_STATE, type CpuStateField } from "../lib/cpu-state.generated";
import { type Disposable, toDisposable } from "../lib/disposable";
import { EXITS } from "../lib/events.generated";
import type {
  AccessKind,
  AccessOutcome,
  BoardPicture,
  CacheEntry,
  CheckResult,
  CodeLine,
  Gate,
  MemoryPiece,
  PageState,
  TrapEvent,
  Walk,
} from "../lib/inspection";
import { halves, linearRip, pageOffset, signedLinear, unsignedLinear } from "../lib/linear";
import type { GuestTables } from "./board-view";
import type { CoreHost } from "./core-host";

const PAGE = 4096;
const LINEAR_END = 2 ** 32;
const MAX_INSTRUCTION = 15;
/** So many bytes before the instruction pointer are tried as beginnings of the code before it. */
const BEFORE_BYTES = 64;
const WANT: Readonly<Record<AccessKind, number>> = { read: 1, write: 2, execute: 4 };
const FRAME_KINDS = ["device", "ram", "rom", "absent"] as const;
const EVENT_BYTES = 32;
/** asm/core/exits.ts. */
const RING_WRITTEN = 8;
const EXITS_TOTAL = 0;
const EXIT_COUNTERS = 32;

/** Linear addresses of long mode that a search looks at. */
const SEARCHED_LONG = 0x40000000;

function indexOf(bytes: Uint8Array, pattern: Uint8Array, from: number): number {
  for (let at = bytes.indexOf(pattern[0]!, from); at >= 0 && at + pattern.length <= bytes.length; at = bytes.indexOf(pattern[0]!, at + 1))
    if (pattern.every((byte, n) => bytes[at + n] === byte)) return at;
  return -1;
}

/** Reads the event ring in pieces. What was overwritten before it was read is counted, never silently left out. */
export interface EventReader extends Disposable {
  /** New events, oldest first, at most the newest `most`; `lost` counts those that are missing before them. */
  read(most?: number): { readonly events: TrapEvent[]; readonly lost: number };
}

export class Inspector {
  readonly core: CoreHost;
  readonly #decode: Decode;
  /** Readers of the ring; those that must not lose an event are asked to read when it fills. */
  #readers = new Set<RingReader>();

  /** Devices and interrupt lines. */
  readonly board: (chosen: string) => BoardPicture;

  constructor(core: CoreHost, board: (chosen: string, tables: GuestTables) => BoardPicture) {
    this.core = core;
    this.board = (chosen) => board(chosen, { readWord: (physical) => this.#ramWord(physical), gateOf: (vector) => this.gate(vector) });
    this.#decode = createDecoder({
      memory: core.wasmMemory,
      toolBytesAddress: () => core.exports.toolBytesAddress!(),
      decodeBytes: (available, bits) => core.exports.decodeBytes!(available, bits),
    });
  }

  /** All integer registers by name; arrays by element (`dr7`, `pdpte0`). Arithmetic flags are up to date. */
  registers(): Record<string, bigint> {
    const { core } = this;
    core.exports.materializeState!();
    const view = new DataView(core.buffer);
    const base = core.exports.stateAddress!();
    const result: Record<string, bigint> = {};
    for (const name of REGISTERS) {
      const { offset, type, count } = CPU_STATE[name];
      for (let n = 0; n < count; n++) {
        const at = base + offset + n * (type === "u64" ? 8 : 4);
        const value =
          type === "u64" ? view.getBigUint64(at, true) : BigInt(type === "u32" ? view.getUint32(at, true) : view.getUint16(at, true));
        result[count > 1 ? `${name}${n}` : name] = value;
      }
    }
    return result;
  }

  /** Linear address of the next instruction. */
  get linear(): number {
    return linearRip(this.core.getRegister("cs_base"), this.core.getRegister("rip"), this.isLong);
  }

  #ramWord(physical: number): number | undefined {
    const { exports, memory } = this.core;
    const isRam = (at: number): boolean => at < 2 ** 32 && FRAME_KINDS[exports.guestFrameKind!(Math.floor(at / PAGE))] === "ram";
    if (!isRam(physical) || !isRam(physical + 1)) return undefined;
    const [low = 0, high = 0] = memory.read(physical, 2);
    return low | (high << 8);
  }

  /** After a probe that found nothing mapped: from `linear` to the end of what the entry at which the walk ended stands for. */
  #unmappedSpan(linear: number): number {
    const { u32 } = this.#record();
    const [mode, level] = [u32(8), u32(12)];
    // 32-bit paging has 10 bits of each level, the others 9 (SDM 3A "Paging").
    const span = PAGE * 2 ** ((mode === 1 ? 10 : 9) * Math.max(0, level - 1));
    return span - (((linear % span) + span) % span);
  }

  /** What the guest has for a vector: SDM 3A "Interrupt Descriptor Table", in real mode the vector table. */
  gate(vector: number): Gate {
    const { core } = this;
    const isReal = (core.getRegister("cr0") & 1n) === 0n;
    const size = isReal ? 4 : this.#hasLongSpace ? 16 : 8;
    const nothing: Gate = { vector, present: false, selector: 0, handler: 0 };
    if (vector * size + size - 1 > Number(core.getRegister("idtr_limit"))) return nothing;
    const table = signedLinear(core.getRegister("idtr_base"));
    if (table === undefined) return nothing;
    const at = table + vector * size;
    const bytes = this.memory(at, size).flatMap((piece) => (piece.bytes ? [...piece.bytes] : []));
    if (bytes.length < size) return nothing;
    const view = new DataView(Uint8Array.from(bytes).buffer);
    const u16 = (offset: number): number => view.getUint16(offset, true);
    if (isReal) return { vector, present: true, selector: u16(2), handler: u16(0) };
    const low = BigInt(u16(0)) | (BigInt(u16(6)) << 16n);
    const offset = size === 16 ? low | (BigInt(view.getUint32(8, true)) << 32n) : low;
    const handler = signedLinear(offset);
    return handler === undefined ? nothing : { vector, present: (u16(4) & 0x8000) !== 0, selector: u16(2), handler };
  }

  /** Memory by linear address through the guest's tables, page by page. Wraps at 4 GB outside long mode. */
  memory(linear: number, length: number): MemoryPiece[] {
    const pieces: MemoryPiece[] = [];
    for (let at = 0; at < length; ) {
      const address = this.#wrapped(linear + at);
      const count = Math.min(PAGE - pageOffset(address), length - at);
      pieces.push(this.#piece(address, count));
      at += count;
    }
    return pieces;
  }

  #piece(linear: number, length: number): MemoryPiece {
    const { exports, memory } = this.core;
    const { outcome, physical } = this.#probe(linear);
    if (outcome === "fault") return { linear, length, physical: undefined, bytes: undefined, kind: "not-mapped" };
    const kind = outcome === "absent" ? "absent" : FRAME_KINDS[exports.guestFrameKind!(Math.floor(physical / PAGE))]!;
    const bytes = kind === "ram" || kind === "rom" ? memory.read(physical, length) : undefined;
    return { linear, length, physical, bytes, kind, ...(bytes && { page: this.#pageState(Math.floor(physical / PAGE)) }) };
  }

  #pageState(frame: number): PageState {
    const { exports, memory } = this.core;
    const state = exports.guestFrameState!(frame);
    const zero = memory.view(frame)!.every((byte) => byte === 0);
    return { zero, code: (state & 1) !== 0, table: (state & 2) !== 0, written: (state & 0x100) !== 0 };
  }

  /** Writes to RAM by linear address. False: some of it is not RAM that is mapped and here, and nothing was written. */
  poke(linear: number, bytes: Uint8Array): boolean {
    const pieces = this.memory(linear, bytes.length);
    if (pieces.some(({ kind }) => kind !== "ram")) return false;
    let at = 0;
    for (const { physical, length } of pieces) {
      this.core.memory.write(physical!, bytes.subarray(at, at + length));
      at += length;
    }
    return true;
  }

  /**
   * The first place from `linear` on where `pattern` lies, page by page through the guest's tables; undefined: not in the
   * 4 GB (in long mode 1 GB) that are looked at. Outside long mode it goes on at 0 behind the last address.
   */
  find(linear: number, pattern: Uint8Array): number | undefined {
    const first = linear - pageOffset(linear);
    const bytes = this.#hasLongSpace ? SEARCHED_LONG : LINEAR_END + 2 * PAGE;
    const isPaged = (this.core.getRegister("cr0") & 0x80000000n) !== 0n;
    // The end of the page before, where the pattern may begin.
    let tail = new Uint8Array();
    for (let at = 0, span = PAGE; at < bytes; at += span) {
      const start = this.#wrapped(first + at);
      // Without paging, what lies beyond RAM is where it is: no walk is needed.
      const isPlain = !isPaged && start >= this.core.memory.ramBytes;
      const { outcome, physical } = isPlain ? { outcome: "translated", physical: start } : this.#probe(start);
      const frame = Math.floor(physical / PAGE);
      const kind = outcome === "translated" ? FRAME_KINDS[this.core.exports.guestFrameKind!(frame)] : undefined;
      span = outcome === "fault" ? this.#unmappedSpan(start) : PAGE;
      if (kind !== "ram" && kind !== "rom") {
        tail = new Uint8Array();
        continue;
      }
      const page = this.core.memory.read(physical, PAGE);
      const joined = new Uint8Array(tail.length + PAGE);
      joined.set(tail);
      joined.set(page, tail.length);
      const skipped = at === 0 ? pageOffset(linear) : 0;
      const found = indexOf(joined, pattern, skipped);
      if (found >= 0) return this.#wrapped(start + found - tail.length);
      tail = joined.slice(Math.max(skipped, joined.length - pattern.length + 1));
    }
    return undefined;
  }

  /** Where `linear` leads, whatever the rights are. */
  #probe(linear: number): { outcome: AccessOutcome["outcome"]; physical: number } {
    const { exports } = this.core;
    const { low, high } = halves(linear);
    const outcome = OUTCOMES[exports.describeWalk!(low, 0, 0, high)]!;
    const physical = Number(new DataView(this.core.buffer).getBigUint64(exports.walkRecordAddress!() + 16, true));
    return { outcome, physical };
  }

  /** The bytes of an instruction at `linear`, as far as they can be read. */
  #code(linear: number, length: number): Uint8Array {
    const bytes: number[] = [];
    for (const piece of this.memory(linear, length)) {
      if (!piece.bytes) break;
      bytes.push(...piece.bytes);
    }
    return Uint8Array.from(bytes);
  }

  get #codeBits(): CodeBits {
    if (this.isLong) return 64;
    const isV86 = (this.core.getRegister("eflags") & 0x20000n) !== 0n;
    return !isV86 && segmentWords(Number(this.core.getRegister("cs_attributes"))).bits === 32 ? 32 : 16;
  }

  /** Do addresses have 64 bits? In long mode, also while it runs code of 32 bits. */
  get #hasLongSpace(): boolean {
    return (this.core.getRegister("efer") & 0x400n) !== 0n;
  }
  #wrapped(linear: number): number {
    return this.#hasLongSpace ? linear : ((linear % LINEAR_END) + LINEAR_END) % LINEAR_END;
  }

  /** 64-bit code runs. */
  get isLong(): boolean {
    return (this.core.getRegister("efer") & 0x400n) !== 0n && (this.core.getRegister("cs_attributes") & 0x200n) !== 0n;
  }

  /** The instruction at a linear address, as code of the present code segment; undefined where there is none. */
  instruction(linear: number): { readonly mnemonic: string; readonly length: number; readonly text: string } | undefined {
    const decoded = this.#decode(this.#code(linear, MAX_INSTRUCTION), this.#codeBits);
    if (!decoded || decoded.row < 0) return undefined;
    const text = format(decoded, this.#offset(linear), this.#codeBits);
    return {
      mnemonic: text.replace(/^((rep|repe|repne|lock|o16|o32|o64|a16|a32|[c-gs]s|es) )+/, "").split(" ")[0]!,
      length: decoded.length,
      text,
    };
  }

  /** In the code segment. */
  #offset(linear: number): bigint {
    if (this.isLong) return unsignedLinear(linear);
    return BigInt.asUintN(32, BigInt(linear) - this.core.getRegister("cs_base"));
  }

  /** `lines` lines of code from a linear address on, as code of the present code segment. */
  disassemble(linear: number, lines: number): CodeLine[] {
    const result: CodeLine[] = [];
    let at = linear;
    while (result.length < lines) {
      const [piece] = this.memory(at, 1);
      if (!piece!.bytes) {
        result.push({
          linear: at,
          offset: Number(this.#offset(at)),
          bytes: new Uint8Array(),
          text: UNREADABLE[piece!.kind]!,
          kind: "unreadable",
        });
        at = this.#wrapped(at - pageOffset(at) + PAGE);
        continue;
      }
      const code = this.#code(at, Math.min(PAGE, (lines - result.length) * MAX_INSTRUCTION));
      for (const line of list(code, this.#decode, this.#codeBits, this.#offset(at), lines - result.length)) {
        result.push({ linear: at, offset: Number(line.address), bytes: line.bytes, text: line.text, kind: line.decoded ? "code" : "data" });
        at = this.#wrapped(at + line.bytes.length);
      }
    }
    return result;
  }

  /** `count` instructions in guest-physical memory from `physical` on, within its page; their addresses are physical. */
  physicalCode(physical: number, bits: CodeBits, count: number): CodeLine[] {
    const code = this.core.memory.read(physical, Math.min(PAGE - pageOffset(physical), count * MAX_INSTRUCTION));
    return list(code, this.#decode, bits, BigInt(physical), count).map((line) => ({
      ...{ linear: Number(line.address), offset: Number(line.address), bytes: line.bytes, text: line.text },
      kind: line.decoded ? "code" : "data",
    }));
  }

  /** An address about `lines` instructions before `linear` from which decoding arrives there. */
  before(linear: number, lines: number): number {
    const most = linear >= 0 ? Math.min(BEFORE_BYTES, linear) : BEFORE_BYTES;
    const code = this.#code(linear - most, most + MAX_INSTRUCTION);
    if (code.length < most) return linear;
    const bits = this.#codeBits;
    // From the end: whether decoding from so many bytes before arrives, and in how many instructions.
    const steps: number[] = [0];
    const lengths: number[] = [0];
    for (let back = 1; back <= most; back++) {
      const decoded = this.#decode(code.subarray(most - back), bits);
      const length = decoded && decoded.row >= 0 ? decoded.length : 0;
      const rest = length > 0 && length <= back ? steps[back - length]! : -1;
      steps.push(rest < 0 ? -1 : rest + 1);
      lengths.push(length);
    }
    let back = steps.findLastIndex((count) => count > 0);
    if (back < 0) return linear;
    while (steps[back]! > lines) back -= lengths[back]!;
    return linear - back;
  }

  /** One linear address through guest tables, shadow tables and translation caches, and what each access would come to. */
  walk(linear: number): Walk {
    const { exports } = this.core;
    const { low, high } = halves(linear);
    const accesses = ([false, true] as const).flatMap((user) =>
      (Object.keys(WANT) as AccessKind[]).map((access): AccessOutcome => {
        const outcome = OUTCOMES[exports.describeWalk!(low, WANT[access], user ? 1 : 0, high)]!;
        const record = this.#record();
        return { access, user, outcome, error: record.u32(4), level: record.u32(12) };
      }),
    );
    const outcome = OUTCOMES[exports.describeWalk!(low, 0, 0, high)]!;
    const { u32, u64, big } = this.#record();
    const { isLong } = this;
    const cache = (user: 0 | 1): CacheEntry => {
      const at = isLong ? 256 + user * 32 : 176 + user * 16;
      if (!isLong) return { read: u32(at), write: u32(at + 4), execute: u32(at + 8), addend: u32(at + 12) };
      const high = u32(at + 4) | u32(at + 12) | u32(at + 20);
      return { read: u32(at), write: u32(at + 8), execute: u32(at + 16), addend: u32(at + 24), high };
    };
    const guest = LEVELS.map((level) => ({ level, at: level === 4 ? 208 : 32 + (3 - level) * 32 }))
      .filter(({ at }) => u32(at) === 1)
      .map(({ level, at }) => ({ level, index: u32(at + 4), physical: u64(at + 8), value: big(at + 16), above: u32(at + 24) }));
    const shadow = LEVELS.map((level) => ({ level, at: level === 4 ? 240 : 128 + (3 - level) * 16 }))
      .filter(({ at }) => u32(at) !== 0)
      .map(({ level, at }) => ({ level, host: u32(at), word: u32(at + 4), frame: u32(at + 8), live: u32(at + 12) }));
    return {
      linear,
      paging: (["none", "32-bit", "PAE", "4-level"] as const)[u32(8)]!,
      physical: outcome === "fault" ? undefined : u64(16),
      root: u32(28),
      guest,
      shadow,
      cache: { supervisor: cache(0), user: cache(1) },
      accesses,
    };
  }

  #record(): { u32(at: number): number; u64(at: number): number; big(at: number): bigint } {
    const view = new DataView(this.core.buffer, this.core.exports.walkRecordAddress!());
    const big = (at: number): bigint => view.getBigUint64(at, true);
    return { u32: (at) => view.getUint32(at, true), u64: (at) => Number(big(at)), big };
  }

  /** Exits by index in EXITS, and their total, which the core counts independently. */
  exits(): { readonly counts: number[]; readonly total: number } {
    const view = new DataView(this.core.buffer, this.core.exports.countersAddress!());
    const u64 = (at: number): number => Number(view.getBigUint64(at, true));
    return { counts: EXITS.map((_, n) => u64(EXIT_COUNTERS + n * 8)), total: u64(EXITS_TOTAL) };
  }

  /** The counters of `exits`, to be put back. */
  readonly counters = {
    save: (): Uint8Array => this.#counters().slice(),
    restore: (saved: Uint8Array): void => {
      // The ring goes on: its events have numbers.
      this.#counters().set(saved.subarray(0, RING_WRITTEN));
      this.#counters().set(saved.subarray(EXIT_COUNTERS), EXIT_COUNTERS);
    },
  };

  #counters(): Uint8Array {
    return new Uint8Array(this.core.buffer, this.core.exports.countersAddress!(), EXIT_COUNTERS + EXITS.length * 8);
  }

  /** Compares every shadow and cache entry with what the guest's tables and the physical map give now. */
  check(): CheckResult {
    const finding = this.core.checkShadow();
    const at = this.core.exports.checkReportAddress!();
    const view = new DataView(this.core.buffer, at, 20);
    if (finding === 0) return { finding, entry: 0, linear: 0, found: 0, expected: 0 };
    return {
      finding,
      entry: view.getUint32(4, true),
      linear: view.getUint32(8, true),
      found: view.getUint32(12, true),
      expected: view.getUint32(16, true),
    };
  }

  /** Listens to the event ring until disposed of. `onFull`: no event may be lost; it is called, often, to read them. */
  listen(onFull?: (reader: EventReader) => void): EventReader {
    const reader = new RingReader(this.core, onFull, (gone) => {
      this.#readers.delete(gone);
      this.#apply();
    });
    this.#readers.add(reader);
    this.#apply();
    return reader;
  }

  /** Whether anybody listens to the event ring. */
  get isListening(): boolean {
    return this.#readers.size > 0;
  }

  /** After each slice: who must see all reads now. */
  drain(): void {
    if (this.#readers.size === 0) return;
    for (const reader of this.#readers) reader.onFull?.(reader);
    this.#mark();
  }

  /** Nobody hears of events until `resume`: they were heard before. */
  suspend(): void {
    this.core.exports.listenEvents!(0);
  }

  resume(): void {
    this.#apply();
  }

  #apply(): void {
    const complete = [...this.#readers].some((reader) => reader.onFull);
    this.#mark();
    this.core.exports.listenEvents!(complete ? 2 : this.#readers.size > 0 ? 1 : 0);
  }

  #mark(): void {
    const complete = [...this.#readers].filter((reader) => reader.onFull).map((reader) => reader.next);
    if (complete.length > 0) this.core.exports.eventsRead!(Math.min(...complete));
  }
}

class RingReader implements EventReader {
  readonly #core: CoreHost;
  readonly onFull: ((reader: EventReader) => void) | undefined;
  readonly #gone: Disposable;
  next: number;

  constructor(core: CoreHost, onFull: ((reader: EventReader) => void) | undefined, gone: (reader: RingReader) => void) {
    this.#core = core;
    this.onFull = onFull;
    this.next = this.#written;
    this.#gone = toDisposable(() => gone(this));
  }

  get #written(): number {
    return Number(new DataView(this.#core.buffer).getBigUint64(this.#core.exports.countersAddress!() + RING_WRITTEN, true));
  }

  read(most = Number.POSITIVE_INFINITY): { events: TrapEvent[]; lost: number } {
    const written = this.#written;
    const { exports } = this.#core;
    const capacity = exports.ringCapacity!();
    const first = Math.max(this.next, written - Math.min(most, capacity));
    const lost = first - this.next;
    const view = new DataView(this.#core.buffer, exports.ringAddress!(), capacity * EVENT_BYTES);
    const events: TrapEvent[] = [];
    for (let number = first; number < written; number++) {
      const at = (number % capacity) * EVENT_BYTES;
      events.push({
        number,
        reason: view.getUint32(at, true),
        cpl: view.getUint32(at + 4, true) & 3,
        rip: Number(view.getBigInt64(at + 8, true)),
        qualification: view.getBigUint64(at + 16, true),
        tick: Number(view.getBigUint64(at + 24, true)),
      });
    }
    this.next = written;
    return { events, lost };
  }

  dispose(): void {
    this.#gone.dispose();
  }
}

const LEVELS = [4, 3, 2, 1] as const;
const OUTCOMES = ["translated", "fault", "absent"] as const;
const UNREADABLE: Readonly<Record<string, string>> = {
  "not-mapped": "not mapped",
  absent: "RAM that has not come yet",
  device: "a device's memory",
};

/** Architectural registers: what a snapshot keeps and is a whole number. */
const REGISTERS = (Object.keys(CPU_STATE) as CpuStateField[]).filter((name) => {
  const { type, saved } = CPU_STATE[name];
  return saved && (type === "u16" || type === "u32" || type === "u64");
});

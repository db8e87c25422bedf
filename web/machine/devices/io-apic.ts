/**
 * Intel 82093AA I/O APIC (datasheet 290566): 24 pins, each with a redirection entry that makes a message to the local APIC of
 * what the pin does. Pins 0-15 are the ISA requests (pin 0 the 8259s' INT, pin 2 the timer's request 0), 16-19 the PCI
 * interrupts A to D. Pins are told as asserted or not: the polarity bit is kept and has no effect.
 */
import { SnapshotIncompatible } from "../../lib/errors";
import { bytes, copyState, initialState, type StateOf, state, u8, u32 } from "../../snapshot/schema";
import type { AccessSize, Board, Device, RegisterHandler } from "../device";
import { type ApicMessage, DeliveryMode } from "./local-apic";

export const IO_APIC_BASE = 0xfec00000;
/** The id that the MP table gives it; software may write another. */
export const IO_APIC_ID = 1;
export const PIN_COUNT = 24;
/** Version 11h; the last entry is 17h. */
export const IO_APIC_VERSION = 0x11;

const enum Offset {
  Select = 0x00,
  Window = 0x10,
}
const enum Index {
  Id = 0x00,
  Version = 0x01,
  Arbitration = 0x02,
  Redirection = 0x10,
}
/** Low half of a redirection entry. */
const Entry = { Vector: 0xff, Mode: 0x700, Logical: 0x800, RemoteIrr: 0x4000, Level: 0x8000, Masked: 0x10000, Writable: 0x1afff } as const;

const schema = state("I/O APIC", 1, {
  select: u8,
  id: u8,
  /** Redirection entries, 8 bytes each, little-endian. */
  entries: { ...bytes(PIN_COUNT * 8), initial: initialEntries() },
  /** Pins that are asserted, a bit each. */
  pins: u32,
});

function initialEntries(): Uint8Array {
  const entries = new Uint8Array(PIN_COUNT * 8);
  for (let pin = 0; pin < PIN_COUNT; pin++) entries[pin * 8 + 2] = Entry.Masked >> 16;
  return entries;
}

export class IoApic implements Device<typeof schema>, RegisterHandler {
  readonly schema = schema;
  readonly sizes = 1 | 2 | 4;
  #s = initialState(schema);
  #view = new DataView(this.#s.entries.buffer);

  /** `send` is the APIC bus: false if nobody takes the message. */
  constructor(private readonly send: (message: ApicMessage) => boolean) {}

  attach(board: Board): void {
    board.mmio(IO_APIC_BASE, 0x1000, this);
  }

  reset(): void {
    this.#adopt({ ...initialState(schema), pins: this.#s.pins });
  }

  /** Drives pin 0-23. */
  setPin(pin: number, asserted: boolean): void {
    const bit = 1 << pin;
    if (((this.#s.pins & bit) !== 0) === asserted) return;
    this.#s.pins = (this.#s.pins ^ bit) >>> 0;
    // An edge at a masked pin is lost; a level waits.
    if (asserted) this.#serve(pin);
  }

  /** A level-triggered interrupt has ended; one that is still asked for comes again. */
  endOfInterrupt(vector: number): void {
    for (let pin = 0; pin < PIN_COUNT; pin++) {
      const low = this.#low(pin);
      if ((low & Entry.Vector) !== vector || (low & Entry.Level) === 0 || (low & Entry.RemoteIrr) === 0) continue;
      this.#setLow(pin, low & ~Entry.RemoteIrr);
      if ((this.#s.pins >>> pin) & 1) this.#serve(pin);
    }
  }

  read(offset: number, size: AccessSize): number {
    const register = offset & ~15;
    const value = register === Offset.Select ? this.#s.select : register === Offset.Window ? this.#readIndexed() : 0;
    const shift = (offset & 15) * 8;
    return shift >= 32 ? 0 : size === 4 ? value >>> 0 : (value >>> shift) & (2 ** (8 * size) - 1);
  }
  write(offset: number, value: number, size: AccessSize): void {
    if (offset === Offset.Select) this.#s.select = value & 0xff;
    else if (offset === Offset.Window && size === 4) this.#writeIndexed(value);
  }

  #readIndexed(): number {
    const { select, id } = this.#s;
    switch (select) {
      case Index.Id:
      case Index.Arbitration:
        return id << 24;
      case Index.Version:
        return ((PIN_COUNT - 1) << 16) | IO_APIC_VERSION;
      default: {
        const at = select - Index.Redirection;
        return at >= 0 && at < PIN_COUNT * 2 ? this.#view.getUint32(at * 4, true) : 0;
      }
    }
  }
  #writeIndexed(value: number): void {
    const { select } = this.#s;
    if (select === Index.Id) this.#s.id = (value >>> 24) & 0x0f;
    const at = select - Index.Redirection;
    if (at < 0 || at >= PIN_COUNT * 2) return;
    if (at & 1) {
      this.#view.setUint32(at * 4, (value & 0xff000000) >>> 0, true);
      return;
    }
    const pin = at >> 1;
    let low = (value & Entry.Writable) | (this.#low(pin) & Entry.RemoteIrr);
    // An edge-triggered entry waits for no end.
    if ((low & Entry.Level) === 0) low &= ~Entry.RemoteIrr;
    this.#setLow(pin, low);
    if ((low & Entry.Level) !== 0 && (this.#s.pins >>> pin) & 1) this.#serve(pin);
  }

  #low(pin: number): number {
    return this.#view.getUint32(pin * 8, true);
  }
  #setLow(pin: number, value: number): void {
    this.#view.setUint32(pin * 8, value >>> 0, true);
  }

  /** The pin is asserted: sends its message if it may. */
  #serve(pin: number): void {
    const low = this.#low(pin);
    const level = (low & Entry.Level) !== 0;
    if ((low & Entry.Masked) !== 0 || (level && (low & Entry.RemoteIrr) !== 0)) return;
    const mode = (low & Entry.Mode) >> 8;
    const waits = level && (mode === DeliveryMode.Fixed || mode === DeliveryMode.LowestPriority);
    const taken = this.send({
      mode,
      vector: low & Entry.Vector,
      level: waits,
      destination: this.#view.getUint32(pin * 8 + 4, true) >>> 24,
      logical: (low & Entry.Logical) !== 0,
    });
    if (taken && waits) this.#setLow(pin, low | Entry.RemoteIrr);
  }

  /** Whether the 8259s' INT on pin 0 is let through as such (ExtINT). */
  get passesExternal(): boolean {
    const low = this.#low(0);
    return (low & Entry.Masked) === 0 && (low & Entry.Mode) === DeliveryMode.ExtInt << 8;
  }

  #adopt(s: StateOf<typeof schema>): void {
    this.#s = s;
    this.#view = new DataView(s.entries.buffer, s.entries.byteOffset, s.entries.length);
  }
  save(): StateOf<typeof schema> {
    return copyState(schema, this.#s);
  }
  load(saved: StateOf<typeof schema>): void {
    if (saved.entries.length !== PIN_COUNT * 8) throw new SnapshotIncompatible("I/O APIC", "it has another number of pins.");
    if (saved.pins >>> PIN_COUNT !== 0) throw new SnapshotIncompatible("I/O APIC", "it has asserted pins that do not exist.");
    this.#adopt(copyState(schema, saved));
  }
}

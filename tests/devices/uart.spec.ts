/** The 16550A against its datasheet and against Linux's 8250 driver: autoconfiguration, THRE test, receive and transmit. */
import { describe, expect, it } from "vitest";
import { Uart } from "../../web/machine/devices/uart";
import { deviceLaws } from "./laws";
import { TestBoard } from "./test-board";

const BASE = 0x3f8;
const [DATA, IER, IIR, FCR, LCR, MCR, LSR, MSR, SCR] = [0, 1, 2, 2, 3, 4, 5, 6, 7];
const IRQ = 4;
/** MCR: what is sent comes back. */
const LOOPBACK = 0x10;

function fitted() {
  const board = new TestBoard();
  const uart = board.fit(new Uart("COM1", BASE, IRQ));
  const sent: number[] = [];
  uart.onTransmit = (byte) => sent.push(byte);
  const get = (register: number) => board.in(BASE + register);
  const put = (register: number, value: number) => board.out(BASE + register, value);
  const text = () => String.fromCharCode(...sent);
  return { board, uart, sent, text, get, put };
}

deviceLaws("16550A", {
  fit: (board) => board.fit(new Uart("COM1", BASE, IRQ)),
  touch: (board) => board.out(BASE + SCR, 0x5a),
  inputs: (uart, random) => {
    if (random.below(8) === 0) uart.receiveBreak();
    else uart.receive(Array.from({ length: random.below(40) }, () => random.bits() & 0xff));
  },
});

describe("16550A with Linux's 8250 driver", () => {
  it("autoconfig finds a 16550A with 16 bytes of FIFO", () => {
    const { board, get, put } = fitted();
    // The existence test: only four enable bits, all of them real.
    put(IER, 0);
    expect(get(IER) & 0x0f).toBe(0);
    put(IER, 0x0f);
    expect(get(IER) & 0x0f).toBe(0x0f);
    put(IER, 0);
    // The loopback test: RTS and OUT2 come back as CTS and DCD.
    const mcr = get(MCR);
    put(MCR, 0x10 | 0x0a);
    expect(get(MSR) & 0xf0).toBe(0x90);
    put(MCR, mcr);
    // No enhanced feature register, in either way of asking.
    put(LCR, 0xbf);
    put(IIR, 0);
    put(LCR, 0);
    put(FCR, 0x01);
    expect(get(IIR) >> 6).toBe(3);
    put(LCR, 0x80);
    expect(get(IIR)).not.toBe(0);
    put(LCR, 0xbf);
    expect(get(IIR)).not.toBe(0);
    put(LCR, 0);
    // No 64-byte FIFO (16750), no UART unit enable (XScale).
    put(FCR, 0x21);
    expect(get(IIR) & 0x20).toBe(0);
    put(FCR, 0x01);
    put(IER, 0x40);
    expect(get(IER)).toBe(0);
    // size_fifo: 256 bytes into the loop at the highest rate, count what arrives.
    put(FCR, 0x07);
    put(MCR, 0x10);
    put(LCR, 0x83);
    put(DATA, 1);
    put(IER, 0);
    put(LCR, 0x03);
    for (let i = 0; i < 256; i++) put(DATA, i);
    board.advance(20_000_000);
    let count = 0;
    while (get(LSR) & 0x01 && count < 256) {
      expect(get(DATA)).toBe(count);
      count++;
    }
    expect(count).toBe(16);
  });

  it("the THRE test: enabling the transmitter interrupt raises it each time", () => {
    const { get, put } = fitted();
    put(IER, 0x02);
    const first = get(IIR);
    put(IER, 0);
    put(IER, 0x02);
    const second = get(IIR);
    put(IER, 0);
    expect(first & 0x0f).toBe(0x02);
    expect(second & 0x0f).toBe(0x02);
    expect(get(IIR) & 0x01).toBe(0x01);
    expect(get(LSR)).toBe(0x60);
  });

  it("transmits by interrupts: each write ends with a new edge of IRQ 4", () => {
    const { board, get, put, text } = fitted();
    put(FCR, 0x01);
    put(MCR, 0x0b);
    const message = "Hello, terminal";
    put(IER, 0x02);
    let at = 0;
    for (let interrupts = 0; at < message.length; interrupts++) {
      expect(interrupts).toBeLessThan(40);
      expect(board.levels[IRQ]).toBe(true);
      expect(get(IIR) & 0x0f).toBe(0x02);
      expect(board.levels[IRQ]).toBe(false);
      const rises = board.rises[IRQ]!;
      put(DATA, message.charCodeAt(at++));
      expect(board.rises[IRQ]).toBe(rises + 1);
    }
    put(IER, 0);
    expect(board.levels[IRQ]).toBe(false);
    expect(text()).toBe(message);
  });

  it("a write while the transmitter interrupt is pending takes it back and raises it anew", () => {
    const { board, put } = fitted();
    put(IER, 0x02);
    const rises = board.rises[IRQ]!;
    put(DATA, 0x41);
    put(DATA, 0x42);
    expect(board.rises[IRQ]).toBe(rises + 2);
    expect(board.levels[IRQ]).toBe(true);
  });

  it("receives by interrupts at the trigger level, and the rest by timeout, losing nothing", () => {
    const { board, uart, get, put } = fitted();
    put(LCR, 0x83);
    put(DATA, 1);
    put(IER, 0);
    put(LCR, 0x03);
    put(FCR, 0x81);
    put(MCR, 0x0b);
    put(IER, 0x05);
    const input = Array.from({ length: 1003 }, (_, i) => (i * 7) & 0xff);
    expect(uart.receive(input)).toBe(input.length);
    const got: number[] = [];
    let timeouts = 0;
    for (let guard = 0; got.length < input.length; guard++) {
      expect(guard).toBeLessThan(2000);
      if (!board.levels[IRQ]) board.advance(400_000);
      expect(board.levels[IRQ]).toBe(true);
      const cause = get(IIR) & 0x0f;
      expect([0x04, 0x0c]).toContain(cause);
      if (cause === 0x0c) timeouts++;
      // At most eight bytes an interrupt, as a driver without FIFO support in its loop might.
      for (let i = 0; i < 8 && get(LSR) & 0x01; i++) got.push(get(DATA));
    }
    expect(got).toEqual(input);
    expect(timeouts).toBeGreaterThan(0);
    expect(get(IIR) & 0x0f).toBe(0x01);
    expect(uart.queuedBytes).toBe(0);
  });

  it("without FIFOs each byte gives an edge of its own, for a handler that reads one byte per interrupt", () => {
    const { board, uart, get, put } = fitted();
    put(IER, 0x01);
    uart.receive([1, 2, 3]);
    const got: number[] = [];
    let rises = 0;
    while (board.rises[IRQ]! > rises) {
      rises++;
      got.push(get(DATA));
    }
    expect(got).toEqual([1, 2, 3]);
    expect(board.levels[IRQ]).toBe(false);
  });
});

describe("16550A registers", () => {
  it("powers on as the datasheet's master reset table says", () => {
    const { get } = fitted();
    expect([IER, IIR, LCR, MCR, LSR, MSR].map(get)).toEqual([0, 0x01, 0, 0, 0x60, 0xb0]);
  });

  it("the divisor latch lies behind DLAB and survives a reset", () => {
    const { uart, get, put } = fitted();
    put(LCR, 0x80);
    put(DATA, 0x34);
    put(IER, 0x12);
    put(LCR, 0x03);
    expect(get(IER)).toBe(0);
    uart.reset();
    put(LCR, 0x80);
    expect([get(DATA), get(IER)]).toEqual([0x34, 0x12]);
  });

  it("interrupts come in the order of their priority, and each is cleared its own way", () => {
    const { board, uart, get, put } = fitted();
    put(FCR, 0x01);
    put(MCR, 0x10);
    get(MSR);
    for (let i = 0; i < 17; i++) put(DATA, i);
    put(MCR, 0x11);
    put(IER, 0x0f);
    expect(get(IIR)).toBe(0xc6);
    expect(get(LSR) & 0x02, "overrun").toBe(0x02);
    expect(get(IIR)).toBe(0xc4);
    for (let i = 0; i < 16; i++) expect(get(DATA)).toBe(i);
    expect(get(IIR)).toBe(0xc2);
    expect(get(IIR)).toBe(0xc0);
    expect(get(MSR)).toBe(0x22);
    expect(get(IIR)).toBe(0xc1);
    expect(board.levels[IRQ]).toBe(false);
    expect(uart.queuedBytes).toBe(0);
  });

  it("the trigger levels are 1, 4, 8 and 14", () => {
    for (const [bits, level] of [
      [0x00, 1],
      [0x40, 4],
      [0x80, 8],
      [0xc0, 14],
    ] as const) {
      const { get, put } = fitted();
      put(FCR, bits | 0x01);
      put(IER, 0x01);
      put(MCR, LOOPBACK);
      for (let i = 1; i <= 14; i++) {
        put(DATA, i);
        expect(get(IIR) & 0x0f, `${i} bytes at trigger ${level}`).toBe(i >= level ? 0x04 : 0x01);
      }
    }
  });

  it("the receiver times out after four characters of silence; reading one byte clears that", () => {
    const { board, get, put } = fitted();
    // 9,600 baud, 8N1: a character takes 1,041,667 ns.
    put(LCR, 0x03);
    put(FCR, 0xc1);
    put(IER, 0x01);
    put(MCR, LOOPBACK);
    put(DATA, 1);
    put(DATA, 2);
    board.advance(4_100_000);
    expect(get(IIR)).toBe(0xc1);
    board.advance(100_000);
    expect(get(IIR)).toBe(0xcc);
    get(DATA);
    expect(get(IIR)).toBe(0xc1);
    board.advance(4_200_000);
    expect(get(IIR)).toBe(0xcc);
    get(DATA);
    board.advance(10_000_000);
    expect(get(IIR)).toBe(0xc1);
  });

  it("announces what the host sends at once when nothing more comes, below the trigger level too", () => {
    const { board, uart, get, put } = fitted();
    put(FCR, 0xc1);
    put(IER, 0x01);
    uart.receive([1]);
    expect([board.levels[IRQ], get(IIR)]).toEqual([true, 0xcc]);
    // More than the FIFO holds: the level first, then the rest.
    expect([get(DATA), get(IIR)]).toEqual([1, 0xc1]);
    uart.receive(Array.from({ length: 20 }, (_, i) => i));
    expect(get(IIR)).toBe(0xc4);
    for (let i = 0; i < 16; i++) expect(get(DATA)).toBe(i);
    expect([board.levels[IRQ], get(IIR)]).toEqual([true, 0xcc]);
  });

  it("clearing the receiver FIFO drops what is in it, not what the host still has", () => {
    const { uart, get, put } = fitted();
    put(FCR, 0x01);
    uart.receive(Array.from({ length: 20 }, (_, i) => i));
    put(FCR, 0x03);
    const got: number[] = [];
    while (get(LSR) & 0x01) got.push(get(DATA));
    expect(got).toEqual([16, 17, 18, 19]);
  });

  it("a break arrives as a zero byte with BI, and raises a line status interrupt", () => {
    const { uart, get, put } = fitted();
    put(FCR, 0x01);
    put(IER, 0x04);
    uart.receiveBreak();
    expect(get(IIR)).toBe(0xc6);
    expect(get(LSR)).toBe(0xf1);
    expect(get(IIR)).toBe(0xc1);
    expect(get(LSR)).toBe(0x61);
    expect(get(DATA)).toBe(0);
  });

  it("loopback cuts the line in both directions and keeps the host's bytes", () => {
    const { uart, get, put, sent } = fitted();
    put(MCR, 0x10);
    uart.receive([7]);
    expect(get(LSR) & 0x01).toBe(0);
    put(DATA, 0x41);
    expect(sent).toEqual([]);
    expect(get(DATA)).toBe(0x41);
    put(MCR, 0);
    expect(get(DATA)).toBe(7);
  });

  it("the queue takes 64 KB and says how much of an offer it took", () => {
    const { uart, get } = fitted();
    let drained = 0;
    uart.onReceiveDrained = () => drained++;
    // One byte has gone into the holding register.
    expect(uart.receive(new Uint8Array(1))).toBe(1);
    const before = drained;
    expect(uart.receive(new Uint8Array(0x10000 + 5))).toBe(0x10000);
    expect(drained).toBe(before);
    for (let i = 0; i < 0x10000; i++) get(DATA);
    expect(drained).toBe(before + 1);
    expect(uart.queuedBytes).toBe(0);
  });

  it("RI counts only when it ends", () => {
    const { get, put } = fitted();
    put(MCR, 0x10);
    get(MSR);
    put(MCR, 0x14);
    expect(get(MSR)).toBe(0x40);
    put(MCR, 0x10);
    expect(get(MSR)).toBe(0x04);
  });
});

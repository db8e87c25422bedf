/** The I/O APIC: its registers through select and window, edges, levels and their end; with the local APIC on the board. */
import { describe, expect, it } from "vitest";
import { messageOf } from "../../web/machine/apic";
import { mpTable } from "../../web/machine/boot/mp-table";
import { IO_APIC_BASE, IoApic } from "../../web/machine/devices/io-apic";
import type { ApicMessage } from "../../web/machine/devices/local-apic";
import { deviceLaws } from "./laws";
import { TestBoard } from "./test-board";

function fitted() {
  const board = new TestBoard();
  const messages: ApicMessage[] = [];
  const io = board.fit(new IoApic((message) => messages.push(message) > 0));
  const write = (index: number, value: number) => {
    board.bus.writeMmio(IO_APIC_BASE, index, 4);
    board.bus.writeMmio(IO_APIC_BASE + 0x10, value, 4);
  };
  const read = (index: number) => {
    board.bus.writeMmio(IO_APIC_BASE, index, 4);
    return board.bus.readMmio(IO_APIC_BASE + 0x10, 4) >>> 0;
  };
  return { board, io, messages, write, read };
}
const vectors = (messages: readonly ApicMessage[]): number[] => messages.map(({ vector }) => vector);

deviceLaws("I/O APIC", {
  fit: (board) => board.fit(new IoApic(() => true)),
  touch: (board) => board.bus.writeMmio(IO_APIC_BASE, 5, 4),
  inputs: (io, random, board) => {
    switch (random.below(4)) {
      case 0:
        io.setPin(random.below(24), random.below(2) === 1);
        break;
      case 1:
        io.endOfInterrupt(random.below(256));
        break;
      case 2:
        board.bus.writeMmio(IO_APIC_BASE, random.below(0x48), 4);
        break;
      default:
        board.bus.writeMmio(IO_APIC_BASE + 0x10, random.bits(), 4);
        board.bus.readMmio(IO_APIC_BASE + 0x10, random.pick([1, 2, 4] as const));
    }
  },
});

describe("registers", () => {
  it("version, id, entries masked after reset", () => {
    const { read, write } = fitted();
    expect([read(1), read(0x10), read(0x3e)]).toEqual([0x00170011, 0x10000, 0x10000]);
    write(0, 0x5000000);
    write(0x11, 0xabffffff);
    write(0x10, 0xffffffff);
    expect([read(0), read(0x11), read(0x10), read(0x40)]).toEqual([0x5000000, 0xab000000, 0x1afff, 0]);
  });
});

describe("pins", () => {
  it("an edge is one message; at a masked pin it is lost", () => {
    const { io, messages, write } = fitted();
    io.setPin(4, true);
    io.setPin(4, false);
    write(0x18, 0x44);
    expect(messages).toEqual([]);
    io.setPin(4, true);
    io.setPin(4, true);
    io.setPin(4, false);
    io.setPin(4, true);
    expect(vectors(messages)).toEqual([0x44, 0x44]);
  });

  it("a level waits for its end, and comes again while it is up", () => {
    const { io, messages, read, write } = fitted();
    io.setPin(16, true);
    write(0x30, 0x8055);
    expect([vectors(messages), read(0x30)]).toEqual([[0x55], 0xc055]);
    io.endOfInterrupt(0x54);
    expect(messages).toHaveLength(1);
    io.endOfInterrupt(0x55);
    expect(messages).toHaveLength(2);
    io.setPin(16, false);
    io.endOfInterrupt(0x55);
    expect([messages.length, read(0x30)]).toEqual([2, 0x8055]);
  });

  it("mode and destination go with the message", () => {
    const { io, messages, write } = fitted();
    write(0x13, 0x3000000);
    write(0x12, 0x0931);
    io.setPin(1, true);
    expect(messages).toEqual([{ mode: 1, vector: 0x31, level: false, destination: 3, logical: true }]);
  });
});

it("message-signalled interrupts are addressed to FEExxxxx", () => {
  expect(messageOf(0xfee0300c, 0x4041)).toEqual({ mode: 0, vector: 0x41, level: false, destination: 3, logical: true });
  expect(messageOf(0xfed00000, 0x41)).toBeUndefined();
});

it("the MP table's checksums are right, and its entries as many as it says", () => {
  const [table, pointer] = mpTable({ signature: 0x683, features: 0x381 });
  const sum = (bytes: Uint8Array): number => bytes.reduce((all, byte) => (all + byte) & 0xff, 0);
  expect([sum(table!.data), sum(pointer!.data), pointer!.data.length]).toEqual([0, 0, 16]);
  const view = new DataView(table!.data.buffer);
  expect([view.getUint16(4, true), new DataView(pointer!.data.buffer).getUint32(4, true)]).toEqual([table!.data.length, table!.address]);
  let [at, count] = [44, 0];
  for (; at < table!.data.length; count++) at += table!.data[at] === 0 ? 20 : 8;
  expect([at, count]).toEqual([table!.data.length, view.getUint16(34, true)]);
});

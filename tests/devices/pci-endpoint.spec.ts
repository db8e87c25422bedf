/** PCI devices with registers: base addresses, decoding, interrupt pins to the 8259As, and what firmware sets up. */
import { describe, expect, it } from "vitest";
import { setUpPci } from "../../web/machine/boot/pci-setup";
import type { AccessSize, RegisterHandler } from "../../web/machine/device";
import { PciHostBridge } from "../../web/machine/devices/pci";
import { PciEndpoint } from "../../web/machine/devices/pci-endpoint";
import { Piix3 } from "../../web/machine/devices/piix3";
import { TestBoard } from "./test-board";

class Register implements RegisterHandler {
  readonly sizes = 1 | 2 | 4;
  value = 0;
  constructor(readonly id: number) {}
  read(offset: number): number {
    return this.id + offset;
  }
  write(_offset: number, value: number): void {
    this.value = value;
  }
}

/** Two cards on a board with a PIIX3 whose pins are really wired. */
function fitted() {
  const board = new TestBoard();
  const piix3 = board.fit(new Piix3(() => {}));
  board.pciInterrupt = (device, pin) => piix3.interruptPin(device, pin);
  const handlers = [new Register(0x10), new Register(0x20), new Register(0x30), new Register(0x40)];
  const card = (device: number, first: number) =>
    new PciEndpoint({
      device,
      vendorId: 0x1af4,
      deviceId: 0x1001,
      revision: 0,
      classCode: 0x010000,
      subsystemVendorId: 0x1af4,
      subsystemId: 2,
      bars: [
        { index: 0, space: "port", length: 0x40, handler: handlers[first]! },
        { index: 4, space: "mmio", length: 0x4000, handler: handlers[first + 1]! },
      ],
      capabilities: [
        { id: 9, body: [16, 1, 4] },
        { id: 9, body: [16, 2] },
      ],
    });
  const cards = [card(4, 0), card(5, 2)];
  for (const each of cards) each.attach(board);
  board.fit(new PciHostBridge([piix3, ...cards]));
  const select = (device: number, register: number) => board.out(0xcf8, (0x80000000 | (device << 11) | register) >>> 0, 4);
  const read = (device: number, register: number) => {
    select(device, register);
    return board.in(0xcfc, 4);
  };
  const write = (device: number, register: number, value: number, size: AccessSize = 4) => {
    select(device, register & ~3);
    board.out(0xcfc + (register & 3), value, size);
  };
  return { board, piix3, cards, handlers, read, write };
}

describe("base address registers", () => {
  it("answer the sizing write, and keep only bits above their size", () => {
    const { read, write } = fitted();
    write(4, 0x10, 0xffffffff);
    expect(read(4, 0x10)).toBe(0xffffffc1);
    write(4, 0x20, 0xffffffff);
    expect(read(4, 0x20)).toBe(0xffffc000);
    write(4, 0x20, 0xe0001234);
    expect(read(4, 0x20)).toBe(0xe0000000);
    write(4, 0x14, 0xffffffff);
    expect(read(4, 0x14)).toBe(0);
  });

  it("place the registers while decoding is on, and move them", () => {
    const { board, write, handlers } = fitted();
    write(4, 0x10, 0xc000);
    expect(board.in(0xc002)).toBe(0xff);
    write(4, 0x04, 1, 2);
    expect(board.in(0xc002)).toBe(0x12);
    board.out(0xc03f, 7);
    expect(handlers[0]!.value).toBe(7);
    expect(board.in(0xc040)).toBe(0xff);
    write(4, 0x10, 0xd000);
    expect(board.in(0xc002)).toBe(0xff);
    expect(board.in(0xd002)).toBe(0x12);
    write(4, 0x20, 0xe0000000);
    expect(board.bus.readMmio(0xe0000004, 4)).toBe(0xffffffff);
    write(4, 0x04, 2, 2);
    expect(board.bus.readMmio(0xe0000004, 4)).toBe(0x24);
    expect(board.in(0xd002), "I/O decoding is off again").toBe(0xff);
  });

  it("what was written for sizing is no place, nor is 0, nor ports beyond 64 K", () => {
    const { board, write } = fitted();
    write(4, 0x04, 3, 2);
    for (const value of [0, 0xffffffff, 0x1c000]) {
      write(4, 0x10, value);
      write(4, 0x20, value === 0x1c000 ? 0xffffffff : value);
      expect(board.bus.portClaims().filter(({ last }) => last - board.bus.portClaims()[0]!.first === 0x3f)).toEqual([]);
      expect(board.bus.mmioClaims()).toEqual([]);
    }
  });

  it("where two overlap, the one fitted first answers; fixed ports go before both; a moved one uncovers the other", () => {
    const { board, write } = fitted();
    for (const device of [5, 4]) {
      write(device, 0x10, 0xc000);
      write(device, 0x04, 1, 2);
    }
    expect(board.in(0xc000)).toBe(0x10);
    write(4, 0x10, 0xc100);
    expect(board.in(0xc000)).toBe(0x30);
    write(4, 0x10, 0xc000);
    expect(board.in(0xc000)).toBe(0x10);
    write(4, 0x04, 0, 2);
    expect(board.in(0xc000)).toBe(0x30);
    write(5, 0x10, 0x0cc0);
    expect(board.in(0xcf9), "reset control of the PIIX3").toBe(0);
    expect(board.in(0x0cc1)).toBe(0x31);
  });

  it("a reset takes all off the bus; loading puts them where they were", () => {
    const { board, cards, write, handlers } = fitted();
    write(4, 0x10, 0xc000);
    write(4, 0x20, 0xe0000000);
    write(4, 0x04, 3, 2);
    const saved = cards[0]!.save();
    cards[0]!.reset();
    expect(board.in(0xc000)).toBe(0xff);
    expect(board.bus.mmioClaims()).toEqual([]);
    cards[0]!.load(saved, false);
    expect(board.in(0xc000)).toBe(0x10);
    board.bus.writeMmio(0xe0003ffc, 5, 4);
    expect(handlers[1]!.value).toBe(5);
  });

  it("capabilities are linked, and read-only", () => {
    const { read, write, cards } = fitted();
    expect(read(4, 0x04) >>> 16).toBe(0x10);
    expect(read(4, 0x34) & 0xff).toBe(0x40);
    expect(read(4, 0x40)).toBe(0x01104809);
    write(4, 0x40, 0);
    expect(read(4, 0x40)).toBe(0x01104809);
    expect(read(4, 0x44) & 0xff).toBe(4);
    expect(read(4, 0x48)).toBe(0x02100009);
    expect(cards[0]!.capabilityAt).toEqual([0x40, 0x48]);
  });
});

describe("interrupt pins", () => {
  it("reach the ISA request that the PIIX3 routes them to, as levels that devices share", () => {
    const { board, cards, write } = fitted();
    // Device 4, INTA#: PIRQD. Device 5, INTA#: PIRQA.
    cards[0]!.setInterrupt(true);
    expect(board.levels.some(Boolean), "not routed").toBe(false);
    write(1, 0x63, 11, 1);
    expect(board.levels[11]).toBe(true);
    write(1, 0x60, 11, 1);
    cards[1]!.setInterrupt(true);
    cards[0]!.setInterrupt(false);
    expect(board.levels[11]).toBe(true);
    expect(board.rises[11]).toBe(1);
    cards[1]!.setInterrupt(false);
    expect(board.levels[11]).toBe(false);
    cards[0]!.setInterrupt(true);
    write(1, 0x63, 10, 1);
    expect([board.levels[10], board.levels[11]]).toEqual([true, false]);
    write(1, 0x63, 0x80, 1);
    expect(board.levels[10]).toBe(false);
    // Reserved: the timer's, the cascade, the numeric coprocessor's.
    for (const irq of [0, 1, 2, 8, 13]) write(1, 0x63, irq, 1);
    expect(board.levels.some(Boolean)).toBe(false);
  });

  it("can be held back by the command register, and show in the status register", () => {
    const { board, cards, read, write } = fitted();
    write(1, 0x63, 11, 1);
    cards[0]!.setInterrupt(true);
    expect(read(4, 0x04) >>> 16).toBe(0x18);
    write(4, 0x04, 0x400, 2);
    expect(board.levels[11]).toBe(false);
    write(4, 0x04, 0, 2);
    expect(board.levels[11]).toBe(true);
  });
});

describe("what firmware sets up", () => {
  it("everything decoded, at places of its own, with interrupts routed and level-triggered", () => {
    const { board, cards, read } = fitted();
    let elcr = 0;
    board.ports(0x4d1, 1, {
      read: () => elcr,
      write: (_offset, value) => {
        elcr = value;
      },
    });
    setUpPci({ portRead: (port, size) => board.in(port, size), portWrite: (port, value, size) => board.out(port, value, size) });
    for (const device of [4, 5]) expect(read(device, 0x04) & 7).toBe(7);
    expect(board.in(read(4, 0x10) & ~3)).toBe(0x10);
    expect(board.in(read(5, 0x10) & ~3)).toBe(0x30);
    expect(board.bus.readMmio(read(4, 0x20), 4)).toBe(0x20);
    expect(board.bus.readMmio(read(5, 0x20), 4)).toBe(0x40);
    expect([read(4, 0x3c) & 0xffff, read(5, 0x3c) & 0xffff]).toEqual([0x010b, 0x010a]);
    expect(elcr).toBe(0x0c);
    cards[0]!.setInterrupt(true);
    cards[1]!.setInterrupt(true);
    expect([board.levels[10], board.levels[11]]).toEqual([true, true]);
  });

  it("leaves a board without such devices as it was", () => {
    const board = new TestBoard();
    const piix3 = board.fit(new Piix3(() => {}));
    const bridge = board.fit(new PciHostBridge([piix3]));
    const before = [piix3.save(), bridge.save().config];
    setUpPci({ portRead: (port, size) => board.in(port, size), portWrite: (port, value, size) => board.out(port, value, size) });
    expect([piix3.save(), bridge.save().config]).toEqual(before);
  });
});

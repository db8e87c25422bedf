/** What firmware expects of its board: fw_cfg, PIIX4 power management, PAM shadowing. */
import { describe, expect, it } from "vitest";
import { FwCfg } from "../../web/machine/devices/fw-cfg";
import { type PamSegment, PciHostBridge } from "../../web/machine/devices/pci";
import { Piix4Pm } from "../../web/machine/devices/piix4-pm";
import { deviceLaws } from "./laws";
import { TestBoard } from "./test-board";

const files = new Map([
  ["bootorder", Uint8Array.of(0x41, 0x42, 0)],
  ["etc/e820", Uint8Array.from({ length: 20 }, (_, i) => i)],
]);

deviceLaws("fw_cfg", {
  fit: (board) => {
    board.ram = new Uint8Array(0x4000);
    return board.fit(new FwCfg({ files }));
  },
  touch: (board) => board.out(0x510, 0x19, 2),
});
deviceLaws("PIIX4 power management", {
  fit: (board) => board.fit(new Piix4Pm(() => {})),
  touch: (board) => board.out(0xb3, 1),
  inputs: (device, random, board) => {
    device.writeConfig(0x80, 1);
    device.writeConfig(0x41, 0x06);
    const port = 0x600 + random.below(12);
    if (random.below(2)) board.out(port, random.bits() & 0xff);
    else board.in(port);
  },
});

describe("fw_cfg", () => {
  const fitted = () => {
    const board = new TestBoard();
    board.ram = new Uint8Array(0x4000);
    board.fit(new FwCfg({ files }));
    const read = (length: number) => Array.from({ length }, () => board.in(0x511));
    return { board, read };
  };

  it("tells its signature, and lists its files, which are read past their end as zeros", () => {
    const { board, read } = fitted();
    board.out(0x510, 0, 2);
    expect(String.fromCharCode(...read(4))).toBe("QEMU");
    board.out(0x510, 0x19, 2);
    expect(read(4)).toEqual([0, 0, 0, 2]);
    const entries = [read(64), read(64)];
    expect(entries.map((entry) => String.fromCharCode(...entry.slice(8)).replace(/\0+$/, ""))).toEqual(["bootorder", "etc/e820"]);
    expect(entries[0]!.slice(0, 8)).toEqual([0, 0, 0, 3, 0, 0x20, 0, 0]);
    board.out(0x510, 0x20, 2);
    expect(read(5)).toEqual([0x41, 0x42, 0, 0, 0]);
  });

  it("moves an item by DMA, and says when it cannot", () => {
    const { board } = fitted();
    const view = new DataView(board.ram.buffer);
    const start = (control: number, length: number, address: number) => {
      view.setUint32(0x100, control);
      view.setUint32(0x104, length);
      view.setUint32(0x108, 0);
      view.setUint32(0x10c, address);
      board.out(0x518, 0x00010000, 4);
      return view.getUint32(0x100);
    };
    expect(start((0x21 << 16) | 0x0a, 22, 0x200)).toBe(0);
    expect([...board.ram.subarray(0x200, 0x216)]).toEqual([...files.get("etc/e820")!, 0, 0]);
    expect(start((0x21 << 16) | 0x0a, 16, 0x7fffff00)).toBe(1);
    expect(board.in(0x514, 4)).toBe(0x554d4551);
  });
});

describe("PIIX4 power management", () => {
  const fitted = () => {
    const board = new TestBoard();
    const wires = { off: 0 };
    const pm = board.fit(new Piix4Pm(() => wires.off++));
    pm.writeConfig(0x41, 0x06);
    pm.writeConfig(0x80, 0x01);
    return { board, pm, wires };
  };

  it("counts at 3.579545 MHz in 24 bits where PMBASE says, and interrupts when the top bit changes", () => {
    const { board } = fitted();
    board.out(0x604, 1, 2);
    board.out(0x602, 1, 2);
    board.advance(1e9);
    expect(board.in(0x608, 4)).toBe(3_579_545);
    expect(board.levels[9]).toBe(false);
    board.advance(1.4e9);
    expect(board.levels[9]).toBe(true);
    board.out(0x600, 1, 2);
    expect(board.levels[9]).toBe(false);
    board.advance(3e9);
    expect(board.in(0x608, 4)).toBe(Math.floor(5.4 * 3_579_545) % 0x1000000);
  });

  it("turns the machine off for SLP_TYP 0, and only then", () => {
    const { board, wires } = fitted();
    board.out(0x604, 0x2401, 2);
    expect([wires.off, board.complaints.length]).toEqual([0, 1]);
    board.out(0x604, 0x2001, 2);
    expect(wires.off).toBe(1);
  });

  it("APM's port turns ACPI on, and a button is an event", () => {
    const { board, pm } = fitted();
    board.out(0x602, 0x100, 2);
    pm.pressPowerButton();
    expect(board.levels[9]).toBe(false);
    board.out(0xb2, 0xf1);
    expect(board.in(0x604, 2)).toBe(1);
    expect(board.levels[9]).toBe(true);
  });
});

describe("PAM", () => {
  it("says what each segment reads and writes", () => {
    const board = new TestBoard();
    let seen: readonly PamSegment[] = [];
    board.fit(
      new PciHostBridge([], (segments) => {
        seen = segments;
      }),
    );
    board.out(0xcf8, 0x80000058, 4);
    board.out(0xcfc, 0x31_12_10_00, 4);
    const modes = new Map(seen.map(({ first, mode }) => [first, mode]));
    expect([0xf0000, 0xc0000, 0xc4000, 0xc8000, 0xcc000, 0xe0000].map((first) => modes.get(first))).toEqual([1, 2, 1, 1, 3, 0]);
    expect(seen.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(0x40000);
  });
});

/**
 * The board's chips against QEMU's `pc`: the same port accesses, the same answers. Left out is where QEMU departs from
 * the datasheets that our chips follow; each such place is named here.
 */
import { describe, expect, it } from "vitest";
import { createPc } from "../../web/machine/pc";
import { type Access, askQemu, qemuMissing, read, write } from "./qtest";
import { Random } from "./random";

const EPOCH = "2024-02-28T23:59:50";
const missing = qemuMissing();

function askOurs(accesses: readonly Access[], memoryMb: number): number[] {
  const nothing = () => {};
  const memory = { ramBytes: 0, read: () => new Uint8Array(), write: nothing };
  const cpu = { ticks: 0, limit: nothing, stop: nothing, setIntr: nothing, setA20: nothing, pulseNmi: nothing, setIgnne: nothing, memory };
  const pc = createPc(cpu, {
    memoryMb,
    clock: { kind: "deterministic", ticksPerUs: 50 },
    epochSeconds: Date.parse(`${EPOCH}Z`) / 1000,
    com2: true,
  });
  return accesses.flatMap(({ port, size, value }) => {
    if (value === undefined) return [pc.portRead(port, size)];
    pc.portWrite(port, value, size);
    return [];
  });
}

const show = ({ port, value }: Access) =>
  `${value === undefined ? "in" : "out"} ${port.toString(16)}${value === undefined ? "" : `,${value.toString(16)}`}`;

async function compare(accesses: readonly Access[], memoryMb = 64): Promise<void> {
  const theirs = await askQemu(accesses, memoryMb, EPOCH);
  const ours = askOurs(accesses, memoryMb);
  expect(theirs.length).toBeGreaterThan(0);
  let at = 0;
  for (const [i, access] of accesses.entries()) {
    if (access.value !== undefined) continue;
    const mask = access.mask ?? 2 ** (8 * access.size) - 1;
    const [our, their] = [(ours[at]! & mask) >>> 0, (theirs[at]! & mask) >>> 0];
    const isStale = access.ifReady === true && (ours[at - 1]! & 1) === 0;
    if (our !== their && !isStale)
      expect(
        our,
        `after ${accesses
          .slice(Math.max(0, i - 30), i + 1)
          .map(show)
          .join("; ")}`,
      ).toBe(their);
    at++;
  }
}

describe.skipIf(missing !== undefined)(`our chips and QEMU's${missing ? ` (skipped: ${missing})` : ""}`, () => {
  it("PCI: who is there, class, header type, subsystem; PAM and PIRQ registers keep what is written", async () => {
    const accesses: Access[] = [];
    const select = (device: number, register: number) => accesses.push(write(0xcf8, (0x80000000 + device * 0x800 + register) >>> 0, 4));
    for (const device of [0, 1]) {
      // Command and status (04) of a fresh chip are 0 in QEMU.
      for (const register of [0x00, 0x08, 0x0c, 0x10, 0x14, 0x18, 0x1c, 0x20, 0x24, 0x2c, 0x30]) {
        select(device, register);
        accesses.push(read(0xcfc, undefined, 4), read(0xcfe), read(0xcfd, undefined, 2));
      }
    }
    for (const value of [0x33, 0x11, 0x00, 0x30]) {
      select(0, 0x58);
      accesses.push(write(0xcfd, value & 0x30), read(0xcfd), write(0xcfe, value * 0x101, 2), read(0xcfc, 0xffff3000, 4));
      select(1, 0x60);
      accesses.push(write(0xcfc, 0x0b0a0b0a, 4), read(0xcfc, undefined, 4));
    }
    for (let device = 5; device < 32; device++) {
      select(device, 0);
      accesses.push(read(0xcfc, undefined, 4), read(0xcfc, undefined, 2), read(0xcfc));
    }
    await compare(accesses);
  });

  it("CMOS: date, equipment and memory sizes", async () => {
    for (const memoryMb of [4, 16, 64, 256, 1024]) {
      const accesses: Access[] = [];
      for (let cell = 0; cell < 0x60; cell++) {
        // QEMU has no checksum (2E-2F), and a copy of the century for PS/2 (37).
        if (cell === 0x2e || cell === 0x2f || cell === 0x37) continue;
        accesses.push(write(0x70, cell), read(0x71));
      }
      await compare(accesses, memoryMb);
    }
  });

  it("8237A: address, count and page registers", async () => {
    const accesses: Access[] = [];
    for (const [first, spacing] of [
      [0x00, 1],
      [0xc0, 2],
    ] as const) {
      accesses.push(write(first + 12 * spacing, 0));
      for (let register = 0; register < 8; register++)
        accesses.push(write(first + register * spacing, 0x12 + register), write(first + register * spacing, 0x80 + register));
      accesses.push(write(first + 12 * spacing, 0), read(first), read(first));
      for (let register = 0; register < 8; register++) accesses.push(read(first + register * spacing), read(first + register * spacing));
      accesses.push(read(first + 8 * spacing));
    }
    for (const page of [0x81, 0x82, 0x83, 0x87, 0x89, 0x8a, 0x8b, 0x8f]) accesses.push(write(page, page ^ 0x55), read(page));
    await compare(accesses);
  });

  it("8259A: 6,000 random commands over two level-triggered lines", async () => {
    const random = new Random(7);
    const accesses: Access[] = [];
    const initialize = (icw4: number) => accesses.push(write(0x20, 0x11), write(0x21, 0x30), write(0x21, 0x04), write(0x21, icw4));
    initialize(1);
    // IRQ 3 and 4 by level: QEMU keeps the request of an edge whose line has fallen, the datasheet withdraws it.
    accesses.push(write(0x21, 0), write(0x4d0, 0x18), write(0x3f9, 0), write(0x2f9, 0));
    let specialMask = false;
    for (let i = 0; i < 6000; i++) {
      const kind = random.below(12);
      if (kind < 2) accesses.push(write(0x3f9, random.below(2) * 2));
      else if (kind < 4) accesses.push(write(0x2f9, random.below(2) * 2));
      else if (kind === 4) accesses.push(write(0x21, random.bits() & 0xff));
      else if (kind === 5) {
        // In special mask mode QEMU's non-specific EOI ends masked services too, against the datasheet: specific ones only.
        const command = random.bits() & 0xe7;
        accesses.push(write(0x20, specialMask && (command & 0x60) === 0x20 ? command | 0x40 : command));
      } else if (kind === 6 && random.below(4) === 0) {
        specialMask = !specialMask;
        accesses.push(write(0x20, specialMask ? 0x68 : 0x48));
      } else if (kind === 7) accesses.push(write(0x20, 0x0c), read(0x20));
      else if (kind === 8 && random.below(10) === 0) {
        specialMask = false;
        initialize(random.pick([0x01, 0x03, 0x11]));
      }
      accesses.push(write(0x20, 0x0a), read(0x20), write(0x20, 0x0b), read(0x20), read(0x21));
    }
    await compare(accesses);
  });

  it("16550A: 6,000 random accesses, loopback included", async () => {
    const random = new Random(8);
    const accesses: Access[] = [write(0x3fc, 0)];
    for (let i = 0; i < 6000; i++) {
      const kind = random.below(10);
      if (kind === 0) accesses.push(write(0x3f9, random.bits() & 0x07));
      // Clearing the transmitter's empty FIFO raises its interrupt in QEMU: done with interrupts off, and these set anew.
      else if (kind === 1) accesses.push(write(0x3f9, 0), write(0x3fa, random.bits() & 0xc7), read(0x3fa), write(0x3f9, 0x02));
      else if (kind === 2) accesses.push(write(0x3fb, random.bits() & 0x3f));
      // The deltas of the modem lines do not move in QEMU's loopback.
      else if (kind === 3) accesses.push(write(0x3fc, random.bits() & 0x1f), read(0x3fe, 0xf0));
      else if (kind === 4) accesses.push(write(0x3ff, random.bits() & 0xff));
      else if (kind < 7) accesses.push(write(0x3f8, random.bits() & 0xff));
      // An empty receiver gives QEMU's last byte, ours 0.
      else if (kind === 8) accesses.push(read(0x3fd), { port: 0x3f8, size: 1, ifReady: true });
      else accesses.push(read(0x3fa));
      for (const port of [0x3f9, 0x3fb, 0x3fc, 0x3fd, 0x3ff]) if (random.below(3) === 0) accesses.push(read(port));
    }
    accesses.push(write(0x3fb, 0x80), write(0x3f8, 0x34), write(0x3f9, 0x12), read(0x3f8), read(0x3f9), write(0x3fb, 3), read(0x3f9));
    await compare(accesses);
  });

  it("i8042 with keyboard and mouse", async () => {
    const accesses: Access[] = [];
    const command = (...bytes: number[]) => {
      for (const [i, byte] of bytes.entries()) accesses.push(write(i === 0 ? 0x64 : 0x60, byte));
    };
    /** Status without bit 3, which QEMU does not drive, and data while there are any. */
    const drain = (count: number) => {
      for (let i = 0; i < count; i++) accesses.push(read(0x64, 0xf7), read(0x60), read(0x64, 0xf7));
    };
    command(0x60, 0x47);
    for (const byte of [0xaa, 0xab, 0xa9, 0x20, 0xc0, 0xd0]) {
      command(byte);
      drain(1);
    }
    for (const off of [0xad, 0xae, 0xa7, 0xa8]) {
      command(off);
      command(0x20);
      drain(1);
    }
    command(0xd3, 0x5a);
    drain(1);
    command(0xd2, 0xa5);
    drain(1);
    for (const [byte, answers] of [
      [0xff, 2],
      [0xf2, 3],
      [0xee, 1],
      [0xed, 1],
      [0x02, 1],
      [0xf3, 1],
      [0x20, 1],
      [0xf5, 1],
      [0xf6, 1],
      [0xf4, 1],
    ] as const) {
      accesses.push(write(0x60, byte));
      drain(answers);
    }
    for (const [byte, answers] of [
      [0xff, 3],
      [0xf2, 2],
      [0xe8, 1],
      [0x03, 1],
      [0xf3, 1],
      [0x28, 1],
      [0xe7, 1],
      [0xf4, 1],
      [0xe9, 4],
      [0xea, 1],
      [0xee, 1],
      [0x55, 1],
      [0xec, 1],
      [0xf0, 1],
      [0xf5, 1],
      [0xf6, 1],
      [0xe9, 4],
    ] as const) {
      command(0xd4, byte);
      drain(answers);
    }
    command(0x60, 0x07);
    accesses.push(write(0x60, 0xf2));
    drain(3);
    await compare(accesses);
  });

  it("8254: count, latch and status right after loading", async () => {
    const random = new Random(9);
    const accesses: Access[] = [];
    for (let i = 0; i < 400; i++) {
      const [select, mode, access] = [random.below(3), random.below(6), 1 + random.below(3)];
      // In mode 3 an odd count is loaded less one, which QEMU does not do.
      const count = mode === 3 ? random.bits() & 0xfffe : random.bits() & 0xffff;
      const port = 0x40 + select;
      accesses.push(write(0x43, (select << 6) | (access << 4) | (mode << 1)));
      if (access !== 2) accesses.push(write(port, count & 0xff));
      if (access !== 1) accesses.push(write(port, count >> 8));
      // QEMU loads at once, so that its null-count bit is never set; in modes 2, 4 and 5 its OUT is the wrong way up.
      const status = mode === 2 || mode >= 4 ? 0x3f : 0xbf;
      accesses.push(write(0x43, 0xe0 | (2 << select)), read(port, status));
      accesses.push(write(0x43, select << 6), read(port), read(port));
      accesses.push(write(0x43, 0xc0 | (2 << select)), read(port, status), read(port), read(port));
    }
    await compare(accesses);
  });
});

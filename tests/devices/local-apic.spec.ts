/** The local APIC: priorities, end of interrupt, messages, the timer in its three modes, virtual wire, errors. */
import { describe, expect, it } from "vitest";
import { DeliveryMode, LOCAL_APIC_BASE, LocalApic } from "../../web/machine/devices/local-apic";
import { deviceLaws } from "./laws";
import { TestBoard } from "./test-board";

function fitted() {
  const board = new TestBoard();
  const seen = { intr: false, nmis: 0, ended: [] as number[], external: 0x77, byBus: false };
  const apic = board.fit(
    new LocalApic({
      intr: (level) => {
        seen.intr = level;
      },
      nmi: () => seen.nmis++,
      acknowledgeExternal: () => seen.external,
      endOfInterrupt: (vector) => seen.ended.push(vector),
      externalByBus: () => seen.byBus,
    }),
  );
  const write = (offset: number, value: number) => board.bus.writeMmio(LOCAL_APIC_BASE + offset, value, 4);
  const read = (offset: number) => board.bus.readMmio(LOCAL_APIC_BASE + offset, 4) >>> 0;
  const send = (vector: number, level = false) => apic.deliver({ mode: DeliveryMode.Fixed, vector, level, destination: 0, logical: false });
  return { board, apic, seen, write, read, send };
}
/** Enabled by software, spurious vector FFh. */
function enabled() {
  const all = fitted();
  all.write(0xf0, 0x1ff);
  return all;
}

deviceLaws("local APIC", {
  fit: (board) =>
    board.fit(
      new LocalApic({ intr: () => {}, nmi: () => {}, acknowledgeExternal: () => 8, endOfInterrupt: () => {}, externalByBus: () => false }),
    ),
  touch: (board) => board.bus.writeMmio(LOCAL_APIC_BASE + 0x80, 0x20, 4),
  inputs: (apic, random, board) => {
    const at = LOCAL_APIC_BASE + random.below(0x40) * 16;
    switch (random.below(6)) {
      case 0:
        board.bus.readMmio(at, random.pick([1, 2, 4] as const));
        break;
      case 1:
        apic.setExternal(random.below(2) === 1);
        break;
      case 2:
        if (board.ticks >= 0) apic.acknowledge();
        break;
      case 3:
        apic.deliver({
          mode: random.below(8),
          vector: random.below(256),
          level: random.below(2) === 1,
          destination: random.below(256),
          logical: random.below(2) === 1,
        });
        break;
      default:
        board.bus.writeMmio(at, random.below(2) === 1 ? random.bits() : random.below(0x30000), 4);
    }
  },
});

describe("priorities", () => {
  it("the highest vector first; one in service holds back its class and below", () => {
    const { apic, seen, read, write, send } = enabled();
    send(0x41);
    send(0x53);
    send(0x45);
    expect(seen.intr).toBe(true);
    expect(apic.acknowledge()).toBe(0x53);
    expect([seen.intr, read(0xa0)]).toEqual([false, 0x50]);
    send(0x58);
    expect(seen.intr).toBe(false);
    send(0x61);
    expect(apic.acknowledge()).toBe(0x61);
    write(0xb0, 0);
    write(0xb0, 0);
    expect(seen.intr).toBe(true);
    expect([apic.acknowledge(), read(0x120), read(0x220)]).toEqual([0x58, 1 << 0x18, (1 << 1) | (1 << 5)]);
  });

  it("the task priority holds back; a vector that nobody waits for is the spurious one", () => {
    const { apic, seen, write, send } = enabled();
    write(0x80, 0x50);
    send(0x5f);
    expect(seen.intr).toBe(false);
    expect(apic.acknowledge()).toBe(0xff);
    write(0x80, 0x4f);
    expect(seen.intr).toBe(true);
    write(0x80, 0x60);
    expect(seen.intr).toBe(false);
  });

  it("the end of a level-triggered interrupt goes back to the bus", () => {
    const { apic, seen, write, send } = enabled();
    send(0x40, true);
    send(0x60, false);
    apic.acknowledge();
    write(0xb0, 0);
    apic.acknowledge();
    write(0xb0, 0);
    expect(seen.ended).toEqual([0x40]);
  });
});

describe("messages", () => {
  it("by id, to all, and by logical id in both models", () => {
    const { apic, read, write } = enabled();
    write(0xd0, 0x21000000);
    const to = (destination: number, logical: boolean): boolean =>
      apic.deliver({ mode: DeliveryMode.Fixed, vector: 0x40, level: false, destination, logical });
    expect([to(0, false), to(1, false), to(0xff, false), to(0x20, true), to(0x02, true)]).toEqual([true, false, true, true, false]);
    write(0xe0, 0x0fffffff);
    expect([to(0x21, true), to(0x31, true), to(0x22, true), read(0xe0)]).toEqual([true, false, false, 0x0fffffff]);
  });

  it("to itself through the command register; not to the others", () => {
    const { apic, seen, write } = enabled();
    write(0x300, 0x40041);
    expect(apic.acknowledge()).toBe(0x41);
    write(0x300, 0xc0042);
    expect(seen.intr).toBe(false);
    write(0x300, 0x80443);
    expect(seen.nmis).toBe(1);
    write(0x310, 0);
    write(0x300, 0x4061);
    expect(apic.acknowledge()).toBe(0x61);
  });

  it("what is not supported is said: SMI, INIT, start-up", () => {
    const { board, write } = enabled();
    for (const mode of [0x200, 0x500, 0x600]) write(0x300, 0x80000 | mode | 0x4000);
    expect(board.complaints).toHaveLength(3);
    // The agreement on ids after INIT means nothing here.
    write(0x300, 0x8500 | 0x80000);
    expect(board.complaints).toHaveLength(3);
  });

  it("illegal vectors and registers show in the error status, and interrupt", () => {
    const { apic, seen, read, write, send } = enabled();
    write(0x370, 0x44);
    send(3);
    expect([seen.intr, read(0x280)]).toEqual([true, 0]);
    expect(apic.acknowledge()).toBe(0x44);
    write(0xb0, 0);
    write(0x300, 5 | 0x40000);
    read(0x3f0);
    write(0x280, 0);
    expect(read(0x280)).toBe(0xe0);
    write(0x280, 0);
    expect(read(0x280)).toBe(0);
  });
});

describe("the timer", () => {
  const NS = 10;
  it("once", () => {
    const { board, apic, seen, read, write } = enabled();
    write(0x3e0, 0xb);
    write(0x320, 0x50);
    write(0x380, 1000);
    board.advance(400 * NS);
    expect([read(0x390), seen.intr]).toEqual([600, false]);
    board.advance(600 * NS);
    expect([read(0x390), seen.intr, apic.acknowledge()]).toEqual([0, true, 0x50]);
    write(0xb0, 0);
    board.advance(5000 * NS);
    expect(seen.intr).toBe(false);
  });

  it("periodic, divided by 16", () => {
    const { board, apic, read, write } = enabled();
    write(0x3e0, 3);
    write(0x320, 0x20050);
    write(0x380, 100);
    let count = 0;
    for (let n = 0; n < 50; n++) {
      board.advance(800 * NS);
      if (apic.acknowledge() === 0x50) count++;
      write(0xb0, 0);
    }
    expect([count, read(0x390)]).toEqual([25, 100]);
    write(0x380, 0);
    board.advance(100_000);
    expect(apic.acknowledge()).toBe(0xff);
  });

  it("masked, it counts without interrupting", () => {
    const { board, seen, read, write } = enabled();
    write(0x320, 0x30050);
    write(0x380, 100);
    board.advance(2 * 250 * NS);
    expect([seen.intr, read(0x390)]).toEqual([false, 50]);
  });

  it("at a TSC deadline", () => {
    const { board, apic, seen, write } = enabled();
    apic.setDeadline(5000n, 1000n, 1);
    board.advance(10_000);
    expect([seen.intr, apic.deadline]).toEqual([false, 0n]);
    write(0x320, 0x40050);
    apic.setDeadline(5000n, 1000n, 1);
    board.advance(3990);
    expect([seen.intr, apic.deadline]).toEqual([false, 5000n]);
    board.advance(10);
    expect([apic.acknowledge(), apic.deadline]).toEqual([0x50, 0n]);
    write(0xb0, 0);
    apic.setDeadline(9000n, 1000n, 1);
    apic.setDeadline(0n, 1000n, 1);
    board.advance(100_000);
    expect(seen.intr).toBe(false);
    apic.setDeadline(1n, 1000n, 1);
    board.advance(10);
    expect(apic.acknowledge()).toBe(0x50);
  });
});

describe("virtual wire", () => {
  it("the 8259s come through LINT0 until it is masked, and past a disabled APIC", () => {
    const { apic, seen, write } = enabled();
    apic.setExternal(true);
    expect([seen.intr, apic.acknowledge()]).toEqual([true, 0x77]);
    write(0x350, 0x10700);
    expect(seen.intr).toBe(false);
    seen.byBus = true;
    write(0x80, 0);
    expect(seen.intr).toBe(true);
    seen.byBus = false;
    write(0x80, 0);
    apic.setBase(LOCAL_APIC_BASE, false);
    expect([seen.intr, apic.acknowledge()]).toEqual([true, 0x77]);
  });

  it("its own interrupts come before theirs", () => {
    const { apic, send } = enabled();
    apic.setExternal(true);
    send(0x30);
    expect([apic.acknowledge(), apic.acknowledge()]).toEqual([0x30, 0x77]);
  });

  it("NMI through LINT1 until it is masked", () => {
    const { apic, seen, write } = enabled();
    apic.nmi();
    write(0x360, 0x10400);
    apic.nmi();
    expect(seen.nmis).toBe(1);
    write(0x360, 0x45);
    apic.nmi();
    expect(apic.acknowledge()).toBe(0x45);
  });
});

it("software disables it: no interrupts, all entries masked", () => {
  const { seen, read, write, send } = enabled();
  send(0x40);
  expect(seen.intr).toBe(true);
  write(0xf0, 0xff);
  expect([seen.intr, read(0x350) & 0x10000, read(0x320) & 0x10000]).toEqual([false, 0x10000, 0x10000]);
  write(0x320, 0x50);
  expect(read(0x320)).toBe(0x10050);
});

it("moves with IA32_APIC_BASE", () => {
  const { board, apic } = enabled();
  apic.setBase(0xfed00000, true);
  expect(board.bus.readMmio(0xfed00030, 4)).toBe(0x00050014);
  expect(board.bus.readMmio(LOCAL_APIC_BASE + 0x30, 4)).toBe(0xffffffff);
  board.bus.writeMmio(0xfed000b1, 1, 1);
  expect(board.complaints.length).toBeGreaterThan(0);
});

describe("in x2APIC mode", () => {
  function extended() {
    const all = enabled();
    all.apic.setBase(LOCAL_APIC_BASE, true, true);
    return all;
  }

  it("its registers are MSRs and no longer in memory", () => {
    const { apic, read } = extended();
    expect(read(0x30)).toBe(0xffffffff);
    expect([apic.readMsr(0x02), apic.readMsr(0x03), apic.readMsr(0x0d)]).toEqual([0n, 0x00050014n, 1n]);
    apic.writeMsr(0x08, 0x40n);
    expect([apic.readMsr(0x08), apic.taskPriority]).toEqual([0x40n, 0x40]);
  });

  it("sends to 32-bit ids, to sets of logical ids, and to itself", () => {
    const { apic, seen } = extended();
    const sent = (value: bigint): number => {
      apic.writeMsr(0x30, value);
      const vector = seen.intr ? apic.acknowledge() : 0;
      if (vector) apic.writeMsr(0x0b, 0n);
      return vector;
    };
    expect(sent(0x4051n)).toBe(0x51);
    expect(sent(0x100000000n + 0x4052n)).toBe(0);
    expect(sent(0xff00000000n + 0x4052n)).toBe(0);
    expect(sent(0xffffffff00004053n)).toBe(0x53);
    expect(sent(0x100000000n + 0x4854n)).toBe(0x54);
    expect(sent(0x1000100000000n + 0x4854n)).toBe(0);
    expect(apic.readMsr(0x30)).toBe(0x1000100000000n + 0x4854n);
    apic.writeMsr(0x3f, 0x61n);
    expect(apic.acknowledge()).toBe(0x61);
  });

  it("takes messages of the bus: for its id, for everybody, for its logical id", () => {
    const { apic } = extended();
    const takes = (destination: number, logical: boolean) =>
      apic.deliver({ mode: DeliveryMode.Fixed, vector: 0x40, level: false, destination, logical });
    expect([takes(0, false), takes(0xff, false), takes(1, false), takes(1, true), takes(2, true)]).toEqual([
      true,
      true,
      false,
      true,
      false,
    ]);
  });

  it("keeps the mode in a snapshot, and loses it when it is disabled", () => {
    const { apic, read } = extended();
    const copy = extended();
    copy.apic.setBase(LOCAL_APIC_BASE, true);
    copy.apic.load(apic.save());
    expect(copy.read(0x30)).toBe(0xffffffff);
    apic.setBase(LOCAL_APIC_BASE, false);
    apic.setBase(LOCAL_APIC_BASE, true);
    expect(read(0x30)).toBe(0x00050014);
  });
});

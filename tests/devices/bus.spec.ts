/** The address maps: claims, overlaps, access sizes, what nobody claims. */
import { describe, expect, it } from "vitest";
import { BusOverlap } from "../../web/lib/errors";
import { Bus } from "../../web/machine/bus";
import type { AccessSize, RegisterHandler } from "../../web/machine/device";

class Recorder implements RegisterHandler {
  readonly calls: string[] = [];
  constructor(
    readonly sizes: number,
    readonly value = 0x44332211,
  ) {}

  read(offset: number, size: AccessSize): number {
    this.calls.push(`r${offset}/${size}`);
    return (this.value + offset) % 2 ** (8 * size);
  }

  write(offset: number, value: number, size: AccessSize): void {
    this.calls.push(`w${offset}/${size}=${value.toString(16)}`);
  }
}

function fitted() {
  const log: string[] = [];
  return { log, bus: new Bus((message) => log.push(message)) };
}

describe("ports", () => {
  it("an overlap names both owners and the ports", () => {
    const { bus } = fitted();
    bus.claimPorts("COM1", 0x3f8, 8, new Recorder(1));
    expect(() => bus.claimPorts("NE2000", 0x3e0, 0x20, new Recorder(1))).toThrow(BusOverlap);
    try {
      bus.claimPorts("NE2000", 0x3e0, 0x20, new Recorder(1));
    } catch (error) {
      expect(error).toMatchObject({ kind: "BusOverlap", space: "port", first: 0x3f8, last: 0x3ff, owner: "COM1", claimant: "NE2000" });
      expect((error as Error).message).toBe("NE2000 claims ports 0x3F8-0x3FF, which belong to COM1.");
    }
    // The failed claim has taken nothing.
    bus.claimPorts("parallel", 0x3e0, 0x18, new Recorder(1));
    expect(bus.portClaims()).toEqual([
      { owner: "COM1", first: 0x3f8, last: 0x3ff },
      { owner: "parallel", first: 0x3e0, last: 0x3f7 },
    ]);
  });

  it("splits wide accesses for a byte device, low byte first", () => {
    const { bus } = fitted();
    const device = new Recorder(1);
    bus.claimPorts("byte", 0x100, 4, device);
    expect(bus.readPort(0x100, 4)).toBe(0x14131211);
    bus.writePort(0x100, 0xdeadbeef, 4);
    bus.writePort(0x102, 0x1234, 2);
    expect(device.calls).toEqual(["r0/1", "r1/1", "r2/1", "r3/1", "w0/1=ef", "w1/1=be", "w2/1=ad", "w3/1=de", "w2/1=34", "w3/1=12"]);
  });

  it("gives a device the sizes it takes, and splits only down to them", () => {
    const { bus } = fitted();
    const device = new Recorder(2);
    bus.claimPorts("word", 0x100, 8, device);
    expect(bus.readPort(0x104, 4)).toBe(0x22172215);
    expect(bus.readPort(0x100, 1), "a byte it does not take").toBe(0xff);
    expect(device.calls).toEqual(["r4/2", "r6/2"]);
    const all = new Recorder(1 | 2 | 4);
    bus.claimPorts("all", 0x200, 4, all);
    expect(bus.readPort(0x200, 4)).toBe(0x44332211);
    bus.writePort(0x201, 0xffffffff, 4);
    expect(all.calls).toEqual(["r0/4", "w1/4=ffffffff"]);
  });

  it("an access that crosses owners reaches each by its own rules", () => {
    const { bus } = fitted();
    const [one, two] = [new Recorder(1), new Recorder(1)];
    bus.claimPorts("one", 0x100, 1, one);
    bus.claimPorts("two", 0x102, 1, two);
    expect(bus.readPort(0x100, 4)).toBe(0xff11ff11);
    expect(bus.readPort(0xff, 2)).toBe(0x11ff);
    expect(one.calls).toEqual(["r0/1", "r0/1"]);
    expect(two.calls).toEqual(["r0/1"]);
  });

  it("the last port and the first are neighbours", () => {
    const { bus } = fitted();
    bus.claimPorts("last", 0xffff, 1, new Recorder(1, 0x77));
    bus.claimPorts("first", 0x0000, 1, new Recorder(1, 0x66));
    expect(bus.readPort(0xffff, 2)).toBe(0x6677);
    expect(bus.readPort(0xfffe, 2)).toBe(0x77ff);
  });

  it("what nobody claims reads as ones, is counted each time and logged once a port", () => {
    const { bus, log } = fitted();
    expect([bus.readPort(0x300, 1), bus.readPort(0x300, 2), bus.readPort(0x300, 4)]).toEqual([0xff, 0xffff, 0xffffffff]);
    bus.writePort(0x300, 1, 1);
    bus.writePort(0x301, 0xab, 1);
    bus.expectAbsent(0x310, 8);
    bus.readPort(0x313, 1);
    expect(bus.unclaimed).toEqual({ reads: 4, writes: 2 });
    expect(log).toEqual(["read of port 0x300, which nothing claims", "write of 0xAB to port 0x301, which nothing claims"]);
  });

  it("counts accesses by owner over all its claims", () => {
    const { bus } = fitted();
    bus.claimPorts("chip", 0x20, 2, new Recorder(1));
    bus.claimPorts("chip", 0x4d0, 1, new Recorder(1));
    bus.readPort(0x20, 1);
    bus.readPort(0x4d0, 1);
    bus.writePort(0x20, 0, 2);
    expect(bus.countsOf("chip")).toEqual({ reads: 2, writes: 2 });
    expect(bus.countsOf("nobody")).toEqual({ reads: 0, writes: 0 });
  });
});

describe("memory-mapped registers", () => {
  it("reach their owner by page, above 4 GB too", () => {
    const { bus } = fitted();
    const [low, high] = [new Recorder(4), new Recorder(1)];
    bus.claimPages("low", 0xfee00000, 0x1000, low);
    bus.claimPages("high", 0x1_0000_0000, 0x2000, high);
    expect(bus.readMmio(0xfee00ff0, 4)).toBe(0x44332211 + 0xff0);
    bus.writeMmio(0x1_0000_1234, 0x0102, 2);
    expect(low.calls).toEqual(["r4080/4"]);
    expect(high.calls).toEqual(["w4660/1=2", "w4661/1=1"]);
    expect(bus.mmioClaims()).toEqual([
      { owner: "low", first: 0xfee00000, last: 0xfee00fff },
      { owner: "high", first: 0x1_0000_0000, last: 0x1_0000_1fff },
    ]);
    expect(bus.portClaims()).toEqual([]);
  });

  it("overlap, and addresses that are neither RAM nor device", () => {
    const { bus, log } = fitted();
    bus.claimPages("LAPIC", 0xfee00000, 0x1000, new Recorder(4));
    expect(() => bus.claimPages("HPET", 0xfedff000, 0x2000, new Recorder(4))).toThrow(
      "HPET claims addresses 0xFEE00000-0xFEE00FFF, which belong to LAPIC.",
    );
    expect(bus.readMmio(0xfed00000, 4)).toBe(0xffffffff);
    bus.writeMmio(0xfed00010, 1, 4);
    expect(bus.readMmio(0xfee00001, 1), "a size it does not take").toBe(0xff);
    expect(log).toHaveLength(2);
    expect(bus.unclaimed).toEqual({ reads: 2, writes: 1 });
  });
});

/** Frames that are not plain RAM: absent, ROM, devices, code; write epochs; A20; scattered memory. */
import { describe, expect, it } from "vitest";
import { kernel, Space } from "./guest";
import { Cr0, Mmu, mmioValue } from "./harness";

const KERNEL_TABLE = 10;
const LOW = 0xc0000000;

describe("absent frames", () => {
  it("a page: no effect, also not on A and D, until it has come", () => {
    const mmu = new Mmu(8 << 20);
    kernel(mmu, 20, KERNEL_TABLE).enter();
    mmu.x.mapAbsent(300, 2);
    const pte = KERNEL_TABLE * 4096 + 300 * 4;
    for (const access of [
      () => mmu.x.load32(LOW + 300 * 4096),
      () => mmu.x.store32(LOW + 300 * 4096, 5),
      () => mmu.x.fetchHost(LOW + 300 * 4096),
      () => mmu.x.probeWrite(LOW + 300 * 4096, 4, 0),
    ]) {
      access();
      expect(mmu.ending()).toEqual({ kind: "missing", frame: 300 });
      expect(mmu.physical32(pte)).toBe((300 << 12) | 3);
      expect(mmu.physical32(20 * 4096 + 0xc00)).toBe((KERNEL_TABLE << 12) | 3);
    }
    expect(mmu.counter("trueFaults")).toBe(0);
    const host = mmu.x.deliverFrame(300);
    new Uint8Array(mmu.memory.buffer)[host] = 0x5a;
    expect(mmu.x.load8(LOW + 300 * 4096)).toBe(0x5a);
    expect(mmu.x.deliverFrame(300)).toBe(0);
    mmu.check("delivered");
  });

  it("the second page of a crossing store: the first page is not touched at all", () => {
    const mmu = new Mmu(8 << 20);
    kernel(mmu, 20, KERNEL_TABLE).enter();
    mmu.x.mapAbsent(300, 1);
    mmu.x.store32(LOW + 300 * 4096 - 2, 0x11223344);
    expect(mmu.ending()).toEqual({ kind: "missing", frame: 300 });
    expect(mmu.physical32(300 * 4096 - 4)).toBe(0);
    expect(mmu.physical32(KERNEL_TABLE * 4096 + 299 * 4)).toBe((299 << 12) | 3);
    mmu.x.deliverFrame(300);
    mmu.x.store32(LOW + 300 * 4096 - 2, 0x11223344);
    expect(mmu.ending().kind).toBe("done");
    expect(mmu.physical32(300 * 4096)).toBe(0x1122);
  });

  it("page tables: directory and table, one after the other", () => {
    const mmu = new Mmu(8 << 20);
    const space = kernel(mmu, 20, KERNEL_TABLE);
    const tables = [20, KERNEL_TABLE].map((frame) => mmu.frame(frame).slice());
    mmu.x.mapAbsent(20, 1);
    mmu.x.mapAbsent(KERNEL_TABLE, 1);
    space.enter();
    mmu.x.store32(LOW + 0x5000, 9);
    expect(mmu.ending()).toEqual({ kind: "missing", frame: 20 });
    new Uint8Array(mmu.memory.buffer, mmu.x.deliverFrame(20), 4096).set(tables[0] as Uint8Array);
    mmu.x.store32(LOW + 0x5000, 9);
    expect(mmu.ending()).toEqual({ kind: "missing", frame: KERNEL_TABLE });
    expect(mmu.physical32(20 * 4096 + 0xc00)).toBe((KERNEL_TABLE << 12) | 3);
    new Uint8Array(mmu.memory.buffer, mmu.x.deliverFrame(KERNEL_TABLE), 4096).set(tables[1] as Uint8Array);
    mmu.x.store32(LOW + 0x5000, 9);
    expect(mmu.ending().kind).toBe("done");
    expect(mmu.physical32(0x5000)).toBe(9);
    mmu.check("all there");
  });

  it("without paging, and in the PDPTE load", () => {
    const mmu = new Mmu(4 << 20);
    mmu.x.mapAbsent(5, 1);
    mmu.x.load32(0x5000);
    expect(mmu.ending()).toEqual({ kind: "missing", frame: 5 });
    expect(mmu.x.loadPdptes(0x5000n)).toBe(0);
    expect(mmu.ending()).toEqual({ kind: "missing", frame: 5 });
    expect(mmu.x.translate(0x5000, 1)).toBe(0x5000);
  });

  it("goes away under a living shadow", () => {
    const mmu = new Mmu(8 << 20);
    kernel(mmu, 20, KERNEL_TABLE).enter();
    mmu.x.store32(LOW + 300 * 4096, 1);
    mmu.x.mapAbsent(300, 1);
    mmu.check("ballooned");
    mmu.x.load32(LOW + 300 * 4096);
    expect(mmu.ending().kind).toBe("missing");
    expect(mmu.x.translate(LOW + 300 * 4096, 1)).toBe(-65536 - 300);
    mmu.x.mapAbsent(KERNEL_TABLE, 1);
    mmu.check("the table too");
    mmu.x.load32(LOW);
    expect(mmu.ending()).toEqual({ kind: "missing", frame: KERNEL_TABLE });
  });
});

describe("devices and ROM", () => {
  it("sizes pass on as they are; 8 and 16 bytes become fours, low first; a crossing access is split at the page", () => {
    const mmu = new Mmu(1 << 20);
    const { x } = mmu;
    expect(x.load8(0xfee00021)).toBe(mmioValue(0xfee00021, 1));
    expect(x.load16(0xfee00022)).toBe(mmioValue(0xfee00022, 2));
    expect(x.load32(0xfee00020) >>> 0).toBe(mmioValue(0xfee00020, 4));
    expect(BigInt.asUintN(64, x.load64(0xfee00020))).toBe((BigInt(mmioValue(0xfee00024, 4)) << 32n) | BigInt(mmioValue(0xfee00020, 4)));
    mmu.mmio.length = 0;
    x.store128(0xfee00020, 0x1111111122222222n, 0x3333333344444444n);
    x.store64(0xfee00ffd, 0x8877665544332211n);
    x.add32(0xfee00040, 1);
    const old = mmioValue(0xfee00040, 4);
    expect(mmu.mmio.map(({ op, address, size, value }) => `${op} ${address.toString(16)} ${size} ${value.toString(16)}`)).toEqual([
      "write fee00020 4 22222222",
      "write fee00024 4 11111111",
      "write fee00028 4 44444444",
      "write fee0002c 4 33333333",
      "write fee00ffd 2 2211",
      "write fee00fff 1 33",
      "write fee01000 4 77665544",
      "write fee01004 1 88",
      `read fee00040 4 ${old.toString(16)}`,
      `write fee00040 4 ${((old + 1) >>> 0).toString(16)}`,
    ]);
  });

  it("half RAM, half device", () => {
    const mmu = new Mmu(1 << 20);
    mmu.x.store32(0xffffe, 0x44332211);
    expect(mmu.physical32(0xffffc) >>> 16).toBe(0x2211);
    expect(mmu.mmio).toEqual([{ op: "write", address: 0x100000, size: 2, value: 0x4433 }]);
  });

  it("ROM reads, executes and ignores stores; the host fills it", () => {
    const mmu = new Mmu(1 << 20);
    expect(mmu.x.mapRom(0xf0, 16)).toBe(1);
    mmu.frame(0xf0).fill(0x90);
    mmu.x.store32(0xf0000, 0);
    mmu.x.store32(0xf0ffe, 0);
    expect(mmu.x.load32(0xf0000) >>> 0).toBe(0x90909090);
    expect(mmu.x.fetchHost(0xf0010)).toBe(mmu.x.guestFrameHost(0xf0) + 0x10);
    expect(mmu.x.hostForWrite(0xf0000)).toBe(0);
    expect(mmu.mmio).toEqual([]);
    mmu.check("ROM");
  });

  it("a window that moves drops what was derived from it, paged and unpaged", () => {
    const mmu = new Mmu(8 << 20);
    mmu.x.store32(300 * 4096, 1);
    mmu.x.mapMmio(300, 1);
    expect(mmu.x.load32(300 * 4096) >>> 0).toBe(mmioValue(300 * 4096, 4));
    const space = kernel(mmu, 20, KERNEL_TABLE);
    space.page(KERNEL_TABLE, LOW, 0xe0000, 3);
    space.enter();
    expect(mmu.x.load32(LOW) >>> 0).toBe(mmioValue(0xe0000000, 4));
    mmu.x.mapRam(0xe0000, 1);
    mmu.check("window became RAM");
    expect(mmu.x.load32(LOW)).toBe(0);
    mmu.x.store32(LOW, 7);
    expect(mmu.physical32(0xe0000000)).toBe(7);
    mmu.x.mapMmio(0xe0000, 1);
    mmu.check("and back");
    expect(mmu.x.load32(LOW) >>> 0).toBe(mmioValue(0xe0000000, 4));
  });

  it("executing device memory meets the open bus", () => {
    const mmu = new Mmu(1 << 20);
    const host = mmu.x.fetchHost(0xfee00000);
    expect(mmu.ending().kind).toBe("done");
    expect(new Uint8Array(mmu.memory.buffer, host, 4)).toEqual(new Uint8Array([0xff, 0xff, 0xff, 0xff]));
    expect(mmu.mmio).toEqual([]);
  });
});

describe("code", () => {
  it("a store to decoded bytes gives notice; one beside them does not; the write tag is gone at once", () => {
    const mmu = new Mmu(8 << 20);
    kernel(mmu, 20, KERNEL_TABLE).enter();
    mmu.x.store32(LOW + 0x5000, 0);
    const host = mmu.x.fetchHost(LOW + 0x5100);
    mmu.x.markCode(host, 20);
    mmu.check("code marked");
    mmu.x.store32(LOW + 0x5000, 1);
    mmu.x.store8(LOW + 0x5140, 1); // the next 64 bytes
    expect(mmu.x.codeNoticeCount()).toBe(0);
    mmu.x.store8(LOW + 0x5100, 0x90);
    expect(mmu.x.codeNoticeCount()).toBe(1);
    expect([mmu.x.codeNoticeFrame(), mmu.x.codeNoticeFirst(), mmu.x.codeNoticeLast()]).toEqual([mmu.x.frameIndexOf(host), 0x100, 0x100]);
    // The hook cleared the frame: plain again.
    expect(mmu.x.hostForWrite(LOW + 0x5000)).not.toBe(0);
    expect(mmu.physical32(0x5100)).toBe(0x90);
  });

  it("through another mapping, DMA and the walker as well", () => {
    const mmu = new Mmu(8 << 20);
    const space = kernel(mmu, 20, KERNEL_TABLE);
    space.table(0x10000000, 40);
    space.page(40, 0x10000000, 5, 3);
    space.page(40, 0x10001000, 6, 3);
    space.enter();
    mmu.x.store32(0x10000000, 1);
    mmu.x.markCode(mmu.x.fetchHost(LOW + 0x5000), 4);
    mmu.check("aliased");
    mmu.x.store32(0x10000000, 2);
    expect(mmu.x.codeNoticeCount()).toBe(1);
    mmu.x.markCode(mmu.x.fetchHost(LOW + 0x5000), 4);
    mmu.dma32(0x5000, 3);
    expect(mmu.x.codeNoticeCount()).toBe(2);
    // Code lies in a page table: its A bit is a write to it.
    mmu.x.markCode(mmu.x.guestFrameHost(40) + 4, 4);
    mmu.x.load32(0x10001000);
    expect(mmu.x.codeNoticeCount()).toBe(3);
  });

  it("notice of a changed mapping only for pages that code was fetched from", () => {
    const mmu = new Mmu(8 << 20);
    const space = kernel(mmu, 20, KERNEL_TABLE);
    space.enter();
    mmu.x.load32(LOW + 0x5000);
    mmu.x.fetchHost(LOW + 0x6000);
    const before = mmu.x.mappingNoticeCount();
    space.page(KERNEL_TABLE, LOW + 0x5000, 200, 3);
    expect(mmu.x.mappingNoticeCount()).toBe(before);
    space.page(KERNEL_TABLE, LOW + 0x6000, 201, 3);
    expect(mmu.x.mappingNoticeCount()).toBe(before + 1);
  });
});

describe("write epochs", () => {
  it("name exactly the frames written since", () => {
    const mmu = new Mmu(8 << 20);
    kernel(mmu, 20, KERNEL_TABLE).enter();
    for (let n = 100; n < 110; n++) mmu.x.store32(LOW + n * 4096, 1);
    const epoch = mmu.x.beginWriteEpoch();
    mmu.check("new epoch");
    for (let n = 100; n < 110; n++) mmu.x.load32(LOW + n * 4096);
    mmu.x.store32(LOW + 103 * 4096, 2);
    mmu.x.add32(LOW + 105 * 4096, 2);
    mmu.dma32(107 * 4096, 3);
    mmu.x.store32(LOW + 400 * 4096, 1); // its PTE becomes accessed: the table is written too
    const written: number[] = [];
    for (let n = 0; n < 2048; n++) if (mmu.x.frameEpoch(n) === epoch) written.push(n);
    expect(written).toEqual([KERNEL_TABLE, 103, 105, 107, 400]);
    mmu.check("epoch");
  });
});

describe("A20 and scattered memory", () => {
  it("A20 off wraps at 1 MB, paged and unpaged; switching drops what was cached", () => {
    const mmu = new Mmu(8 << 20);
    mmu.x.store32(0x100010, 0xaaaa);
    mmu.x.store32(0x10, 0xbbbb);
    mmu.x.setA20(0);
    expect(mmu.x.load32(0x100010)).toBe(0xbbbb);
    mmu.x.store32(0x100010, 0xcccc);
    expect(mmu.x.load32(0x10)).toBe(0xcccc);
    mmu.check("A20 off");
    mmu.x.setA20(1);
    expect(mmu.x.load32(0x100010)).toBe(0xaaaa);
    const space = new Space(mmu, 20);
    space.table(0, 21);
    space.page(21, 0x5000, 0x100, 3);
    space.enter();
    expect(mmu.x.load32(0x5010)).toBe(0xaaaa);
    mmu.x.setA20(0);
    mmu.check("A20 off, paged");
    expect(mmu.x.load32(0x5010)).toBe(0xcccc);
  });

  it("nothing assumes that neighbours are neighbours: frames delivered in reverse order", () => {
    const mmu = new Mmu(4 << 20);
    mmu.x.mapAbsent(100, 50);
    for (let n = 149; n >= 100; n -= 2) mmu.x.deliverFrame(n);
    for (let n = 100; n < 150; n += 2) mmu.x.deliverFrame(n);
    expect(mmu.x.guestFrameHost(102) - mmu.x.guestFrameHost(101)).not.toBe(4096);
    for (let at = 100 * 4096; at < 149 * 4096; at += 1000) mmu.x.store64(at + 5, BigInt(at));
    for (let at = 100 * 4096; at < 149 * 4096; at += 1000) expect(mmu.x.load64(at + 5)).toBe(BigInt(at));
    mmu.check("scattered");
  });

  it("2 GB of RAM: the last page works, and the tables cost address space only", () => {
    const mmu = new Mmu(2 ** 31);
    mmu.x.store32(0x7ffffffc, 0x12345678);
    expect(mmu.x.load32(0x7ffffffc)).toBe(0x12345678);
    expect(mmu.x.load32(0x80000000) >>> 0).toBe(mmioValue(0x80000000, 4));
    mmu.check("2 GB");
  });
});

describe("linear address space", () => {
  it("an access across FFFFFFFF wraps to 0; CR2 is the first byte that faults", () => {
    const mmu = new Mmu(8 << 20);
    const space = new Space(mmu, 20);
    space.table(0xffc00000, 21);
    space.table(0, 22);
    space.page(21, 0xfffff000, 5, 3);
    space.page(22, 0, 7, 3);
    space.enter();
    mmu.x.store32(0xfffffffe, 0x44332211);
    expect(mmu.ending().kind).toBe("done");
    expect(mmu.physical32(5 * 4096 + 0xffc) >>> 16).toBe(0x2211);
    expect(mmu.physical32(7 * 4096) & 0xffff).toBe(0x4433);
    space.page(22, 0, 0, 0);
    mmu.x.store32(0xfffffffe, 0);
    expect(mmu.ending()).toEqual({ kind: "fault", vector: 14, error: 2, cr2: 0 });
    space.page(21, 0xfffff000, 5, 1);
    mmu.x.store64(0xfffffffb, 0n);
    expect(mmu.ending()).toEqual({ kind: "fault", vector: 14, error: 3, cr2: 0xfffffffb });
    expect(mmu.physical32(5 * 4096 + 0xffc) >>> 16).toBe(0x2211);
  });

  it("user mode with a supervisor page: probes raise, and touch nothing", () => {
    const mmu = new Mmu(8 << 20);
    const space = kernel(mmu, 20, KERNEL_TABLE);
    space.enter(3);
    mmu.x.probeRead(LOW + 0x5ffe, 8, 0);
    expect(mmu.ending()).toEqual({ kind: "fault", vector: 14, error: 5, cr2: LOW + 0x5ffe });
    mmu.x.probeWrite(LOW + 0x5ffe, 8, 1);
    expect(mmu.ending().kind).toBe("done");
    expect(mmu.physical32(KERNEL_TABLE * 4096 + 20)).toBe((5 << 12) | 3);
    expect(mmu.x.translate(LOW + 0x5000, 2)).toBe(-1 - 7);
    mmu.control({ cr0: Cr0.PE, cpl: 0 });
    expect(mmu.x.translate(0x5123, 2)).toBe(0x5123);
  });
});

/** Hexadecimal text, byte queue, disposables and emitters. */
import { describe, expect, it } from "vitest";
import { ByteQueue } from "../../web/lib/byte-queue";
import { Disposables, Emitter, toDisposable } from "../../web/lib/disposable";
import { hex, hexBytes, hexDigest } from "../../web/lib/hex";

describe("hex", () => {
  it("prints numbers, bigints and bytes", () => {
    expect(hex(0x3f8)).toBe("0x3F8");
    expect(hex(10, 4)).toBe("0x000A");
    expect(hex(2 ** 40)).toBe("0x10000000000");
    expect(hex(0xffff_ffff_ffff_ffffn)).toBe("0xFFFFFFFFFFFFFFFF");
    expect(hexBytes([0x55, 0xaa])).toBe("55 AA");
    expect(hexDigest(Uint8Array.of(0x0f, 0xf0))).toBe("0ff0");
  });
});

describe("ByteQueue", () => {
  it("keeps order over its ring's end and takes only what fits", () => {
    const queue = new ByteQueue(4);
    expect(queue.push([1, 2, 3])).toBe(3);
    expect([queue.shift(), queue.shift()]).toEqual([1, 2]);
    expect(queue.push([4, 5, 6, 7])).toBe(3);
    expect(queue.length).toBe(4);
    expect(queue.toArray()).toEqual([3, 4, 5, 6]);
    expect([queue.shift(), queue.shift(), queue.shift(), queue.shift(), queue.shift()]).toEqual([3, 4, 5, 6, -1]);
    queue.push([9]);
    queue.clear();
    expect(queue.length).toBe(0);
  });
});

describe("disposables", () => {
  it("run once, in reverse order, all of them even if one throws", () => {
    const log: string[] = [];
    const all = new Disposables();
    all.add(toDisposable(() => log.push("a")));
    all.add(
      toDisposable(() => {
        throw new Error("b");
      }),
    );
    all.add(toDisposable(() => log.push("c")));
    expect(() => all.dispose()).toThrow("b");
    all.dispose();
    expect(log).toEqual(["c", "a"]);
    all.add(toDisposable(() => log.push("late")));
    expect(log).toEqual(["c", "a", "late"]);
  });

  it("an emitter calls its listeners in order; one that goes during an event hears that event still", () => {
    const log: string[] = [];
    const emitter = new Emitter<number>();
    const second = { dispose() {} };
    const first = emitter.on((value) => {
      log.push(`a${value}`);
      second.dispose();
    });
    Object.assign(
      second,
      emitter.on((value) => log.push(`b${value}`)),
    );
    emitter.emit(1);
    emitter.emit(2);
    expect(log).toEqual(["a1", "b1", "a2"]);
    first.dispose();
    first.dispose();
    emitter.emit(3);
    expect(log).toHaveLength(3);
    expect(emitter.listenerCount).toBe(0);
  });
});

/** Output towards the terminal: all of it, in order, at once after a pause, and never more than the terminal's share of the page's time. */
import { describe, expect, it } from "vitest";
import { TerminalPacer } from "../../web/ui/terminal-pacer";
import { FakeClock } from "../tools/fake-clock";

/** A page whose frames take `frameMs` each, of which a script sees the times. */
function page(frameMs: number) {
  const clock = new FakeClock();
  const writes: { at: number; byte: number }[] = [];
  const pacer = new TerminalPacer({
    now: clock.now,
    setTimer: clock.setTimer,
    write: (bytes, taken) => {
      writes.push(...[...bytes].map((byte) => ({ at: clock.now(), byte })));
      taken();
    },
    measureFrame: (done) => clock.setTimer(() => done(frameMs), frameMs),
  });
  let taken = 0;
  const print = (byte: number): void => pacer.add(Uint8Array.of(byte), () => void taken++);
  const times = (): number[] => [...new Set(writes.map(({ at }) => at))];
  return { pacer, print, advance: (ms: number) => clock.advance(ms), writes, times, taken: () => taken };
}

/** A line each millisecond for a second. */
function printForASecond({ print, advance }: ReturnType<typeof page>): void {
  for (let i = 0; i < 1000; i++) {
    print(i & 255);
    advance(1);
  }
  advance(1000);
}

describe("TerminalPacer", () => {
  it("writes everything in order and says of each part that it is taken", () => {
    const slow = page(40);
    printForASecond(slow);
    expect(slow.writes.map(({ byte }) => byte)).toEqual(Array.from({ length: 1000 }, (_, i) => i & 255));
    expect(slow.taken()).toBe(1000);
  });

  it("writes seldom where a frame takes long, at least four times a second, and often where it is short", () => {
    const [fast, slow, slowest] = [page(1), page(20), page(1000)];
    for (const one of [fast, slow, slowest]) printForASecond(one);
    expect(fast.times().length).toBeGreaterThan(100);
    expect(slow.times().length).toBeGreaterThanOrEqual(7);
    // 20 of them while it does not know yet.
    expect(slow.times().length).toBeLessThanOrEqual(20 + 10);
    expect(slowest.times().length).toBeGreaterThanOrEqual(3);
  });

  it("writes at once what comes after a pause: a key's echo", () => {
    const slow = page(40);
    printForASecond(slow);
    slow.print(1);
    expect(slow.times().at(-1)).toBe(2000);
  });

  it("lets what the user does be drawn first, and then goes on by itself", () => {
    const slow = page(40);
    printForASecond(slow);
    slow.pacer.yieldToUser();
    slow.print(1);
    const { length } = slow.times();
    slow.advance(100);
    expect(slow.times().length).toBe(length);
    slow.advance(100);
    expect(slow.times().length).toBe(length + 1);
  });
});

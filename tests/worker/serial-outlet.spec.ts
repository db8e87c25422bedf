/** Serial output towards the page: in order, in few messages, and never more than the page can show. */
import { describe, expect, it } from "vitest";
import { SerialOutlet } from "../../web/worker/serial-outlet";
import { FakeClock } from "../tools/fake-clock";

function outlet() {
  const clock = new FakeClock();
  const posts: { at: number; bytes: number[] }[] = [];
  const holds: boolean[] = [];
  const it = new SerialOutlet({
    now: clock.now,
    setTimer: clock.setTimer,
    post: (bytes) => posts.push({ at: clock.now(), bytes: [...bytes] }),
    hold: (held) => holds.push(held),
  });
  return { it, posts, holds, advance: (ms: number) => clock.advance(ms) };
}

describe("SerialOutlet", () => {
  it("posts the first bytes at once, and later ones in one batch each 16 ms", () => {
    const { it: serial, posts, advance } = outlet();
    for (let i = 0; i < 100; i++) {
      serial.add(Uint8Array.of(i));
      advance(1);
    }
    advance(100);
    expect(posts.flatMap(({ bytes }) => bytes)).toEqual(Array.from({ length: 100 }, (_, i) => i));
    expect(posts.length).toBeLessThanOrEqual(8);
    for (let i = 1; i < posts.length; i++) expect(posts[i]!.at - posts[i - 1]!.at).toBeGreaterThanOrEqual(16);
  });

  it("flush posts what waits, and nothing when nothing waits", () => {
    const { it: serial, posts } = outlet();
    serial.add(Uint8Array.of(1));
    serial.add(Uint8Array.of(2));
    serial.flush();
    serial.flush();
    expect(posts.map(({ bytes }) => bytes)).toEqual([[1], [2]]);
  });

  it("holds the guest while more than half a megabyte is not shown, and lets it go on when it is", () => {
    const { it: serial, holds, advance } = outlet();
    for (let i = 0; i < 9; i++) {
      serial.add(new Uint8Array(64 * 1024));
      advance(20);
    }
    expect(holds).toEqual([true]);
    serial.shown(7 * 64 * 1024);
    expect(holds).toEqual([true]);
    serial.shown(64 * 1024);
    expect(holds).toEqual([true, false]);
  });
});

/** Serial output towards the page: in order, in few messages, and never more than the page can show. */
import { describe, expect, it } from "vitest";
import { SerialOutlet } from "../../web/worker/serial-outlet";

function outlet() {
  let now = 0;
  const timers: { at: number; run: () => void }[] = [];
  const posts: { at: number; bytes: number[] }[] = [];
  const holds: boolean[] = [];
  const it = new SerialOutlet({
    now: () => now,
    setTimer: (run, ms) => timers.push({ at: now + ms, run }),
    post: (bytes) => posts.push({ at: now, bytes: [...bytes] }),
    hold: (held) => holds.push(held),
  });
  const advance = (ms: number): void => {
    const end = now + ms;
    for (;;) {
      const due = timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      timers.splice(timers.indexOf(due), 1);
      now = due.at;
      due.run();
    }
    now = end;
  };
  return { it, posts, holds, advance };
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

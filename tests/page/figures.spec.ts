/** The status line's figures. */
import { describe, expect, it } from "vitest";
import { countText, speedText, timeText, unknownText } from "../../web/ui/figures";
import { sizeText } from "../../web/ui/machines";

const status = (mips: number, idle: number) => ({
  state: "running" as const,
  mips,
  idle,
  instructions: 0,
  guestSeconds: 0,
  memoryMb: 1,
  unimplemented: [],
});

describe("figures", () => {
  it("counts with three digits", () => {
    expect([0, 999, 1000, 12_345, 123_456_789, 1_230_000_000].map(countText)).toEqual(["0", "999", "1.00 k", "12.3 k", "123 M", "1.23 G"]);
  });

  it("shows guest time in seconds, then in minutes, then in hours", () => {
    expect([0, 12.34, 59.94, 60, 245, 3723].map(timeText)).toEqual(["0.0 s", "12.3 s", "59.9 s", "1:00", "4:05", "1:02:03"]);
  });

  it("shows speed only while the guest runs, and idle while it waits", () => {
    expect(speedText("running", status(9.84, 0))).toBe("9.8 MIPS");
    expect(speedText("running", status(61.6, 0.5))).toBe("62 MIPS");
    expect(speedText("running", status(1.2, 0.97))).toBe("idle");
    expect(speedText("paused", status(50, 0))).toBe("–");
    expect(speedText("running", undefined)).toBe("–");
  });

  it("tells unknown instructions from registers", () => {
    const unknown = (...list: string[]): string => unknownText(list.map((bytes) => ({ bytes, address: "0", count: 1 })));
    expect(unknown()).toBe("");
    expect(unknown("0f ae 10")).toBe("1 unknown instruction");
    expect(unknown("MSR 1a0", "MSR 17", "0f 0a", "0f 0c")).toBe("2 unknown instructions, 2 unknown MSRs");
    expect(unknown("MSR 1a0")).toBe("1 unknown MSR");
  });

  it("shows sizes as downloads are measured", () => {
    expect([999, 138_712, 9_300_000].map(sizeText)).toEqual(["999 bytes", "139 KB", "9.3 MB"]);
  });
});

/** The closed union of errors: one line each, and whole on the other side of a worker boundary. */
import { describe, expect, it } from "vitest";
import { assert, unreachable } from "../../web/lib/assert";
import {
  AssertionFailed,
  BadArgument,
  BusOverlap,
  CoreCrash,
  DiskFailed,
  DownloadFailed,
  type EmulatorError,
  FeatureMissing,
  FrameNotPresent,
  fromWire,
  ImageUnreadable,
  IntegrityFailed,
  isEmulatorError,
  OutOfMemory,
  SnapshotIncompatible,
  toWire,
} from "../../web/lib/errors";

const ALL: EmulatorError[] = [
  new BusOverlap("port", 0x3f8, 0x3ff, "COM1", "NE2000"),
  new SnapshotIncompatible("rtc", "version 3 is newer than this build's 2."),
  new ImageUnreadable("vmlinuz", "It is not a kernel.", "Choose another file."),
  new CoreCrash("unreachable executed.", "0xC0001234", { rax: "0x1" }, ["0xC0001200"]),
  new AssertionFailed("one is one"),
  new FrameNotPresent(0x123),
  new BadArgument("--memory", "give a number of MB."),
  new OutOfMemory(2048, "Close other tabs or give the machine less memory."),
  new FeatureMissing("WebAssembly SIMD", "Update the browser."),
  new DownloadFailed("linux-image", 0, "Check the connection."),
  new IntegrityFailed("busybox.deb", "sha256 00", "sha256 01", "Fetch it again."),
  new DiskFailed("work", "full", "The browser has no room left.", "Free some space."),
];

describe("errors", () => {
  it("are one line for people", () => {
    for (const error of ALL) {
      expect(error.message).toMatch(/^[^\n]+$/);
      expect(error.message).not.toContain("undefined");
    }
    expect(new DownloadFailed("x", 404, "").message).toContain("HTTP status 404");
  });

  it("cross a worker boundary with class, fields and message", () => {
    for (const error of ALL) {
      const back = fromWire(structuredClone(toWire(error)));
      expect(back).toBeInstanceOf(error.constructor);
      expect(back).toBeInstanceOf(Error);
      expect(back.message).toBe(error.message);
      expect({ ...back }).toEqual({ ...error });
      expect(isEmulatorError(back)).toBe(true);
    }
  });

  it("a stray exception arrives as a bug of ours, with its stack", () => {
    const wire = toWire(new TypeError("x is not a function"));
    expect(wire.kind).toBe("AssertionFailed");
    expect(wire.message).toContain("x is not a function");
    expect(toWire("text").message).toContain("text");
    expect(isEmulatorError(new TypeError("x"))).toBe(false);
    expect(isEmulatorError({ kind: "BadArgument" })).toBe(false);
  });

  it("assert and unreachable throw AssertionFailed", () => {
    expect(() => assert(false, "one is two")).toThrow(AssertionFailed);
    assert(true, "nothing");
    expect(() => unreachable("x" as never)).toThrow(AssertionFailed);
  });
});

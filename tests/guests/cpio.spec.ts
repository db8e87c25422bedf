import { lstatSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { busyboxApplets } from "../../web/guests/applets";
import { type CpioEntry, writeCpio } from "../../web/guests/cpio";
import { buildInitrd } from "../../web/guests/initrd";
import { sha256Of } from "../../web/guests/node/files";
import { COMPONENTS } from "../../web/guests/recipes";
import { FAKE_APPLETS, fakeBusybox } from "./synthetic";
import { bytes, needTools, run, temporaryFolder, text } from "./tools";

const entries: CpioEntry[] = [
  { type: "file", path: "etc/rc", mode: 0o755, data: bytes("#!/bin/sh\n") },
  { type: "symlink", path: "init", target: "bin/busybox" },
  { type: "directory", path: "etc", mode: 0o755 },
  { type: "directory", path: "tmp", mode: 0o1777 },
  { type: "file", path: "empty", mode: 0o600, data: new Uint8Array(0) },
  { type: "characterDevice", path: "console", mode: 0o600, major: 5, minor: 1 },
];

describe("cpio", () => {
  it("is what the cpio program reads: names, modes, owner, time, contents", (context) => {
    needTools(context, "cpio");
    const listed = text(run("cpio", ["-itv", "--numeric-uid-gid", "--quiet"], writeCpio(entries)));
    const lines = listed
      .trim()
      .split("\n")
      .map((line) => line.split(/\s+/));
    expect(lines.map((line) => [line[0], line[2], line[3], line.at(-1)])).toEqual([
      ["crw-------", "0", "0", "console"],
      ["-rw-------", "0", "0", "empty"],
      ["drwxr-xr-x", "0", "0", "etc"],
      ["-rwxr-xr-x", "0", "0", "etc/rc"],
      ["lrwxrwxrwx", "0", "0", "bin/busybox"],
      ["drwxrwxrwt", "0", "0", "tmp"],
    ]);
    const folder = temporaryFolder();
    run(
      "cpio",
      ["-id", "--quiet", "--no-absolute-filenames", "--preserve-modification-time", "etc/rc", "init", "empty"],
      writeCpio(entries),
      folder,
    );
    expect(readFileSync(join(folder, "etc/rc"), "utf8")).toBe("#!/bin/sh\n");
    expect(readlinkSync(join(folder, "init"))).toBe("bin/busybox");
    expect(lstatSync(join(folder, "empty")).size).toBe(0);
    expect(lstatSync(join(folder, "etc/rc")).mtimeMs).toBe(0);
  });

  it("does not depend on the order of the entries", () => {
    expect(writeCpio([...entries].reverse())).toEqual(writeCpio(entries));
    expect(writeCpio(entries).length % 512).toBe(0);
  });

  it("refuses doubled, orphaned and impossible paths", () => {
    const file = (path: string): CpioEntry => ({ type: "file", path, mode: 0o644, data: new Uint8Array(0) });
    expect(() => writeCpio([file("a"), file("a")])).toThrow(/twice/);
    expect(() => writeCpio([file("a/b")])).toThrow(/no directory/);
    for (const path of ["/a", "a/", "", "a//b", "TRAILER!!!"]) expect(() => writeCpio([file(path)])).toThrow(/no path/);
  });
});

describe("busybox", () => {
  it("tells its commands without being run", () => {
    expect(busyboxApplets(fakeBusybox("x"))).toEqual(FAKE_APPLETS);
  });

  it("is refused without a table or without a needed command", () => {
    expect(() => busyboxApplets(bytes("\x7fELF nothing here [\0[x\0"))).toThrow(/no table/);
    expect(() =>
      busyboxApplets(
        fakeBusybox(
          "x",
          FAKE_APPLETS.filter((name) => name !== "mount"),
        ),
      ),
    ).toThrow(/has no mount/);
    // The table ends where the order does: a string that happens to follow is no command.
    expect(() => busyboxApplets(fakeBusybox("x", ["[", "[[", "zcat", "cat", "sh"]))).toThrow(/has no cttyhack/);
  });
});

describe("initrd", () => {
  const initrd = buildInitrd(fakeBusybox("x"));

  it("holds a link for every command but those that make no sense here", (context) => {
    needTools(context, "cpio");
    const names = text(run("cpio", ["-it", "--quiet"], initrd))
      .trim()
      .split("\n");
    for (const name of FAKE_APPLETS.filter((applet) => applet !== "modprobe")) expect(names).toContain(`bin/${name}`);
    expect(names).not.toContain("bin/modprobe");
    for (const name of ["init", "sbin", "usr/bin", "etc/inittab", "etc/rc", "etc/profile", "dev/console", "proc", "sys", "tmp", "root"])
      expect(names).toContain(name);
  });

  it("has shell scripts that a shell accepts", (context) => {
    needTools(context, "cpio");
    const folder = temporaryFolder();
    run("cpio", ["-id", "--quiet", "--no-absolute-filenames", "etc/*"], initrd, folder);
    for (const script of ["rc", "profile"]) run("sh", ["-n", join(folder, "etc", script)]);
  });

  it("is the same every time; a change of it comes with a new recipe number", () => {
    expect(buildInitrd(fakeBusybox("x"))).toEqual(initrd);
    const number = COMPONENTS.find(({ id }) => id === "busybox-static")!.recipe;
    expect([number, sha256Of(initrd)]).toEqual([2, "f375fc1aecf8d8f1887ead8f8b7bf9b1e1481794307a71405cfcebb7c21e58a9"]);
  });
});

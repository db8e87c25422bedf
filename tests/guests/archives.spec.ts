import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { arMembers } from "../../web/guests/ar";
import { ByteReader, collect } from "../../web/guests/byte-reader";
import { debFiles } from "../../web/guests/deb";
import { tarEnd, tarEntries, tarFileHeader, tarPadding } from "../../web/guests/tar";
import { makeAr, makeDeb, makeTar } from "./synthetic";
import { bytes, chunked, concat, needTools, numbers, run, temporaryFolder, text } from "./tools";

async function readTar(data: Uint8Array, chunk = 1000): Promise<{ name: string; type: string; target: string; data: string }[]> {
  const entries = [];
  for await (const entry of tarEntries(chunked(data, chunk), "test"))
    entries.push({ name: entry.name, type: entry.type, target: entry.target, data: text(await collect(entry.body, 1 << 20, "test")) });
  return entries;
}

describe("byte reader", () => {
  it("gives exact counts whatever the chunks", async () => {
    const data = bytes("abcdefghijklmnopqrstuvwxyz");
    for (const size of [1, 2, 3, 7, 26, 100]) {
      const reader = new ByteReader(chunked(data, size), "test");
      expect(text(await reader.read(3))).toBe("abc");
      await reader.skip(2);
      expect(text(await collect(reader.take(10), 10, "test"))).toBe("fghijklmno");
      expect(await reader.atEnd()).toBe(false);
      expect(text(await reader.read(11))).toBe("pqrstuvwxyz");
      expect(await reader.atEnd()).toBe(true);
    }
  });

  it("says what ended too early", async () => {
    await expect(new ByteReader([bytes("ab")], "package x").read(3)).rejects.toMatchObject({
      problem: "damaged",
      message: /^package x ends too early/,
    });
  });

  it("refuses to collect more than the limit", async () => {
    await expect(collect([bytes("abc"), bytes("def")], 5, "it")).rejects.toMatchObject({ problem: "damaged" });
  });
});

describe("ar", () => {
  const archive = makeAr([
    ["debian-binary", bytes("2.0\n")],
    ["odd", bytes("abc")],
    ["data.tar", bytes("data")],
  ]);

  it("reads members, also when they are not drained", async () => {
    for (const size of [1, 13, 1000]) {
      const found = [];
      for await (const member of arMembers(chunked(archive, size), "test"))
        found.push([member.name, member.size, member.name === "odd" ? "" : text(await collect(member.body, 100, "test"))]);
      expect(found).toEqual([
        ["debian-binary", 4, "2.0\n"],
        ["odd", 3, ""],
        ["data.tar", 4, "data"],
      ]);
    }
  });

  it("refuses a foreign or truncated file", async () => {
    const drain = async (data: Uint8Array): Promise<void> => {
      for await (const _ of arMembers([data], "package x"));
    };
    await expect(drain(bytes("not an archive at all"))).rejects.toMatchObject({ problem: "damaged" });
    await expect(drain(archive.subarray(0, 100))).rejects.toMatchObject({ problem: "damaged" });
  });
});

describe("tar", () => {
  it("reads what it writes", async () => {
    const long = `${"folder/".repeat(20)}file`;
    const archive = concat(
      tarFileHeader("a", 3),
      bytes("abc"),
      tarPadding(3),
      tarFileHeader(long, 0),
      tarFileHeader("b", 512),
      new Uint8Array(512).fill(120),
      tarEnd(),
    );
    expect(await readTar(archive)).toEqual([
      { name: "a", type: "file", target: "", data: "abc" },
      { name: long, type: "file", target: "", data: "" },
      { name: "b", type: "file", target: "", data: "x".repeat(512) },
    ]);
  });

  it("reads archives of the system's tar in its three formats", async (context) => {
    needTools(context, "tar");
    const folder = temporaryFolder();
    const deep = join("sub", "n".repeat(90), "m".repeat(90));
    mkdirSync(join(folder, deep), { recursive: true });
    writeFileSync(join(folder, deep, "long-name-é"), "deep");
    writeFileSync(join(folder, "big"), "y".repeat(100_001));
    symlinkSync("t".repeat(150), join(folder, "link"));
    for (const format of ["gnu", "pax", "ustar"]) {
      const names = format === "ustar" ? ["./big"] : ["./big", "./link", "./sub"];
      const archive = run("tar", ["--format", format, "-cf", "-", ...names], undefined, folder);
      const files = (await readTar(archive)).filter((entry) => entry.type !== "directory");
      const expected = [{ name: "big", type: "file", target: "", data: "y".repeat(100_001) }];
      if (format !== "ustar") {
        expected.push({ name: "link", type: "symlink", target: "t".repeat(150), data: "" });
        expected.push({ name: `${deep}/long-name-é`, type: "file", target: "", data: "deep" });
      }
      expect(files).toEqual(expected);
    }
  });

  it("writes what the system's tar reads", (context) => {
    needTools(context, "tar");
    const name = `${"folder/".repeat(20)}file`;
    const archive = concat(tarFileHeader(name, 5), bytes("hello"), tarPadding(5), tarEnd());
    expect(text(run("tar", ["-xOf", "-", name], archive))).toBe("hello");
  });

  it("refuses a header whose checksum is wrong, and a truncated archive", async () => {
    const archive = makeTar([["file", bytes("content")]]);
    const flipped = archive.slice();
    flipped[3]! ^= 1;
    await expect(readTar(flipped)).rejects.toMatchObject({ problem: "damaged", message: /checksum/ });
    await expect(readTar(archive.subarray(0, 515))).rejects.toMatchObject({ problem: "damaged", message: /too early/ });
  });

  it("answers random damage with an error or with entries, never with anything else", async () => {
    const archive = makeTar([
      ["one", bytes("1".repeat(700))],
      ["two", bytes("2")],
    ]);
    const next = numbers(5);
    for (let round = 0; round < 200; round++) {
      const damaged = archive.slice(0, 1 + next(archive.length));
      for (let i = 0; i < 3; i++) damaged[next(damaged.length)] = next(256);
      await readTar(damaged).catch((error: unknown) => expect(error).toMatchObject({ kind: "GuestsError", problem: "damaged" }));
    }
  });
});

describe("deb", () => {
  const contents: [string, Uint8Array][] = [
    ["./boot/vmlinuz-1", bytes("kernel")],
    ["./usr/share/doc/x/copyright", bytes("licence")],
  ];
  const pick = async (deb: Uint8Array, wanted: (name: string) => boolean): Promise<string[]> => {
    const found = [];
    for await (const file of debFiles(chunked(deb, 333), wanted, "package x")) found.push(`${file.name}=${text(file.data)}`);
    return found;
  };

  it("finds wanted files in packages with plain and gzip data", async () => {
    expect(await pick(makeDeb(contents, "plain"), (name) => name.startsWith("boot/"))).toEqual(["boot/vmlinuz-1=kernel"]);
    expect(await pick(makeDeb(contents, "gzip"), () => true)).toEqual(["boot/vmlinuz-1=kernel", "usr/share/doc/x/copyright=licence"]);
  });

  it("finds wanted files in packages that dpkg-deb made", async (context) => {
    needTools(context, "dpkg-deb");
    const folder = temporaryFolder();
    mkdirSync(join(folder, "p/DEBIAN"), { recursive: true });
    mkdirSync(join(folder, "p/boot"));
    writeFileSync(
      join(folder, "p/DEBIAN/control"),
      "Package: x\nVersion: 1\nArchitecture: all\nMaintainer: nobody <n@example.org>\nDescription: x\n",
    );
    writeFileSync(join(folder, "p/boot/vmlinuz-1"), "kernel".repeat(50_000));
    for (const compression of ["xz", "gzip", "none"]) {
      run("dpkg-deb", [`-Z${compression}`, "--root-owner-group", "-b", "p", "x.deb"], undefined, folder);
      expect(await pick(new Uint8Array(readFileSync(join(folder, "x.deb"))), (name) => name === "boot/vmlinuz-1")).toEqual([
        `boot/vmlinuz-1=${"kernel".repeat(50_000)}`,
      ]);
    }
  });

  it("can be left early and used again: nothing stays locked", async (context) => {
    needTools(context, "xz");
    const tar = makeTar([...contents, ["./filler", new Uint8Array(3_000_000)]]);
    const deb = makeAr([
      ["debian-binary", bytes("2.0\n")],
      ["data.tar.xz", run("xz", ["-c"], tar)],
    ]);
    for (let round = 0; round < 5; round++) {
      for await (const file of debFiles(chunked(deb, 50), () => true, "package x")) {
        expect(text(file.data)).toBe("kernel");
        break;
      }
    }
  });

  it("names what is wrong", async () => {
    const whole = makeDeb(contents, "gzip");
    await expect(pick(whole.subarray(0, whole.length - 40), () => true)).rejects.toMatchObject({ problem: "damaged" });
    const members = (name: string, data: Uint8Array): Uint8Array =>
      makeAr([
        ["debian-binary", bytes("2.0\n")],
        [name, data],
      ]);
    await expect(pick(members("data.tar.zst", bytes("x")), () => true)).rejects.toMatchObject({ problem: "unsupported", message: /zst/ });
    await expect(pick(members("control.tar", bytes("x")), () => true)).rejects.toMatchObject({
      problem: "damaged",
      message: /no data.tar/,
    });
    await expect(pick(members("data.tar.gz", gzipSync("x").subarray(0, 12)), () => true)).rejects.toMatchObject({ problem: "damaged" });
    await expect(pick(makeAr([["debian-binary", bytes("3.0\n")]]), () => true)).rejects.toMatchObject({ problem: "unsupported" });
  });
});

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type GuestsIo, main } from "../../web/guests/cli";
import { mirrorFiles, pathOf, startMirror, syntheticPackages } from "./mirror";
import { temporaryFolder } from "./tools";

interface Result {
  status: number;
  out: string;
  err: string;
}

async function vitrine(words: string, extra: Partial<GuestsIo> = {}): Promise<Result> {
  const result = { status: -1, out: "", err: "" };
  const io: GuestsIo = {
    stdout: (text) => {
      result.out += text;
    },
    stderr: (text) => {
      result.err += text;
    },
    system: { env: {}, aptFolder: "/nonexistent", signatureTools: { keyrings: [], gpgv: "gpgv" }, retryMs: 1 },
    ...extra,
  };
  result.status = await main(words === "" ? [] : words.split(" "), io);
  return result;
}

const aMirror = () => startMirror(mirrorFiles(syntheticPackages()));

describe("vitrine guests", () => {
  it("prepares, lists, verifies, exports and imports", async () => {
    const dir = temporaryFolder();
    const { url } = await aMirror();
    expect(await vitrine(`list --dir ${dir}`)).toMatchObject({
      status: 0,
      out: expect.stringMatching(/debian .*\n +not prepared\nmemtest/),
    });
    const prepared = await vitrine(`prepare --mirror ${url} --only debian,memtest --dir=${dir}`);
    expect(prepared).toMatchObject({
      status: 0,
      out: expect.stringMatching(/^prepared: debian, memtest\npackage index: signature not verifiable: .*; SHA-256 checked\n$/),
    });
    expect(prepared.err).toMatch(/fetching linux-image-6.1.0-50-686: 0.0 of [0-9.]+ MB\nunpacking linux-image-6.1.0-50-686\n/);
    expect(prepared.err).toMatch(/ready: Memtest86\+\n$/);

    const listed = await vitrine(`--dir ${dir}`);
    expect(listed.out).toContain(join(dir, "linux-image-686"));
    expect(listed.out).toMatch(/debian-pae .*\n +not prepared/);
    for (const [path] of listed.out.matchAll(/\/\S+\/(vmlinuz|vmlinux|initrd\.cpio|memtest\.bin)/g)) expect(existsSync(path)).toBe(true);
    expect(await vitrine(`verify --dir ${dir}`)).toMatchObject({ status: 0, out: expect.stringMatching(/as they were prepared/) });

    const file = join(temporaryFolder(), "set.tar");
    expect(await vitrine(`export ${file} --only memtest --dir ${dir}`)).toEqual({ status: 0, out: `${file}: memtest\n`, err: "" });
    const other = temporaryFolder();
    expect(await vitrine(`import ${file} --dir ${other}`)).toEqual({ status: 0, out: "imported: memtest\n", err: "" });
    const manifest = JSON.parse(readFileSync(join(other, "manifest.json"), "utf8"));
    writeFileSync(join(other, manifest.guests[0].kernel), "changed");
    expect(await vitrine(`verify --dir ${other}`)).toMatchObject({
      status: 1,
      err: expect.stringMatching(/memtest.bin is not what was prepared.*\n.*prepare --refresh/),
    });
  });

  it("ends in one line and status 1 when it cannot do it", async () => {
    const dir = temporaryFolder();
    expect(await vitrine(`prepare --dir ${dir}`)).toMatchObject({
      status: 1,
      out: "",
      err: expect.stringMatching(/^vitrine guests: no Debian mirror is known.*\n$/),
    });
    expect(await vitrine(`verify --dir ${dir}`)).toMatchObject({
      status: 1,
      err: "vitrine guests: nothing is prepared: run `vitrine guests prepare`\n",
    });
    expect(await vitrine(`import /no/such.tar --dir ${dir}`)).toMatchObject({
      status: 1,
      err: expect.stringMatching(/^vitrine guests: could not read \/no\/such.tar: .*\n$/),
    });
    expect(await vitrine(`prepare --offline --dir ${dir}`)).toMatchObject({
      status: 1,
      err: expect.stringMatching(/not all packages are in the cache/),
    });
  });

  it("ends in one line and status 2 for bad arguments", async () => {
    for (const [words, reason] of [
      ["frobnicate", /unknown command "frobnicate"/],
      ["prepare --frob", /unknown option --frob/],
      ["prepare --only", /--only needs a value/],
      ["prepare --only --offline", /--only needs a value/],
      ["prepare --only debian,plan9", /no guest "plan9"/],
      ["prepare --only ,", /at least one guest/],
      ["prepare --offline=yes", /takes no value/],
      ["prepare extra", /too many arguments: extra/],
      ["export", /needs a file name/],
      ["import a b", /too many arguments: b/],
      ["import a --mirror http://x", /--mirror is not for "import"/],
    ] as const) {
      const result = await vitrine(words);
      expect(result).toMatchObject({ status: 2, out: "", err: expect.stringMatching(reason) });
      expect(result.err).toMatch(/^vitrine guests: .*--help\n$/);
    }
  });

  it("explains itself", async () => {
    for (const words of ["--help", "prepare --help", "export -h"]) {
      const { status, out } = await vitrine(words);
      expect(status).toBe(0);
      for (const word of [
        "list",
        "prepare",
        "export FILE",
        "import FILE",
        "verify",
        "--only",
        "--mirror",
        "--offline",
        "--refresh",
        "--dir",
        "debian-pae",
      ])
        expect(out).toContain(word);
    }
  });

  it("stops when interrupted", async () => {
    const mirror = await aMirror();
    let interrupt = (): void => {};
    mirror.special.set(pathOf(mirror, "linux-image-6.1.0-50-686_"), () => interrupt());
    const result = await vitrine(`prepare --mirror ${mirror.url} --dir ${temporaryFolder()}`, {
      onInterrupt: (listener) => {
        interrupt = listener;
      },
    });
    expect(result).toMatchObject({ status: 1, err: expect.stringMatching(/vitrine guests: interrupted: run it again to continue/) });
  });

  it("counts up in one line on a terminal", async () => {
    const { url } = await aMirror();
    const { err } = await vitrine(`prepare --only memtest --mirror ${url} --dir ${temporaryFolder()}`, { terminal: true });
    expect(err.replaceAll("\x1b[K", "<erase>")).toMatch(
      /\r<erase>fetching memtest86\+: 0\.0 of 0\.0 MB(\r<erase>.*)*\nunpacking memtest86\+\n/,
    );
  });
});

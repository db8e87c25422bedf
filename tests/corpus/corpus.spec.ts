/** Truncated and random files as a user would give them: one clear line, exit status 2 or 3, soon. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { needGuest } from "../boot/prepared-guests";
import { bzImage, cpio, vmlinux } from "../boot-loaders/images";
import { corpus } from "./files";
import { builtInOriginals, preparedOriginals } from "./originals";
import { type Tried, tryAll } from "./verdict";

/** Each file is a process of its own. */
const quick = process.env.TEST_TIER === "quick";
let folder: string;
let kernel: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "vitrine-corpus-"));
  kernel = join(folder, "kernel");
  writeFileSync(kernel, bzImage());
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const objections = (tried: readonly Tried[]): string[] =>
  tried.filter(({ objection }) => objection).map(({ file, objection }) => `${file.role}, ${file.name}: ${objection}`);

describe.skipIf(quick)(`bad files${quick ? " (skipped: not in the quick tier)" : ""}`, () => {
  it("made here: each ends with one clear line", { timeout: 300_000 }, async () => {
    const originals = [
      ...builtInOriginals(),
      { name: "a small bzImage", role: "kernel", bytes: bzImage() },
      { name: "a small vmlinux", role: "kernel", bytes: vmlinux() },
      { name: "a small initrd", role: "initrd", bytes: cpio() },
    ] as const;
    const tried = await tryAll(corpus(originals, 6, 6), kernel);
    expect(objections(tried)).toEqual([]);
    expect(tried.length).toBe(54);
  });

  it("cut from Debian's: each ends with one clear line", { timeout: 600_000 }, async (context) => {
    const debian = await needGuest(context, "debian");
    const tried = await tryAll(corpus(preparedOriginals(debian, await needGuest(context, "memtest")), 5, 0, 2), debian.files.kernel.file);
    expect(objections(tried)).toEqual([]);
  });
});

/** Raw image files as disks, and `vitrine disk`. */
import { chmodSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { main, parseSize } from "../../web/node/disk-command";
import { FileDisk } from "../../web/node/file-disk";
import { FakeEnvironment } from "../cli/fake-environment";
import { backendLaws, DISK_BYTES, readOnlyLaws } from "./laws";

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});
function image(bytes: number | Uint8Array): string {
  const folder = mkdtempSync(join(tmpdir(), "vitrine-disk-"));
  folders.push(folder);
  const path = join(folder, "disk.img");
  writeFileSync(path, typeof bytes === "number" ? "" : bytes);
  if (typeof bytes === "number") truncateSync(path, bytes);
  return path;
}

backendLaws("a file", {
  blank: (bytes) => FileDisk.open(image(bytes), false),
  reopen: (disk) => FileDisk.open(disk.name, false),
});
readOnlyLaws("a file", () => FileDisk.open(image(4096), true));

describe("a file that is no disk", () => {
  it("is refused with the reason", async () => {
    const refusal = (path: string, readOnly = true) =>
      FileDisk.open(path, readOnly).then(
        () => "opened",
        (error: { problem: string }) => error.problem,
      );
    expect(await refusal(join(tmpdir(), "vitrine-there-is-no-such-file"))).toBe("missing");
    expect(await refusal(tmpdir())).toBe("missing");
    expect(await refusal(image(0))).toBe("damaged");
    expect(await refusal(image(513))).toBe("damaged");
    const closed = image(512);
    chmodSync(closed, 0o400);
    // The superuser may write to anything.
    if (process.getuid?.() !== 0) expect(await refusal(closed, false)).toBe("unreadable");
  });

  it("that is cut off while it is open fails where it ends, and only there", async () => {
    const path = image(DISK_BYTES);
    const disk = await FileDisk.open(path, false);
    truncateSync(path, 4096);
    await expect(disk.read(4096, 512)).rejects.toMatchObject({ kind: "DiskFailed", problem: "damaged" });
    expect(await disk.read(0, 4096)).toHaveLength(4096);
    await disk.close();
  });
});

describe("vitrine disk", () => {
  const run = async (...argv: string[]) => {
    const environment = new FakeEnvironment();
    return { status: await main(argv, environment), out: environment.out, err: environment.err };
  };

  it("makes a blank image, and leaves one that exists alone", async () => {
    const path = `${image(512)}.new`;
    expect(await run("create", path, "1M")).toMatchObject({ status: 0, err: "" });
    expect(readFileSync(path)).toHaveLength(2 ** 20);
    const again = await run("create", path, "2M");
    expect(again.status).toBe(1);
    expect(again.err).toMatch(/exists already/);
    expect(readFileSync(path)).toHaveLength(2 ** 20);
  });

  it("says what is in an image", async () => {
    const bytes = new Uint8Array(0x100000);
    expect((await run("info", image(bytes))).out).toMatch(/2048 sectors\nin use: 0 bytes.*\nholds: nothing/);
    bytes.set([0x55, 0xaa], 510);
    bytes.set([0x80, 0, 0, 0, 0x83, 0, 0, 0, 0, 8, 0, 0, 0, 4, 0, 0], 0x1be);
    expect((await run("info", image(bytes))).out).toMatch(/partition 1: type 83h, from sector 2048, 524288 bytes/);
    bytes.set([0x53, 0xef, 1, 0], 0x438);
    bytes.set([4, 0, 0, 0, 0x40], 0x45c);
    expect((await run("info", image(bytes))).out).toMatch(/holds: ext4 file system\n/);
  });

  it("checks, and explains bad arguments", async () => {
    expect(await run("check", image(1024))).toMatchObject({ status: 0 });
    expect((await run("check", image(100))).status).toBe(1);
    for (const argv of [[], ["info"], ["format", "x"], ["create", "x"], ["info", "a", "b"]]) expect((await run(...argv)).status).toBe(2);
    expect((await run("create", "x", "10Q")).status).toBe(2);
    expect((await run("--help")).out).toMatch(/vitrine disk create FILE SIZE/);
  });

  it("sizes", () => {
    expect([
      parseSize("512"),
      parseSize("64M"),
      parseSize("1GiB"),
      parseSize("2k"),
      parseSize("1"),
      parseSize("-1"),
      parseSize("M"),
    ]).toEqual([512, 64 * 2 ** 20, 2 ** 30, 2048, undefined, undefined, undefined]);
  });
});

/** `vitrine publish`: a folder that holds the player, the machine in two parts, and what licences ask for. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Machine } from "../../web/machine/machine";
import { nodeEnvironment } from "../../web/node/node-environment";
import { main } from "../../web/node/publish";
import { planLicences, writeLicences } from "../../web/node/publish-licences";
import { MemorySource } from "../../web/snapshot/byte-store";
import type { ComponentRecord } from "../../web/snapshot/manifest";
import { HEAD_PATH, parseHead, publishedPath } from "../../web/snapshot/published";
import { SnapshotFile } from "../../web/snapshot/snapshot-file";
import { MemoryDisk } from "../../web/storage/memory-disk";
import { boot, image, snapshotBytes, wasm } from "../snapshot/small-machine";

const folder = mkdtempSync(join(tmpdir(), "vitrine-publish-"));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string): string => join(folder, name);
const isBuilt = existsSync(new URL("../../dist/build.json", import.meta.url));

async function vitrinePublish(...argv: string[]) {
  let out = "";
  let err = "";
  const environment = {
    ...nodeEnvironment(),
    stdout: (text: string) => {
      out += text;
    },
    stderr: (text: string) => {
      err += text;
    },
  };
  return { status: await main(argv, environment), out, err };
}

const GPL: ComponentRecord = {
  id: "busybox",
  licence: "GPL-2",
  package: "busybox-static",
  version: "1:1.35.0-4",
  source: { package: "busybox", version: "1:1.35.0-4" },
  builtUsing: "glibc (= 2.36-9)",
  files: [],
};

describe.skipIf(!isBuilt)(`vitrine publish${isBuilt ? "" : " (skipped: run npm run build)"}`, () => {
  const file = at("hello.vitrine");
  beforeAll(async () => {
    const disk = new MemoryDisk(0x100000, { name: "d" });
    await disk.write(0x20000, new Uint8Array(512).fill(7));
    const config = {
      boot: { kind: "sector", image: image("hello") },
      memoryMb: 16,
      disks: [disk],
      clock: { kind: "deterministic" },
    } as const;
    const machine = await Machine.create(config, { wasm: await wasm() });
    await machine.run({ text: "\n> " });
    writeFileSync(file, await snapshotBytes(machine, { title: "Hello", components: [{ id: "hello", licence: "MIT", files: [] }] }));
  });

  it("writes a folder whose small part goes on with the other behind it, and the same again without a change", async () => {
    const target = at("site");
    expect(await vitrinePublish(file, target)).toMatchObject({ status: 0, out: expect.stringContaining("it starts with") });
    const page = readFileSync(join(target, "index.html"), "utf8");
    expect(page).toContain('<meta name="vitrine-published" content="machine/head.json">');
    for (const [, name] of page.matchAll(/(?:src|href)="\.\/([^"]+)"/g)) expect(existsSync(join(target, name!)), name).toBe(true);
    const head = parseHead(readFileSync(join(target, HEAD_PATH), "utf8"));
    const [hot, whole] = [head.hot, head.whole].map((part) => new MemorySource(readFileSync(join(target, publishedPath(part)))));
    expect(hot!.size).toBeLessThan(whole!.size + 8192);
    const parent = await SnapshotFile.open(whole!);
    const machine = await Machine.fromSnapshot(await SnapshotFile.open(hot!, { parent }), { wasm: await wasm(), lazy: true });
    expect((await machine.config.disks[0]!.read(0x20000, 1))[0]).toBe(7);
    machine.serial(0).write("q");
    expect((await machine.run({ instructions: 10_000_000 })).exit?.reason).toBe("halted");
    expect(readFileSync(join(target, "SOURCES.txt"), "utf8")).toContain("hello\n  licence: MIT");
    expect(readFileSync(join(target, "LICENSES/hello.txt"), "utf8")).toContain("MIT");
    const before = readdirSync(join(target, "machine")).sort();
    expect((await vitrinePublish(file, target)).status).toBe(0);
    expect(readdirSync(join(target, "machine")).sort()).toEqual(before);
  });

  it("refuses what it cannot publish, with the reason, and leaves nothing", async () => {
    const bad = at("bad.vitrine");
    writeFileSync(bad, readFileSync(file).subarray(0, 9000));
    for (const [argv, status, reason] of [
      [[bad, at("none")], 1, /cut short/],
      [[at("missing"), at("none")], 1, /no such file/],
      [[file], 2, /a snapshot and a folder/],
      [[file, at("none"), "--x", "y"], 2, /unknown option --x/],
    ] as const) {
      const result = await vitrinePublish(...argv);
      expect([result.status, result.err]).toEqual([status, expect.stringMatching(reason)]);
    }
    expect(existsSync(at("none"))).toBe(false);
    const machine = await boot("hello");
    writeFileSync(at("gpl.vitrine"), await snapshotBytes(machine, { components: [GPL] }));
    const refused = await vitrinePublish(at("gpl.vitrine"), at("none"));
    expect(refused).toMatchObject({ status: 1, err: expect.stringContaining("--source-offer") });
    expect(refused.err).toContain("busybox=1:1.35.0-4 glibc=2.36-9");
    expect(existsSync(at("none"))).toBe(false);
  });
});

describe("licences of what is published", () => {
  const guests = { manifest: undefined, folder: "guests" };
  const terms = { sources: undefined, offer: undefined };

  it("copyleft components need their sources or an offer; a licence text must be there", async () => {
    await expect(planLicences([GPL], terms, guests, "MIT…")).rejects.toThrow("busybox: GPL-2");
    await expect(planLicences([GPL], { ...terms, offer: "ask us" }, guests, "MIT…")).rejects.toThrow("licence text of busybox-static");
    await expect(planLicences([{ ...GPL, licence: "unknown" }], terms, guests, "")).rejects.toThrow("unknown");
  });

  it("takes the source packages that belong to them, and names the one that is missing", async () => {
    mkdirSync(at("sources"));
    mkdirSync(at("guests/licences"), { recursive: true });
    writeFileSync(at("guests/licences/b"), "GPL text");
    const manifest = { components: [{ ...GPL, licenceFile: { path: "licences/b" } }] } as never;
    const withSources = { sources: at("sources"), offer: undefined };
    const plan = () => planLicences([GPL], withSources, { manifest, folder: at("guests") }, "");
    await expect(plan()).rejects.toThrow("busybox_1.35.0-4.dsc is not there");
    for (const name of ["busybox_1.35.0-4.dsc", "busybox_1.35.0.orig.tar.bz2", "glibc_2.36-9.dsc", "other_1.dsc"])
      writeFileSync(at(`sources/${name}`), name);
    await writeLicences(at("out"), await plan());
    expect(readdirSync(at("out/SOURCES")).sort()).toEqual(["busybox_1.35.0-4.dsc", "busybox_1.35.0.orig.tar.bz2", "glibc_2.36-9.dsc"]);
    expect(readFileSync(at("out/LICENSES/busybox.txt"), "utf8")).toBe("GPL text");
    expect(readFileSync(at("out/SOURCES.txt"), "utf8")).toMatch(/busybox 1:1.35.0-4, glibc 2.36-9[\s\S]*The sources are in SOURCES\//);
  });
});

it("the head of a published machine is refused where it was not written by us", () => {
  for (const text of [
    "",
    "{}",
    "[]",
    '{"v":2}',
    '{"v":1,"title":"x"}',
    '{"v":1,"title":"x","whole":{"id":"../../x","bytes":1},"hot":{"id":"y","bytes":1}}',
  ])
    expect(() => parseHead(text)).toThrow(expect.objectContaining({ kind: "SnapshotIncompatible" }));
});

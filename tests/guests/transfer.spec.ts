import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { loadCatalog } from "../../web/guests/catalog";
import { allFiles, MANIFEST_NAME, type Manifest, manifestText } from "../../web/guests/manifest";
import { verifyFiles } from "../../web/guests/node/store";
import { exportGuests, importGuests } from "../../web/guests/node/transfer";
import { prepareGuests } from "../../web/guests/prepare";
import { mirrorFiles, startMirror, syntheticPackages } from "./mirror";
import { makeTar } from "./synthetic";
import { bytes, needTools, run, temporaryFolder, text } from "./tools";

const onProgress = (): void => {};

async function preparedFolder(only?: string[], abi?: number, note?: string): Promise<string> {
  const folder = temporaryFolder();
  const { url } = await startMirror(mirrorFiles(syntheticPackages(abi, note)));
  await prepareGuests({ folder, mirror: url, only, system: { env: {}, signatureTools: { keyrings: [], gpgv: "gpgv" } } });
  return folder;
}

const manifestIn = (folder: string): Manifest => JSON.parse(readFileSync(join(folder, MANIFEST_NAME), "utf8")) as Manifest;

describe("export and import", () => {
  it("carry a prepared set to another machine", async () => {
    const source = await preparedFolder();
    const file = join(temporaryFolder(), "set.tar");
    await exportGuests(file, { folder: source, onProgress });
    const target = join(temporaryFolder(), "guests");
    const imported = await importGuests(file, { folder: target, onProgress });
    expect(imported).toEqual(manifestIn(source));
    expect(manifestIn(target)).toEqual(manifestIn(source));
    expect(await verifyFiles(target, allFiles(imported))).toEqual([]);
    expect((await loadCatalog(target)).map(({ id }) => id)).toEqual(["debian", "memtest", "debian-pae"]);
    // And there is nothing to fetch there.
    await prepareGuests({ folder: target, offline: true });
  });

  it("write a tar file that the system's tar reads, the same every time", async (context) => {
    const folder = await preparedFolder(["debian"]);
    const out = temporaryFolder();
    for (const name of ["a.tar", "b.tar"]) await exportGuests(join(out, name), { folder, onProgress });
    expect(readFileSync(join(out, "a.tar")).equals(readFileSync(join(out, "b.tar")))).toBe(true);
    expect(readdirSync(out).sort()).toEqual(["a.tar", "b.tar"]);
    needTools(context, "tar");
    const names = text(run("tar", ["-tf", join(out, "a.tar")]))
      .trim()
      .split("\n");
    expect(names).toEqual([MANIFEST_NAME, ...allFiles(manifestIn(folder)).map(({ path }) => path)]);
  });

  it("can be of some guests, and join what is there", async () => {
    const file = join(temporaryFolder(), "set.tar");
    await exportGuests(file, { folder: await preparedFolder(undefined, 51, "newer"), only: ["debian"], onProgress });
    const target = await preparedFolder(["memtest", "debian-pae"]);
    await importGuests(file, { folder: target, onProgress });
    const guests = await loadCatalog(target);
    expect(guests.map(({ id }) => id).sort()).toEqual(["debian", "debian-pae", "memtest"]);
    const [debian, pae] = ["debian", "debian-pae"].map((id) => guests.find((guest) => guest.id === id)!);
    expect(pae!.initrd).toEqual(debian!.initrd);
  });

  it("export nothing that is not prepared or not whole, and leave no file", async () => {
    const out = temporaryFolder();
    const file = join(out, "set.tar");
    await expect(exportGuests(file, { folder: temporaryFolder(), onProgress })).rejects.toMatchObject({ problem: "not-prepared" });
    const folder = await preparedFolder(["memtest"]);
    await expect(exportGuests(file, { folder, only: ["debian"], onProgress })).rejects.toMatchObject({
      problem: "not-prepared",
      message: /"debian" is not prepared/,
    });
    writeFileSync(join(folder, manifestIn(folder).guests[0]!.kernel), "changed");
    await expect(exportGuests(file, { folder, onProgress })).rejects.toMatchObject({ problem: "damaged", message: /memtest.bin/ });
    await expect(
      exportGuests(join(out, "no/such/set.tar"), { folder: await preparedFolder(["memtest"]), onProgress }),
    ).rejects.toMatchObject({ problem: "file-system" });
    expect(readdirSync(out)).toEqual([]);
  });
});

describe("import refuses", () => {
  let manifest: Manifest;
  let contents: [string, Uint8Array][];

  beforeEach(async () => {
    const folder = await preparedFolder(["memtest"]);
    manifest = manifestIn(folder);
    contents = allFiles(manifest).map(({ path }) => [path, new Uint8Array(readFileSync(join(folder, path)))]);
  });

  /** Importing this must fail and change nothing. */
  async function refused(archive: Uint8Array, expected: object): Promise<void> {
    const folder = await preparedFolder(["memtest"], 50);
    const before = readFileSync(join(folder, MANIFEST_NAME), "utf8");
    const names = (): string[] => readdirSync(folder, { recursive: true }).map(String).sort();
    const listed = names().filter((name) => !name.startsWith(".staging"));
    const file = join(temporaryFolder(), "set.tar");
    writeFileSync(file, archive);
    await expect(importGuests(file, { folder, onProgress })).rejects.toMatchObject({ kind: "GuestsError", ...expected });
    expect(readFileSync(join(folder, MANIFEST_NAME), "utf8")).toBe(before);
    expect(names().filter((name) => name !== ".staging")).toEqual(listed);
  }

  const withManifest = (text: string, files = contents): Uint8Array => makeTar([[MANIFEST_NAME, bytes(text)], ...files]);

  it("a changed byte, a missing file, another size", async () => {
    const [first, ...rest] = contents;
    const changed = first![1].slice();
    changed[0]! ^= 1;
    await refused(withManifest(manifestText(manifest), [[first![0], changed], ...rest]), {
      problem: "damaged",
      message: /SHA-256 of .* differs/,
    });
    await refused(withManifest(manifestText(manifest), rest), { problem: "damaged", message: /is missing/ });
    await refused(withManifest(manifestText(manifest), [[first![0], first![1].subarray(1)], ...rest]), {
      problem: "damaged",
      message: /bytes instead of/,
    });
  });

  it("files that the manifest does not list, or twice", async () => {
    await refused(withManifest(manifestText(manifest), [...contents, ["extra", bytes("x")]]), {
      problem: "damaged",
      message: /"extra" is not in its manifest/,
    });
    await refused(withManifest(manifestText(manifest), [...contents, contents[0]!]), { problem: "damaged", message: /or is there twice/ });
  });

  it("paths that leave the folder", async () => {
    const outside = join(temporaryFolder(), "escaped");
    for (const path of ["../escaped", "a/../../escaped", outside, ".cache/x"]) {
      const evil = manifestText(manifest).replaceAll(contents[0]![0], path);
      await refused(withManifest(evil, [[path, contents[0]![1]], ...contents.slice(1)]), {
        problem: "damaged",
        message: /not a path inside/,
      });
      await refused(withManifest(manifestText(manifest), [[path, bytes("x")], ...contents]), {
        problem: "damaged",
        message: /not in its manifest/,
      });
    }
    expect(existsSync(outside)).toBe(false);
  });

  it("links and other things that are no files", async () => {
    const archive = withManifest(manifestText(manifest));
    const header = archive.subarray(512 * (1 + Math.ceil(manifestText(manifest).length / 512)));
    // Type flag "2", a symbolic link; the checksum counts it.
    header[156] = 0x32;
    const sum = header.subarray(0, 512).reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 32 : byte), 0);
    header.set(bytes(`${sum.toString(8).padStart(6, "0")}\0 `), 148);
    await refused(archive, { problem: "damaged", message: /no plain file/ });
  });

  it("other files, empty ones, truncated ones, absent ones", async () => {
    const whole = withManifest(manifestText(manifest));
    for (const archive of [
      bytes("hello, this is a text and not a tar file at all".repeat(20)),
      new Uint8Array(0),
      whole.subarray(0, whole.length - 1500),
      whole.subarray(0, 100),
      makeTar(contents),
    ])
      await refused(archive, { problem: "damaged" });
    await expect(importGuests("/no/such/file.tar", { folder: temporaryFolder(), onProgress })).rejects.toMatchObject({
      problem: "file-system",
      message: /no such file/,
    });
  });
});

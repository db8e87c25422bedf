import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { findGuest, loadCatalog, servedFiles } from "../../web/guests/catalog";
import { allFiles, type Manifest } from "../../web/guests/manifest";
import { asDiskError, sha256Of } from "../../web/guests/node/files";
import { type PrepareOptions, prepareGuests } from "../../web/guests/prepare";
import type { GuestsProgress } from "../../web/guests/progress";
import { amd64Packages, mirrorFiles, pathOf, startMirror, syntheticPackages, type TestMirror } from "./mirror";
import { fakeVmlinux } from "./synthetic";
import { bytes, temporaryFolder, text } from "./tools";

const system: NonNullable<PrepareOptions["system"]> = {
  env: {},
  aptFolder: "/nonexistent",
  signatureTools: { keyrings: [], gpgv: "gpgv" },
  idleMs: 2000,
  retryMs: 1,
};

const aMirror = (abi?: number, busyboxNote?: string): Promise<TestMirror> => startMirror(mirrorFiles(syntheticPackages(abi, busyboxNote)));

function prepare(folder: string, mirror: TestMirror | undefined, options: PrepareOptions = {}): Promise<Manifest> {
  return prepareGuests({ folder, mirror: mirror?.url, system, ...options });
}

/** Every file below a folder with its contents' hash, but not the cache. */
function snapshot(folder: string, below = ""): Record<string, string> {
  const found: Record<string, string> = {};
  for (const entry of readdirSync(join(folder, below), { withFileTypes: true })) {
    const path = join(below, entry.name);
    if (entry.isDirectory()) {
      if (entry.name !== ".cache") Object.assign(found, snapshot(folder, path));
    } else found[path] = sha256Of(readFileSync(join(folder, path)));
  }
  return found;
}

const expectWhole = (folder: string, manifest: Manifest): void => {
  for (const file of allFiles(manifest)) {
    const data = readFileSync(join(folder, file.path));
    expect([data.length, sha256Of(data)]).toEqual([file.size, file.sha256]);
  }
};

describe("preparing", () => {
  it("makes kernels, initrd and a manifest with origin, licence and hash of everything", async () => {
    const folder = temporaryFolder();
    const steps: GuestsProgress[] = [];
    const manifest = await prepare(folder, await aMirror(), { onProgress: (progress) => steps.push(progress) });
    expect(manifest.guests.map((guest) => guest.id)).toEqual(["debian", "memtest", "debian-pae"]);
    expectWhole(folder, manifest);
    expect(JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8"))).toEqual(manifest);
    const kernel = manifest.components.find(({ id }) => id === "linux-image-686")!;
    expect(kernel).toMatchObject({
      package: "linux-image-6.1.0-50-686",
      version: "6.1.50-1",
      architecture: "i386",
      source: { package: "linux-signed-i386", version: "6.1.50+1" },
      builtUsing: "linux (= 6.1.50-1)",
      licence: "GPL-2",
      download: { path: "pool/main/l/linux-image-6.1.0-50-686/linux-image-6.1.0-50-686_6.1.50-1_i386.deb" },
      signature: { status: "not-verifiable", reason: "there is no Debian keyring on this machine" },
    });
    expect(readFileSync(join(folder, kernel.licenceFile.path), "utf8")).toMatch(/GPL-2/);
    const guest = await findGuest("debian", folder);
    expect(new Uint8Array(readFileSync(guest.vmlinux!.file))).toEqual(fakeVmlinux("686 50"));
    expect(new Uint8Array(gunzipSync(readFileSync(join(folder, guest.vmlinux!.gzip!.path))))).toEqual(fakeVmlinux("686 50"));
    expect(text(new Uint8Array(readFileSync(guest.initrd!.file).subarray(0, 6)))).toBe("070701");
    expect(guest).toMatchObject({ commandLine: expect.stringContaining("console=ttyS0"), memoryMb: 128, licence: "GPL-2" });
    expect(JSON.stringify(manifest)).not.toContain("127.0.0.1");

    expect(steps.filter((step) => step.step === "ready").map((step) => step.guest)).toEqual(["debian", "memtest", "debian-pae"]);
    const downloads = steps.filter((step) => step.step === "download");
    const total = manifest.components.reduce((sum, component) => sum + component.download.size, 0);
    expect(downloads.at(-1)).toMatchObject({ receivedBytes: total, totalBytes: total });
    expect(readdirSync(folder).sort()).toEqual([
      ".cache",
      "busybox-static",
      "e2fsprogs",
      "libblkid1",
      "libc6",
      "libcom-err2",
      "libext2fs2",
      "libuuid1",
      "licences",
      "linux-image-686",
      "linux-image-686-pae",
      "manifest.json",
      "memtest86+",
    ]);
    // What follows the initrd where the machine has a disk: the kernel's modules, then tools and their libraries.
    const archives = guest.diskInitrds!.map(({ file }) => text(new Uint8Array(readFileSync(file))));
    expect(archives.every((archive) => archive.startsWith("070701"))).toBe(true);
    expect(archives[0]).toContain("lib/modules/virtio_blk.ko");
    expect(archives[0]).toContain('fs-ext2|fs-ext3|fs-ext4) list="crc32c_generic jbd2 mbcache crc16 ext4"');
    expect(archives[1]).toContain("bin/mkfs.ext4");
    expect(archives.at(-1)).toContain("lib/libc.so.6");
    expect(guest.components).toHaveLength(8);
  });

  it("is quick and asks nobody when all is there", async () => {
    const folder = temporaryFolder();
    const mirror = await aMirror();
    const took = async (): Promise<readonly [number, unknown]> => {
      const start = performance.now();
      const prepared = await prepare(folder, mirror);
      return [performance.now() - start, prepared];
    };
    const [firstMs, first] = await took();
    mirror.requests.length = 0;
    const [againMs, again] = await took();
    expect(again).toEqual(first);
    // Unpacking and packing are left out; what else this computer does may hit either.
    expect(againMs).toBeLessThan(firstMs + 200);
    expect(mirror.requests).toEqual([]);
  });

  it("prepares only what is asked for, and adds to it later", async () => {
    const folder = temporaryFolder();
    const mirror = await aMirror();
    expect((await prepare(folder, mirror, { only: ["memtest"] })).guests.map(({ id }) => id)).toEqual(["memtest"]);
    expect(mirror.requests.some((path) => path.includes("linux-image"))).toBe(false);
    expect((await prepare(folder, mirror, { only: ["debian"] })).guests.map(({ id }) => id)).toEqual(["memtest", "debian"]);
    await expect(prepare(folder, mirror, { only: ["plan9"] })).rejects.toMatchObject({
      problem: "not-found",
      message: /choose from debian, /,
    });
  });

  it("prepares 64-bit guests on request only, with the other architecture's packages, and keeps them from then on", async () => {
    const folder = temporaryFolder();
    const mirror = await startMirror(mirrorFiles([...syntheticPackages(), ...amd64Packages()]));
    await prepare(folder, mirror, { only: ["memtest"] });
    expect(mirror.requests.some((path) => path.includes("amd64"))).toBe(false);
    const manifest = await prepare(folder, mirror, { only: ["debian-amd64"] });
    expect(manifest.guests.map(({ id }) => id)).toEqual(["memtest", "debian-amd64"]);
    expectWhole(folder, manifest);
    const guest = await findGuest("debian-amd64", folder);
    const [modules, ...tools] = guest.diskInitrds!.map(({ file }) => text(new Uint8Array(readFileSync(file))));
    expect(modules).toContain('virtio_blk) list="virtio_blk" ;;');
    expect(modules).toContain('fs-ext2|fs-ext3|fs-ext4) list="" ;;');
    expect(modules).not.toContain("ext4.ko");
    expect(tools.at(-1)).toContain("lib/ld-linux-x86-64.so.2");
    // The licence of a package of the same name and version for the other architecture is another file.
    const all = await prepare(folder, mirror, { refresh: true });
    expect(all.guests.map(({ id }) => id).sort()).toEqual(["debian", "debian-amd64", "debian-pae", "memtest"]);
    expectWhole(folder, all);
    expect(await loadCatalog(folder)).toHaveLength(4);
  });

  it("keeps to what it has until asked to refresh, then takes newer packages and removes the old", async () => {
    const folder = temporaryFolder();
    await prepare(folder, await aMirror(50));
    const newer = await aMirror(51, "two");
    expect((await prepare(folder, newer)).components[0]!.version).toBe("6.1.50-1");
    const manifest = await prepare(folder, newer, { refresh: true });
    expect(manifest.components.map(({ version }) => version)).toEqual([
      ...["6.1.51-1", "1:1.35.0-4+b1", "1.47.0-2", ...new Array(5).fill("1.0-1")],
      ...["6.10-4", "6.1.51-1"],
    ]);
    expectWhole(folder, manifest);
    expect(readdirSync(join(folder, "linux-image-686"))).toHaveLength(1);
    expect(readdirSync(join(folder, "licences"))).toHaveLength(10);
    expect(readdirSync(join(folder, ".cache/sha256"))).toHaveLength(10);
  });

  it("takes the newest of several versions", async () => {
    const packages = syntheticPackages();
    const files = mirrorFiles([
      ...packages,
      { name: "memtest86+", version: "6.9-9", files: [["./boot/memtest86+ia32.bin", bytes("old")]] },
    ]);
    const manifest = await prepare(temporaryFolder(), await startMirror(files), { only: ["memtest"] });
    expect(manifest.components[0]!.version).toBe("6.10-4");
  });

  it("works without a network from the cache, and says what is missing", async () => {
    const folder = temporaryFolder();
    await prepare(folder, await aMirror(), { only: ["debian"] });
    for (const name of ["manifest.json", "linux-image-686", "busybox-static", "licences"]) rmSync(join(folder, name), { recursive: true });
    const manifest = await prepare(folder, undefined, { offline: true, only: ["debian"] });
    expectWhole(folder, manifest);
    await expect(prepare(folder, undefined, { offline: true })).rejects.toMatchObject({
      problem: "offline",
      message: /missing: memtest86\+, linux-image-686-pae/,
    });
    await expect(prepare(temporaryFolder(), undefined, { offline: true })).rejects.toMatchObject({ problem: "offline" });
  });

  it("makes missing and, with refresh, changed files again", async () => {
    const folder = temporaryFolder();
    const mirror = await aMirror();
    const { vmlinux, initrd } = await prepare(folder, mirror).then(() => findGuest("debian", folder));
    rmSync(vmlinux!.file);
    expect((await loadCatalog(folder)).map(({ id }) => id)).toEqual(["memtest", "debian-pae"]);
    expectWhole(folder, await prepare(folder, mirror, { only: ["debian"] }));
    expect(await loadCatalog(folder)).toHaveLength(3);
    const size = statSync(initrd!.file).size;
    writeFileSync(initrd!.file, new Uint8Array(size));
    expectWhole(folder, await prepare(folder, mirror, { refresh: true, offline: true }));
  });

  it("replaces a manifest that cannot be read", async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "manifest.json"), "{ half");
    const warnings: string[] = [];
    const manifest = await prepare(folder, await aMirror(), {
      onProgress: (progress) => progress.step === "warning" && warnings.push(progress.message),
    });
    expect(warnings.join()).toMatch(/not JSON/);
    expectWhole(folder, manifest);
  });

  it("waits for another preparation of the same folder, and takes over from a dead one", async () => {
    const folder = temporaryFolder();
    const mirror = await aMirror();
    const [a, b] = await Promise.all([prepare(folder, mirror), prepare(folder, mirror)]);
    expect(a).toEqual(b);
    expect(mirror.requests.filter((path) => path.endsWith("InRelease"))).toHaveLength(1);
    const dead = spawnSync(process.execPath, ["-e", ""]).pid;
    writeFileSync(join(folder, ".lock"), String(dead));
    await prepare(folder, mirror, { refresh: true });
    expect(existsSync(join(folder, ".lock"))).toBe(false);
  });
});

describe("finding a mirror", () => {
  const only = ["memtest"];

  it("takes the argument, then DEBIAN_MIRROR, then apt's configuration", async () => {
    const [named, variable, configured] = [await aMirror(), await aMirror(), await aMirror()];
    const apt = temporaryFolder();
    mkdirSync(join(apt, "sources.list.d"));
    writeFileSync(join(apt, "sources.list.d/debian.sources"), `Types: deb\nURIs: ${configured.url}/\nSuites: bookworm\nComponents: main\n`);
    const env = { DEBIAN_MIRROR: variable.url };
    await prepareGuests({ folder: temporaryFolder(), mirror: named.url, only, system: { ...system, env, aptFolder: apt } });
    expect([named, variable, configured].map(({ requests }) => requests.length > 0)).toEqual([true, false, false]);
    await prepareGuests({ folder: temporaryFolder(), only, system: { ...system, env, aptFolder: apt } });
    expect(configured.requests).toEqual([]);
    await prepareGuests({ folder: temporaryFolder(), only, system: { ...system, aptFolder: apt } });
    expect(configured.requests.length).toBeGreaterThan(0);
  });

  it("tries several in order, saying why it goes on", async () => {
    const wrong = await startMirror(new Map());
    const good = await aMirror();
    const warnings: string[] = [];
    await prepareGuests({
      folder: temporaryFolder(),
      mirror: `${wrong.url} ${good.url}`,
      only,
      system,
      onProgress: (progress) => progress.step === "warning" && warnings.push(progress.message),
    });
    expect(warnings).toEqual([expect.stringMatching(/has no Debian "bookworm".*trying the next mirror/)]);
  });

  it("says what to do if there is none, or if it is no address", async () => {
    await expect(prepare(temporaryFolder(), undefined)).rejects.toMatchObject({ problem: "no-mirror", message: /DEBIAN_MIRROR=URL/ });
    await expect(prepare(temporaryFolder(), undefined, { mirror: "example.org" })).rejects.toMatchObject({
      problem: "no-mirror",
      message: /http:\/\/ or https:\/\//,
    });
  });
});

describe("failure", () => {
  /** Fails, with one line; and what was prepared before is as it was. */
  async function fails(spoil: (mirror: TestMirror) => void, expected: object): Promise<void> {
    const folder = temporaryFolder();
    const before = await prepare(folder, await aMirror(50));
    const files = snapshot(folder);
    const mirror = await aMirror(51, "two");
    spoil(mirror);
    const error: Error = await prepare(folder, mirror, { refresh: true }).then(
      () => new Error("did not fail"),
      (caught) => caught,
    );
    expect(error).toMatchObject({ kind: "GuestsError", ...expected });
    expect(error.message).not.toMatch(/\n/);
    expect(snapshot(folder)).toEqual(files);
    expect(await loadCatalog(folder)).toHaveLength(3);
    expect(await prepare(folder, undefined)).toEqual(before);
  }

  it("by a package with a wrong hash", () =>
    fails((mirror) => mirror.files.set(pathOf(mirror, "linux-image-6.1.0-51-686_"), bytes("not a package")), { problem: "hash-mismatch" }));

  it("by an index with a wrong hash", () =>
    fails(
      (mirror) => {
        for (const path of [...mirror.files.keys()].filter((name) => name.includes("binary-i386")))
          mirror.files.set(path, bytes("not an index"));
      },
      { problem: "hash-mismatch" },
    ));

  it("by an index that has gone", () =>
    fails((mirror) => mirror.files.delete("dists/bookworm/InRelease"), { problem: "not-found", message: /has no Debian "bookworm"/ }));

  it("by a page of a captive portal instead of an index", () =>
    fails((mirror) => mirror.files.set("dists/bookworm/InRelease", bytes("<html>please pay</html>")), {
      problem: "damaged",
      message: /check the mirror's address/,
    }));

  it("by a server that breaks off every time", () =>
    fails(
      (mirror) =>
        mirror.special.set(pathOf(mirror, "linux-image-6.1.0-51-686_"), (_request, response) => {
          response.writeHead(200, { "Content-Length": 1000 });
          response.write("x", () => response.destroy());
        }),
      { problem: "network", message: /the connection broke/ },
    ));

  it("by a package that has gone from the pool", () =>
    fails((mirror) => mirror.files.delete(pathOf(mirror, "linux-image-6.1.0-51-686_")), {
      problem: "network",
      message: /HTTP status 404/,
    }));

  it("by an index of another release, or without a needed package", async () => {
    const other = await startMirror(mirrorFiles(syntheticPackages(), "trixie"));
    await expect(prepare(temporaryFolder(), other)).rejects.toMatchObject({ problem: "damaged", message: /for "trixie", not "bookworm"/ });
    const poor = await startMirror(mirrorFiles(syntheticPackages().filter(({ name }) => name !== "busybox-static")));
    await expect(prepare(temporaryFolder(), poor)).rejects.toMatchObject({
      problem: "not-found",
      message: /no package busybox-static:i386/,
    });
    expect((await prepare(temporaryFolder(), poor, { only: ["memtest"] })).guests).toHaveLength(1);
  });

  it("by a package whose layout changed, or whose kernel cannot be unpacked", async () => {
    const replaced = (name: string, files: [string, Uint8Array][]): Promise<TestMirror> =>
      startMirror(mirrorFiles(syntheticPackages().map((entry) => (entry.name === name ? { ...entry, files } : entry))));
    await expect(prepare(temporaryFolder(), await replaced("memtest86+", [["./boot/other.bin", bytes("x")]]))).rejects.toMatchObject({
      problem: "not-found",
    });
    await expect(
      prepare(
        temporaryFolder(),
        await replaced(
          "linux-image-6.1.0-50-686",
          syntheticPackages()
            .find(({ name }) => name === "linux-image-6.1.0-50-686")!
            .files!.map(([name, data]) => [name, name.startsWith("./boot/") ? bytes("x") : data]),
        ),
      ),
    ).rejects.toMatchObject({
      problem: "unsupported",
      message: /no HdrS/,
    });
    await expect(prepare(temporaryFolder(), await replaced("busybox-static", [["./bin/busybox", bytes("x")]]))).rejects.toMatchObject({
      problem: "unsupported",
    });
  });

  it("by interruption at any point leaves either the old set or the new one", async () => {
    const folder = temporaryFolder();
    await prepare(folder, await aMirror(50));
    for (const step of ["index", "download", "unpack"] as const) {
      const mirror = await aMirror(51, "two");
      const stop = new AbortController();
      const files = snapshot(folder);
      const running = prepare(folder, mirror, {
        refresh: true,
        signal: stop.signal,
        onProgress: (progress) => progress.step === step && stop.abort(),
      });
      await expect(running, step).rejects.toMatchObject({ problem: "interrupted" });
      expect(snapshot(folder)).toEqual(files);
    }
    const mirror = await aMirror(51, "two");
    const stop = new AbortController();
    let ready = 0;
    const running = prepare(folder, mirror, {
      refresh: true,
      signal: stop.signal,
      onProgress: (progress) => progress.step === "ready" && ++ready && stop.abort(),
    });
    await expect(running).rejects.toMatchObject({ problem: "interrupted" });
    expect((await loadCatalog(folder)).map(({ id, kernel }) => `${id} ${kernel.path.split("/")[1]!.split("-")[0]}`)).toEqual([
      "debian 6.1.51",
      "memtest 6.10",
      "debian-pae 6.1.50",
    ]);
    const fetched = mirror.requests.filter((path) => path.includes("linux-image-6.1.0-51-686_")).length;
    const finished = await prepare(folder, mirror, { refresh: true });
    expectWhole(folder, finished);
    expect(mirror.requests.filter((path) => path.includes("linux-image-6.1.0-51-686_"))).toHaveLength(fetched);
  });

  it("when a process is killed half-way is repaired by the next run", async () => {
    const folder = temporaryFolder();
    const mirror = await aMirror();
    mkdirSync(join(folder, ".staging/files-x/linux-image-686"), { recursive: true });
    writeFileSync(join(folder, ".staging/files-x/linux-image-686/vmlinuz"), "half");
    mkdirSync(join(folder, "linux-image-686/1-old"), { recursive: true });
    expectWhole(folder, await prepare(folder, mirror));
    expect(existsSync(join(folder, ".staging"))).toBe(false);
    expect(readdirSync(join(folder, "linux-image-686"))).toHaveLength(1);
  });

  it("of the disk is told as such", async (context) => {
    expect(asDiskError("write x", Object.assign(new Error("x"), { code: "ENOSPC" }))).toMatchObject({
      problem: "disk-full",
      message: /disk is full: could not write x/,
    });
    expect(asDiskError("write x", Object.assign(new Error("x"), { code: "EROFS" }))).toMatchObject({
      problem: "file-system",
      message: /no permission/,
    });
    const parent = temporaryFolder();
    writeFileSync(join(parent, "file"), "");
    await expect(prepare(join(parent, "file"), await aMirror())).rejects.toMatchObject({ problem: "file-system" });

    const small = join(parent, "small");
    mkdirSync(small);
    if (spawnSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", small]).status !== 0)
      context.skip("a small file system can only be mounted as root");
    try {
      await prepare(small, await aMirror(), { only: ["memtest"] });
      writeFileSync(join(small, "filler"), new Uint8Array(700_000));
      const files = snapshot(small);
      await expect(prepare(small, await aMirror())).rejects.toMatchObject({ problem: "disk-full" });
      expect(snapshot(small)).toMatchObject(files);
      expect(await loadCatalog(small)).toHaveLength(1);
    } finally {
      spawnSync("umount", [small]);
    }
  });
});

describe("catalogue", () => {
  it("is empty before anything is prepared, and says how to change that", async () => {
    expect(await loadCatalog(temporaryFolder())).toEqual([]);
    await expect(findGuest("debian", temporaryFolder())).rejects.toMatchObject({ problem: "not-prepared", message: /guests prepare/ });
  });

  it("lets a server hand out the listed files and nothing else", async () => {
    const folder = temporaryFolder();
    const manifest = await prepare(folder, await aMirror(), { only: ["debian"] });
    const served = servedFiles(manifest, folder);
    const vmlinux = manifest.guests[0]!.vmlinux!;
    expect(served.get(vmlinux)).toMatchObject({ file: join(folder, vmlinux), gzip: { file: join(folder, `${vmlinux}.gz`) } });
    expect([...served.keys()].some((path) => path.includes(".cache") || path === "manifest.json")).toBe(false);
    for (const { file, size } of served.values()) expect(statSync(file).size).toBe(size);
  });
});

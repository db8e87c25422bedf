/** qcow2: images of qemu-img read back with the same contents, ours are whole to qemu-img; forgeries are refused. */
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { DiskFailed } from "../../web/lib/errors";
import { main } from "../../web/node/disk-command";
import { openImage } from "../../web/node/disk-image";
import { nodeEnvironment } from "../../web/node/node-environment";
import type { BlockDevice } from "../../web/storage/block-device";
import { MemoryDisk } from "../../web/storage/memory-disk";
import { Random } from "../devices/random";
import { tryForgedImages } from "./forged-images";
import { indicesOf, randomBytes } from "./laws";

const folder = mkdtempSync(join(tmpdir(), "vitrine-qcow2-"));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string): string => join(folder, name);
const qemuImg = (...args: string[]): string =>
  execFileSync("qemu-img", args, { cwd: folder, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** Read in pieces that keep to no border. */
async function hashOf(disk: BlockDevice): Promise<string> {
  const hash = createHash("sha256");
  for (let offset = 0; offset < disk.bytes; offset += 0x3ffff) hash.update(await disk.read(offset, Math.min(0x3ffff, disk.bytes - offset)));
  return hash.digest("hex");
}

async function imageHash(path: string): Promise<string> {
  const disk = await openImage(path, true);
  try {
    return await hashOf(disk);
  } finally {
    await disk.close();
  }
}

/** Of every size with QCOW2_ALL=1 (npm run accept -- 8.8). */
const BITS = process.env.QCOW2_ALL ? Array.from({ length: 13 }, (_, n) => 9 + n) : [9, 16, 21];

/** Text, noise, zeros and holes, not a whole number of clusters. */
const BYTES = 5 * 0x100000 + 0x4600;
function contents(seed: number): Uint8Array {
  const random = new Random(seed);
  const bytes = new Uint8Array(BYTES);
  for (let n = 0; n < 40; n++) {
    const offset = 512 * random.below(BYTES / 512 - 300);
    const length = 512 * (1 + random.below(250));
    const kind = random.below(3);
    if (kind === 0) bytes.set(randomBytes(random, length), offset);
    else bytes.fill(kind === 1 ? 0 : 0x61 + random.below(26), offset, offset + length);
  }
  return bytes;
}

const missing = spawnSync("qemu-img", ["--version"]).error ? "qemu-img is not installed (Debian package qemu-utils)" : undefined;
if (missing && process.env.REQUIRE_TOOLS === "1") throw new Error(missing);

describe.skipIf(missing !== undefined)(`qemu-img's images${missing === undefined ? "" : ` (skipped: ${missing})`}`, () => {
  const raw = contents(1);
  const wanted = sha256(raw);
  writeFileSync(at("raw.img"), raw);

  it.each(BITS)("read back with the same contents: clusters of 2^%d, versions 2 and 3, plain and compressed", async (bits) => {
    for (const compat of ["0.10", "1.1"])
      for (const flags of [[], ["-c"]]) {
        const path = at(`c${bits}-${compat}${flags.join("")}.qcow2`);
        qemuImg("convert", "-O", "qcow2", ...flags, "-o", `cluster_size=${2 ** bits},compat=${compat}`, "raw.img", path);
        expect(await imageHash(path), path).toBe(wanted);
      }
  });

  it("read back with subclusters, backing files of either form, zero clusters over them, and a larger disk than below", async () => {
    qemuImg("convert", "-O", "qcow2", "-o", "extended_l2=on,cluster_size=128k", "raw.img", "sub.qcow2");
    expect(await imageHash(at("sub.qcow2"))).toBe(wanted);
    qemuImg("create", "-f", "qcow2", "-b", "raw.img", "-F", "raw", "middle.qcow2");
    qemuImg("create", "-f", "qcow2", "-o", "extended_l2=on", "-b", "middle.qcow2", "-F", "qcow2", "top.qcow2", `${BYTES + 0x100000}`);
    const write = (image: string, ...commands: string[]): void => {
      const args = commands.flatMap((command) => ["-c", command]);
      execFileSync("qemu-io", ["-f", "qcow2", ...args, image], { cwd: folder, stdio: "ignore" });
    };
    write("middle.qcow2", "write -P 7 1M 300k", "write -z 2M 512k");
    write("top.qcow2", "write -P 9 1100k 5k", "write -z 3M 70k", `write -P 5 ${BYTES} 4k`);
    qemuImg("convert", "-O", "raw", "top.qcow2", "top.img");
    expect(await imageHash(at("top.qcow2"))).toBe(sha256(readFileSync(at("top.img"))));
    const disk = await openImage(at("top.qcow2"), true);
    const memory = new MemoryDisk(disk.bytes, { contents: readFileSync(at("top.img")) });
    expect(await indicesOf(disk)).toEqual(await indicesOf(memory));
    await disk.close();
  });

  it.each([false, true])("take what we write (compressed: %s): qemu-img check and compare agree, and back again", async (isCompressed) => {
    const environment = { ...nodeEnvironment(), stdout: () => {} };
    const path = at(`ours-${isCompressed}.qcow2`);
    expect(await main(["convert", ...(isCompressed ? ["--compress"] : []), at("raw.img"), path], environment)).toBe(0);
    expect(spawnSync("qemu-img", ["check", path], { encoding: "utf8" })).toMatchObject({
      status: 0,
      stdout: expect.stringContaining("No errors"),
    });
    expect(qemuImg("compare", "-f", "raw", "-F", "qcow2", "raw.img", path)).toContain("identical");
    if (isCompressed) expect(statSync(path).size).toBeLessThan(statSync(at("ours-false.qcow2")).size);
    expect(await main(["convert", path, at("back.img")], environment)).toBe(0);
    expect(sha256(readFileSync(at("back.img")))).toBe(wanted);
  });

  it("are refused where we cannot read them, with the reason", async () => {
    const refusal = async (path: string, readOnly = true): Promise<string> => {
      const result = await openImage(at(path), readOnly).then(
        async (disk) => hashOf(disk),
        (error: unknown) => error,
      );
      expect(result).toBeInstanceOf(DiskFailed);
      return (result as DiskFailed).message;
    };
    qemuImg("create", "-f", "qcow2", "-o", "compression_type=zstd", "zstd.qcow2", "1M");
    expect(await refusal("zstd.qcow2")).toContain("zstd");
    qemuImg("create", "-f", "qcow2", "-o", "data_file=data.raw", "external.qcow2", "1M");
    expect(await refusal("external.qcow2")).toContain("another file");
    qemuImg("create", "-f", "qcow2", "-u", "-b", "/etc/hostname", "-F", "raw", "outside.qcow2", "1M");
    expect(await refusal("outside.qcow2")).toContain("not in its folder");
    qemuImg("create", "-f", "qcow2", "-u", "-b", "loop2.qcow2", "-F", "qcow2", "loop1.qcow2", "1M");
    qemuImg("create", "-f", "qcow2", "-u", "-b", "loop1.qcow2", "-F", "qcow2", "loop2.qcow2", "1M");
    expect(await refusal("loop1.qcow2")).toContain("lead back to it");
    expect(await refusal("ours-false.qcow2", false)).toContain("vitrine disk convert");
  });
});

describe("damaged and forged images", () => {
  it("end in a typed error or in a disk that can be read, never in another way", async () => {
    const outcomes = await tryForgedImages(contents(2), 300);
    expect(outcomes.objections).toEqual([]);
    expect(outcomes.refused).toBeGreaterThan(50);
    expect(outcomes.read).toBeGreaterThan(20);
  });
});

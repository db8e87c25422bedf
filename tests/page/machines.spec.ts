/** The manifest of prepared guests becomes machines with addresses, sizes and hashes. */
import { describe, expect, it } from "vitest";
import type { Manifest, PreparedFile } from "../../web/guests/manifest";
import { downloadBytes, preparedMachines, recipeOf } from "../../web/ui/machines";

const file = (path: string, role: PreparedFile["role"], size: number, packed?: number): PreparedFile => ({
  path,
  role,
  size,
  sha256: "ab".repeat(32),
  ...(packed === undefined ? {} : { gzip: { path: `${path}.gz`, size: packed, sha256: "cd".repeat(32) } }),
});
const component = (id: string, ...files: PreparedFile[]) => ({ id, files }) as unknown as Manifest["components"][number];

const manifest: Manifest = {
  format: 1,
  suite: "bookworm",
  components: [
    component("linux", file("linux/6.1+1~a/vmlinuz", "kernel", 5_000_000), file("linux/6.1+1~a/vmlinux", "vmlinux", 16_000_000, 7_500_000)),
    component("busybox", file("busybox/1/initrd.cpio", "initrd", 2_000_000, 1_000_000)),
    component("memtest", file("memtest/6/memtest.bin", "kernel", 139_000)),
  ],
  guests: [
    {
      id: "debian",
      title: "Debian",
      description: "d",
      kernel: "linux/6.1+1~a/vmlinuz",
      vmlinux: "linux/6.1+1~a/vmlinux",
      initrd: "busybox/1/initrd.cpio",
      commandLine: "console=ttyS0",
      memoryMb: 128,
      licence: "GPL-2",
      components: ["linux", "busybox"],
    },
    {
      id: "memtest",
      title: "Memtest",
      description: "m",
      kernel: "memtest/6/memtest.bin",
      commandLine: "",
      memoryMb: 32,
      licence: "GPL-2",
      components: ["memtest"],
    },
  ],
};

describe("preparedMachines", () => {
  const [debian, memtest] = preparedMachines(manifest, "http://localhost/x/guests/");

  it("boots the unpacked kernel, fetched by its gzip copy", () => {
    expect(debian!.image).toMatchObject({
      url: "http://localhost/x/guests/linux/6.1%2B1~a/vmlinux",
      bytes: 16_000_000,
      gzip: { url: "http://localhost/x/guests/linux/6.1%2B1~a/vmlinux.gz", bytes: 7_500_000 },
    });
    expect(downloadBytes(debian!)).toBe(8_500_000);
  });

  it("boots the packed kernel where that is all there is", () => {
    expect(memtest!.image).toMatchObject({ bytes: 139_000 });
    expect(downloadBytes(memtest!)).toBe(139_000);
  });

  it("makes a recipe with the user's settings", () => {
    expect(recipeOf(debian!, { memoryMb: 64, commandLine: "quiet" })).toEqual({
      boot: "linux",
      image: debian!.image,
      initrd: debian!.initrd,
      commandLine: "quiet",
      memoryMb: 64,
    });
  });
});

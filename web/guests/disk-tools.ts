/**
 * e2fsprogs and the libraries it runs with, each package as an archive that is unpacked over the initrd, so that a guest
 * can make, check and repair file systems on its disks.
 */
import { type CpioEntry, writeCpio } from "./cpio";
import type { BuiltFile, ComponentRecipe } from "./recipes";

const directory = (path: string): CpioEntry => ({ type: "directory", path, mode: 0o755 });

const archive = (entries: readonly CpioEntry[]): BuiltFile[] => [
  { name: "tools.cpio", role: "tools", data: writeCpio(entries), compressible: true },
];

/** Libraries of one package, by the names under which programs ask for them (libc.so.6). */
const library = (id: string, names: readonly string[]): ComponentRecipe => ({
  id,
  recipe: 1,
  package: id,
  wanted: names.map((name) => new RegExp(`^(usr/)?lib/[^/]+/${name.replace(/[.+]/g, "\\$&")}(\\.[0-9.]+)?$`)),
  build: async (files) =>
    archive([
      directory("lib"),
      ...names.map((name, i): CpioEntry => ({ type: "file", path: `lib/${name}`, mode: 0o755, data: files[i]! })),
    ]),
});

const LINKS: readonly (readonly [string, string])[] = [
  ...["mkfs.ext2", "mkfs.ext3", "mkfs.ext4"].map((name) => [name, "mke2fs"] as const),
  ...["fsck.ext2", "fsck.ext3", "fsck.ext4"].map((name) => [name, "e2fsck"] as const),
];

/** In the order in which they are unpacked. */
export const DISK_TOOLS: readonly ComponentRecipe[] = [
  {
    id: "e2fsprogs",
    recipe: 1,
    package: "e2fsprogs",
    wanted: [/^(usr\/)?sbin\/mke2fs$/, /^(usr\/)?sbin\/e2fsck$/, /^etc\/mke2fs\.conf$/],
    build: async ([mke2fs, e2fsck, configuration]) =>
      archive([
        directory("bin"),
        directory("etc"),
        { type: "file", path: "bin/mke2fs", mode: 0o755, data: mke2fs! },
        { type: "file", path: "bin/e2fsck", mode: 0o755, data: e2fsck! },
        { type: "file", path: "etc/mke2fs.conf", mode: 0o644, data: configuration! },
        ...LINKS.map(([path, target]): CpioEntry => ({ type: "symlink", path: `bin/${path}`, target })),
      ]),
  },
  library("libext2fs2", ["libext2fs.so.2", "libe2p.so.2"]),
  library("libcom-err2", ["libcom_err.so.2"]),
  library("libblkid1", ["libblkid.so.1"]),
  library("libuuid1", ["libuuid.so.1"]),
  library("libc6", ["libc.so.6", "ld-linux.so.2"]),
];

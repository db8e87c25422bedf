/**
 * e2fsprogs and the libraries it runs with, each package as an archive that is unpacked over the initrd, so that a guest
 * can make, check and repair file systems on its disks.
 */
import { type CpioEntry, writeCpio } from "./cpio";
import type { Architecture, BuiltFile, ComponentRecipe } from "./recipes";

const directory = (path: string): CpioEntry => ({ type: "directory", path, mode: 0o755 });

const archive = (entries: readonly CpioEntry[]): BuiltFile[] => [
  { name: "tools.cpio", role: "tools", data: writeCpio(entries), compressible: true },
];

const LINKS: readonly (readonly [string, string])[] = [
  ...["mkfs.ext2", "mkfs.ext3", "mkfs.ext4"].map((name) => [name, "mke2fs"] as const),
  ...["fsck.ext2", "fsck.ext3", "fsck.ext4"].map((name) => [name, "e2fsck"] as const),
];

/** Libraries have the names under which programs ask for them (libc.so.6). `suffix`: behind the package's name in the component's id. */
function diskTools(architecture: Architecture, suffix: string, dynamicLinker: string, links: readonly CpioEntry[] = []): ComponentRecipe[] {
  const libraries = (name: string, files: readonly string[], extra: readonly CpioEntry[] = []): ComponentRecipe => ({
    id: name + suffix,
    recipe: 1,
    package: name,
    architecture,
    wanted: files.map((file) => new RegExp(`^(usr/)?lib/[^/]+/${file.replace(/[.+]/g, "\\$&")}(\\.[0-9.]+)?$`)),
    build: async (data) =>
      archive([
        directory("lib"),
        ...files.map((file, i): CpioEntry => ({ type: "file", path: `lib/${file}`, mode: 0o755, data: data[i]! })),
        ...extra,
      ]),
  });
  return [
    {
      id: `e2fsprogs${suffix}`,
      recipe: 1,
      package: "e2fsprogs",
      architecture,
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
    libraries("libext2fs2", ["libext2fs.so.2", "libe2p.so.2"]),
    libraries("libcom-err2", ["libcom_err.so.2"]),
    libraries("libblkid1", ["libblkid.so.1"]),
    libraries("libuuid1", ["libuuid.so.1"]),
    libraries("libc6", ["libc.so.6", dynamicLinker], links),
  ];
}

/** In the order in which they are unpacked. */
export const DISK_TOOLS: readonly ComponentRecipe[] = diskTools("i386", "", "ld-linux.so.2");
export const DISK_TOOLS_AMD64: readonly ComponentRecipe[] = diskTools("amd64", "-amd64", "ld-linux-x86-64.so.2", [
  // Programs name the dynamic linker as /lib64/ld-linux-x86-64.so.2.
  { type: "symlink", path: "lib64", target: "lib" },
]);

/**
 * The kernel modules that a guest needs for disks, as an archive that is unpacked over the initrd (Linux takes several
 * in a row): the modules, and a script that loads them in an order in which each finds what it depends on.
 */
import { type CpioEntry, writeCpio } from "./cpio";
import { GuestsError } from "./guests-error";

/** Below lib/modules/VERSION/kernel. crc32c_generic is what ext4 and jbd2 ask the kernel's crypto interface for. */
export const DISK_MODULES: readonly string[] = [
  "drivers/virtio/virtio",
  "drivers/virtio/virtio_ring",
  "drivers/virtio/virtio_pci_modern_dev",
  "drivers/virtio/virtio_pci_legacy_dev",
  "drivers/virtio/virtio_pci",
  "drivers/block/virtio_blk",
  "crypto/crc32c_generic",
  "lib/crc16",
  "fs/mbcache",
  "fs/jbd2/jbd2",
  "fs/ext4/ext4",
];

export const modulePattern = (path: string): RegExp => new RegExp(`^(usr/)?lib/modules/[^/]+/kernel/${path}\\.ko$`);

/** What the kernel has without a module: a path of that kind on each line. */
export const BUILT_IN = /^(usr\/)?lib\/modules\/[^/]+\/modules\.builtin$/;

const nameOf = (path: string): string => path.slice(path.lastIndexOf("/") + 1);
const text = new TextEncoder();

/** Loaded at boot; the rest when the kernel asks for it, because checking the signature of ext4 takes an interpreter seconds. */
const AT_BOOT = ["virtio_pci", "virtio_blk"];
/** What the kernel calls modules that it asks for, and the module that is meant. */
const ALIASES: readonly (readonly [string, string])[] = [
  ["fs-ext2|fs-ext3|fs-ext4", "ext4"],
  ["crypto-crc32c*", "crc32c_generic"],
];

/** Read by the initrd's /etc/rc. From then on the kernel calls /bin/load-module for what it lacks; during boot it would call in vain. */
const RC = `# Disk drivers, and who loads further modules when the kernel asks for them.
for module in ${AT_BOOT.join(" ")}; do load-module $module || echo "module $module could not be loaded"; done
echo /bin/load-module > /proc/sys/kernel/modprobe
`;

/** The kernel's modprobe: loads a module and what it depends on, each once (insmod refuses what is there). */
const loader = (order: (name: string) => readonly string[]): string => `#!/bin/sh
while [ $# -gt 1 ]; do shift; done
case "$1" in
${[...ALIASES, ...DISK_MODULES.map(nameOf).map((name) => [name, name] as const)].map(([alias, name]) => `${alias}) list="${order(name).join(" ")}" ;;`).join("\n")}
*) exit 1 ;;
esac
for module in $list; do
  grep -q "^$module " /proc/modules || insmod /lib/modules/$module.ko || exit 1
done
`;

/** Tried by mount where no type is given. */
const FILESYSTEMS = "ext4\n";

const FSTAB = `# 'mount /mnt' mounts the first disk.
/dev/vda /mnt auto noauto 0 0
`;

/**
 * `modules` in the order of DISK_MODULES, undefined where the package has none: then `builtIn` must list it. Throws GuestsError
 * "unsupported" if it does not, or if a module needs another that is not among them.
 */
export function buildModules(modules: readonly (Uint8Array | undefined)[], builtIn: Uint8Array): Uint8Array {
  const inKernel = new Set(new TextDecoder().decode(builtIn).split("\n"));
  const byName = new Map<string, Uint8Array>();
  for (const [i, path] of DISK_MODULES.entries()) {
    const module = modules[i];
    if (module) byName.set(nameOf(path), module);
    else if (!inKernel.has(`kernel/${path}.ko`))
      throw new GuestsError("unsupported", `the kernel has no ${nameOf(path)}, as a module or built in: its layout has changed`);
  }
  const isBuiltIn = (name: string): boolean => !byName.has(name) && DISK_MODULES.some((path) => nameOf(path) === name);
  /** A module behind those it depends on; crc32c is asked for by name, so it goes before all that use it. */
  const orderOf = (name: string, wantedBy = "list"): string[] => {
    if (isBuiltIn(name)) return [];
    const module = byName.get(name);
    if (!module) throw new GuestsError("unsupported", `the kernel's module ${wantedBy} needs ${name}, which is not taken from its package`);
    const before = [...(name === "ext4" || name === "jbd2" ? ["crc32c_generic"] : []), ...dependencies(module)];
    return [...new Set([...before.flatMap((other) => orderOf(other, name)), name])];
  };
  const directory = (path: string): CpioEntry => ({ type: "directory", path, mode: 0o755 });
  return writeCpio([
    ...["bin", "etc", "lib", "lib/modules"].map(directory),
    ...["insmod", "rmmod", "lsmod"].map((applet): CpioEntry => ({ type: "symlink", path: `bin/${applet}`, target: "busybox" })),
    { type: "file", path: "etc/rc.modules", mode: 0o644, data: text.encode(RC) },
    { type: "file", path: "etc/filesystems", mode: 0o644, data: text.encode(FILESYSTEMS) },
    { type: "file", path: "bin/load-module", mode: 0o755, data: text.encode(loader(orderOf)) },
    { type: "file", path: "etc/fstab", mode: 0o644, data: text.encode(FSTAB) },
    ...[...byName.keys()].map(
      (name): CpioEntry => ({ type: "file", path: `lib/modules/${name}.ko`, mode: 0o644, data: byName.get(name)! }),
    ),
  ]);
}

const DEPENDS = text.encode("\0depends=");

/** What a module's information section says that it depends on ("depends=a,b"). */
function dependencies(module: Uint8Array): string[] {
  for (let at = module.indexOf(0); at >= 0; at = module.indexOf(0, at + 1)) {
    if (!DEPENDS.every((byte, i) => module[at + i] === byte)) continue;
    const start = at + DEPENDS.length;
    const list = new TextDecoder().decode(module.subarray(start, module.indexOf(0, start)));
    return list === "" ? [] : list.split(",");
  }
  return [];
}

/**
 * The root file system of the Debian guests: busybox, a link for each of its commands, and the few files below.
 * Everything runs from RAM.
 */
import { busyboxApplets } from "./applets";
import { type CpioEntry, writeCpio } from "./cpio";

/** Commands without use here: the kernel would call modprobe dozens of times during boot. What modules there are, modules.ts adds. */
const LEFT_OUT = new Set(["modprobe", "insmod", "rmmod", "depmod", "modinfo", "lsmod", "linuxrc", "busybox"]);

/** Read by busybox's init, process 1: set up once, then a new shell on the console whenever the last one ended. */
const INITTAB = `::sysinit:/etc/rc
::respawn:/bin/cttyhack /bin/sh -l
::ctrlaltdel:/bin/reboot
`;

const RC = `#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/pts
mount -t devpts devpts /dev/pts
hostname vitrine
[ -e /etc/rc.modules ] && . /etc/rc.modules
# Only errors go to the console from here on; dmesg has the rest.
dmesg -n 4
cat /etc/motd
`;

const PROFILE = `export PATH=/bin:/sbin:/usr/bin:/usr/sbin
export HOME=/root USER=root TERM=xterm-256color
export PS1='\\h:\\w\\$ '
alias ll='ls -la'
cd
`;

const MOTD = `
Debian's kernel and BusyBox, all in RAM. 'poweroff' ends the machine.
`;

const text = new TextEncoder();
const directory = (path: string, mode = 0o755): CpioEntry => ({ type: "directory", path, mode });
const file = (path: string, content: string, mode = 0o644): CpioEntry => ({ type: "file", path, mode, data: text.encode(content) });
const link = (path: string, target: string): CpioEntry => ({ type: "symlink", path, target });

/** An uncompressed cpio archive, the same for the same binary. Throws GuestsError "unsupported" on a foreign busybox. */
export function buildInitrd(busybox: Uint8Array): Uint8Array {
  const applets = busyboxApplets(busybox).filter((name) => !LEFT_OUT.has(name));
  return writeCpio([
    ...["bin", "dev", "etc", "mnt", "proc", "run", "sys", "usr", "var"].map((path) => directory(path)),
    directory("root", 0o700),
    directory("tmp", 0o1777),
    link("sbin", "bin"),
    link("usr/bin", "../bin"),
    link("usr/sbin", "../bin"),
    { type: "characterDevice", path: "dev/console", mode: 0o600, major: 5, minor: 1 },
    { type: "characterDevice", path: "dev/null", mode: 0o666, major: 1, minor: 3 },
    { type: "file", path: "bin/busybox", mode: 0o755, data: busybox },
    ...applets.map((name) => link(`bin/${name}`, "busybox")),
    link("init", "bin/busybox"),
    file("etc/inittab", INITTAB),
    file("etc/rc", RC, 0o755),
    file("etc/profile", PROFILE),
    file("etc/motd", MOTD),
    file("etc/hostname", "vitrine\n"),
    file("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n"),
    file("etc/group", "root:x:0:\n"),
    file("etc/hosts", "127.0.0.1 localhost vitrine\n"),
  ]);
}

/** The whole files that the corpus is cut from: built-in guests always, Debian's where they are prepared. */
import { gzipSync } from "node:zlib";
import { assembleGuest, findBuiltInGuest } from "../../bios/index";
import type { LinuxGuest } from "../boot/prepared-guests";
import type { Original } from "./files";

export function builtInOriginals(): Original[] {
  const image = (id: string): Uint8Array => assembleGuest(findBuiltInGuest(id)!);
  return [
    { name: "hello", role: "image", bytes: image("hello") },
    { name: "the teaching kernel", role: "image", bytes: image("teaching") },
    { name: "a multiboot kernel", role: "kernel", bytes: image("exits") },
  ];
}

export function preparedOriginals(debian: LinuxGuest, memtest: LinuxGuest): Original[] {
  return [
    { name: "vmlinuz", role: "kernel", bytes: debian.kernel },
    { name: "vmlinux", role: "kernel", bytes: debian.vmlinux! },
    { name: "memtest86+", role: "kernel", bytes: memtest.kernel },
    { name: "initrd.cpio", role: "initrd", bytes: debian.initrd! },
    { name: "initrd.cpio.gz", role: "initrd", bytes: Uint8Array.from(gzipSync(debian.initrd!)) },
  ];
}

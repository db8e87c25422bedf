/** Packages, kernels and a busybox that are none, made here in the formats of the real ones. */
import { gzipSync } from "node:zlib";
import { tarEnd, tarFileHeader, tarPadding } from "../../web/guests/tar";
import { bytes, concat } from "./tools";

export function makeAr(members: readonly (readonly [name: string, data: Uint8Array])[]): Uint8Array {
  const parts = members.map(([name, data]) => {
    const header = `${name.padEnd(16)}${"0".padEnd(12)}${"0".padEnd(6)}${"0".padEnd(6)}${"100644".padEnd(8)}${String(data.length).padEnd(10)}\`\n`;
    return concat(bytes(header), data, new Uint8Array(data.length % 2).fill(10));
  });
  return concat(bytes("!<arch>\n"), ...parts);
}

export const makeTar = (files: readonly (readonly [name: string, data: Uint8Array])[]): Uint8Array =>
  concat(...files.map(([name, data]) => concat(tarFileHeader(name, data.length), data, tarPadding(data.length))), tarEnd());

export function makeDeb(files: readonly (readonly [name: string, data: Uint8Array])[], compression: "plain" | "gzip" = "gzip"): Uint8Array {
  const tar = makeTar(files);
  return makeAr([
    ["debian-binary", bytes("2.0\n")],
    ["control.tar", makeTar([["./control", bytes("Package: x\n")]])],
    compression === "plain" ? ["data.tar", tar] : ["data.tar.gz", new Uint8Array(gzipSync(tar))],
  ]);
}

/** An ELF file by its first bytes only, with contents that compress. */
export const fakeVmlinux = (note: string): Uint8Array => concat(Uint8Array.of(0x7f, 0x45, 0x4c, 0x46), bytes(`${note} `.repeat(500)));

/** A bzImage with this payload: protocol 2.15, four setup sectors. */
export function makeBzImage(payload: Uint8Array): Uint8Array {
  const setupBytes = 5 * 512;
  const payloadOffset = 64;
  const image = new Uint8Array(setupBytes + payloadOffset + payload.length);
  const view = new DataView(image.buffer);
  image[0x1f1] = 4;
  view.setUint16(0x1fe, 0xaa55, true);
  image.set(bytes("HdrS"), 0x202);
  view.setUint16(0x206, 0x20f, true);
  view.setUint32(0x248, payloadOffset, true);
  view.setUint32(0x24c, payload.length, true);
  image.set(payload, setupBytes + payloadOffset);
  return image;
}

export function withSize(packed: Uint8Array, unpackedBytes: number): Uint8Array {
  const size = new Uint8Array(4);
  new DataView(size.buffer).setUint32(0, unpackedBytes, true);
  return concat(packed, size);
}

export const FAKE_APPLETS = [
  "[",
  "[[",
  "ash",
  "cat",
  "cttyhack",
  "dmesg",
  "hostname",
  "ls",
  "mkdir",
  "modprobe",
  "mount",
  "poweroff",
  "reboot",
  "setsid",
  "sh",
  "uname",
];

/** A binary in which busybox's table of commands can be found. */
export const fakeBusybox = (note: string, applets: readonly string[] = FAKE_APPLETS): Uint8Array =>
  concat(bytes(`\x7fELF [\0 ${note}\0`), bytes(applets.map((name) => `${name}\0`).join("")), Uint8Array.of(0, 1, 2, 3));

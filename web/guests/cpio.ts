/**
 * Writes cpio archives in the "newc" form that Linux unpacks as its first root (kernel documentation "initramfs
 * buffer format"). Reproducible: owner 0, time 0, entries sorted, inodes numbered in order.
 */

const MAGIC = "070701";
const TRAILER = "TRAILER!!!";
const ARCHIVE_BLOCK = 512;

const FileType = { directory: 0o040000, file: 0o100000, symlink: 0o120000, characterDevice: 0o020000 } as const;

export type CpioEntry =
  | { readonly type: "directory"; readonly path: string; readonly mode: number }
  | { readonly type: "file"; readonly path: string; readonly mode: number; readonly data: Uint8Array }
  | { readonly type: "symlink"; readonly path: string; readonly target: string }
  | { readonly type: "characterDevice"; readonly path: string; readonly mode: number; readonly major: number; readonly minor: number };

const encoder = new TextEncoder();

/** Paths are relative ("bin/sh"); every parent directory must be among the entries. Throws on a doubled or orphaned path. */
export function writeCpio(entries: readonly CpioEntry[]): Uint8Array {
  const sorted = [...entries].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  checkPaths(sorted);
  const parts: Uint8Array[] = [];
  let length = 0;
  const push = (bytes: Uint8Array): void => {
    parts.push(bytes);
    length += bytes.length;
  };
  const pad = (unit: number): void => push(new Uint8Array((unit - (length % unit)) % unit));
  const put = (inode: number, path: string, mode: number, links: number, data: Uint8Array, device: readonly [number, number]): void => {
    const name = encoder.encode(`${path}\0`);
    const fields = [inode, mode, 0, 0, links, 0, data.length, 0, 0, ...device, name.length, 0];
    push(encoder.encode(MAGIC + fields.map((field) => field.toString(16).padStart(8, "0")).join("")));
    push(name);
    pad(4);
    push(data);
    pad(4);
  };
  for (const [index, entry] of sorted.entries()) {
    const data = entry.type === "file" ? entry.data : entry.type === "symlink" ? encoder.encode(entry.target) : new Uint8Array(0);
    const permissions = entry.type === "symlink" ? 0o777 : entry.mode;
    const device = entry.type === "characterDevice" ? ([entry.major, entry.minor] as const) : ([0, 0] as const);
    put(index + 1, entry.path, FileType[entry.type] | permissions, entry.type === "directory" ? 2 : 1, data, device);
  }
  put(0, TRAILER, 0, 1, new Uint8Array(0), [0, 0]);
  pad(ARCHIVE_BLOCK);
  return join(parts, length);
}

function checkPaths(sorted: readonly CpioEntry[]): void {
  const directories = new Set<string>();
  const seen = new Set<string>();
  for (const { path, type } of sorted) {
    if (!/^[^/\0]+(\/[^/\0]+)*$/.test(path) || path === TRAILER) throw new RangeError(`"${path}" is no path for a cpio archive`);
    if (seen.has(path)) throw new RangeError(`"${path}" is twice in the cpio archive`);
    const parent = path.slice(0, Math.max(0, path.lastIndexOf("/")));
    if (parent !== "" && !directories.has(parent)) throw new RangeError(`"${path}" has no directory in the cpio archive`);
    seen.add(path);
    if (type === "directory") directories.add(path);
  }
}

function join(parts: readonly Uint8Array[], length: number): Uint8Array {
  const all = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

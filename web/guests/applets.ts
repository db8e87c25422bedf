/**
 * Reads the list of commands out of a busybox binary without running it: the table of names that it searches itself,
 * sorted, each ended by a NUL (busybox, "applet_names").
 */
import { GuestsError } from "./guests-error";

/** The table's first names; no other place in the binary has them in a row. */
const TABLE_START = [0x5b, 0, 0x5b, 0x5b, 0];
const NAME = /^[a-z0-9][a-z0-9_.+-]*$/;
/** Without these there is no shell to boot to. */
const NEEDED = ["cttyhack", "dmesg", "hostname", "mkdir", "mount", "poweroff", "setsid", "sh", "uname"];

/** Throws GuestsError "unsupported" if the binary has no such table or lacks a command that /init needs. */
export function busyboxApplets(binary: Uint8Array): string[] {
  const start = findTable(binary);
  const applets: string[] = ["[", "[["];
  for (let at = start + TABLE_START.length; ; ) {
    const end = binary.indexOf(0, at);
    const name = String.fromCharCode(...binary.subarray(at, Math.min(end, at + 64)));
    if (end <= at || !NAME.test(name) || name <= applets.at(-1)!.replace(/\[/g, "")) break;
    applets.push(name);
    at = end + 1;
  }
  const missing = NEEDED.filter((name) => !applets.includes(name));
  if (missing.length > 0)
    throw new GuestsError("unsupported", `this busybox has no ${missing.join(", ")}: another version of busybox-static is needed`);
  return applets;
}

function findTable(binary: Uint8Array): number {
  for (let at = binary.indexOf(0x5b); at >= 0; at = binary.indexOf(0x5b, at + 1)) {
    const boundary = at === 0 || binary[at - 1] === 0;
    if (boundary && TABLE_START.every((byte, index) => binary[at + index] === byte)) return at;
  }
  throw new GuestsError("unsupported", "this busybox has no table of commands: another version of busybox-static is needed");
}

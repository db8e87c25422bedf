/**
 * The boot loaders' one error: a file that the user gave cannot be booted. One line: which file, what is wrong, what
 * to do next. The command line ends with status 2, the page shows it beside the file.
 */
import { ImageUnreadable } from "../../lib/errors";

/** Which file of the boot configuration is meant, in the words of the command line and the page. */
export type ImageRole = "boot image" | "ROM" | "kernel" | "setup header" | "initrd" | "command line" | `module ${number}`;

const capitalized = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** `reason` continues "It …" ("is empty"), `hint` is what to do ("choose another file"). */
export function unreadable(role: ImageRole, reason: string, hint: string): ImageUnreadable {
  return new ImageUnreadable(role, `It ${reason}.`, `${capitalized(hint)}.`);
}

/**
 * The one error of the boot loaders: a file the user gave cannot be booted. One clear line, saying what is wrong
 * and what to do next; the command line ends with status 2, the page shows it beside the file.
 */

/** Which file of the boot configuration is meant, in the words of the command line and the page. */
export type ImageRole = "boot image" | "kernel" | "setup header" | "initrd" | "command line" | `module ${number}`;

export class ImageUnreadable extends Error {
  readonly kind = "ImageUnreadable";
  constructor(
    readonly image: ImageRole,
    /** What is wrong and what to do, without the role: "is empty: choose another file". */
    readonly reason: string,
  ) {
    super(`${image} ${reason}`);
    this.name = "ImageUnreadable";
  }
}

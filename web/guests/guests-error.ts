/**
 * The one error of preparing guests: what failed, and in the same line what to do next. The command line prints the
 * message and ends with status 1; the page shows it beside the machine that could not be prepared.
 */

export type GuestsProblem =
  | "no-mirror" // nothing says where packages come from
  | "network" // unreachable, timed out, or an answer that is no use
  | "offline" // the network was forbidden and the cache does not have everything
  | "not-found" // the mirror works but lacks a package or a file in it
  | "hash-mismatch" // the bytes are not the ones the index promised
  | "signature" // the index carries a signature that is wrong
  | "damaged" // an archive or a kernel that cannot be read
  | "unsupported" // readable, but in a form this project does not know
  | "disk-full"
  | "file-system" // any other failure to read or write a file
  | "interrupted"
  | "not-prepared"; // asked for a guest that no preparation has made

export class GuestsError extends Error {
  readonly kind = "GuestsError";
  constructor(
    readonly problem: GuestsProblem,
    message: string,
    options?: { readonly cause?: unknown },
  ) {
    super(message, options);
    this.name = "GuestsError";
  }
}

/** What a preparation says while it runs: for the command line, and for the page's progress bar. */

export type GuestsProgress =
  /** The package index is being fetched from `mirror`. */
  | { readonly step: "index"; readonly mirror: string }
  /** Byte counts are over all downloads of this preparation. */
  | { readonly step: "download"; readonly package: string; readonly receivedBytes: number; readonly totalBytes: number }
  | { readonly step: "unpack"; readonly package: string }
  /** The guest can be booted from now on. */
  | { readonly step: "ready"; readonly guest: string; readonly title: string }
  /** Something the user should know; the preparation goes on. */
  | { readonly step: "warning"; readonly message: string };

export type OnProgress = (progress: GuestsProgress) => void;

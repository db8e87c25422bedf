/** What page and worker say to each other about snapshots. */

/** Where a snapshot comes from: a file of the user's or a download, or one that this browser keeps by itself. */
export type SnapshotSource =
  | {
      readonly kind: "blob";
      readonly blob: Blob;
      /** Its disks become disks of this browser; else they are in memory. */
      readonly keepDisks?: boolean;
    }
  | {
      readonly kind: "published";
      /** The snapshot that it starts with. */
      readonly hot: Blob;
      /** The one that this builds upon, fetched piece by piece. */
      readonly whole: { readonly url: string; readonly id: string; readonly bytes: number };
    }
  | { readonly kind: "kept"; readonly slot: string };

/** The worker's part of a file that the user chose by `showSaveFilePicker`. */
export interface SaveHandle {
  createWritable(): Promise<SaveStream>;
}
export interface SaveStream {
  write(piece: { readonly type: "write"; readonly position: number; readonly data: Uint8Array }): Promise<void>;
  close(): Promise<void>;
  abort(): Promise<void>;
}

export interface SaveRequest {
  readonly title: string;
  /** Whose work the memory may hold (snapshot/manifest.ts ComponentRecord); undefined: as the snapshot said that the machine came from. */
  readonly components: readonly object[] | undefined;
  /** Null: the page downloads what the worker answers. */
  readonly target: SaveHandle | null;
}

export interface Saved {
  /** Bytes of the file. */
  readonly bytes: number;
  /** The file, if there was no target. */
  readonly blob: Blob | null;
}

export interface Measured {
  /** Bytes of memory that are not zero: what the file would be without compression. */
  readonly bytes: number;
}

/** Have the machine kept in this browser from now on, so that it can be continued after a crash. */
export interface KeepRequest {
  readonly slot: string;
  readonly title: string;
  readonly components: readonly object[] | undefined;
}
export interface Kept {
  /** False: this browser context has no database, or the machine has a disk in memory or one that another tab writes to. */
  readonly kept: boolean;
}

export type SnapshotCommand =
  | { readonly type: "resume"; readonly id: number; readonly source: SnapshotSource }
  | ({ readonly type: "save-snapshot"; readonly id: number } & SaveRequest)
  | { readonly type: "measure-snapshot"; readonly id: number }
  | ({ readonly type: "keep"; readonly id: number } & KeepRequest)
  /** The page goes out of sight: keep what there is. */
  | { readonly type: "keep-now"; readonly id: number };

export type SnapshotEvent =
  /** A snapshot is written; `total` 0: it is done. */
  | { readonly type: "saving"; readonly done: number; readonly total: number }
  /** Of a published machine: how much of it is here. `waiting`: why it stands still, for want of a piece. */
  | { readonly type: "fetched"; readonly done: number; readonly total: number; readonly waiting: string | undefined }
  /** The machine cannot be kept any more; one line says why. */
  | { readonly type: "keep-failed"; readonly reason: string };

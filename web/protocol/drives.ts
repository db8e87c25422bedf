/** Drives of a running machine, as the page shows and changes them. */
import type { ImageSource } from "./recipe";

export interface DriveState {
  /** fda, fdb; hda to hdd. */
  readonly slot: string;
  readonly media: "floppy" | "disk" | "cdrom";
  /** The name of what is in it. */
  readonly medium: string | undefined;
  readonly isRemovable: boolean;
  /** The guest has locked the tray. */
  readonly isLocked: boolean;
  /** It was read or written since the last status. */
  readonly isActive: boolean;
}

/** What to put into a drive; null: take out what is in it. */
export type MediumSource = ImageSource | { readonly kind: "blank"; readonly name: string; readonly bytes: number } | null;

export type DriveCommand =
  /** `force`: also out of a drive that the guest has locked. */
  | { readonly type: "change-medium"; readonly id: number; readonly slot: string; readonly medium: MediumSource; readonly force: boolean }
  /** The contents as an image; the machine stands still meanwhile. */
  | { readonly type: "export-medium"; readonly id: number; readonly slot: string };

/** What they are answered with. */
export interface DriveReplies {
  "change-medium": { readonly drives: readonly DriveState[] };
  "export-medium": { readonly image: Blob };
}

/** Issue 3's line on disks: the tab is killed again and again while the guest writes. */
import { page } from "./page.mjs";

const KILLS = 20;

export const DISKS = [
  {
    line: "3.4",
    title: `the tab killed ${KILLS} times during heavy disk writing: synced files intact, fsck clean`,
    run: () => {
      process.env.DISK_KILLS = String(KILLS);
      return page("files that were synced are intact when the tab is killed while it writes");
    },
  },
];

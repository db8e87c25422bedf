/** Issue 3's line on disks, and issue 8's first: the page's process is killed again and again while the guest writes. */
import { page } from "./page.mjs";

const killed = (line, kills) => ({
  line,
  title: `the page's process killed ${kills} times during heavy disk writing: synced files intact, fsck clean`,
  run: () => {
    process.env.DISK_KILLS = String(kills);
    return page("files that were synced are intact when the page's process is killed while it writes");
  },
});

export const DISKS = [killed("3.4", 20), killed("8.1", 100)];

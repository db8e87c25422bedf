/** Issue 2, "Boot a real Linux": its acceptance lines. */
import { kernels, memtest, pae, teaching } from "./boots.mjs";
import { badFiles } from "./corpus.mjs";
import { page } from "./page.mjs";
import { speed } from "./speed.mjs";
import { determinism, exits, shadow } from "./state.mjs";

/** Titles of page tests. */
const SHELL = ["opens on a list of machines", "one click boots to a shell; commands, a pipeline, Ctrl-C and poweroff work"];
const CLASS = [
  "thirty cold loads at once with Debian",
  "with the server gone, the page opens and boots a built-in guest",
  "with the server gone, a guest that was fetched before boots",
  "the page answers within 100 ms while Debian boots",
  "the tab stays under 500 MB",
];

export const BOOT_LINUX = [
  { line: "2.1", title: "one click boots Debian to a shell in the page", run: () => page(...SHELL) },
  { line: "2.2", title: "the compressed bzImage and the unpacked vmlinux boot in Node", run: kernels },
  { line: "2.3", title: "the PAE kernel boots with NX active", run: pae },
  { line: "2.4", title: "memtest86+ on 32 MB: tests 0 to 3 without errors", run: memtest },
  { line: "2.5", title: "the teaching kernel passes its own checks, in Node and in the page", run: teaching },
  { line: "2.6", title: "interpreter speed against v86, instruction counts against QEMU", run: speed },
  { line: "2.7", title: "the same boot ends with the same state hash, and the hash sees everything", run: determinism },
  { line: "2.8", title: "shadow checker, seeded mutations, hidden faults, freed page tables, absent frames", run: shadow },
  { line: "2.9", title: "exits as commanded, in --stats and in the event ring", run: exits },
  { line: "2.10", title: "truncated and random files: one clear line each", run: badFiles },
  { line: "2.11", title: "a class of 30, offline, throttled, within memory", run: () => page(...CLASS) },
];

/**
 * All acceptance lines, by issue and number: "2.6" is line 6 of issue 2. `run` resolves to { passed, figure }; `figure` is
 * one line of text. An issue's lines are in a module of their own and are added here.
 */
import { BOOT_LINUX } from "./boot-linux.mjs";
import { CPU_ORACLES } from "./cpu-oracles.mjs";
import { DISKS } from "./disks.mjs";
import { GLASS } from "./glass.mjs";
import { JIT } from "./jit.mjs";
import { LABS } from "./labs.mjs";
import { LONG } from "./long.mjs";
import { PC } from "./pc.mjs";
import { SHARE } from "./share.mjs";
import { SNAPSHOTS } from "./snapshots.mjs";

export const LINES = [...BOOT_LINUX, ...CPU_ORACLES, ...SHARE, ...DISKS, ...SNAPSHOTS, ...LABS, ...LONG, ...JIT, ...GLASS, ...PC];

/** The first issue's text counts itself as 1: its "1.6" is 2.6 here. No issue has the number 1. */
const canonical = (wanted) => wanted.replace(/^1(?=$|\.)/, "2");

/** The lines that `wanted` names: "2.6", "2" for all of an issue, "all". Empty if there is no such line. */
export function linesNamed(wanted) {
  const name = canonical(wanted);
  return name === "all" ? LINES : LINES.filter(({ line }) => line === name || line.startsWith(`${name}.`));
}

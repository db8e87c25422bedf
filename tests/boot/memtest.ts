/**
 * memtest86+ on the serial console. It paints a screen of 80 × 25 by cursor addresses (ECMA-48 CUP); what counts are
 * three places on it: the number of the test in progress, the number of passes, and the error count.
 */
import type { Machine } from "../../web/machine/machine";
import { type Booted, createMachine } from "./machines";
import { FAR, type LinuxGuest, linuxBoot } from "./prepared-guests";

export const COMMAND_LINE = "console=ttyS0";
/** It repaints the console twice a second: a slow guest, so that no test is over before it is shown. */
export const TICKS_PER_US = 5;
/** Of tests 0 to 3, what it runs of itself: test 1 is switched off in its own list, test 2 includes it. */
export const TESTS = [0, 2, 3] as const;
/** What it sends when it begins test `n`. */
export const beginningOf = (n: number): string => `#${n}  [`;

export interface MemtestRun {
  /** Numbers of the tests that were begun, in order. */
  readonly tests: readonly number[];
  /** The largest error count shown; undefined if none was shown at all. */
  readonly errors: number | undefined;
  /** The screen at the end, lines without the blanks at their ends. */
  readonly screen: readonly string[];
}

/** Reads everything that memtest86+ sent on COM1. */
export function readMemtest(output: string): MemtestRun {
  const tests: number[] = [];
  for (const [, number] of output.matchAll(/#(\d+) {1,2}\[/g)) if (Number(number) !== tests.at(-1)) tests.push(Number(number));
  const counts = [...output.matchAll(/Errors: +(\d+)/g)].map(([, count]) => Number(count));
  return { tests, errors: counts.length > 0 ? Math.max(...counts) : undefined, screen: paint(output) };
}

const COLUMNS = 80;
const ROWS = 25;

/** Carries out what it sends: text, and CSI sequences of which only two move or clear anything. */
function paint(output: string): string[] {
  const rows = Array.from({ length: ROWS }, () => new Array<string>(COLUMNS).fill(" "));
  let row = 0;
  let column = 0;
  for (const piece of output.split("\x1b[")) {
    const sequence = /^([\d;]*)([A-Za-z])/.exec(piece);
    if (sequence?.[2] === "H") {
      const [r = 1, c = 1] = sequence[1]!.split(";").map(Number);
      row = Math.min(r, ROWS) - 1;
      column = Math.min(c, COLUMNS) - 1;
    } else if (sequence?.[2] === "J") for (const line of rows) line.fill(" ");
    for (const character of piece.slice(sequence?.[0].length ?? 0)) {
      if (character === "\r") column = 0;
      else if (character === "\n") row = Math.min(row + 1, ROWS - 1);
      else if (column < COLUMNS) rows[row]![column++] = character;
    }
  }
  return rows.map((line) => line.join("").trimEnd());
}

export interface MemtestBoot extends MemtestRun {
  /** The machine stands at the beginning of this test. */
  readonly machine: Machine;
  readonly cr4: number;
}

/** Boots it with 32 MB until it begins test `n`, or shows an error. */
export async function bootMemtest(guest: LinuxGuest, n: number, disturb?: (booted: Booted) => Promise<void>): Promise<MemtestBoot> {
  const booted = await createMachine({
    boot: linuxBoot(guest, { commandLine: COMMAND_LINE }),
    memoryMb: 32,
    clock: { kind: "deterministic", ticksPerUs: TICKS_PER_US },
  });
  const { machine, core, output } = booted;
  if (disturb) await disturb(booted);
  const { reason } = await machine.run({ text: beginningOf(n), instructions: FAR });
  const run = readMemtest(output());
  if (reason !== "text")
    throw new Error(`memtest86+ did not come to test ${n}: ${machine.exit?.message ?? reason}\n${run.screen.join("\n")}`);
  return { ...run, machine, cr4: Number(core.getRegister("cr4")) };
}

/** The names that a running Linux kernel carries: its own table (lib/kallsyms.ts), looked for in the guest's RAM. */
import { decodeKallsyms } from "../lib/kallsyms";
import { Symbols } from "../lib/symbols";
import type { Inspector } from "./inspect";

/** Kernels lie below it, unless they move themselves (KASLR). */
const SEARCHED = 128 * 0x100000;

/** Undefined: there is no such table, or not yet. Takes a second or so. */
export function kernelSymbols({ core }: Inspector): Symbols | undefined {
  const ram = core.memory.read(0, Math.min(core.memory.ramBytes, SEARCHED));
  const found = decodeKallsyms(ram, (core.getRegister("efer") & 0x400n) !== 0n);
  return found && new Symbols(found);
}

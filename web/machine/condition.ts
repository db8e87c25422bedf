/**
 * Conditions of breakpoints: one expression (lib/expression.ts) over registers and memory as they are when the stop is
 * reached, such as `eax == 5 and dword(esp + 4) > 0x1000`. Reads only; what cannot be read makes it false.
 */
import { BadArgument } from "../lib/errors";
import { ExpressionError, type Facts, isTrue } from "../lib/expression";
import type { Inspector } from "./inspect";

const LOW = 0xffffffffn;
const GENERAL = ["ax", "bx", "cx", "dx", "si", "di", "bp", "sp"];
const NEW = ["r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"];
const SEGMENTS = ["es", "cs", "ss", "ds", "fs", "gs"];
const SYSTEM = ["eflags", "cr0", "cr2", "cr3", "cr4", "cr8", "efer", "cpl"];

/** Not mapped, a device's, or not here yet. */
class Unreadable extends Error {}

export class Conditions {
  readonly #scope: Facts;

  constructor(inspect: Inspector) {
    const { core } = inspect;
    const facts: Record<string, () => number> = {
      rip: () => Number(core.getRegister("rip")),
      eip: () => Number(core.getRegister("rip") & LOW),
      linear: () => inspect.linear,
      instructions: () => core.instructions,
      ticks: () => core.ticks,
    };
    for (const name of GENERAL) {
      facts[`r${name}`] = () => Number(core.getRegister(`r${name}`));
      facts[`e${name}`] = () => Number(core.getRegister(`r${name}`) & LOW);
      facts[name] = () => Number(core.getRegister(`r${name}`) & 0xffffn);
    }
    for (const letter of ["a", "b", "c", "d"]) {
      facts[`${letter}l`] = () => Number(core.getRegister(`r${letter}x`) & 0xffn);
      facts[`${letter}h`] = () => Number((core.getRegister(`r${letter}x`) >> 8n) & 0xffn);
    }
    for (const name of [...NEW, ...SYSTEM]) facts[name] = () => Number(core.getRegister(name));
    for (const name of SEGMENTS) facts[name] = () => Number(core.getRegister(`${name}_selector`));
    const scope: Record<string, Facts[string]> = {};
    for (const [name, get] of Object.entries(facts)) Object.defineProperty(scope, name, { get, enumerable: true });
    const read = (bytes: number) => (address: Facts[string] | undefined) => {
      if (typeof address !== "number" || !Number.isInteger(address)) throw new ExpressionError("byte, word and dword need an address");
      const pieces = inspect.memory(address, bytes);
      if (pieces.some((piece) => !piece.bytes)) throw new Unreadable();
      return pieces.flatMap((piece) => [...piece.bytes!]).reduceRight((value, byte) => value * 256 + byte, 0);
    };
    for (const [name, bytes] of [
      ["byte", 1],
      ["word", 2],
      ["dword", 4],
    ] as const)
      scope[name] = read(bytes);
    this.#scope = scope;
  }

  /** Throws BadArgument for what is no condition. */
  check(text: string): void {
    try {
      isTrue(text, this.#scope);
    } catch (error) {
      if (error instanceof Unreadable) return;
      if (error instanceof ExpressionError)
        throw new BadArgument(
          "condition",
          `${error.message}. It is a comparison of registers and memory, such as eax == 5 and dword(esp) > 0x1000.`,
        );
      throw error;
    }
  }

  holds(text: string): boolean {
    try {
      return isTrue(text, this.#scope);
    } catch (error) {
      // A division by zero, say, at this moment only.
      if (error instanceof Unreadable || error instanceof ExpressionError) return false;
      throw error;
    }
  }
}

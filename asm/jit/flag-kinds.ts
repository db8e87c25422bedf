/**
 * The arithmetic flags as translated code leaves them: which operation, and its operands. Nothing is computed until
 * somebody asks; `settle` brings them into the form that everything else reads (asm/core/eflags.ts).
 */
import { cpu } from "../core/cpu";
import { Flag } from "../core/eflags";

/** Where three widths follow each other: 8, 16, 32 bits. */
export namespace Kind {
  /** In cpu.flagResult and cpu.flagAux. */
  export const Memory: u32 = 0;
  /** X + Y. */
  export const Add: u32 = 1;
  /** X - Y. */
  export const Sub: u32 = 4;
  /** A logic result X. */
  export const Logic: u32 = 7;
  /** X = flagResult, Y = flagAux. */
  export const Carried: u32 = 10;
  /** Result X; Y = CF | OF << 1. */
  export const Shift: u32 = 11;
  /** Result X of an increment or decrement; CF is in cpu.jitCarry. From here on CF is apart. */
  export const Inc: u32 = 14;
  export const Dec: u32 = 17;
  /** With another kind: CF and OF are bits 0 and 1 of cpu.jitCarry. */
  export const Split: u32 = 32;
  /** Known only when the code runs. */
  export const Unknown: u32 = 20;
}

/** `keep` at the width of kind `first + n`. */
// @ts-ignore: decorator
@inline function keep(n: u32, r: u32, carries: u32): void {
  if (n == 0) Flag.keep<u8, u32>(r, carries);
  else if (n == 1) Flag.keep<u16, u32>(r, carries);
  else Flag.keep<u32, u32>(r, carries);
}

/** Flags of kind `kind` into cpu.flagResult and cpu.flagAux. */
export function settle(kind: u32, x: u32, y: u32, carry: u32): void {
  if (kind & Kind.Split) {
    settle(kind & ~Kind.Split, x, y, carry);
    cpu.flagAux = (cpu.flagAux & 0x3fffffff) | (carry << 31) | (((carry ^ (carry >>> 1)) & 1) << 30);
    return;
  }
  if (kind == Kind.Memory) return;
  if (kind < Kind.Sub) {
    const r = x + y;
    keep(kind - Kind.Add, r, Flag.carriesAdd<u32>(x, y, r));
  } else if (kind < Kind.Logic) {
    const r = x - y;
    keep(kind - Kind.Sub, r, Flag.carriesSub<u32>(x, y, r));
  } else if (kind < Kind.Carried) keep(kind - Kind.Logic, x, 0);
  else if (kind == Kind.Carried) {
    cpu.flagResult = x;
    cpu.flagAux = y;
  } else if (kind < Kind.Inc) {
    keep(kind - Kind.Shift, x, 0);
    Flag.setCarryOverflow(y & 1, y >>> 1);
  } else if (kind < Kind.Dec) {
    keep(kind - Kind.Inc, x, (x - 1) & ~x);
    Flag.setCarry(carry & 1);
  } else {
    keep(kind - Kind.Dec, x, ~(x + 1) & x);
    Flag.setCarry(carry & 1);
  }
}
/** The same for what translated code stored when it left. */
export function settleStored(): void {
  const kind = cpu.jitFlagKind;
  if (kind == Kind.Memory) return;
  cpu.jitFlagKind = Kind.Memory;
  settle(kind, cpu.jitFlagX, cpu.jitFlagY, cpu.jitCarry);
}

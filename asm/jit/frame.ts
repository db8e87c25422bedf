/** The named locals of a region's function, and the general registers in them. */
import { JIT_LEFT, RIP } from "../core/cpu-state.generated";
import { CPU } from "../core/memory-map";
import { Bytes, Wasm } from "./bytes";
import { const32, get, getLocal, keep, memoryArgument, op, setLocal } from "./code";
import { Local, Values } from "./values";

/**
 * Locals 0-7 are EAX … EDI. In regions of 64-bit code they are not used: sixteen registers, RIP and the page are i64 locals
 * behind the others.
 */
export namespace Frame {
  /** RIP of the first byte of the page that the region lies in. */
  export const Page: u32 = 8;
  /** Ticks that may still run; the whole block in execution is taken off already. */
  export const Left: u32 = 9;
  /** cpu.context: low bits of a translation-cache tag. */
  export const Context: u32 = 10;
  /** At an exit: RIP less `Page`. */
  export const ExitRip: u32 = 11;
  /** At an exit: address of the link slot to leave through, bit 0 = its target is in another page. */
  export const Link: u32 = 12;
  /** Arithmetic flags (flag-kinds.ts). */
  export const FlagKind: u32 = 13;
  export const FlagX: u32 = 14;
  export const FlagY: u32 = 15;
  export const Carry: u32 = 16;
  export const Scratch: u32 = 17;
  /** Address of the translation cache in use; its place in 64-bit code is a constant. */
  export const Cache: u32 = 18;
  export const Count: u32 = 19;
  /** 19-34: RAX … R15. */
  export const Rax: u32 = 19;
  /** `Page` of 64-bit code. */
  export const Page64: u32 = 35;
  /** At an exit of 64-bit code: RIP. */
  export const Rip64: u32 = 36;
  export const Count64: u32 = 37;
}

/** Is the region one of 64-bit code? */
export class Wide {
  static on: bool = false;
}

const NONE: Local = changetype<Local>(0);
/** Per register: its value where that is newer than its local. */
const newer: StaticArray<u32> = new StaticArray<u32>(16);
/** What is known of a register's value (values.ts `origin`); 0 = nothing. */
const origins: StaticArray<u32> = new StaticArray<u32>(16);
const deltas: StaticArray<i32> = new StaticArray<i32>(16);
/** Registers that the function reads or writes. */
let used: u32 = 0;
let written: u32 = 0;
/** Open `when`s, and registers that their arms wrote. */
let conditional: u32 = 0;
let maybe: u32 = 0;

export class Registers {
  /** How many there are. */
  @inline static get count(): u32 {
    return Wide.on ? 16 : 8;
  }
  /** The wasm local of register `r`. */
  @inline static local(r: u32): u32 {
    return Wide.on ? Frame.Rax + r : r;
  }
  @inline static get type(): u32 {
    return Wide.on ? Wasm.TypeI64 : Wasm.TypeI32;
  }
  static begin(): void {
    for (let r = 0; r < 16; r++) newer[r] = 0;
    used = 0;
    written = 0;
    conditional = 0;
    maybe = 0;
    Registers.forgetOrigins();
  }
  static get used(): u32 {
    return used | written;
  }
  static get written(): u32 {
    return written;
  }
  private static binding(r: u32): Local {
    return changetype<Local>(<usize>newer[r]);
  }

  /** The whole of register `r` as it is now: 32 bits, in 64-bit code 64. */
  static read(r: u32): Local {
    used |= 1 << r;
    if (!conditional && !origins[r]) {
      Registers.comesFrom(r, Values.newOrigin(), 0);
      if (newer[r]) Values.comesFrom(Registers.binding(r), origins[r], 0);
    }
    if (newer[r]) return Registers.binding(r);
    if (!conditional) return Values.comesFrom(Values.local(Registers.local(r)), origins[r], deltas[r]);
    getLocal(Registers.local(r));
    return keep(Registers.type);
  }
  static write(r: u32, v: Local): void {
    written |= 1 << r;
    let value = v;
    // A register's local changes at the next flush: what it holds now must not be named beyond that.
    for (let other: u32 = 0; other < Registers.count; other++) {
      if (Values.isIn(v, Registers.local(other))) {
        get(v);
        value = keep(Registers.type);
        break;
      }
    }
    newer[r] = Values.number(value);
    if (conditional) maybe |= 1 << r;
    Registers.comesFrom(r, conditional ? 0 : Values.origin(v), Values.delta(v));
    Values.comesFrom(value, origins[r], deltas[r]);
  }
  static origin(r: u32): u32 {
    return origins[r];
  }
  static delta(r: u32): i32 {
    return deltas[r];
  }
  static comesFrom(r: u32, origin: u32, delta: i32): void {
    origins[r] = origin;
    deltas[r] = delta;
  }
  static forgetOrigins(): void {
    for (let r = 0; r < 16; r++) origins[r] = 0;
  }
  @inline static get isConditional(): bool {
    return conditional != 0;
  }
  static hold(): void {
    for (let r = 0; r < 16; r++) if (newer[r]) Values.hold(changetype<Local>(<usize>newer[r]));
  }
  /** Writes newer values into the registers' locals. */
  static flush(): void {
    for (let r: u32 = 0; r < Registers.count; r++) {
      if (!newer[r]) continue;
      Values.rescue(Registers.local(r));
      get(Registers.binding(r));
      setLocal(Registers.local(r));
      newer[r] = 0;
    }
  }
  /** The same on a path that leaves: nothing changes for the code that follows. */
  static flushCold(): void {
    for (let r: u32 = 0; r < Registers.count; r++) {
      if (!newer[r]) continue;
      get(Registers.binding(r));
      setLocal(Registers.local(r));
    }
  }
  /** Before `if`: values taken from registers' locals become copies, because an arm may change those. */
  static enterConditional(): void {
    for (let r: u32 = 0; r < Registers.count; r++) Values.rescue(Registers.local(r));
    Registers.flush();
    conditional++;
  }
  static leaveConditional(): void {
    conditional--;
    if (conditional) return;
    for (let r: u32 = 0; r < 16; r++) if ((maybe >>> r) & 1) origins[r] = 0;
    maybe = 0;
  }

  /** Every register of `mask` from its local into the state. */
  static store(mask: u32): void {
    for (let r: u32 = 0; r < Registers.count; r++) {
      if (!((mask >> r) & 1)) continue;
      const32(0);
      getLocal(Registers.local(r));
      op(Wide.on ? Wasm.I64Store : Wasm.I32Store);
      memoryArgument(CPU + (<usize>r << 3));
    }
  }
  static load(mask: u32): void {
    for (let r: u32 = 0; r < Registers.count; r++) {
      if (!((mask >> r) & 1)) continue;
      const32(0);
      op(Wide.on ? Wasm.I64Load : Wasm.I32Load);
      memoryArgument(CPU + (<usize>r << 3));
      setLocal(Registers.local(r));
    }
  }
}

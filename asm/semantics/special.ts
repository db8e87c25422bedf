/** Handlers that are no row: what undefined, missing or forbidden instructions do when they are reached. */
import { Cr0 } from "../core/control-registers";
import { cpu } from "../core/cpu";
import { Mode } from "../core/mode";
import { Vector, raise, raiseError } from "../core/pending-trap";
import { unimplemented } from "../core/unimplemented";
import { Insn } from "../decode/insn";
import { Linear } from "../mmu/access";
import { clearFault, faulted } from "../core/pending-trap";
import { currentRip } from "../core/exits";
import { Seg, Segment } from "../core/segment";

export class Special {
  /** No such instruction on this CPU model: #UD. */
  static UNDEFINED(i: Insn): void {
    raise(Vector.UD);
  }
  /** The SDM has it, Vitrine does not: #UD, and it is said. */
  static UNIMPLEMENTED(i: Insn): void {
    unimplemented(0, Special.bytes(i));
    raise(Vector.UD);
  }
  /** Privileged instruction outside CPL 0: #GP(0). */
  static PRIVILEGED(i: Insn): void {
    raiseError(Vector.GP, 0);
  }
  /** MMX or SSE while CR0.EM, CR0.TS or CR4.OSFXSR forbid it. SDM 3A "Exceptions from MMX / SSE instructions": EM and OSFXSR first, then TS. */
  static UNIT_CHECK(i: Insn): void {
    if (cpu.cr0 & Cr0.EM) raise(Vector.UD);
    else if (cpu.cr0 & Cr0.TS) raise(Vector.NM);
    else raise(Vector.UD);
  }
  /** More than 15 bytes: #GP(0). */
  static TOO_LONG(i: Insn): void {
    raiseError(Vector.GP, 0);
  }
  /** First eight code bytes, little-endian, for the report. */
  private static bytes(i: Insn): u64 {
    const linear = cpu.modeKey & Mode.Code64 ? currentRip() : <u64>(<u32>Segment.of(Seg.CS).base + <u32>currentRip());
    let value: u64 = 0;
    for (let n: u32 = 0; n < 8 && n < <u32>i.length; n++) {
      value |= <u64>Linear.load<u8>(linear + n) << (n << 3);
      if (faulted()) {
        clearFault();
        break;
      }
    }
    return value;
  }
}

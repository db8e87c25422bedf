/**
 * The x87 register file and its exceptions, SDM Vol 1 "x87 FPU Register Stack", "x87 FPU Exception Handling". Values
 * come from the pure functions of *80.ts; here are TOP, tags, the status word, the last-instruction pointers and what
 * #NM, #MF and FERR# do.
 *
 * `cpu.fpuTag` holds 3 for an empty register and 0 otherwise; valid, zero and special are told apart when the tag word
 * is stored (environment.ts), as processors do.
 */
import { hostFerr } from "../../core/host";
import { Cr0 } from "../../core/control-registers";
import { cpu } from "../../core/cpu";
import { ST } from "../../core/cpu-state.generated";
import { CPU } from "../../core/memory-map";
import { Mode } from "../../core/mode";
import { Vector, raise } from "../../core/pending-trap";
import { Seg, Segment } from "../../core/segment";
import { Stop } from "../../core/stop";
import { Insn } from "../../decode/insn";
import { Operand } from "../operand";
import { LongOperand } from "../operand-long";
import { Cw, F80, INDEFINITE_HIGH, INDEFINITE_LOW, Sw } from "./float80";

/** Exceptions found before the operation: unmasked, they leave operands and stack as they were. */
const BEFORE: u32 = Sw.IE | Sw.DE | Sw.ZE;

export class Fpu {
  /** Begins a waiting instruction: false with #NM or #MF pending, or while FERR# is answered. SDM Vol 1 "Waiting vs. Non-waiting Instructions". */
  @inline static begin(): bool {
    if (cpu.cr0 & (Cr0.EM | Cr0.TS)) {
      raise(Vector.NM);
      return false;
    }
    return !(<u32>cpu.fpuStatus & Sw.ES) || Fpu.pendingError();
  }
  /** Begins a non-waiting (FN…) instruction. */
  @inline static beginControl(): bool {
    if (!(cpu.cr0 & (Cr0.EM | Cr0.TS))) return true;
    raise(Vector.NM);
    return false;
  }
  /**
   * An unmasked exception waits. CR0.NE = 1: #MF. Else FERR# goes to the board (IRQ 13 on a PC) and the instruction
   * does not start until an interrupt comes or IGNNE# is asserted. SDM 3A "MS-DOS Compatibility", Vol 1 appendix D.
   */
  static pendingError(): bool {
    if (cpu.cr0 & Cr0.NE) {
      raise(Vector.MF);
      return false;
    }
    if (cpu.ignne) return true;
    if (!cpu.ferr) {
      cpu.ferr = 1;
      hostFerr(1);
    }
    // Time goes on while the processor waits.
    cpu.tickOffset++;
    cpu.stop |= Stop.Repeat | Stop.Event;
    return false;
  }

  /** ES and B from flags and masks; FERR# falls with them. After every instruction that writes either word. */
  static summarize(): void {
    let status = <u32>cpu.fpuStatus & ~(Sw.ES | Sw.B);
    if (status & ~(<u32>cpu.fpuControl) & Sw.Exceptions) status |= Sw.ES | Sw.B;
    else if (cpu.ferr) {
      cpu.ferr = 0;
      hostFerr(0);
    }
    cpu.fpuStatus = <u16>status;
  }

  /** Last-instruction and last-operand pointers. SDM Vol 1 "x87 FPU Instruction and Data (Operand) Pointers". */
  static remember(i: Insn): void {
    if (i.isMemory) Fpu.rememberAt(i, cpu.modeKey & Mode.Code64 ? LongOperand.offset(i) : <u64>Operand.offset(i));
    else Fpu.rememberCode(i);
  }
  /** The same for an instruction whose memory operand is at `offset`. */
  @inline static rememberAt(i: Insn, offset: u64): void {
    Fpu.rememberCode(i);
    cpu.fpuDp = offset;
    cpu.fpuDs = Segment.of(i.segment).selector;
  }
  @inline static rememberCode(i: Insn): void {
    cpu.fpuIp = cpu.blockRip + <u64>i.start;
    cpu.fpuCs = Segment.of(Seg.CS).selector;
    cpu.fpuOpcode = <u16>i.imm;
  }

  @inline static get top(): u32 {
    return (<u32>cpu.fpuStatus >> 11) & 7;
  }
  @inline static setTop(top: u32): void {
    cpu.fpuStatus = <u16>((<u32>cpu.fpuStatus & ~Sw.TOP) | ((top & 7) << 11));
  }
  /** Address of ST(n). */
  @inline static at(n: u32): usize {
    return CPU + ST + <usize>((((<u32>cpu.fpuStatus >> 11) + n) & 7) << 4);
  }
  @inline static low(n: u32): u64 {
    return load<u64>(Fpu.at(n));
  }
  @inline static high(n: u32): u32 {
    return <u32>load<u16>(Fpu.at(n), 8);
  }
  @inline static empty(n: u32): bool {
    return ((<u32>cpu.fpuTag >> (((Fpu.top + n) & 7) << 1)) & 3) == 3;
  }
  @inline static set(n: u32, low: u64, high: u32): void {
    const at = Fpu.at(n);
    store<u64>(at, low);
    store<u16>(at, <u16>high, 8);
    cpu.fpuTag = <u16>(<u32>cpu.fpuTag & ~(3 << (((Fpu.top + n) & 7) << 1)));
  }
  @inline static free(n: u32): void {
    cpu.fpuTag = <u16>(<u32>cpu.fpuTag | (3 << (((Fpu.top + n) & 7) << 1)));
  }
  @inline static pop(): void {
    Fpu.free(0);
    Fpu.setTop(Fpu.top + 1);
  }
  @inline static push(low: u64, high: u32): void {
    Fpu.setTop(Fpu.top - 1);
    Fpu.set(0, low, high);
  }
  @inline static clearC1(): void {
    cpu.fpuStatus = <u16>(<u32>cpu.fpuStatus & ~Sw.C1);
  }
  @inline static setConditions(conditions: u32): void {
    cpu.fpuStatus = <u16>((<u32>cpu.fpuStatus & ~Sw.Conditions) | conditions);
  }

  /**
   * Puts an operation's flags (and its C1) into the status word. True: an unmasked #I, #D or #Z came before the
   * operation, so that no result may be written and nothing popped.
   */
  static report(flags: u32): bool {
    const unmasked = flags & ~(<u32>cpu.fpuControl) & Sw.Exceptions;
    const stops = (unmasked & BEFORE) != 0;
    if (stops) flags &= flags & Sw.SF ? BEFORE | Sw.SF | Sw.C1 : BEFORE;
    let status = (<u32>cpu.fpuStatus & ~Sw.C1) | flags;
    if (unmasked) status |= Sw.ES | Sw.B;
    cpu.fpuStatus = <u16>status;
    return stops;
  }
  /** Ends an operation whose destination is ST(n): true when the result was written. */
  static commit(n: u32, low: u64): bool {
    return Fpu.commitHere(n, low);
  }
  /** `commit`, inlined. */
  @inline static commitHere(n: u32, low: u64): bool {
    const high = F80.high;
    if (!Fpu.accepted(F80.flags) && Fpu.report(F80.flags)) return false;
    Fpu.set(n, low, high);
    return true;
  }
  /** `report` where every flag is masked, which is most often so; false: nothing was done. */
  @inline static accepted(flags: u32): bool {
    if (flags & ~(<u32>cpu.fpuControl) & Sw.Exceptions) return false;
    cpu.fpuStatus = <u16>((<u32>cpu.fpuStatus & ~Sw.C1) | flags);
    return true;
  }
  /** Stack underflow with destination ST(n): true when the masked response was written. */
  static underflow(n: u32): bool {
    F80.flags = Sw.IE | Sw.SF;
    F80.high = INDEFINITE_HIGH;
    return Fpu.commit(n, INDEFINITE_LOW);
  }
  /** Pushes a value, with the flags of its making, or reports stack overflow. */
  static pushResult(low: u64): void {
    Fpu.pushHere(low);
  }
  /** `pushResult`, inlined. */
  @inline static pushHere(low: u64): void {
    if (Fpu.empty(7) && Fpu.accepted(F80.flags)) Fpu.push(low, F80.high);
    else Fpu.pushUnusual(low);
  }
  private static pushUnusual(low: u64): void {
    if (!Fpu.empty(7)) {
      if (!Fpu.report(Sw.IE | Sw.SF | Sw.C1)) Fpu.push(INDEFINITE_LOW, INDEFINITE_HIGH);
      return;
    }
    const high = F80.high;
    // A denormal is loaded even when #D is unmasked. Departure: SDM Vol 1 "Denormal Operand Exception"; hardware vectors.
    const denormal = F80.flags & Sw.DE;
    if (!Fpu.report(F80.flags) || denormal) Fpu.push(low, high);
  }
  /** May a store to memory be made with these flags? Unmasked #O and #U, too, leave a memory destination alone. */
  @inline static mayStore(flags: u32): bool {
    return (flags & ~(<u32>cpu.fpuControl) & (Sw.IE | Sw.DE | Sw.ZE | Sw.OE | Sw.UE)) == 0;
  }
  /** FNINIT. SDM Vol 2 "FINIT/FNINIT". */
  static initialize(): void {
    cpu.fpuControl = 0x37f;
    cpu.fpuStatus = 0;
    cpu.fpuTag = 0xffff;
    cpu.fpuOpcode = 0;
    cpu.fpuIp = 0;
    cpu.fpuDp = 0;
    cpu.fpuCs = 0;
    cpu.fpuDs = 0;
    Fpu.summarize();
  }
}

/** Bits of the control word that software can write; bit 6 reads 1. */
export const CONTROL_WRITABLE: u32 = Cw.PC | Cw.RC | 0x103f;
export const CONTROL_FIXED: u32 = 0x40;

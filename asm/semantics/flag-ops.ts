/**
 * CLI STI PUSHF POPF CLD STD. SDM 2A/2B; how IOPL, VME and PVI decide over IF is in vmm/privilege.ts.
 */
import { cpu } from "../core/cpu";
import { Eflags, materialize } from "../core/eflags";
import { Exit } from "../core/events.generated";
import { exit } from "../core/exits";
import { Mode } from "../core/mode";
import { Vector, faulted, raiseError } from "../core/pending-trap";
import { Insn } from "../decode/insn";
import { FREE, FREE_HIGH, iopl, setInterruptFlag, writeFlags } from "../vmm/flags";
import { Shadow } from "../vmm/interrupt-window";
import { mayVirtualise, writeVirtualFlags } from "../vmm/iret";
import { InterruptAccess, interruptAccess, virtual8086FlagAccess } from "../vmm/privilege";
import { goOn } from "../vmm/transfer";
import { Stack } from "./operand";

export function CLI(i: Insn): void {
  exit(Exit.InterruptFlag, 0);
  const access = interruptAccess();
  if (access == InterruptAccess.Real) setInterruptFlag(0);
  else if (access == InterruptAccess.Virtual) cpu.eflags &= ~Eflags.VIF;
  else raiseError(Vector.GP, 0);
}

/** Interrupts stay inhibited for one more instruction if IF was 0. */
export function STI(i: Insn): void {
  exit(Exit.InterruptFlag, 1);
  const access = interruptAccess();
  if (access == InterruptAccess.Real) {
    if (!(cpu.eflags & Eflags.IF)) {
      setInterruptFlag(1);
      cpu.interruptShadow = Shadow.Sti;
    }
  } else if (access == InterruptAccess.Virtual && !(cpu.eflags & Eflags.VIP)) cpu.eflags |= Eflags.VIF;
  else {
    raiseError(Vector.GP, 0);
    return;
  }
  goOn(i);
}

/** RF and VM are pushed as 0. */
export function PUSHF(i: Insn): void {
  let flags = materialize() & ~(Eflags.RF | Eflags.VM);
  if (cpu.modeKey & Mode.Virtual8086) {
    exit(Exit.Pushf, <u64>flags);
    const access = virtual8086FlagAccess(i.width);
    if (access == InterruptAccess.None) {
      raiseError(Vector.GP, 0);
      return;
    }
    // The program sees IOPL 3 and its virtual interrupt flag.
    if (access == InterruptAccess.Virtual) flags = (flags & ~Eflags.IF) | Eflags.IOPL | (flags & Eflags.VIF ? Eflags.IF : 0);
  } else if (cpu.cpl > iopl()) exit(Exit.Pushf, <u64>flags);
  if (i.width == 2) Stack.push<u16>(<u16>flags);
  else if (i.width == 4) Stack.push<u32>(flags);
  else Stack.push<u64>(<u64>flags);
}

export function POPF(i: Insn): void {
  const access = cpu.modeKey & Mode.Virtual8086 ? virtual8086FlagAccess(i.width) : InterruptAccess.Real;
  if (access == InterruptAccess.None) {
    // IOPL comes before the stack is looked at (SDM 2B "POPF").
    exit(Exit.Popf, 0);
    raiseError(Vector.GP, 0);
    return;
  }
  const image = i.width == 2 ? <u32>Stack.peek<u16>(0) : i.width == 4 ? Stack.peek<u32>(0) : <u32>Stack.peek<u64>(0);
  exit(Exit.Popf, <u64>image);
  if (faulted()) return;
  let mask = FREE;
  if (i.width != 2) mask |= FREE_HIGH;
  if (cpu.modeKey & Mode.Virtual8086) {
    if (access == InterruptAccess.Virtual) {
      if (!mayVirtualise(image)) return;
      Stack.release(2);
      writeVirtualFlags(image);
      goOn(i);
      return;
    }
    mask |= Eflags.IF;
  } else {
    if (cpu.cpl <= iopl()) mask |= Eflags.IF;
    if (cpu.cpl == 0) mask |= Eflags.IOPL;
  }
  Stack.release(i.width);
  cpu.eflags &= ~Eflags.RF;
  writeFlags(image, mask);
  goOn(i);
}

export function CLD(i: Insn): void {
  cpu.eflags &= ~Eflags.DF;
}
export function STD(i: Insn): void {
  cpu.eflags |= Eflags.DF;
}

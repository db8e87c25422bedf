/** INT n, INT3, INTO, INT1, BOUND, IRET. SDM 2A "INT n/INTO/INT3/INT1", "IRET", "BOUND". */
import { Flag } from "../core/eflags";
import { Exit } from "../core/events.generated";
import { exit } from "../core/exits";
import { Vector, faulted, raise } from "../core/pending-trap";
import { Insn } from "../decode/insn";
import { deliverInNewTask, softwareInterrupt, softwareInterruptN } from "../vmm/deliver";
import { EventKind } from "../vmm/interrupt-gate";
import { interruptReturn } from "../vmm/iret";
import { TaskSwitch } from "../vmm/task-switch";
import { goOn, nextRip } from "../vmm/transfer";
import { Operand } from "./operand";

export function INT(i: Insn): void {
  exit(Exit.SoftwareInterrupt, <u64>i.imm);
  softwareInterruptN(i.imm & 0xff, nextRip(i));
}
export function INT3(i: Insn): void {
  exit(Exit.SoftwareInterrupt, <u64>Vector.BP);
  softwareInterrupt(Vector.BP, EventKind.Software, nextRip(i));
}
export function INTO(i: Insn): void {
  if (!Flag.of()) {
    goOn(i);
    return;
  }
  exit(Exit.SoftwareInterrupt, <u64>Vector.OF);
  softwareInterrupt(Vector.OF, EventKind.Software, nextRip(i));
}
/** ICEBP: a debug trap that no gate DPL stops. */
export function INT1(i: Insn): void {
  exit(Exit.SoftwareInterrupt, <u64>Vector.DB);
  softwareInterrupt(Vector.DB, EventKind.Privileged, nextRip(i));
}

/** #BR, a fault, unless lower ≤ index ≤ upper, all signed. */
export function BOUND(i: Insn): void {
  let index: i32;
  let lower: i32;
  let upper: i32;
  if (i.width == 2) {
    index = <i32>Operand.register<i16>(i.reg);
    lower = <i32>Operand.readAt<i16>(i, 0);
    if (faulted()) return;
    upper = <i32>Operand.readAt<i16>(i, 2);
  } else {
    index = Operand.register<i32>(i.reg);
    lower = Operand.readAt<i32>(i, 0);
    if (faulted()) return;
    upper = Operand.readAt<i32>(i, 4);
  }
  if (!faulted() && (index < lower || index > upper)) raise(Vector.BR);
}

export function IRET(i: Insn): void {
  exit(Exit.Iret, 0);
  TaskSwitch.committed = false;
  interruptReturn(i.width, nextRip(i));
  deliverInNewTask();
}

/** x87 control instructions: FLDCW, FNSTCW, FNSTSW, FNCLEX, FNINIT, FWAIT, FNOP, FFREE, FINCSTP, FDECSTP. SDM Vol 2 pages of these names. */
import { Cr0 } from "../../core/control-registers";
import { cpu } from "../../core/cpu";
import { RAX } from "../../core/cpu-state.generated";
import { CPU } from "../../core/memory-map";
import { Vector, faulted, raise } from "../../core/pending-trap";
import { Insn } from "../../decode/insn";
import { Operand } from "../operand";
import { Sw } from "./float80";
import { CONTROL_FIXED, CONTROL_WRITABLE, Fpu } from "./fpu";

export function FLDCW(i: Insn): void {
  if (!Fpu.begin()) return;
  const value = <u32>Operand.read<u16>(i);
  if (faulted()) return;
  cpu.fpuControl = <u16>((value & CONTROL_WRITABLE) | CONTROL_FIXED);
  Fpu.summarize();
}
export function FNSTCW(i: Insn): void {
  if (Fpu.beginControl()) Operand.write<u16>(i, cpu.fpuControl);
}
export function FNSTSW_M(i: Insn): void {
  if (Fpu.beginControl()) Operand.write<u16>(i, cpu.fpuStatus);
}
export function FNSTSW_AX(i: Insn): void {
  if (Fpu.beginControl()) store<u16>(CPU + RAX, cpu.fpuStatus);
}
export function FNCLEX(i: Insn): void {
  if (!Fpu.beginControl()) return;
  cpu.fpuStatus = <u16>(<u32>cpu.fpuStatus & (Sw.TOP | Sw.Conditions));
  Fpu.summarize();
}
export function FNINIT(i: Insn): void {
  if (Fpu.beginControl()) Fpu.initialize();
}
/** FNENI, FNDISI, FNSETPM: 8087 and 80287 instructions that later processors ignore. SDM Vol 3B "x87 FPU" (compatibility). */
export function FNOP_CONTROL(i: Insn): void {
  Fpu.beginControl();
}
/** FWAIT obeys TS only together with MP. SDM 3A Table "x87 FPU Instructions … EM, MP, TS". */
export function WAIT(i: Insn): void {
  if ((cpu.cr0 & (Cr0.MP | Cr0.TS)) == (Cr0.MP | Cr0.TS)) raise(Vector.NM);
  else if (<u32>cpu.fpuStatus & Sw.ES) Fpu.pendingError();
}
export function FNOP(i: Insn): void {
  if (Fpu.begin()) Fpu.remember(i);
}
export function FFREE(i: Insn): void {
  if (!Fpu.begin()) return;
  Fpu.remember(i);
  Fpu.clearC1();
  Fpu.free(<u32>i.modrm & 7);
}
/** DF C0+i: FFREE, then pop. */
export function FFREEP(i: Insn): void {
  if (!Fpu.begin()) return;
  Fpu.remember(i);
  Fpu.clearC1();
  Fpu.free(<u32>i.modrm & 7);
  Fpu.pop();
}
export function FINCSTP(i: Insn): void {
  if (!Fpu.begin()) return;
  Fpu.remember(i);
  Fpu.clearC1();
  Fpu.setTop(Fpu.top + 1);
}
export function FDECSTP(i: Insn): void {
  if (!Fpu.begin()) return;
  Fpu.remember(i);
  Fpu.clearC1();
  Fpu.setTop(Fpu.top - 1);
}

/**
 * RESET#: SDM 3A Table "IA-32 and Intel 64 Processor States Following Power-up, Reset, or INIT". What is derived is
 * rebuilt by the caller; RAM, ticks and instruction count stay.
 */
import { Dr, Dr6, Dr7 } from "../core/breakpoints";
import { cpu } from "../core/cpu";
import { DR, MSR_MTRR_FIXED, MSR_MTRR_VARIABLE, PDPTE, ST, XMM } from "../core/cpu-state.generated";
import { Cr0 } from "../core/control-registers";
import { Eflags } from "../core/eflags";
import { CPU } from "../core/memory-map";
import { Attr, Seg, Segment } from "../core/segment";
import { Edx1, Model, selectModel } from "./cpu-model";
import { ApicBase } from "./apic-base";
import { MiscEnable } from "./msr";
import { PAT_RESET } from "./mtrr";
import { SystemType } from "./descriptors";
import { writeTsc } from "./tsc";

/** One increment per tick until the host says otherwise. */
const UNIT_RATE: u64 = (<u64>1) << 32;

export function resetCpu(): void {
  selectModel(cpu.cpuModel);
  memory.fill(CPU, 0, 16 * 8);
  // EDX: family, model, stepping. EAX 0: the self-test passed.
  cpu.rdx = <u64>Model.signature;
  cpu.rip = 0xfff0;
  cpu.eflags = Eflags.Fixed1;
  const data = Attr.P | Attr.S | Attr.Writable | Attr.Accessed;
  for (let n: u32 = Seg.ES; n <= Seg.GS; n++) resetSegment(n, 0, 0, data);
  resetSegment(Seg.CS, 0xf000, 0xffff0000, data);
  resetSegment(Seg.LDTR, 0, 0, Attr.P | SystemType.Ldt);
  resetSegment(Seg.TR, 0, 0, Attr.P | SystemType.BusyTss32);
  cpu.gdtr_base = 0;
  cpu.gdtr_limit = 0xffff;
  cpu.idtr_base = 0;
  cpu.idtr_limit = 0xffff;
  cpu.cpl = 0;
  cpu.cr0 = Cr0.CD | Cr0.NW | Cr0.ET;
  cpu.cr2 = 0;
  cpu.cr3 = 0;
  cpu.cr4 = 0;
  cpu.cr8 = 0;
  cpu.efer = 0;
  memory.fill(CPU + PDPTE, 0, 32);
  memory.fill(CPU + DR, 0, 64);
  Dr.set(6, Dr6.Fixed);
  Dr.set(7, Dr7.Fixed);
  cpu.interruptShadow = 0;
  cpu.halted = 0;
  cpu.nmiPending = 0;
  cpu.nmiBlocked = 0;
  cpu.redelivery = 0;
  cpu.redeliveryError = 0;
  cpu.pendingDebug = 0;
  resetMsrs();
  resetFpu();
}

function resetSegment(n: u32, selector: u32, base: u32, attributes: u32): void {
  const s = Segment.of(n);
  s.selector = <u16>selector;
  s.base = <u64>base;
  s.limit = 0xffff;
  s.attributes = <u16>attributes;
}

function resetMsrs(): void {
  if (cpu.tscPerTick == 0) cpu.tscPerTick = UNIT_RATE;
  writeTsc(0);
  cpu.msrSysenterCs = 0;
  cpu.msrSysenterEsp = 0;
  cpu.msrSysenterEip = 0;
  cpu.msrStar = 0;
  cpu.msrLstar = 0;
  cpu.msrCstar = 0;
  cpu.msrSfmask = 0;
  cpu.msrKernelGsBase = 0;
  cpu.msrApicBase = Model.has(Edx1.APIC) ? ApicBase.Reset : 0;
  cpu.msrPat = PAT_RESET;
  cpu.msrMiscEnable = MiscEnable.Reset;
  cpu.msrTscAux = 0;
  cpu.msrSpecCtrl = 0;
  cpu.msrMtrrDefType = 0;
  memory.fill(CPU + MSR_MTRR_FIXED, 0, 11 * 8);
  memory.fill(CPU + MSR_MTRR_VARIABLE, 0, 16 * 8);
}

/** Power-up values: not those of FNINIT. */
function resetFpu(): void {
  cpu.fpuControl = 0x40;
  cpu.fpuStatus = 0;
  cpu.fpuTag = 0x5555;
  cpu.fpuOpcode = 0;
  cpu.fpuIp = 0;
  cpu.fpuDp = 0;
  cpu.fpuCs = 0;
  cpu.fpuDs = 0;
  memory.fill(CPU + ST, 0, 8 * 16);
  cpu.mxcsr = 0x1f80;
  cpu.xcr0 = 1;
  memory.fill(CPU + XMM, 0, 16 * 16);
}

/**
 * The local APIC's registers as MSRs 800h to 8FFh, in x2APIC mode: which there are, and which bits may be written. SDM 3A
 * "Extended XAPIC (x2APIC)". What they do is the device's (web/machine/devices/local-apic.ts).
 */
import { cpu } from "../core/cpu";
import { hostReadLocalApic, hostWriteLocalApic } from "../core/host";
import { Vector, raiseError } from "../core/pending-trap";
import { ApicBase } from "./apic-base";
import { Ecx1, Model } from "./cpu-model";

/** Offsets from 800h: those of the memory-mapped registers, divided by 16. */
namespace Register {
  export const Id: u32 = 0x02;
  export const Version: u32 = 0x03;
  export const TaskPriority: u32 = 0x08;
  export const ProcessorPriority: u32 = 0x0a;
  export const Eoi: u32 = 0x0b;
  export const LogicalDestination: u32 = 0x0d;
  export const Spurious: u32 = 0x0f;
  export const InService: u32 = 0x10;
  export const ErrorStatus: u32 = 0x28;
  export const Command: u32 = 0x30;
  export const LvtTimer: u32 = 0x32;
  export const LvtThermal: u32 = 0x33;
  export const LvtPerformance: u32 = 0x34;
  export const LvtLint0: u32 = 0x35;
  export const LvtLint1: u32 = 0x36;
  export const LvtError: u32 = 0x37;
  export const InitialCount: u32 = 0x38;
  export const CurrentCount: u32 = 0x39;
  export const Divide: u32 = 0x3e;
  export const SelfIpi: u32 = 0x3f;
}
/** What `writable` says of registers that cannot be written. */
const READ_ONLY: u64 = <u64>-1;

/** Is it one of these MSRs, on a model that has them? */
export function isX2ApicMsr(msr: u32): bool {
  return msr >> 8 == 8 && (Model.ecx1 & Ecx1.X2APIC) != 0;
}

function readable(register: u32): bool {
  if (register >= Register.InService && register <= Register.ErrorStatus) return true;
  if (register >= Register.LvtTimer && register <= Register.CurrentCount) return true;
  switch (<i32>register) {
    case Register.Id:
    case Register.Version:
    case Register.TaskPriority:
    case Register.ProcessorPriority:
    case Register.LogicalDestination:
    case Register.Spurious:
    case Register.Command:
    case Register.Divide: return true;
    default: return false;
  }
}

/** The bits that may be set; READ_ONLY where nothing may be written. */
function writable(register: u32): u64 {
  switch (<i32>register) {
    case Register.TaskPriority:
    case Register.SelfIpi: return 0xff;
    case Register.Eoi:
    case Register.ErrorStatus: return 0;
    case Register.Spurious: return 0x3ff;
    case Register.Command: return 0xffffffff000ccfff;
    case Register.LvtTimer: return 0x710ff;
    case Register.LvtThermal:
    case Register.LvtPerformance: return 0x117ff;
    case Register.LvtLint0:
    case Register.LvtLint1: return 0x1f7ff;
    case Register.LvtError: return 0x110ff;
    case Register.InitialCount: return 0xffffffff;
    case Register.Divide: return 0xb;
    default: return READ_ONLY;
  }
}

/** RDMSR. Outside x2APIC mode, and of what cannot be read: #GP(0) pending, 0. */
export function readX2Apic(msr: u32): u64 {
  const register = msr & 0xff;
  if (!(cpu.msrApicBase & ApicBase.Extended) || !readable(register)) {
    raiseError(Vector.GP, 0);
    return 0;
  }
  return hostReadLocalApic(register);
}

/** WRMSR. Outside x2APIC mode, of what cannot be written, and of reserved bits: #GP(0) pending. */
export function writeX2Apic(msr: u32, value: u64): void {
  const register = msr & 0xff;
  const bits = writable(register);
  if (!(cpu.msrApicBase & ApicBase.Extended) || bits == READ_ONLY || value & ~bits) {
    raiseError(Vector.GP, 0);
    return;
  }
  hostWriteLocalApic(register, value);
}

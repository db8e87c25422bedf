/**
 * Model-specific registers. SDM Vol 4 "Model-Specific Registers (MSRs)". A number that the model does not have is
 * #GP(0) to the guest and counted as unimplemented, so that it shows which registers a guest asked for.
 */
import { Cr0, Efer } from "../core/control-registers";
import { cpu } from "../core/cpu";
import { hostReadTscDeadline, hostTscDeadline } from "../core/host";
import { Vector, raiseError } from "../core/pending-trap";
import { Seg, Segment } from "../core/segment";
import { unimplemented } from "../core/unimplemented";
import { pagingChanged } from "../mmu/shadow";
import { canonical } from "../mmu/translate";
import { writeApicBase } from "./apic-base";
import { CpuModel, Ecx1, EdxExtended, Edx1, Edx7, Model } from "./cpu-model";
import { MTRR_CAP, mtrrSlot, writeMtrr, writeMtrrDefaultType, writePat } from "./mtrr";
import { readTsc, writeTsc } from "./tsc";
import { isX2ApicMsr, readX2Apic, writeX2Apic } from "./x2apic";

/** Registers by number. */
export namespace Msr {
  export const P5McAddr: u32 = 0;
  export const P5McType: u32 = 1;
  export const Tsc: u32 = 0x10;
  export const PlatformId: u32 = 0x17;
  export const ApicBase: u32 = 0x1b;
  export const PowerOn: u32 = 0x2a;
  export const SpecCtrl: u32 = 0x48;
  export const PredCmd: u32 = 0x49;
  export const BiosSignature: u32 = 0x8b;
  export const MtrrCap: u32 = 0xfe;
  export const ArchCapabilities: u32 = 0x10a;
  export const SysenterCs: u32 = 0x174;
  export const SysenterEsp: u32 = 0x175;
  export const SysenterEip: u32 = 0x176;
  export const McgCap: u32 = 0x179;
  export const McgStatus: u32 = 0x17a;
  export const MiscEnable: u32 = 0x1a0;
  export const DebugCtl: u32 = 0x1d9;
  export const Pat: u32 = 0x277;
  export const MtrrDefType: u32 = 0x2ff;
  export const TscDeadline: u32 = 0x6e0;
  export const Efer: u32 = 0xc0000080;
  export const Star: u32 = 0xc0000081;
  export const Lstar: u32 = 0xc0000082;
  export const Cstar: u32 = 0xc0000083;
  export const Fmask: u32 = 0xc0000084;
  export const FsBase: u32 = 0xc0000100;
  export const GsBase: u32 = 0xc0000101;
  export const KernelGsBase: u32 = 0xc0000102;
  export const TscAux: u32 = 0xc0000103;
}

export namespace MiscEnable {
  export const FastStrings: u64 = 1;
  /** Branch trace storage and precise event sampling are not there. */
  export const BtsUnavailable: u64 = 1 << 11;
  export const PebsUnavailable: u64 = 1 << 12;
  export const LimitCpuid: u64 = 1 << 22;
  export const XdDisable: u64 = (<u64>1) << 34;
  export const Reset: u64 = FastStrings | BtsUnavailable | PebsUnavailable;
  export const Writable: u64 = FastStrings | LimitCpuid | XdDisable;
}
/** IA32_ARCH_CAPABILITIES: none of the attacks that its bits name is possible where nothing runs speculatively. */
export namespace ArchCapabilities {
  export const RdclNo: u64 = 1;
  export const IbrsAll: u64 = 1 << 1;
  export const SkipL1dFlush: u64 = 1 << 3;
  export const SsbNo: u64 = 1 << 4;
  export const MdsNo: u64 = 1 << 5;
  export const IfPschangeMcNo: u64 = 1 << 6;
  export const TaaNo: u64 = 1 << 8;
  export const SbdrSsdpNo: u64 = 1 << 13;
  export const FbsdpNo: u64 = 1 << 14;
  export const PsdpNo: u64 = 1 << 15;
  export const BhiNo: u64 = 1 << 20;
  export const PbrsbNo: u64 = 1 << 24;
  export const GdsNo: u64 = 1 << 26;
  export const RfdsNo: u64 = 1 << 27;
  export const All: u64 =
    RdclNo | IbrsAll | SkipL1dFlush | SsbNo | MdsNo | IfPschangeMcNo | TaaNo | SbdrSsdpNo | FbsdpNo | PsdpNo | BhiNo | PbrsbNo | GdsNo | RfdsNo;
}
/** IBRS, STIBP and BHI_DIS_S, which change nothing; IBPB of IA32_PRED_CMD. */
const SPEC_CTRL_BITS: u64 = 0x403;
const IBPB: u64 = 1;

/** RDMSR. Unknown: #GP(0) pending, 0. */
export function readMsr(msr: u32): u64 {
  if (isX2ApicMsr(msr)) return readX2Apic(msr);
  if (!exists(msr)) return unknown(msr);
  switch (<i32>msr) {
    case Msr.Tsc: return readTsc();
    case Msr.ApicBase: return cpu.msrApicBase;
    case Msr.MtrrCap: return MTRR_CAP;
    case Msr.TscDeadline: return hostReadTscDeadline();
    case Msr.SysenterCs: return cpu.msrSysenterCs;
    case Msr.SysenterEsp: return cpu.msrSysenterEsp;
    case Msr.SysenterEip: return cpu.msrSysenterEip;
    case Msr.MiscEnable: return cpu.msrMiscEnable;
    case Msr.SpecCtrl: return cpu.msrSpecCtrl;
    case Msr.ArchCapabilities: return ArchCapabilities.All;
    case Msr.PredCmd: return unknown(msr);
    case Msr.Pat: return cpu.msrPat;
    case Msr.MtrrDefType: return cpu.msrMtrrDefType;
    case Msr.Efer: return cpu.efer;
    case Msr.Star: return cpu.msrStar;
    case Msr.Lstar: return cpu.msrLstar;
    case Msr.Cstar: return cpu.msrCstar;
    case Msr.Fmask: return cpu.msrSfmask;
    case Msr.FsBase: return Segment.of(Seg.FS).base;
    case Msr.GsBase: return Segment.of(Seg.GS).base;
    case Msr.KernelGsBase: return cpu.msrKernelGsBase;
    case Msr.TscAux: return cpu.msrTscAux;
    default: break;
  }
  const slot = mtrrSlot(msr);
  // Machine-check registers without banks, platform and microcode registers without either.
  return slot ? load<u64>(slot) : 0;
}

/** WRMSR. Unknown, read-only or reserved bits: #GP(0) pending. */
export function writeMsr(msr: u32, value: u64): void {
  if (isX2ApicMsr(msr)) {
    writeX2Apic(msr, value);
    return;
  }
  if (!exists(msr)) {
    unknown(msr);
    return;
  }
  if (!write(msr, value)) raiseError(Vector.GP, 0);
}

function write(msr: u32, value: u64): bool {
  switch (<i32>msr) {
    case Msr.Tsc:
      writeTsc(value);
      if (Model.ecx1 & Ecx1.TSC_DEADLINE) hostTscDeadline(hostReadTscDeadline(), value);
      return true;
    case Msr.ApicBase: return writeApicBase(value);
    case Msr.TscDeadline: hostTscDeadline(value, readTsc()); return true;
    case Msr.SysenterCs: cpu.msrSysenterCs = value; return true;
    case Msr.SysenterEsp:
      if (!canonical(value)) return false;
      cpu.msrSysenterEsp = value;
      return true;
    case Msr.SysenterEip:
      if (!canonical(value)) return false;
      cpu.msrSysenterEip = value;
      return true;
    case Msr.Star: cpu.msrStar = value; return true;
    case Msr.Fmask:
      if (value >> 32) return false;
      cpu.msrSfmask = value;
      return true;
    case Msr.Lstar:
    case Msr.Cstar:
    case Msr.FsBase:
    case Msr.GsBase:
    case Msr.KernelGsBase: return writeAddress(msr, value);
    case Msr.MiscEnable: return writeMiscEnable(value);
    case Msr.Pat: return writePat(value);
    case Msr.MtrrDefType: return writeMtrrDefaultType(value);
    case Msr.Efer: return writeEfer(value);
    case Msr.TscAux:
      if (value >> 32) return false;
      cpu.msrTscAux = value;
      return true;
    case Msr.SpecCtrl:
      if (value & ~SPEC_CTRL_BITS) return false;
      cpu.msrSpecCtrl = value;
      return true;
    case Msr.PredCmd: return (value & ~IBPB) == 0;
    // Nothing to report and nothing to trace: only 0 is accepted.
    case Msr.P5McAddr:
    case Msr.P5McType:
    case Msr.McgStatus:
    case Msr.BiosSignature:
    case Msr.DebugCtl:
    case Msr.PowerOn:
      return value == 0;
    default: break;
  }
  return mtrrSlot(msr) != 0 && writeMtrr(msr, value);
}

/** Registers that hold a linear address: it must be canonical. */
function writeAddress(msr: u32, value: u64): bool {
  if (!canonical(value)) return false;
  switch (<i32>msr) {
    case Msr.Lstar: cpu.msrLstar = value; break;
    case Msr.Cstar: cpu.msrCstar = value; break;
    case Msr.FsBase: Segment.of(Seg.FS).base = value; break;
    case Msr.GsBase: Segment.of(Seg.GS).base = value; break;
    default: cpu.msrKernelGsBase = value; break;
  }
  return true;
}

function writeMiscEnable(value: u64): bool {
  let writable = MiscEnable.Writable;
  if (!Model.hasExtended(EdxExtended.NX)) writable &= ~MiscEnable.XdDisable;
  if ((value ^ cpu.msrMiscEnable) & ~writable) return false;
  cpu.msrMiscEnable = value;
  if (value & MiscEnable.XdDisable && cpu.efer & Efer.NXE) {
    cpu.efer &= ~Efer.NXE;
    pagingChanged();
  }
  return true;
}

function writeEfer(value: u64): bool {
  let allowed: u64 = 0;
  if (Model.hasExtended(EdxExtended.NX) && !(cpu.msrMiscEnable & MiscEnable.XdDisable)) allowed |= Efer.NXE;
  if (Model.hasExtended(EdxExtended.SYSCALL)) allowed |= Efer.SCE;
  if (Model.hasExtended(EdxExtended.LM)) allowed |= Efer.LME;
  // LMA only reads; LME changes only while paging is off.
  if ((value & ~Efer.LMA) & ~allowed) return false;
  const after = (value & ~Efer.LMA) | (cpu.efer & Efer.LMA);
  const changed = after ^ cpu.efer;
  if (changed & Efer.LME && cpu.cr0 & Cr0.PG) return false;
  cpu.efer = after;
  if (changed) pagingChanged();
  return true;
}

/** Does this model have the register? */
function exists(msr: u32): bool {
  const p6 = Model.number >= CpuModel.Pentium3;
  switch (<i32>msr) {
    case Msr.P5McAddr:
    case Msr.P5McType: return Model.has(Edx1.MCE);
    case Msr.Tsc: return Model.has(Edx1.TSC);
    case Msr.ApicBase: return Model.has(Edx1.APIC);
    case Msr.TscDeadline: return (Model.ecx1 & Ecx1.TSC_DEADLINE) != 0;
    case Msr.PlatformId:
    case Msr.PowerOn:
    case Msr.BiosSignature:
    case Msr.DebugCtl: return p6;
    case Msr.SysenterCs:
    case Msr.SysenterEsp:
    case Msr.SysenterEip: return Model.has(Edx1.SEP);
    case Msr.McgCap:
    case Msr.McgStatus: return Model.has(Edx1.MCA);
    case Msr.MiscEnable: return Model.number >= CpuModel.Pentium4;
    case Msr.Pat: return Model.has(Edx1.PAT);
    case Msr.MtrrCap:
    case Msr.MtrrDefType: return Model.has(Edx1.MTRR);
    case Msr.Efer: return Model.hasExtended(EdxExtended.NX);
    case Msr.SpecCtrl:
    case Msr.PredCmd: return (Model.edx7 & Edx7.IBRS_IBPB) != 0;
    case Msr.ArchCapabilities: return (Model.edx7 & Edx7.ARCH_CAPABILITIES) != 0;
    case Msr.Star:
    case Msr.Lstar:
    case Msr.Cstar:
    case Msr.Fmask:
    case Msr.FsBase:
    case Msr.GsBase:
    case Msr.KernelGsBase: return Model.hasExtended(EdxExtended.LM);
    case Msr.TscAux: return Model.hasExtended(EdxExtended.RDTSCP);
    default: return Model.has(Edx1.MTRR) && mtrrSlot(msr) != 0;
  }
}

function unknown(msr: u32): u64 {
  unimplemented(1, <u64>msr);
  raiseError(Vector.GP, 0);
  return 0;
}

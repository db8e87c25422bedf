/**
 * CPU models: what each can do, in the three forms it is needed in: CPUID bits, the decoder's feature mask
 * (asm/toolchain/features.ts gives the order), and the CR4 bits that may be set. A model claims only what the core
 * really has. The machine-check architecture has no bank.
 */
import { Cr4 } from "../core/control-registers";
import { setFeatures } from "../decode/features";
import { Paging } from "../mmu/shadow";

/** `cpu.cpuModel`, in the order of the `--cpu` names. */
export namespace CpuModel {
  export const I486: u32 = 0;
  export const Pentium: u32 = 1;
  export const Pentium3: u32 = 2;
  export const Pentium4: u32 = 3;
  export const Max: u32 = 4;
  /** The psABI level: long mode with SSE4.2, POPCNT, CMPXCHG16B and LAHF in 64-bit mode. */
  export const X86_64V2: u32 = 5;
}

/** CPUID leaf 1 EDX. SDM 2A Table "More on Feature Information Returned in the EDX Register". */
export namespace Edx1 {
  export const FPU: u32 = 1;
  export const VME: u32 = 1 << 1;
  export const DE: u32 = 1 << 2;
  export const PSE: u32 = 1 << 3;
  export const TSC: u32 = 1 << 4;
  export const MSR: u32 = 1 << 5;
  export const PAE: u32 = 1 << 6;
  export const MCE: u32 = 1 << 7;
  export const CX8: u32 = 1 << 8;
  export const APIC: u32 = 1 << 9;
  export const SEP: u32 = 1 << 11;
  export const MTRR: u32 = 1 << 12;
  export const PGE: u32 = 1 << 13;
  export const MCA: u32 = 1 << 14;
  export const CMOV: u32 = 1 << 15;
  export const PAT: u32 = 1 << 16;
  export const PSE36: u32 = 1 << 17;
  export const CLFSH: u32 = 1 << 19;
  export const MMX: u32 = 1 << 23;
  export const FXSR: u32 = 1 << 24;
  export const SSE: u32 = 1 << 25;
  export const SSE2: u32 = 1 << 26;
}
/** CPUID leaf 1 ECX. */
export namespace Ecx1 {
  export const SSE3: u32 = 1;
  export const PCLMULQDQ: u32 = 1 << 1;
  export const SSSE3: u32 = 1 << 9;
  export const CX16: u32 = 1 << 13;
  export const PCID: u32 = 1 << 17;
  export const SSE4_1: u32 = 1 << 19;
  export const SSE4_2: u32 = 1 << 20;
  export const MOVBE: u32 = 1 << 22;
  export const POPCNT: u32 = 1 << 23;
  export const X2APIC: u32 = 1 << 21;
  export const TSC_DEADLINE: u32 = 1 << 24;
  export const AES: u32 = 1 << 25;
  export const XSAVE: u32 = 1 << 26;
  /** Not of the model: shows CR4.OSXSAVE. */
  export const OSXSAVE: u32 = 1 << 27;
}
/** CPUID leaf 80000001 EDX. */
export namespace EdxExtended {
  export const SYSCALL: u32 = 1 << 11;
  export const Page1Gb: u32 = 1 << 26;
  export const LM: u32 = 1 << 29;
  export const NX: u32 = 1 << 20;
  export const RDTSCP: u32 = 1 << 27;
}
/** CPUID leaf 80000001 ECX. */
export namespace EcxExtended {
  export const LAHF: u32 = 1;
  /** PREFETCHW (AMD's 3DNowPrefetch). */
  export const PREFETCHW: u32 = 1 << 8;
}
/** CPUID leaf 7 EBX, ECX and EDX. */
export namespace Ebx7 {
  export const FSGSBASE: u32 = 1;
  export const SMEP: u32 = 1 << 7;
  export const INVPCID: u32 = 1 << 10;
  export const SMAP: u32 = 1 << 20;
}
export namespace Ecx7 {
  export const UMIP: u32 = 1 << 2;
}
export namespace Edx7 {
  export const IBRS_IBPB: u32 = 1 << 26;
  export const STIBP: u32 = 1 << 27;
  export const ARCH_CAPABILITIES: u32 = 1 << 29;
  /** Nothing is executed speculatively: what guards against it costs nothing here, and guests may leave the rest out. */
  export const NoSpeculation: u32 = IBRS_IBPB | STIBP | ARCH_CAPABILITIES;
}

/** Bits of the decoder's mask: position in FEATURES of asm/toolchain/features.ts (tests/vmm holds the two together). */
export namespace FeatureBit {
  export const I486: u64 = 0;
  export const I586: u64 = 1;
  export const CX8: u64 = 2;
  export const CMOV: u64 = 3;
  export const FPU: u64 = 4;
  export const FCMOV: u64 = 5;
  export const MMX: u64 = 6;
  export const SSE: u64 = 7;
  export const SSE2: u64 = 8;
  export const SSE3: u64 = 9;
  export const SSSE3: u64 = 10;
  export const SSE4_1: u64 = 11;
  export const SSE4_2: u64 = 12;
  export const AES: u64 = 13;
  export const PCLMUL: u64 = 14;
  export const POPCNT: u64 = 15;
  export const MOVBE: u64 = 16;
  export const FXSR: u64 = 17;
  export const CLFSH: u64 = 18;
  export const SEP: u64 = 19;
  export const TSC: u64 = 20;
  export const MSR: u64 = 21;
  export const RDTSCP: u64 = 22;
  export const SYSCALL: u64 = 23;
  export const LM: u64 = 24;
  export const CX16: u64 = 25;
  export const FSGSBASE: u64 = 26;
  export const XSAVE: u64 = 27;
  export const INVPCID: u64 = 28;
  export const SMAP: u64 = 29;
  export const NOPL: u64 = 30;
  export const LAHF64: u64 = 33;
  export const MMXEXT: u64 = 34;
  export const PSE: u64 = 35;
  export const PREFETCHW: u64 = 36;
}

const I486: u32 = Edx1.FPU | Edx1.VME;
const PENTIUM: u32 = I486 | Edx1.DE | Edx1.PSE | Edx1.TSC | Edx1.MSR | Edx1.MCE | Edx1.CX8 | Edx1.MMX;
const PENTIUM3: u32 =
  PENTIUM | Edx1.PAE | Edx1.APIC | Edx1.SEP | Edx1.MTRR | Edx1.PGE | Edx1.MCA | Edx1.CMOV | Edx1.PAT | Edx1.PSE36 | Edx1.FXSR | Edx1.SSE;
const PENTIUM4: u32 = PENTIUM3 | Edx1.CLFSH | Edx1.SSE2;

/** The current model, decoded. */
export class Model {
  static number: u32 = CpuModel.Pentium4;
  /** CPUID leaf 1 EAX: family, model, stepping. */
  static signature: u32 = 0;
  static edx1: u32 = 0;
  static ecx1: u32 = 0;
  static edxExtended: u32 = 0;
  static ecxExtended: u32 = 0;
  static ebx7: u32 = 0;
  static ecx7: u32 = 0;
  static edx7: u32 = 0;
  /** Highest basic leaf; highest extended leaf or 0. */
  static lastLeaf: u32 = 0;
  static lastExtended: u32 = 0;
  static cr4Bits: u64 = 0;

  @inline static has(edx1: u32): bool {
    return (Model.edx1 & edx1) != 0;
  }
  @inline static hasExtended(edx: u32): bool {
    return (Model.edxExtended & edx) != 0;
  }
}

/** Makes `model` the CPU: CPUID, decoder features and CR4 follow. An unknown number is a Pentium 4. */
export function selectModel(model: u32): void {
  Model.number = model > CpuModel.X86_64V2 ? CpuModel.Pentium4 : model;
  Model.ecx1 = 0;
  Model.edxExtended = 0;
  Model.ecxExtended = 0;
  Model.ebx7 = 0;
  Model.ecx7 = 0;
  Model.edx7 = 0;
  Model.lastExtended = 0;
  switch (<i32>Model.number) {
    case CpuModel.I486:
      describe(0x480, I486, 1);
      break;
    case CpuModel.Pentium:
      describe(0x543, PENTIUM, 1);
      break;
    case CpuModel.Pentium3:
      describe(0x683, PENTIUM3, 2);
      break;
    case CpuModel.Pentium4:
      describe(0xf41, PENTIUM4, 2);
      Model.edxExtended = EdxExtended.NX;
      Model.lastExtended = 0x80000008;
      break;
    case CpuModel.X86_64V2:
      describe(0x106a5, PENTIUM4, 7);
      Model.ecx1 = Ecx1.SSE3 | Ecx1.SSSE3 | Ecx1.CX16 | Ecx1.SSE4_1 | Ecx1.SSE4_2 | Ecx1.X2APIC | Ecx1.POPCNT;
      Model.edxExtended = EdxExtended.NX | EdxExtended.SYSCALL | EdxExtended.Page1Gb | EdxExtended.RDTSCP | EdxExtended.LM;
      Model.ecxExtended = EcxExtended.LAHF | EcxExtended.PREFETCHW;
      Model.lastExtended = 0x80000008;
      Model.ebx7 = Ebx7.FSGSBASE;
      Model.edx7 = Edx7.NoSpeculation;
      break;
    default:
      describe(0xf65, PENTIUM4, 0xd);
      Model.ecx1 =
        Ecx1.SSE3 | Ecx1.PCLMULQDQ | Ecx1.SSSE3 | Ecx1.CX16 | Ecx1.PCID | Ecx1.SSE4_1 | Ecx1.SSE4_2 | Ecx1.X2APIC | Ecx1.MOVBE | Ecx1.POPCNT |
        Ecx1.TSC_DEADLINE | Ecx1.AES | Ecx1.XSAVE;
      Model.edxExtended = EdxExtended.NX | EdxExtended.SYSCALL | EdxExtended.Page1Gb | EdxExtended.RDTSCP | EdxExtended.LM;
      Model.ecxExtended = EcxExtended.LAHF | EcxExtended.PREFETCHW;
      Model.lastExtended = 0x80000008;
      Model.ebx7 = Ebx7.FSGSBASE | Ebx7.SMEP | Ebx7.INVPCID | Ebx7.SMAP;
      Model.ecx7 = Ecx7.UMIP;
      Model.edx7 = Edx7.NoSpeculation;
      break;
  }
  setFeatures(decoderFeatures());
  Paging.page1Gb = Model.hasExtended(EdxExtended.Page1Gb);
  Model.cr4Bits = cr4Bits();
}
function describe(signature: u32, edx1: u32, lastLeaf: u32): void {
  Model.signature = signature;
  Model.edx1 = edx1;
  Model.lastLeaf = lastLeaf;
}

function when(condition: bool, bit: u64): u64 {
  return condition ? <u64>1 << bit : 0;
}
function decoderFeatures(): u64 {
  const ecx = Model.ecx1;
  const p6 = Model.number >= CpuModel.Pentium3;
  return (
    when(true, FeatureBit.I486) | when(Model.number >= CpuModel.Pentium, FeatureBit.I586) | when(Model.has(Edx1.CX8), FeatureBit.CX8) |
    when(Model.has(Edx1.CMOV), FeatureBit.CMOV) | when(Model.has(Edx1.FPU), FeatureBit.FPU) | when(Model.has(Edx1.CMOV), FeatureBit.FCMOV) |
    when(Model.has(Edx1.MMX), FeatureBit.MMX) | when(Model.has(Edx1.SSE), FeatureBit.SSE) | when(Model.has(Edx1.SSE2), FeatureBit.SSE2) |
    when((ecx & Ecx1.SSE3) != 0, FeatureBit.SSE3) | when((ecx & Ecx1.SSSE3) != 0, FeatureBit.SSSE3) |
    when((ecx & Ecx1.SSE4_1) != 0, FeatureBit.SSE4_1) | when((ecx & Ecx1.SSE4_2) != 0, FeatureBit.SSE4_2) |
    when((ecx & Ecx1.AES) != 0, FeatureBit.AES) | when((ecx & Ecx1.PCLMULQDQ) != 0, FeatureBit.PCLMUL) |
    when((ecx & Ecx1.POPCNT) != 0, FeatureBit.POPCNT) | when((ecx & Ecx1.MOVBE) != 0, FeatureBit.MOVBE) |
    when(Model.has(Edx1.FXSR), FeatureBit.FXSR) | when(Model.has(Edx1.CLFSH), FeatureBit.CLFSH) | when(Model.has(Edx1.SEP), FeatureBit.SEP) |
    when(Model.has(Edx1.TSC), FeatureBit.TSC) | when(Model.has(Edx1.MSR), FeatureBit.MSR) |
    when(Model.hasExtended(EdxExtended.RDTSCP), FeatureBit.RDTSCP) | when((Model.ebx7 & Ebx7.SMAP) != 0, FeatureBit.SMAP) |
    when(p6, FeatureBit.NOPL) | when(Model.has(Edx1.SSE), FeatureBit.MMXEXT) | when(Model.has(Edx1.PSE), FeatureBit.PSE) |
    when(Model.hasExtended(EdxExtended.SYSCALL), FeatureBit.SYSCALL) | when(Model.hasExtended(EdxExtended.LM), FeatureBit.LM) |
    when((ecx & Ecx1.CX16) != 0, FeatureBit.CX16) | when((Model.ebx7 & Ebx7.FSGSBASE) != 0, FeatureBit.FSGSBASE) |
    when((Model.ecxExtended & EcxExtended.LAHF) != 0, FeatureBit.LAHF64) |
    when((ecx & Ecx1.XSAVE) != 0, FeatureBit.XSAVE) | when((Model.ebx7 & Ebx7.INVPCID) != 0, FeatureBit.INVPCID) |
    when((Model.ecxExtended & EcxExtended.PREFETCHW) != 0, FeatureBit.PREFETCHW)
  );
}

function cr4Bits(): u64 {
  let bits: u64 = 0;
  if (Model.has(Edx1.VME)) bits |= Cr4.VME | Cr4.PVI;
  if (Model.has(Edx1.TSC)) bits |= Cr4.TSD;
  if (Model.has(Edx1.DE)) bits |= Cr4.DE;
  if (Model.has(Edx1.PSE)) bits |= Cr4.PSE;
  if (Model.has(Edx1.PAE)) bits |= Cr4.PAE;
  if (Model.has(Edx1.MCE)) bits |= Cr4.MCE;
  if (Model.has(Edx1.PGE)) bits |= Cr4.PGE;
  if (Model.number >= CpuModel.Pentium) bits |= Cr4.PCE;
  if (Model.has(Edx1.FXSR)) bits |= Cr4.OSFXSR;
  if (Model.has(Edx1.SSE)) bits |= Cr4.OSXMMEXCPT;
  if (Model.ebx7 & Ebx7.FSGSBASE) bits |= Cr4.FSGSBASE;
  if (Model.ecx1 & Ecx1.PCID) bits |= Cr4.PCIDE;
  if (Model.ecx1 & Ecx1.XSAVE) bits |= Cr4.OSXSAVE;
  if (Model.ebx7 & Ebx7.SMEP) bits |= Cr4.SMEP;
  if (Model.ebx7 & Ebx7.SMAP) bits |= Cr4.SMAP;
  if (Model.ecx7 & Ecx7.UMIP) bits |= Cr4.UMIP;
  return bits;
}

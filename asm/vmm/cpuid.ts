/**
 * CPUID. SDM 2A "CPUID—CPU Identification". Leaves beyond the last one answer as the last basic leaf, as Intel's do.
 */
import { Cr4 } from "../core/control-registers";
import { cpu } from "../core/cpu";
import { Mode } from "../core/mode";
import { PHYSICAL_BITS } from "../mmu/physical";
import { CpuModel, Ecx1, EdxExtended, Edx1, Model } from "./cpu-model";
import { ApicBase } from "./apic-base";
import { MiscEnable } from "./msr";

export { selectModel as setModel } from "./cpu-model";

/** Answer of `cpuid`. */
export class Leaf {
  static eax: u32 = 0;
  static ebx: u32 = 0;
  static ecx: u32 = 0;
  static edx: u32 = 0;

  static set(eax: u32, ebx: u32, ecx: u32, edx: u32): void {
    Leaf.eax = eax;
    Leaf.ebx = ebx;
    Leaf.ecx = ecx;
    Leaf.edx = edx;
  }
}

/** CPUID leaf 7.2 EDX: IA32_SPEC_CTRL has BHI_DIS_S. */
const BHI_CTRL: u32 = 1 << 4;

/** What the processor calls itself: 48 bytes a model, in model order. */
const BRANDS: usize = memory.data<u8>([
  // "Vitrine virtual CPU, Pentium 4 class"
  0x56, 0x69, 0x74, 0x72, 0x69, 0x6e, 0x65, 0x20, 0x76, 0x69, 0x72, 0x74, 0x75, 0x61, 0x6c, 0x20,
  0x43, 0x50, 0x55, 0x2c, 0x20, 0x50, 0x65, 0x6e, 0x74, 0x69, 0x75, 0x6d, 0x20, 0x34, 0x20, 0x63,
  0x6c, 0x61, 0x73, 0x73, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  // "Vitrine virtual CPU, everything it has"
  0x56, 0x69, 0x74, 0x72, 0x69, 0x6e, 0x65, 0x20, 0x76, 0x69, 0x72, 0x74, 0x75, 0x61, 0x6c, 0x20,
  0x43, 0x50, 0x55, 0x2c, 0x20, 0x65, 0x76, 0x65, 0x72, 0x79, 0x74, 0x68, 0x69, 0x6e, 0x67, 0x20,
  0x69, 0x74, 0x20, 0x68, 0x61, 0x73, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  // "Vitrine virtual CPU, x86-64-v2"
  0x56, 0x69, 0x74, 0x72, 0x69, 0x6e, 0x65, 0x20, 0x76, 0x69, 0x72, 0x74, 0x75, 0x61, 0x6c, 0x20,
  0x43, 0x50, 0x55, 0x2c, 0x20, 0x78, 0x38, 0x36, 0x2d, 0x36, 0x34, 0x2d, 0x76, 0x32, 0, 0,
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
]);

/** Answers leaf `leaf` (EAX), sub-leaf `subleaf` (ECX) in `Leaf`. */
export function cpuid(leaf: u32, subleaf: u32): void {
  let wanted = leaf;
  const limited = (cpu.msrMiscEnable & MiscEnable.LimitCpuid) != 0 && Model.lastLeaf > 3;
  const last: u32 = limited ? 3 : Model.lastLeaf;
  if (wanted >= 0x80000000) {
    if (wanted <= Model.lastExtended) {
      extendedLeaf(wanted);
      return;
    }
    wanted = last;
  } else if (wanted > last) wanted = last;
  basicLeaf(wanted, subleaf, last);
}

function basicLeaf(leaf: u32, subleaf: u32, last: u32): void {
  switch (<i32>leaf) {
    case 0:
      // "GenuineIntel" in EBX, EDX, ECX
      Leaf.set(last, 0x756e6547, 0x6c65746e, 0x49656e69);
      break;
    case 1:
      // EBX 8-15: CLFLUSH line in units of 8 bytes.
      // The APIC is there while IA32_APIC_BASE enables it. Its id, EBX 24-31, is 0; EBX 16-23: one logical processor.
      Leaf.set(Model.signature, Model.has(Edx1.CLFSH) ? 0x10000 | (8 << 8) : 0, Model.ecx1 | (cpu.cr4 & Cr4.OSXSAVE ? Ecx1.OSXSAVE : 0), cpu.msrApicBase & ApicBase.Enable ? Model.edx1 : Model.edx1 & ~Edx1.APIC);
      break;
    case 2:
      // Cache and TLB descriptors of the model. SDM 2A Table "Encoding of CPUID Leaf 2 Descriptors".
      if (Model.number == CpuModel.Pentium3) Leaf.set(0x03020101, 0, 0, 0x0c040882);
      else Leaf.set(0x665b5001, 0, 0, 0x007b7040);
      break;
    case 7:
      if (subleaf == 0) Leaf.set(Model.edx7 ? 2 : 0, Model.ebx7, Model.ecx7, Model.edx7);
      else if (subleaf == 2 && Model.edx7) Leaf.set(0, 0, 0, BHI_CTRL);
      else Leaf.set(0, 0, 0, 0);
      break;
    case 0xd:
      // XSAVE: x87 and SSE; bytes of the area for what XCR0 has, and for all there is.
      if (subleaf == 0) Leaf.set(3, 576, 576, 0);
      else Leaf.set(0, 0, 0, 0);
      break;
    default:
      Leaf.set(0, 0, 0, 0);
      break;
  }
}

function extendedLeaf(leaf: u32): void {
  switch (<i32>(leaf & 0xff)) {
    case 0:
      Leaf.set(Model.lastExtended, 0, 0, 0);
      break;
    case 1: {
      let edx = Model.edxExtended;
      if (cpu.msrMiscEnable & MiscEnable.XdDisable) edx &= ~EdxExtended.NX;
      // SYSCALL is of 64-bit mode alone, and claimed only there.
      if (!(cpu.modeKey & Mode.Code64)) edx &= ~EdxExtended.SYSCALL;
      Leaf.set(0, 0, Model.ecxExtended, edx);
      break;
    }
    case 2:
    case 3:
    case 4: {
      const at = BRANDS + (Model.number == CpuModel.Max ? 48 : Model.number == CpuModel.X86_64V2 ? 96 : 0) + (<usize>((leaf & 0xff) - 2) << 4);
      Leaf.set(load<u32>(at), load<u32>(at, 4), load<u32>(at, 8), load<u32>(at, 12));
      break;
    }
    case 6:
      // Second-level cache: 1 MB, 8 ways, 64-byte lines.
      Leaf.set(0, 0, 0x04006040, 0);
      break;
    case 7:
      // The TSC runs at one rate whatever the CPU does.
      Leaf.set(0, 0, 0, 1 << 8);
      break;
    case 8:
      Leaf.set(PHYSICAL_BITS | ((Model.hasExtended(EdxExtended.LM) ? 48 : 32) << 8), 0, 0, 0);
      break;
    default:
      Leaf.set(0, 0, 0, 0);
      break;
  }
}

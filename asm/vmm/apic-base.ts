/** IA32_APIC_BASE. SDM 3A "Local APIC Status and Location", "x2APIC State Transitions". */
import { cpu } from "../core/cpu";
import { hostApicBase } from "../core/host";
import { Ecx1, Model } from "./cpu-model";

export namespace ApicBase {
  export const Bootstrap: u64 = 0x100;
  /** x2APIC mode. */
  export const Extended: u64 = 0x400;
  export const Enable: u64 = 0x800;
  /** Bootstrap processor, the APIC enabled. */
  export const Reset: u64 = 0xfee00000 | Bootstrap | Enable;
  /** Base address bits. */
  export const Base: u64 = 0xffffff000;
}
const MODE: u64 = ApicBase.Enable | ApicBase.Extended;

/** False: reserved bits, or a transition that there is not; nothing is written then. */
export function writeApicBase(value: u64): bool {
  let bits = ApicBase.Base | ApicBase.Bootstrap | ApicBase.Enable;
  if (Model.ecx1 & Ecx1.X2APIC) bits |= ApicBase.Extended;
  if (value & ~bits) return false;
  const before = cpu.msrApicBase & MODE;
  const after = value & MODE;
  // x2APIC mode is entered from xAPIC mode alone and left through the disabled state alone.
  if (after == ApicBase.Extended || (after == MODE && before == 0) || (after == ApicBase.Enable && before == MODE)) return false;
  // Which processor is the bootstrap processor is not for software to say.
  cpu.msrApicBase = (value & ~ApicBase.Bootstrap) | (cpu.msrApicBase & ApicBase.Bootstrap);
  hostApicBase(<f64>(value & ApicBase.Base), <u32>((value & ApicBase.Enable) != 0), <u32>((value & ApicBase.Extended) != 0));
  return true;
}

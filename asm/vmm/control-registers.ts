/**
 * Writes to CR0, CR3 and CR4 with the checks of SDM 2B "MOV—Move to/from Control Registers" and SDM 3A "Control
 * Registers". Each returns false with #GP(0) (or a missing frame) pending and nothing changed.
 */
import { Cr0, Cr4 } from "../core/control-registers";
import { cpu } from "../core/cpu";
import { Vector, raiseError } from "../core/pending-trap";
import { loadPdptes } from "../mmu/page-walk";
import { pagingChanged } from "../mmu/shadow";
import { Model } from "./cpu-model";
import { modeChanged } from "./transfer";

const CR0_WRITABLE: u64 = Cr0.PE | Cr0.MP | Cr0.EM | Cr0.TS | Cr0.NE | Cr0.WP | Cr0.AM | Cr0.NW | Cr0.CD | Cr0.PG;
/** Changes of these load the PDPTE registers while PAE paging is on. SDM 3A "PDPTE Registers". */
const CR0_LOADS_PDPTES: u64 = Cr0.CD | Cr0.NW | Cr0.PG;
const CR4_LOADS_PDPTES: u64 = Cr4.PAE | Cr4.PGE | Cr4.PSE | Cr4.SMEP;
const CR0_PAGING: u64 = Cr0.PG | Cr0.WP | Cr0.PE | Cr0.CD | Cr0.NW;
const CR4_PAGING: u64 = Cr4.PAE | Cr4.PSE | Cr4.PGE | Cr4.SMEP | Cr4.SMAP;

function refuse(): bool {
  raiseError(Vector.GP, 0);
  return false;
}

export function writeCr0(value: u32): bool {
  // Reserved bits are ignored; ET is always 1.
  const after = (<u64>value & CR0_WRITABLE) | Cr0.ET;
  if ((after & Cr0.PG && !(after & Cr0.PE)) || (after & Cr0.NW && !(after & Cr0.CD))) return refuse();
  const changed = after ^ cpu.cr0;
  if (after & Cr0.PG && cpu.cr4 & Cr4.PAE && changed & CR0_LOADS_PDPTES && !loadPdptes(cpu.cr3)) return false;
  cpu.cr0 = after;
  if (changed & CR0_PAGING) pagingChanged();
  modeChanged();
  return true;
}

export function writeCr3(value: u32): bool {
  if (cpu.cr0 & Cr0.PG && cpu.cr4 & Cr4.PAE && !loadPdptes(<u64>value)) return false;
  cpu.cr3 = <u64>value;
  if (cpu.cr0 & Cr0.PG) pagingChanged(true);
  return true;
}

export function writeCr4(value: u32): bool {
  const after = <u64>value;
  if (after & ~Model.cr4Bits) return refuse();
  const changed = after ^ cpu.cr4;
  if (cpu.cr0 & Cr0.PG && after & Cr4.PAE && changed & CR4_LOADS_PDPTES && !loadPdptes(cpu.cr3)) return false;
  cpu.cr4 = after;
  if (changed & CR4_PAGING) pagingChanged();
  modeChanged();
  return true;
}

/**
 * Writes to CR0, CR3 and CR4 with the checks of SDM 2B "MOV—Move to/from Control Registers" and SDM 3A "Control
 * Registers". Each returns false with #GP(0) (or a missing frame) pending and nothing changed.
 */
import { Cr0, Cr4, Efer } from "../core/control-registers";
import { cpu } from "../core/cpu";
import { Mode } from "../core/mode";
import { Vector, raiseError } from "../core/pending-trap";
import { Attr, Seg, Segment } from "../core/segment";
import { loadPdptes } from "../mmu/page-walk";
import { PHYSICAL_BITS } from "../mmu/physical";
import { pagingChanged } from "../mmu/shadow";
import { Model } from "./cpu-model";
import { modeChanged } from "./transfer";

const CR0_WRITABLE: u64 = Cr0.PE | Cr0.MP | Cr0.EM | Cr0.TS | Cr0.NE | Cr0.WP | Cr0.AM | Cr0.NW | Cr0.CD | Cr0.PG;
/** Changes of these load the PDPTE registers while PAE paging is on. SDM 3A "PDPTE Registers". */
const CR0_LOADS_PDPTES: u64 = Cr0.CD | Cr0.NW | Cr0.PG;
const CR4_LOADS_PDPTES: u64 = Cr4.PAE | Cr4.PGE | Cr4.PSE | Cr4.SMEP;
const CR0_PAGING: u64 = Cr0.PG | Cr0.WP | Cr0.PE | Cr0.CD | Cr0.NW;
const CR4_PAGING: u64 = Cr4.PAE | Cr4.PCIDE | Cr4.PSE | Cr4.PGE | Cr4.SMEP | Cr4.SMAP;

function refuse(): bool {
  raiseError(Vector.GP, 0);
  return false;
}

export function writeCr0(value: u64): bool {
  // Reserved bits are ignored, bits 63-32 must be 0; ET is always 1.
  if (value >> 32) return refuse();
  const after = (value & CR0_WRITABLE) | Cr0.ET;
  if ((after & Cr0.PG && !(after & Cr0.PE)) || (after & Cr0.NW && !(after & Cr0.CD))) return refuse();
  const changed = after ^ cpu.cr0;
  if (changed & Cr0.PG && !switchLongMode((after & Cr0.PG) != 0)) return false;
  if (after & Cr0.PG && !(cpu.efer & Efer.LMA) && cpu.cr4 & Cr4.PAE && changed & CR0_LOADS_PDPTES && !loadPdptes(cpu.cr3)) return false;
  cpu.cr0 = after;
  if (changed & CR0_PAGING) pagingChanged();
  modeChanged();
  return true;
}

/**
 * Paging goes on or off under EFER.LME: IA-32e mode with it. Checked are CR4.PAE and that the code is not 64-bit. SDM 3A
 * "Initializing IA-32e Mode". Without effect where LME is 0.
 */
function switchLongMode(on: bool): bool {
  if (!(cpu.efer & Efer.LME)) return true;
  const code64 = (<u32>Segment.of(Seg.CS).attributes & Attr.L) != 0;
  if (on ? !(cpu.cr4 & Cr4.PAE) || code64 : (cpu.modeKey & Mode.Code64) != 0 || (cpu.cr4 & Cr4.PCIDE) != 0) return refuse();
  cpu.efer = on ? cpu.efer | Efer.LMA : cpu.efer & ~Efer.LMA;
  return true;
}

/** Bits of CR3 that must be 0 in IA-32e mode. */
const CR3_RESERVED: u64 = ~((<u64>1 << PHYSICAL_BITS) - 1);
/** With CR4.PCIDE: keep what the caches hold of the space. */
const CR3_KEEP: u64 = <u64>1 << 63;

export function writeCr3(written: u64): bool {
  const value = cpu.cr4 & Cr4.PCIDE ? written & ~CR3_KEEP : written;
  if (cpu.efer & Efer.LMA) {
    if (value & CR3_RESERVED) return refuse();
  } else if (cpu.cr0 & Cr0.PG && cpu.cr4 & Cr4.PAE && !loadPdptes(value)) return false;
  cpu.cr3 = value;
  if (cpu.cr0 & Cr0.PG) pagingChanged(true);
  return true;
}

export function writeCr4(after: u64): bool {
  if (after & ~Model.cr4Bits) return refuse();
  const changed = after ^ cpu.cr4;
  if (cpu.efer & Efer.LMA) {
    if (!(after & Cr4.PAE) || (changed & after & Cr4.PCIDE && cpu.cr3 & 0xfff)) return refuse();
  } else if (after & Cr4.PCIDE) return refuse();
  else if (cpu.cr0 & Cr0.PG && after & Cr4.PAE && changed & CR4_LOADS_PDPTES && !loadPdptes(cpu.cr3)) return false;
  cpu.cr4 = after;
  if (changed & CR4_PAGING) pagingChanged();
  modeChanged();
  return true;
}

/**
 * Memory type range registers and PAT: kept, checked and given back; memory types have no effect on an emulated bus.
 * SDM 3A "Memory Type Range Registers (MTRRs)", "Page Attribute Table (PAT)".
 */
import { cpu } from "../core/cpu";
import { MSR_MTRR_FIXED, MSR_MTRR_VARIABLE } from "../core/cpu-state.generated";
import { CPU } from "../core/memory-map";
import { PHYSICAL_BITS } from "../mmu/physical";

/** MTRRCAP: 8 variable ranges, fixed ranges, write-combining. */
export const MTRR_CAP: u64 = 0x508;
export const PAT_RESET: u64 = 0x0007040600070406;
const PHYSICAL_MASK: u64 = (<u64>1 << PHYSICAL_BITS) - 0x1000;

/** Memory types UC WC WT WP WB; PAT also has UC-. */
function isMemoryType(type: u32, pat: bool): bool {
  return type <= 1 || (type >= 4 && type <= 6) || (pat && type == 7);
}
function areMemoryTypes(eight: u64, pat: bool): bool {
  for (let n: u64 = 0; n < 64; n += 8) {
    if (!isMemoryType(<u32>(eight >> n) & 0xff, pat)) return false;
  }
  return true;
}

/** Address of the state slot of a fixed or variable MTRR; 0 if the number is none. */
export function mtrrSlot(msr: u32): usize {
  if (msr >= 0x200 && msr <= 0x20f) return CPU + MSR_MTRR_VARIABLE + (<usize>(msr - 0x200) << 3);
  let index: u32;
  if (msr == 0x250) index = 0;
  else if (msr == 0x258 || msr == 0x259) index = 1 + (msr - 0x258);
  else if (msr >= 0x268 && msr <= 0x26f) index = 3 + (msr - 0x268);
  else return 0;
  return CPU + MSR_MTRR_FIXED + (<usize>index << 3);
}

/** False: reserved bits or types. */
export function writeMtrr(msr: u32, value: u64): bool {
  const slot = mtrrSlot(msr);
  let ok: bool;
  if (msr >= 0x250) ok = areMemoryTypes(value, false);
  else if (msr & 1) ok = (value & ~(PHYSICAL_MASK | 0x800)) == 0;
  else ok = (value & ~(PHYSICAL_MASK | 0xff)) == 0 && isMemoryType(<u32>value & 0xff, false);
  if (ok) store<u64>(slot, value);
  return ok;
}
/** IA32_MTRR_DEF_TYPE: type, FE (10), E (11). */
export function writeMtrrDefaultType(value: u64): bool {
  if (value & ~<u64>0xcff || !isMemoryType(<u32>value & 0xff, false)) return false;
  cpu.msrMtrrDefType = value;
  return true;
}
export function writePat(value: u64): bool {
  if (!areMemoryTypes(value, true)) return false;
  cpu.msrPat = value;
  return true;
}

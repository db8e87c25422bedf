/** Control-register and EFER bits by their SDM 3A names ("Control Registers", "IA32_EFER"). */
export namespace Cr0 {
  export const PE: u64 = 1;
  export const MP: u64 = 2;
  export const EM: u64 = 4;
  export const TS: u64 = 8;
  export const ET: u64 = 0x10;
  export const NE: u64 = 0x20;
  export const WP: u64 = 0x10000;
  export const AM: u64 = 0x40000;
  export const NW: u64 = 0x20000000;
  export const CD: u64 = 0x40000000;
  export const PG: u64 = 0x80000000;
}
export namespace Cr4 {
  export const VME: u64 = 1;
  export const PVI: u64 = 2;
  export const TSD: u64 = 4;
  export const DE: u64 = 8;
  export const PSE: u64 = 0x10;
  export const PAE: u64 = 0x20;
  export const MCE: u64 = 0x40;
  export const PGE: u64 = 0x80;
  export const PCE: u64 = 0x100;
  export const OSFXSR: u64 = 0x200;
  export const OSXMMEXCPT: u64 = 0x400;
  export const UMIP: u64 = 0x800;
  export const FSGSBASE: u64 = 0x10000;
  export const PCIDE: u64 = 0x20000;
  export const OSXSAVE: u64 = 0x40000;
  export const SMEP: u64 = 0x100000;
  export const SMAP: u64 = 0x200000;
}
export namespace Efer {
  export const SCE: u64 = 1;
  export const LME: u64 = 0x100;
  export const LMA: u64 = 0x400;
  export const NXE: u64 = 0x800;
}

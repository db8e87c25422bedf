/**
 * Segment registers and descriptors, SDM 3A "Segment Descriptors". The hidden part is kept decoded: base, limit in
 * bytes, and descriptor bits 40-47 and 52-55 packed in `attributes`.
 *
 *   attributes  12 │ 11 10  9  8 │ 7  6 5  4  3 2 1 0
 *           unusable│  G D/B  L AVL│ P  DPL  S  type
 */
import { CPU } from "./memory-map";
import { ES_BASE } from "./cpu-state.generated";

/** Register numbers as encoded in ModRM.reg, then the two system segments, then "no segment" (base 0, no check). */
export namespace Seg {
  export const ES: u32 = 0;
  export const CS: u32 = 1;
  export const SS: u32 = 2;
  export const DS: u32 = 3;
  export const FS: u32 = 4;
  export const GS: u32 = 5;
  export const LDTR: u32 = 6;
  export const TR: u32 = 7;
}

export namespace Attr {
  export const Type: u32 = 0xf;
  export const Accessed: u32 = 1;
  export const Writable: u32 = 2; // data
  export const Readable: u32 = 2; // code
  export const ExpandDown: u32 = 4; // data
  export const Conforming: u32 = 4; // code
  export const Code: u32 = 8;
  export const S: u32 = 0x10;
  export const DplShift: u32 = 5;
  export const P: u32 = 0x80;
  export const L: u32 = 0x200;
  export const DB: u32 = 0x400;
  export const G: u32 = 0x800;
  export const Unusable: u32 = 0x1000;
}

/** The 16 bytes of one segment register in the CPU state. */
@unmanaged @final export class SegmentRegister {
  base: u64;
  limit: u32;
  selector: u16;
  attributes: u16;

  @inline get dpl(): u32 {
    return (<u32>this.attributes >> Attr.DplShift) & 3;
  }
}

/** View of segment register `n` (Seg.ES … Seg.TR). */
export class Segment {
  @inline static of(n: u32): SegmentRegister {
    return changetype<SegmentRegister>(CPU + ES_BASE + (<usize>n << 4));
  }
}

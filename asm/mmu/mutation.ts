/**
 * Deliberate bugs, one at a time, so that tests can show that the checker (checker.ts) catches each. Off unless a test
 * asks; consulted on slow paths only.
 */
export namespace Mutation {
  export const None: u32 = 0;
  /** A store to a page table leaves the shadow entries made from it. */
  export const SkippedDrop: u32 = 1;
  /** The same for a directory entry that maps a large page. */
  export const StaleLargePage: u32 = 2;
  /** Shadow entries give user and write rights that the guest does not. */
  export const WrongRights: u32 = 3;
  /** The PAE root is found by CR3's first PDPTE alone. */
  export const Pdpte: u32 = 4;
  /** Shadow entries are global that the guest's are not. */
  export const Global: u32 = 5;
  /** Shadow entries are dirty before the guest's are. */
  export const Dirty: u32 = 6;
  /** A change of the physical map leaves what was derived from it. */
  export const RemappedBar: u32 = 7;
  /** A write from outside is not noticed. */
  export const DmaWrite: u32 = 8;
}

export class Seeded {
  static mutation: u32 = 0;
  @inline static is(mutation: u32): bool {
    return Seeded.mutation == mutation;
  }
}

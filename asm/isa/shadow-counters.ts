/** Counters of the shadow paging machinery, in the order of their u64 slots; `--stats` prints them under `shadow` by these names. */
export const SHADOW_COUNTERS = [
  ["hiddenFaults", "shadow misses that the guest's tables allow"],
  ["trueFaults", "page faults that the guest's tables demand"],
  ["rootsLive", "address spaces in the root pool now"],
  ["rootSwitches", "changes of the root (CR3 and paging-mode writes)"],
  ["tables", "shadow tables now"],
  ["entriesDropped", "shadow entries dropped"],
  ["walks", "walks of the guest's tables to serve an access"],
  ["slowStores", "stores that a shadowed table or decoded code made slow"],
] as const;

/**
 * Which CPUID features the guest's CPU has: bit n-1 for feature number n of asm/toolchain/features.ts. Set by
 * vmm/cpuid.ts from the model; an encoding whose feature is absent decodes to #UD.
 */
let mask: u64 = <u64>-1;

export function setFeatures(features: u64): void {
  mask = features;
}
/** Feature number 0 is "always". */
export function hasFeature(n: u32): bool {
  return n == 0 || ((mask >> <u64>(n - 1)) & 1) != 0;
}

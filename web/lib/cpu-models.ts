/** `--cpu` names in the order of asm/vmm/cpuid.ts. */
export const CPU_MODELS = ["486", "pentium", "pentium3", "pentium4", "max", "x86-64-v2"] as const;
export type CpuModel = (typeof CPU_MODELS)[number];

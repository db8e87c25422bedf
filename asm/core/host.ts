/** What the core asks of the machine, synchronously (web/machine/core-host.ts implements these imports). */

/** Port input of `size` 1, 2 or 4 bytes. */
@external("host", "portRead")
export declare function hostPortRead(port: u32, size: u32): u32;
@external("host", "portWrite")
export declare function hostPortWrite(port: u32, value: u32, size: u32): void;
/** Guest-physical address as f64 (exact to 2^53); size 1, 2 or 4. */
@external("host", "mmioRead")
export declare function hostMmioRead(physical: f64, size: u32): u32;
@external("host", "mmioWrite")
export declare function hostMmioWrite(physical: f64, value: u32, size: u32): void;
/** The x87's FERR# output changed (CR0.NE = 0): 1 = asserted. */
@external("host", "ferr")
export declare function hostFerr(level: u32): void;
/** INTA cycle: the vector. */
@external("host", "acknowledgeInterrupt")
export declare function hostAcknowledgeInterrupt(): u32;
/** IA32_APIC_BASE was written: physical base, global enable, x2APIC mode. */
@external("host", "apicBase")
export declare function hostApicBase(base: f64, enabled: u32, extended: u32): void;
/** The local APIC's register at 16 × `register`, as an MSR of x2APIC mode has it. */
@external("host", "readLocalApic")
export declare function hostReadLocalApic(register: u32): u64;
@external("host", "writeLocalApic")
export declare function hostWriteLocalApic(register: u32, value: u64): void;
/** IA32_TSC_DEADLINE was written, or the TSC under it; `tsc` is the TSC now. */
@external("host", "tscDeadline")
export declare function hostTscDeadline(deadline: u64, tsc: u64): void;
@external("host", "readTscDeadline")
export declare function hostReadTscDeadline(): u64;
/** MOV to and from CR8: the task priority register of the local APIC. */
@external("host", "taskPriority")
export declare function hostTaskPriority(priority: u32): void;
@external("host", "readTaskPriority")
export declare function hostReadTaskPriority(): u32;
/** Guest frame `frame` still holds what it held when the host began to keep frames, and is about to be written. */
@external("host", "keepFrame")
export declare function hostKeepFrame(frame: u32): void;
/** An assertion failed: the host throws CoreCrash. */
@external("host", "crash")
export declare function hostCrash(code: u32, value: u64): void;
/**
 * Compiles the module of `bytes` bytes at `address` and makes an instance, which puts its functions into the table; that has
 * `entries` entries at least.
 */
@external("host", "compile")
export declare function hostCompile(address: u32, bytes: u32, entries: u32): void;
/** Table entry `index` leads to the function of entry `to` from now on: its region is dead. */
@external("host", "retire")
export declare function hostRetire(index: u32, to: u32): void;

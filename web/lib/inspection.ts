/**
 * What can be seen of a machine's inside, as plain data: `Machine.inspect` and `Machine.debug` give it, the worker sends
 * it to panels. Values are the core's own; words for them are made where they are shown (lib/cpu-bits.ts, paging-words.ts).
 */

/** Where to stop. Addresses are linear. `condition`: only if that is true then (machine/condition.ts). */
export type StopSpec = StopPlace & { readonly condition?: string };

type StopPlace =
  /** Before the instruction at this address. */
  | { readonly kind: "execute"; readonly address: number }
  /** After an instruction that reads or writes one of these bytes. */
  | { readonly kind: "access"; readonly address: number; readonly bytes: number; readonly on: "read" | "write" | "both" }
  /**
   * After an instruction that makes an exit for this reason (names of asm/isa/events.ts): only this vector (Exception,
   * Interrupt, SoftwareInterrupt), port (IoRead, IoWrite), or register number (CrRead, CrWrite, DrRead, DrWrite).
   */
  | { readonly kind: "exit"; readonly reason: string; readonly vector?: number; readonly port?: number; readonly register?: number };

/** Why run control stopped the machine. */
export type StopCause =
  | { readonly kind: "breakpoint"; readonly spec: StopSpec; readonly linear: number }
  | { readonly kind: "watchpoint"; readonly spec: StopSpec; readonly linear: number; readonly access: "read" | "write" }
  | { readonly kind: "exit"; readonly spec: StopSpec; readonly reason: string; readonly qualification: bigint }
  /** A step, step over or step out has ended. */
  | { readonly kind: "step"; readonly how: StepKind | "back" };

export type StepKind = "into" | "over" | "out";

/** One line of code. */
export interface CodeLine {
  readonly linear: number;
  /** Offset in the code segment. */
  readonly offset: number;
  readonly bytes: Uint8Array;
  /** NASM's syntax, or why there is nothing to read. */
  readonly text: string;
  /** `data`: bytes that are no instruction. `unreadable`: not mapped, absent, or a device's. */
  readonly kind: "code" | "data" | "unreadable";
  /** What begins here, where names are known; and `schedule+0x1c`, where a call or jump goes. */
  readonly name?: string;
  readonly target?: string;
}

/** One activation of a function, the innermost first. */
export interface Caller {
  /** Linear address where it stands, or returns to. */
  readonly linear: number;
  readonly name?: string;
}

/** A piece of memory within one page. */
export interface MemoryPiece {
  readonly linear: number;
  readonly length: number;
  /** Guest-physical; undefined where nothing is mapped. */
  readonly physical: number | undefined;
  /** Undefined where there is nothing to read; `kind` says why. */
  readonly bytes: Uint8Array | undefined;
  /** `absent`: RAM whose contents have not come yet. `device`: reading it could have effects. */
  readonly kind: "ram" | "rom" | "absent" | "device" | "not-mapped";
  /** Of RAM and ROM: what is known of the page. */
  readonly page?: PageState;
}

export interface PageState {
  /** All its bytes are 0. */
  readonly zero: boolean;
  /** Instructions in it are decoded. */
  readonly code: boolean;
  /** It is a page table that shadow tables are made from. */
  readonly table: boolean;
  /** Written since the present write epoch began: since power-on, or since the last snapshot or moment was taken. */
  readonly written: boolean;
}

export type Level = 1 | 2 | 3 | 4;

export interface GuestEntry {
  /** 4 = PML4, 3 = PDPT (PAE: a PDPTE register), 2 = page directory, 1 = page table. */
  readonly level: Level;
  readonly index: number;
  /** Guest-physical address of the entry; PAE's level 3: number of the PDPTE register. */
  readonly physical: number;
  readonly value: bigint;
  /** Rights that the levels above leave (RIGHT of lib/paging-words.ts). */
  readonly above: number;
}

export interface ShadowEntry {
  readonly level: Level;
  /** Address in the core's memory. */
  readonly host: number;
  readonly word: number;
  readonly frame: number;
  /** Live entries of the table that it lies in. */
  readonly live: number;
}

/** The place of an address in one translation cache, as it is: it may hold another page. */
export interface CacheEntry {
  readonly read: number;
  readonly write: number;
  readonly execute: number;
  readonly addend: number;
  /** Of 64-bit code: the upper halves of the tags, which are equal; signed. */
  readonly high?: number;
}

export type AccessKind = "read" | "write" | "execute";

/** What one kind of access would come to, tried without effect. */
export interface AccessOutcome {
  readonly access: AccessKind;
  readonly user: boolean;
  readonly outcome: "translated" | "fault" | "absent";
  /** Error code of the page fault. */
  readonly error: number;
  /** Level at which the walk ended; above the top level: before any table was read. */
  readonly level: number;
}

/** One linear address through all levels of translation. */
export interface Walk {
  readonly linear: number;
  readonly paging: "none" | "32-bit" | "PAE" | "4-level";
  /** Guest-physical address, undefined where the tables lead nowhere. */
  readonly physical: number | undefined;
  /** Shadow root in use: 1 to 500. */
  readonly root: number;
  /** From the top down; as many as were read. */
  readonly guest: readonly GuestEntry[];
  /** From the root slot down to the last that exists; empty without paging. */
  readonly shadow: readonly ShadowEntry[];
  readonly cache: { readonly supervisor: CacheEntry; readonly user: CacheEntry };
  readonly accesses: readonly AccessOutcome[];
}

/** One exit, from the core's event ring. */
export interface TrapEvent {
  /** Which one of those that the ring has recorded since power-on, from 0. It records only while somebody listens. */
  readonly number: number;
  /** Index in EXITS. */
  readonly reason: number;
  readonly cpl: number;
  /** Offset in the code segment; of 64-bit code signed. */
  readonly rip: number;
  readonly qualification: bigint;
  readonly tick: number;
  /** Where names are known: the function that it was in. */
  readonly where?: string;
}

/** What the shadow checker found: 0 nothing. */
export interface CheckResult {
  readonly finding: number;
  readonly entry: number;
  readonly linear: number;
  readonly found: number;
  readonly expected: number;
}

/** An 8259A: bit n is input n. */
export interface InterruptLines {
  readonly name: string;
  /** Levels of the pins. */
  readonly inputs: number;
  readonly irr: number;
  readonly isr: number;
  readonly imr: number;
  readonly vectorBase: number;
}

/** First and last, inclusive. */
interface AddressRange {
  readonly first: number;
  readonly last: number;
}

/** One device as its schema describes it. */
export interface DeviceState {
  readonly name: string;
  /** What the chip is called. */
  readonly part: string;
  readonly fields: readonly { readonly name: string; readonly value: string }[];
  readonly ports: readonly AddressRange[];
  readonly memory: readonly AddressRange[];
  readonly queues: readonly QueueState[];
}

/** A split virtqueue (virtio 1.1, 2.6). Addresses are physical. */
export interface QueueState {
  readonly enabled: boolean;
  /** Entries. */
  readonly size: number;
  readonly descriptors: number;
  readonly available: number;
  readonly used: number;
  /** Entries that the device has taken from the available ring and put into the used ring, modulo 2^16. */
  readonly taken: number;
  readonly given: number;
  /** The index fields of both rings, as they are in guest memory; undefined where they lie in no RAM that is here. */
  readonly availableIndex?: number;
  readonly usedIndex?: number;
}

/** Local APIC and I/O APIC. */
export interface ApicPicture {
  readonly pins: readonly {
    readonly pin: number;
    readonly asserted: boolean;
    readonly masked: boolean;
    readonly level: boolean;
    readonly vector: number;
  }[];
  /** Vectors that are requested, and in service. */
  readonly irr: readonly number[];
  readonly isr: readonly number[];
  /** Of the local vector table. */
  readonly timer: { readonly vector: number; readonly masked: boolean };
}

/** What the guest's interrupt descriptor table, or in real mode the vector table, has for a vector. */
export interface Gate {
  readonly vector: number;
  /** False: not present, or beyond the table's limit, or not in memory. */
  readonly present: boolean;
  readonly selector: number;
  /** In the code segment that the selector names. */
  readonly handler: number;
  /** Where names are known. */
  readonly name?: string;
}

export interface BoardPicture {
  readonly devices: readonly { readonly name: string; readonly reads: number; readonly writes: number; readonly guestErrors: number }[];
  /** Undefined: there is none of this name. */
  readonly chosen: DeviceState | undefined;
  readonly pics: readonly InterruptLines[];
  /** Undefined: the board has none. */
  readonly apic: ApicPicture | undefined;
  /** Of the vectors that can come from these lines. */
  readonly gates: readonly Gate[];
}

/** A region of translated code, as asm/jit/region-log.ts keeps it. */
export interface JitRegion {
  readonly number: number;
  readonly bits: 32 | 64;
  readonly blocks: readonly { readonly physical: number; readonly instructions: number }[];
  readonly guestInstructions: number;
  readonly wasmBytes: number;
  /** A store has hit its code. */
  readonly ended: boolean;
  /** From the core's loop; what comes by links is not counted. */
  readonly entries: number;
  /** Exits of translated code that were linked to it. */
  readonly links: number;
  /** Why its entries came back to the loop. */
  readonly returns: { readonly pending: number; readonly instruction: number; readonly target: number; readonly budget: number };
  /** Retired between its entries and the return to the loop. */
  readonly instructions: number;
}

export interface JitPicture {
  /** Hot code is translated. */
  readonly isOn: boolean;
  readonly stats: {
    readonly regions: number;
    readonly modules: number;
    readonly bytes: number;
    readonly compileMs: number;
    readonly links: number;
    readonly invalidations: number;
    readonly evictions: number;
    readonly instructionsInJit: number;
  };
  /** The hottest first. */
  readonly regions: readonly JitRegion[];
  readonly chosen:
    | {
        readonly region: JitRegion;
        /** Block by block; undefined: it has been overwritten. */
        readonly guest: readonly (readonly CodeLine[])[] | undefined;
        /** Undefined: it is not kept any more. */
        readonly wasm: readonly { readonly depth: number; readonly text: string }[] | undefined;
      }
    | undefined;
}

/** Which panels are to be seen, and of what. Nothing is computed, and nobody listens, for the others. */
export interface InspectView {
  /** `at`: first line of the listing; null follows the instruction pointer. */
  readonly cpu?: { readonly at: number | null; readonly lines: number };
  readonly traps?: Record<string, never>;
  /** Null: where the next instruction is. */
  readonly paging?: { readonly linear: number | null };
  /** Null: where the stack is. */
  readonly memory?: { readonly linear: number | null; readonly length: number };
  /** `chosen`: the device whose state is wanted. */
  readonly devices?: { readonly chosen: string };
  /** `chosen`: number of the region that is wanted with its code. */
  readonly jit?: { readonly chosen: number | null };
  /** No panel is to be seen, but the way there is recorded. */
  readonly record?: true;
}

/** One picture of the inside; the parts are those of the view. All parts are of the same instant. */
export interface Inspection {
  readonly running: boolean;
  readonly instructions: number;
  readonly ticks: number;
  readonly cpu?: {
    /** By the names of asm/isa/cpu-state.ts; `dr0` … `dr7` and `pdpte0` … `pdpte3` for elements. */
    readonly registers: Readonly<Record<string, bigint>>;
    readonly listing: readonly CodeLine[];
    /** By frame pointers; only while the machine stands still. */
    readonly callers: readonly Caller[];
    /** How many names are known. */
    readonly names: number;
  };
  readonly traps?: {
    /** By index in EXITS. */
    readonly exits: readonly number[];
    readonly total: number;
    /** New since the last picture, oldest first; at most the newest of them. */
    readonly events: readonly TrapEvent[];
    /** Events since the last picture that are not among them: overwritten, or too many to send. */
    readonly lost: number;
  };
  readonly memory?: { readonly linear: number; readonly pieces: readonly MemoryPiece[] };
  readonly devices?: BoardPicture;
  readonly jit?: JitPicture;
  readonly paging?: { readonly walk: Walk; readonly shadow: Readonly<Record<string, number>> };
}

/**
 * The eight deliberate bugs of asm/mmu/mutation.ts in a booting Debian: each must make the checker find something, in a
 * run where the correct MMU passes. Six show by themselves, sooner or later; a remapped BAR and a DMA write are made here,
 * because nothing on the board moves memory or writes page tables by DMA.
 */
import type { Booted } from "../boot/machines";
import type { LinuxGuest } from "../boot/prepared-guests";
import { checkedBoot, type Finding, lookAt } from "./checked-boot";

/** The kernel runs from its own page tables long before this. */
const UNDER_WAY = 30_000_000;
const PAGE = 4096;

export interface MutationCase {
  readonly name: string;
  readonly kind: number;
  readonly guest: "debian" | "debian-pae";
  /** Done from outside after UNDER_WAY instructions. */
  readonly provoke?: (booted: Booted) => void;
}

export const MUTATIONS: readonly MutationCase[] = [
  { name: "skipped drop", kind: 1, guest: "debian" },
  { name: "stale large page", kind: 2, guest: "debian" },
  { name: "wrong U/W/NX", kind: 3, guest: "debian-pae" },
  { name: "PDPTE", kind: 4, guest: "debian-pae" },
  { name: "global", kind: 5, guest: "debian" },
  { name: "dirty bit", kind: 6, guest: "debian" },
  {
    name: "remapped BAR",
    kind: 7,
    guest: "debian",
    // A device takes over the page that is being executed.
    provoke: ({ core }) => void core.exports.mapMmio!(currentCode(core).physical / PAGE, 1),
  },
  {
    name: "DMA write",
    kind: 8,
    guest: "debian",
    // Another frame, by DMA into the page table that maps the code in execution.
    provoke: ({ core }) => {
      const { entryAddress, entry } = currentCode(core);
      core.memory.write(entryAddress + 2, Uint8Array.of(((entry >>> 16) & 0xff) ^ 0x80));
    },
  },
];

/** Where the code in execution lies, and the entry of the two-level tables that says so. */
function currentCode(core: Booted["core"]): { physical: number; entryAddress: number; entry: number } {
  const linear = Number((core.getRegister("cs.base") + core.getRegister("rip")) & 0xffffffffn);
  const word = (address: number): number => new DataView(core.memory.read(address, 4).buffer).getUint32(0, true);
  let entryAddress = Number(core.getRegister("cr3") & 0xfffff000n) + (linear >>> 22) * 4;
  let entry = word(entryAddress);
  const large = (entry & 0x80) !== 0;
  if (!large) {
    entryAddress = ((entry & 0xfffff000) >>> 0) + ((linear >>> 12) & 1023) * 4;
    entry = word(entryAddress);
  }
  const physical = core.exports.translate!(linear, 4);
  if (physical < 0) throw new Error("the code in execution is not mapped");
  return { physical: Math.floor(physical / PAGE) * PAGE, entryAddress, entry };
}

export interface MutationResult {
  /** What the correct MMU shows at the same place: nothing. */
  readonly sound: Finding | undefined;
  readonly seeded: Finding | undefined;
}

/** `last`: as far as a mutation that shows by itself is waited for. */
export async function runMutation(mutation: MutationCase, guest: LinuxGuest, every: number, last?: number): Promise<MutationResult> {
  const { kind, provoke } = mutation;
  if (!provoke) {
    const seeded = (await checkedBoot(guest, { every, mutation: kind, ...(last === undefined ? {} : { last }) })).finding;
    if (!seeded) return { sound: undefined, seeded };
    return { sound: (await checkedBoot(guest, { every: seeded.instructions, last: seeded.instructions })).finding, seeded };
  }
  const results: (Finding | undefined)[] = [];
  for (const seed of [0, kind]) {
    const booted = await checkedBoot(guest, { every: UNDER_WAY, last: UNDER_WAY, mutation: seed });
    if (booted.finding) throw new Error(`there was a finding before the provocation: ${JSON.stringify(booted.finding)}`);
    provoke(booted);
    results.push(lookAt(booted));
  }
  return { sound: results[0], seeded: results[1] };
}

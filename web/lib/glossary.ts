/** The words of the panels, for somebody who meets them for the first time. `source`: where the field defines them. */

export interface Term {
  readonly term: string;
  readonly meaning: string;
  readonly source: string;
}

const term = (name: string, meaning: string, source: string): Term => ({ term: name, meaning, source });

/** By name. */
export const GLOSSARY: readonly Term[] = [
  term(
    "A20",
    "Address line 20. Switched off, every other megabyte is a copy of the one before, as on the 8086.",
    'SDM 3B "Architecture Compatibility"',
  ),
  term(
    "APIC",
    "Interrupt controller of a PC since the Pentium: a local one in each processor, an I/O APIC for the pins.",
    'SDM 3A "Advanced Programmable Interrupt Controller"',
  ),
  term(
    "Binary translation",
    "Guest code is rewritten into other code before it runs; here hot code becomes WebAssembly.",
    "Adams and Agesen 2006",
  ),
  term("CPL", "Current privilege level, 0 to 3: the kernel's is 0, programs have 3.", 'SDM 3A "Privilege Levels"'),
  term(
    "CR3",
    "Register with the physical address of the page tables in use; writing it switches the address space.",
    'SDM 3A "Control Registers"',
  ),
  term("Dirty", "Written to. The D bit of a page table entry says so, set by the processor.", 'SDM 3A "Accessed and Dirty Flags"'),
  term("Emulation", "Each guest instruction is carried out by a program that reads it; nothing runs by itself.", "Popek and Goldberg 1974"),
  term(
    "Exception",
    "What the processor raises when an instruction cannot be done as it stands, such as #PF or #GP.",
    'SDM 3A "Interrupt and Exception Handling"',
  ),
  term("Exit", "The guest is left for the hypervisor, for a reason that is counted; VT-x calls it a VM exit.", 'SDM 3C "VM Exits"'),
  term("Gate", "Entry of the IDT: which code handles a vector, and who may call it.", 'SDM 3A "IDT Descriptors"'),
  term(
    "Hidden page fault",
    "A fault on a shadow entry that is missing although the guest's tables allow the access: filled, and the guest never hears of it.",
    "Adams and Agesen 2006",
  ),
  term("Hypervisor", "The program that lets guests believe they have the machine for themselves; also VMM.", "Popek and Goldberg 1974"),
  term("IDT", "Interrupt descriptor table: for each of 256 vectors a gate.", 'SDM 3A "Interrupt Descriptor Table"'),
  term("IMR", "Interrupt mask register of an 8259A: inputs that are not to be heard.", "8259A data sheet"),
  term("IRR", "Interrupt request register: what has asked and was not yet acknowledged.", "8259A data sheet"),
  term("ISR", "In-service register: what the processor has acknowledged and whose handler has not said EOI yet.", "8259A data sheet"),
  term("Linear address", "What segmentation gives and paging takes: base plus offset.", 'SDM 3A "Protected-Mode Memory Management"'),
  term(
    "Link",
    "An exit of translated code that goes straight on in other translated code, without the loop between.",
    "docs/decisions/chaining.md",
  ),
  term("MMIO", "Registers of a device that are read and written like memory.", 'SDM 1 "Memory-Mapped I/O"'),
  term(
    "Nested paging",
    "The processor itself walks two sets of tables, the guest's and the hypervisor's: EPT at Intel, NPT at AMD. Shadow tables are not needed.",
    'SDM 3C "The Extended Page Table Mechanism"',
  ),
  term(
    "Page table",
    "Tables in memory that say to which frame each page of linear addresses leads, and who may do what there.",
    'SDM 3A "Paging"',
  ),
  term("Physical address", "What comes out of paging: a place on the bus, RAM or a device's.", 'SDM 3A "Protected-Mode Memory Management"'),
  term("Port", "Address of the separate I/O space, reached by IN and OUT.", 'SDM 1 "Input/Output"'),
  term("Privileged instruction", "One that traps if it is executed at a lower privilege.", "Popek and Goldberg 1974"),
  term("Qualification", "What an exit says beyond its reason: the port, the register, the address.", 'SDM 3C "Basic VM-Exit Information"'),
  term("Region", "Blocks of hot code that lead to each other, translated into one WebAssembly function.", "docs/decisions/translation.md"),
  term(
    "Ring compression",
    "The guest's kernel runs at a lower privilege than it believes, so that what is privileged traps.",
    "Uhlig and others 2005",
  ),
  term(
    "Sensitive instruction",
    "One whose result shows, or changes, what the hypervisor must keep for itself. On IA-32, 17 of them do not trap.",
    "Robin and Irvine 2000",
  ),
  term(
    "Shadow page table",
    "The table that is really used: composed by the hypervisor of the guest's tables and of where its memory lies.",
    "Adams and Agesen 2006",
  ),
  term("Snapshot", "The whole state of a machine at one instant, from which it goes on as if nothing had been.", "docs/snapshot-format.md"),
  term(
    "TLB",
    "Cache of translations. What the guest does not invalidate may stay valid after its tables have changed.",
    'SDM 3A "Caching Translation Information"',
  ),
  term(
    "Trap and emulate",
    "Harmless code runs by itself; what is privileged traps, and the hypervisor does it on the guest's state.",
    "Popek and Goldberg 1974",
  ),
  term(
    "Triple fault",
    "An exception while a double fault is delivered: the processor shuts down, a PC resets.",
    'SDM 3A "Double Fault Exception"',
  ),
  term("True page fault", "One that the guest's own tables demand: it is delivered to the guest.", "Adams and Agesen 2006"),
  term("Vector", "Number from 0 to 255 that chooses the gate.", 'SDM 3A "Exception and Interrupt Vectors"'),
  term("Virtqueue", "Rings in guest memory through which a virtio driver hands buffers to its device.", "virtio 1.1, 2.6"),
  term("VMCB", "AMD's control block of a virtual machine.", 'APM 2 "Secure Virtual Machine"'),
  term("VMCS", "Intel's control structure of a virtual machine.", 'SDM 3C "Virtual Machine Control Structures"'),
];

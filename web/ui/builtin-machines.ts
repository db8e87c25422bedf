/** The machines that come with Vitrine: there without network and without preparation. */
import { BUILT_IN_GUESTS } from "../../bios/index";
import type { MachineEntry } from "./machines";

const MEMORY_MB = 16;

export const BUILTIN_MACHINES: readonly MachineEntry[] = BUILT_IN_GUESTS.filter(({ internal }) => !internal).map((guest) => ({
  id: guest.id,
  group: "builtin",
  title: guest.title,
  description: guest.summary,
  licence: "",
  boot: guest.boot,
  image: { kind: "builtin", name: guest.title, id: guest.id },
  // By multiboot's custom the first word is the kernel's own name.
  defaults: { memoryMb: MEMORY_MB, commandLine: guest.boot === "multiboot" ? `${guest.id} ${guest.commandLine}` : "" },
  takesCommandLine: guest.boot === "multiboot",
}));

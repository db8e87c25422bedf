/**
 * What Vitrine does not have, said aloud: the guest gets its #UD or #GP, and the event is counted here by what was
 * tried, with the address of the first time, for `--stats` and the log.
 */
import { exit, currentRip, UNIMPLEMENTED } from "./exits";
import { Exit } from "./events.generated";

const ENTRIES: u32 = 60;
/** Entry, 32 bytes: u64 what (instruction bytes, or register number), u64 kind (0 instruction, 1 MSR, 2 other), u64 first RIP, u64 count. */
const ENTRY_BYTES: usize = 32;

/** Counts one use of something missing. `what`: the first 8 instruction bytes, or the register number. */
export function unimplemented(kind: u64, what: u64): void {
  exit(Exit.Unimplemented, what);
  const count = load<u32>(UNIMPLEMENTED);
  for (let i: u32 = 0; i < count; i++) {
    const at = UNIMPLEMENTED + 32 + <usize>i * ENTRY_BYTES;
    if (load<u64>(at) == what && load<u64>(at + 8) == kind) {
      store<u64>(at + 24, load<u64>(at + 24) + 1);
      return;
    }
  }
  if (count == ENTRIES) return;
  const at = UNIMPLEMENTED + 32 + <usize>count * ENTRY_BYTES;
  store<u64>(at, what);
  store<u64>(at + 8, kind);
  store<u64>(at + 16, currentRip());
  store<u64>(at + 24, 1);
  store<u32>(UNIMPLEMENTED, count + 1);
}

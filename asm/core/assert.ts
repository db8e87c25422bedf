/** Host bugs are crashes: a failed assertion reaches the host as CoreCrash with the state dump that it makes. */
import { hostCrash } from "./host";

/** asc's `assert` and bounds checks end here. */
export function abort(message: string | null = null, fileName: string | null = null, line: u32 = 0, column: u32 = 0): void {
  hostCrash(line, changetype<usize>(fileName));
  unreachable();
}

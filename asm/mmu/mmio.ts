/** Device memory: accesses of any size become the machine's 1, 2 and 4-byte accesses, low address first. */
import { Exit } from "../core/events.generated";
import { exit } from "../core/exits";
import { hostMmioRead, hostMmioWrite } from "../core/host";

/** Reads `bytes` from guest-physical `physical` to host memory at `to`. */
export function mmioRead(physical: u64, bytes: u32, to: usize): void {
  for (let done: u32 = 0; done < bytes; ) {
    const size = piece(bytes - done);
    const at = physical + <u64>done;
    exit(Exit.MmioRead, at);
    const value = hostMmioRead(<f64>at, size);
    put(to + <usize>done, value, size);
    done += size;
  }
}
/** Writes `bytes` from host memory at `from`. */
export function mmioWrite(physical: u64, bytes: u32, from: usize): void {
  for (let done: u32 = 0; done < bytes; ) {
    const size = piece(bytes - done);
    const at = physical + <u64>done;
    exit(Exit.MmioWrite, at);
    hostMmioWrite(<f64>at, get(from + <usize>done, size), size);
    done += size;
  }
}
function piece(left: u32): u32 {
  return left >= 4 ? 4 : left >= 2 ? 2 : 1;
}
function put(at: usize, value: u32, size: u32): void {
  if (size == 4) store<u32>(at, value);
  else if (size == 2) store<u16>(at, <u16>value);
  else store<u8>(at, <u8>value);
}
function get(at: usize, size: u32): u32 {
  return size == 4 ? load<u32>(at) : size == 2 ? <u32>load<u16>(at) : <u32>load<u8>(at);
}

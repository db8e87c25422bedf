/** Requests of a controller with one range each, as bytes for its state: 28 a request. */
import { SnapshotIncompatible } from "../../lib/errors";
import { DISK_OPERATIONS, type DiskRequest } from "./disk-requests";

const BYTES = 28;
/** At most so many are under way at once. */
export const MOST_SIMPLE_REQUESTS = 16;
export const SIMPLE_REQUESTS_BYTES = BYTES * MOST_SIMPLE_REQUESTS;

export function encodeRequests(requests: readonly DiskRequest[]): Uint8Array {
  const bytes = new Uint8Array(BYTES * requests.length);
  const view = new DataView(bytes.buffer);
  for (const [n, { operation, ranges, deadlineNs, hasFailed, isAbandoned }] of requests.entries()) {
    const at = BYTES * n;
    view.setUint8(at, DISK_OPERATIONS.indexOf(operation));
    view.setUint8(at + 1, (deadlineNs !== undefined ? 1 : 0) | (hasFailed ? 2 : 0) | (isAbandoned ? 4 : 0) | (ranges.length > 0 ? 8 : 0));
    view.setFloat64(at + 4, deadlineNs ?? 0, true);
    view.setFloat64(at + 12, ranges[0]?.offset ?? 0, true);
    view.setFloat64(at + 20, ranges[0]?.length ?? 0, true);
  }
  return bytes;
}

/** Throws SnapshotIncompatible for what such a controller with a disk of `diskBytes` cannot have under way. */
export function decodeRequests(name: string, bytes: Uint8Array, diskBytes: number): DiskRequest[] {
  const refuse = (): never => {
    throw new SnapshotIncompatible(name, "a disk request is not possible.");
  };
  if (bytes.length % BYTES !== 0 || bytes.length > SIMPLE_REQUESTS_BYTES) refuse();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Array.from({ length: bytes.length / BYTES }, (_, n) => {
    const at = BYTES * n;
    const operation = DISK_OPERATIONS[view.getUint8(at)] ?? refuse();
    const flags = view.getUint8(at + 1);
    const [deadlineNs, offset, length] = [view.getFloat64(at + 4, true), view.getFloat64(at + 12, true), view.getFloat64(at + 20, true)];
    const hasRange = (flags & 8) !== 0;
    const isPossible =
      [deadlineNs, offset, length].every((value) => Number.isSafeInteger(value) && value >= 0 && !Object.is(value, -0)) &&
      flags < 16 &&
      view.getUint16(at + 2) === 0 &&
      ((flags & 1) !== 0 || deadlineNs === 0) &&
      hasRange === (operation !== "flush") &&
      operation !== "trim" &&
      offset + length <= diskBytes &&
      (hasRange ? length > 0 : offset + length === 0);
    if (!isPossible) refuse();
    return {
      ...{ operation, ranges: hasRange ? [{ offset, length }] : [] },
      ...{ deadlineNs: flags & 1 ? deadlineNs : undefined, hasFailed: (flags & 2) !== 0, isAbandoned: (flags & 4) !== 0 },
    };
  });
}

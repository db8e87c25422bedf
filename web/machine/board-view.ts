/** What can be seen of the board: each device's state by the names of its schema, its ports, how often it was asked, and the interrupt lines. */
import type { ApicPicture, BoardPicture, DeviceState, Gate, InterruptLines, QueueState } from "../lib/inspection";
import { toHex } from "../lib/sha256";
import type { Apics } from "./apic";
import { PIN_COUNT } from "./devices/io-apic";
import { Pic } from "./devices/pic";
import type { Pc } from "./pc";

/** Longer fields (video memory, buffers) are told by their length. */
const MOST_BYTES = 64;
/** Of redirection entries and the local vector table. */
const MASKED = 0x10000;
const LEVEL = 0x8000;
/** Where a ring has its index: after the flags. */
const RING_INDEX = 2;

/** A u16 of guest RAM by physical address; undefined where there is none. */
type ReadWord = (physical: number) => number | undefined;

/** What the board's chips lead to in the guest's memory. */
export interface GuestTables {
  readonly readWord: ReadWord;
  readonly gateOf: (vector: number) => Gate;
}

/** `chosen`: the device whose state is wanted. Reading changes nothing. */
export function boardPicture(pc: Pc, { readWord, gateOf }: GuestTables, chosen: string): BoardPicture {
  const counters = pc.counters();
  const pics = pc.devices.flatMap(({ name, device }) => (device instanceof Pic ? [{ name, ...linesOf(device) }] : []));
  const apic = pc.apics && apicPicture(pc.apics);
  const named = pc.devices.find(({ name }) => name === chosen);
  return {
    devices: pc.devices.map(({ name }) => ({ name, ...counters[name]! })),
    chosen: named && deviceState(pc, readWord, named.name),
    ...{ pics, apic, gates: vectorsOf(pics, apic).map(gateOf) },
  };
}

function deviceState(pc: Pc, readWord: ReadWord, name: string): DeviceState {
  const { device } = pc.devices.find((each) => each.name === name)!;
  const own = ({ owner }: { readonly owner: string }): boolean => owner === name;
  const saved = device.save() as Readonly<Record<string, unknown>>;
  return {
    name,
    part: device.schema.name,
    fields: Object.entries(saved).map(([field, value]) => ({ name: field, value: textOf(value) })),
    ports: pc.bus.portClaims().filter(own),
    memory: pc.bus.mmioClaims().filter(own),
    queues: queuesOf(saved, readWord),
  };
}

/** Queues are in a schema under `queue0.…`, `queue1.…` (devices/virtqueue.ts). */
function queuesOf(saved: Readonly<Record<string, unknown>>, readWord: ReadWord): QueueState[] {
  const queues: QueueState[] = [];
  for (let n = 0; `queue${n}.size` in saved; n++) {
    const of = (field: string): number => Number(saved[`queue${n}.${field}`]);
    const address = (field: string): number => of(`${field}High`) * 2 ** 32 + of(`${field}Low`);
    const enabled = saved[`queue${n}.enabled`] === true;
    const [available, used] = [address("available"), address("used")];
    const index = (ring: number): number | undefined => (enabled ? readWord(ring + RING_INDEX) : undefined);
    const [availableIndex, usedIndex] = [index(available), index(used)];
    queues.push({
      ...{ enabled, size: of("size"), descriptors: address("descriptors"), available, used, taken: of("taken"), given: of("given") },
      ...(availableIndex !== undefined && { availableIndex }),
      ...(usedIndex !== undefined && { usedIndex }),
    });
  }
  return queues;
}

function apicPicture({ io, local }: Apics): ApicPicture {
  const { entries, pins } = io.save();
  const redirections = new DataView(entries.buffer, entries.byteOffset);
  const { request, inService, lvtTimer } = local.save();
  const vectors = (set: Uint8Array): number[] => Array.from({ length: 256 }, (_, n) => n).filter((n) => (set[n >> 3]! >> (n & 7)) & 1);
  return {
    pins: Array.from({ length: PIN_COUNT }, (_, pin) => {
      const low = redirections.getUint32(pin * 8, true);
      return {
        ...{ pin, asserted: ((pins >>> pin) & 1) !== 0, vector: low & 0xff },
        ...{ masked: (low & MASKED) !== 0, level: (low & LEVEL) !== 0 },
      };
    }),
    ...{ irr: vectors(request), isr: vectors(inService) },
    timer: { vector: lvtTimer & 0xff, masked: (lvtTimer & MASKED) !== 0 },
  };
}

/** Those that can come, in their order. */
function vectorsOf(pics: readonly InterruptLines[], apic: ApicPicture | undefined): number[] {
  const vectors = new Set(pics.flatMap(({ vectorBase }) => Array.from({ length: 8 }, (_, pin) => vectorBase + pin)));
  if (apic) {
    for (const { masked, vector } of [...apic.pins, apic.timer]) if (!masked) vectors.add(vector);
    for (const vector of [...apic.irr, ...apic.isr]) vectors.add(vector);
  }
  return [...vectors].toSorted((a, b) => a - b);
}

function linesOf(pic: Pic): Omit<InterruptLines, "name"> {
  const { inputs, inService, mask, vectorBase } = pic.save();
  return { inputs, irr: pic.requests, isr: inService, imr: mask, vectorBase };
}

function textOf(value: unknown): string {
  const bytes = value instanceof Uint8Array ? value : Array.isArray(value) ? Uint8Array.from(value as number[]) : undefined;
  if (bytes) return bytes.length > MOST_BYTES ? `${bytes.length} bytes` : toHex(bytes);
  if (typeof value === "number" && Number.isInteger(value)) return value > 9 ? `${value} (${value.toString(16)}h)` : `${value}`;
  return String(value);
}

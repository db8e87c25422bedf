/** The sections of a saved machine as names and values for people: what `vitrine snapshot diff` and panels show. */
import { toHex } from "../lib/sha256";
import { decodeState } from "../snapshot/codec";
import type { MachineRecord } from "../snapshot/manifest";
import type { Schema } from "../snapshot/schema";
import { resolveConfig } from "./config";
import { cpuFields } from "./cpu-section";
import { type CpuPins, createPc } from "./pc";
import { CPU_SECTION, configOf } from "./snapshotting";

/** A board without a processor: only its parts' schemas are wanted. */
const NO_CPU: CpuPins = {
  ticks: 0,
  limit: () => {},
  stop: () => {},
  setIntr: () => {},
  setA20: () => {},
  setIgnne: () => {},
  pulseNmi: () => {},
  memory: { ramBytes: 0, read: (_address, length) => new Uint8Array(length), write: () => {} },
};

/** Schemas by section name, of the machine that a manifest describes. Throws SnapshotIncompatible. */
export function schemasOf(machine: MachineRecord): ReadonlyMap<string, Schema> {
  const pc = createPc(NO_CPU, resolveConfig(configOf(machine), 0));
  return new Map<string, Schema>([["clock", pc.clock.schema], ...pc.devices.map(({ name, device }) => [name, device.schema] as const)]);
}

/** Fields of a section by name; undefined: nobody knows its form. Throws SnapshotIncompatible. */
export function fieldsOf(name: string, section: Uint8Array, schemas: ReadonlyMap<string, Schema>): Map<string, string> | undefined {
  if (name === CPU_SECTION) return cpuFields(section);
  const schema = schemas.get(name);
  if (!schema) return undefined;
  const fields = Object.entries(decodeState(schema, section)).map(([field, value]) => [field, textOf(value)] as const);
  return new Map(fields);
}

function textOf(value: unknown): string {
  if (value instanceof Uint8Array) return toHex(value);
  if (Array.isArray(value)) return toHex(Uint8Array.from(value as number[]));
  return String(value);
}

/** Prints the vCPU state's layout for AssemblyScript and TypeScript from asm/isa/cpu-state.ts. */
import { CPU_STATE, type FieldType } from "../isa/cpu-state";

const BYTES: Record<FieldType, number> = { u8: 1, u16: 2, u32: 4, u64: 8, f80: 16, v128: 16 };
export interface Placed {
  readonly name: string;
  readonly type: FieldType;
  readonly offset: number;
  readonly count: number;
  readonly saved: boolean;
  readonly gloss: string;
}

/** Fields in order, each aligned to its size; fails on a duplicate name. */
export function placeFields(): { fields: Placed[]; bytes: number } {
  let offset = 0;
  const fields: Placed[] = [];
  const seen = new Set<string>();
  for (const field of CPU_STATE) {
    if (seen.has(field.name)) throw new Error(`cpu-state: ${field.name} is declared twice`);
    seen.add(field.name);
    const size = BYTES[field.type];
    offset = Math.ceil(offset / size) * size;
    fields.push({ ...field, offset, count: field.count ?? 1 });
    offset += size * (field.count ?? 1);
  }
  return { fields, bytes: Math.ceil(offset / 16) * 16 };
}

const upper = (name: string): string => name.replace(/([a-z0-9])([A-Z])/g, "$1_$2").toUpperCase();

/** `core/cpu-state.generated.ts`: offsets as constants and a typed view. Repeated and wide fields get an offset only. */
export function printStateForCore(): string {
  const { fields, bytes } = placeFields();
  const lines = ["// Generated from asm/isa/cpu-state.ts. Do not edit.", `export const STATE_BYTES: usize = ${bytes};`];
  for (const f of fields) lines.push(`export const ${upper(f.name)}: usize = ${f.offset};`);
  lines.push("@unmanaged @final export class CpuState {");
  let at = 0;
  let pads = 0;
  const skipTo = (offset: number): void => {
    for (; at + 8 <= offset && at % 8 === 0; at += 8) lines.push(`  private pad${pads++}: u64;`);
    for (; at < offset; at += 1) lines.push(`  private pad${pads++}: u8;`);
  };
  for (const f of fields) {
    if (f.count > 1 || f.type === "f80" || f.type === "v128") continue;
    skipTo(f.offset);
    lines.push(`  /** ${f.gloss} */`, `  ${f.name}: ${f.type};`);
    at = f.offset + BYTES[f.type];
  }
  lines.push("}", "");
  return lines.join("\n");
}

/** `web/lib/cpu-state.generated.ts`: name → {offset, type, count, saved, gloss}. */
export function printStateForHost(): string {
  const { fields, bytes } = placeFields();
  return [
    "// Generated from asm/isa/cpu-state.ts. Do not edit.",
    'export interface StateFieldPlace { readonly offset: number; readonly type: "u8" | "u16" | "u32" | "u64" | "f80" | "v128"; readonly count: number; readonly saved: boolean; readonly gloss: string }',
    `export const CPU_STATE_BYTES = ${bytes};`,
    "export const CPU_STATE = {",
    ...fields.map(
      (f) => `  ${f.name}: ${JSON.stringify({ offset: f.offset, type: f.type, count: f.count, saved: f.saved, gloss: f.gloss })},`,
    ),
    "} as const satisfies Record<string, StateFieldPlace>;",
    "export type CpuStateField = keyof typeof CPU_STATE;",
    "",
  ].join("\n");
}

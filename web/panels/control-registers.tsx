/** EFLAGS and the control registers by bit: names of set bits stand out, clear ones are small and pale, as in Bochs. */
import type { JSX } from "preact";
import { type BitField, CR0_BITS, CR3_BITS, CR4_BITS, EFER_BITS, EFLAGS_BITS, fieldOf } from "../lib/cpu-bits";

interface BitsProps {
  /** The register's name in the state. */
  readonly name: string;
  readonly value: bigint;
  readonly before: bigint | undefined;
  readonly fields: readonly BitField[];
}

function Bits({ name, value, before, fields }: BitsProps): JSX.Element {
  return (
    <ul class="bits" aria-label={`${name.toUpperCase()} by bit`}>
      {fields.map((field) => {
        const now = fieldOf(field, value);
        const changed = before !== undefined && fieldOf(field, before) !== now;
        return (
          <li
            key={field.name}
            class={`bit ${now ? "set" : "clear"} ${changed ? "changed" : ""}`}
            data-bit={`${name}.${field.name}`}
            data-value={String(now)}
            title={`${field.gloss}${changed ? "; has changed" : ""}`}
          >
            {now || field.width ? field.name : field.name.toLowerCase()}
            {field.width ? ` ${now}` : <span class="visually-hidden">{now ? " set" : " clear"}</span>}
          </li>
        );
      })}
    </ul>
  );
}

export function Flags({ value, before }: { readonly value: bigint; readonly before: bigint | undefined }): JSX.Element {
  return <Bits name="eflags" value={value} before={before} fields={EFLAGS_BITS} />;
}

const CONTROL: readonly { readonly name: string; readonly fields: readonly BitField[]; readonly gloss: string }[] = [
  { name: "cr0", fields: CR0_BITS, gloss: "" },
  { name: "cr2", fields: [], gloss: "linear address of the last page fault" },
  { name: "cr3", fields: CR3_BITS, gloss: "" },
  { name: "cr4", fields: CR4_BITS, gloss: "" },
  { name: "efer", fields: EFER_BITS, gloss: "" },
];
const DEBUG = ["dr0", "dr1", "dr2", "dr3", "dr6", "dr7"] as const;

export interface ControlRegistersProps {
  readonly registers: Readonly<Record<string, bigint>>;
  readonly before: Readonly<Record<string, bigint>>;
}

export function ControlRegisters({ registers, before }: ControlRegistersProps): JSX.Element {
  return (
    <>
      <h3>Control registers</h3>
      <table class="facts control">
        <caption class="visually-hidden">Control registers by bit</caption>
        <tbody>
          {CONTROL.map(({ name, fields, gloss }) => (
            <tr key={name}>
              <th scope="row">{name.toUpperCase()}</th>
              <Plain name={name} value={registers[name]!} before={before[name]} />
              <td>{fields.length > 0 ? <Bits name={name} value={registers[name]!} before={before[name]} fields={fields} /> : gloss}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <details>
        <summary>Debug registers</summary>
        <table class="facts">
          <caption class="visually-hidden">Debug registers</caption>
          <tbody>
            {DEBUG.map((name) => (
              <tr key={name}>
                <th scope="row">{name.toUpperCase()}</th>
                <Plain name={name} value={registers[name]!} before={before[name]} />
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </>
  );
}

function Plain({
  name,
  value,
  before,
}: {
  readonly name: string;
  readonly value: bigint;
  readonly before: bigint | undefined;
}): JSX.Element {
  const changed = before !== undefined && before !== value;
  return (
    <td class={changed ? "number changed" : "number"} data-register={name} data-value={value.toString(16)}>
      {changed && <span class="visually-hidden">changed: </span>}
      {value.toString(16).padStart(8, "0")}
    </td>
  );
}

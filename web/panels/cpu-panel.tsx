/** The CPU: registers with what changed since the last stop, flags, segments, control registers by bit, and the code. */
import type { JSX } from "preact";
import { modeWords, segmentWords } from "../lib/cpu-bits";
import type { Inspection, StopSpec } from "../lib/inspection";
import { linearRip } from "../lib/linear";
import { Callers } from "./callers";
import { CodeListing } from "./code-listing";
import { ControlRegisters, Flags } from "./control-registers";
import { Wide } from "./wide";

export interface CpuPanelProps {
  readonly cpu: NonNullable<Inspection["cpu"]>;
  /** Registers at the stop before. */
  readonly before: Readonly<Record<string, bigint>>;
  readonly running: boolean;
  readonly stops: readonly StopSpec[];
  /** First line of the listing; null follows the instruction pointer. */
  readonly at: number | null;
  readonly onGoto: (linear: number | null) => void;
  readonly onToggle: (spec: StopSpec) => void;
  /** Looks for names in the guest's kernel, or in a file. */
  readonly onSymbols: (file?: { readonly name: string; readonly bytes: Uint8Array }) => void;
  readonly onFind: (name: string) => Promise<number | undefined>;
}

const GENERAL = [
  ["rax", "rsi"],
  ["rbx", "rdi"],
  ["rcx", "rbp"],
  ["rdx", "rsp"],
  ["rip", "eflags"],
] as const;
/** Of long mode only. */
const EXTENDED = [
  ["r8", "r12"],
  ["r9", "r13"],
  ["r10", "r14"],
  ["r11", "r15"],
] as const;
const SEGMENTS = ["cs", "ss", "ds", "es", "fs", "gs", "ldtr", "tr"] as const;

const hex = (value: bigint, digits: number): string => value.toString(16).padStart(digits, "0");

/** `EAX`, or `RAX` in long mode. */
const shownName = (name: string, long: boolean): string =>
  !long && /^r[a-z]/.test(name) ? `E${name.slice(1).toUpperCase()}` : name.toUpperCase();

export function CpuPanel({ cpu, before, running, stops, at, onGoto, onToggle, onSymbols, onFind }: CpuPanelProps): JSX.Element {
  const { registers, listing } = cpu;
  const mode = modeWords(registers);
  const long = mode.mode === "long mode";
  const next = linearRip(registers.cs_base!, registers.rip!, mode.codeBits === 64);
  return (
    <div class="panel cpu-panel" data-panel="cpu" data-running={running}>
      <p class="mode-line" data-mode={mode.mode} data-paging={mode.paging} data-cpl={String(registers.cpl)}>
        <strong>{mode.mode}</strong>, {mode.codeBits}-bit code, CPL {String(registers.cpl)}, {mode.paging}
        {registers.halted ? ", halted" : ""}
        {registers.interruptShadow ? ", interrupts held back for one instruction" : ""}
      </p>
      <table class="facts registers">
        <caption class="visually-hidden">General registers</caption>
        <tbody>
          {[...GENERAL, ...(long ? EXTENDED : [])].map((pair) => (
            <tr key={pair[0]}>
              {pair.map((name) => (
                <Register key={name} name={name} long={long} value={registers[name]!} before={before[name]} />
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      <Flags value={registers.eflags!} before={before.eflags} />
      <CodeListing {...{ listing, next, stops, at, onGoto, onToggle, onFind }} />
      <Callers callers={cpu.callers} names={cpu.names} running={running} onGoto={onGoto} onSymbols={onSymbols} />
      <h3>Segments</h3>
      <Wide label="Segments">
        <table class="facts segments">
          <thead>
            <tr>
              <th scope="col">Name</th>
              <th scope="col">Selector</th>
              <th scope="col">Base</th>
              <th scope="col">Limit</th>
              <th scope="col">DPL</th>
              <th scope="col">Kind</th>
            </tr>
          </thead>
          <tbody>
            {SEGMENTS.map((name) => (
              <Segment key={name} name={name} long={long} registers={registers} before={before} />
            ))}
            {(["gdtr", "idtr"] as const).map((name) => (
              <tr key={name}>
                <th scope="row">{name.toUpperCase()}</th>
                <td />
                <Value name={`${name}_base`} value={registers[`${name}_base`]!} before={before[`${name}_base`]} digits={long ? 16 : 8} />
                <Value name={`${name}_limit`} value={registers[`${name}_limit`]!} before={before[`${name}_limit`]} digits={8} />
                <td />
                <td>descriptor table</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Wide>
      <ControlRegisters registers={registers} before={before} />
    </div>
  );
}

interface ValueProps {
  readonly name: string;
  readonly value: bigint;
  readonly before: bigint | undefined;
  readonly digits: number;
}

/** A changed value has a mark before it and another colour; the title tells what it was. */
function Value({ name, value, before, digits }: ValueProps): JSX.Element {
  const changed = before !== undefined && before !== value;
  return (
    <td
      class={changed ? "number changed" : "number"}
      data-register={name}
      data-value={hex(value, 0)}
      title={changed ? `was ${hex(before, digits)}` : undefined}
    >
      {changed && <span class="visually-hidden">changed: </span>}
      {hex(value, digits)}
    </td>
  );
}

interface RegisterProps {
  readonly name: string;
  readonly long: boolean;
  readonly value: bigint;
  readonly before: bigint | undefined;
}

function Register({ name, long, value, before }: RegisterProps): JSX.Element {
  return (
    <>
      <th scope="row">{shownName(name, long)}</th>
      <Value name={name} value={value} before={before} digits={long ? 16 : 8} />
    </>
  );
}

interface SegmentProps {
  readonly name: string;
  readonly long: boolean;
  readonly registers: Readonly<Record<string, bigint>>;
  readonly before: Readonly<Record<string, bigint>>;
}

function Segment({ name, long, registers, before }: SegmentProps): JSX.Element {
  const attributes = Number(registers[`${name}_attributes`]!);
  const words = segmentWords(attributes);
  const part = (suffix: string, digits: number): JSX.Element => (
    <Value name={`${name}_${suffix}`} value={registers[`${name}_${suffix}`]!} before={before[`${name}_${suffix}`]} digits={digits} />
  );
  return (
    <tr data-usable={words.usable}>
      <th scope="row">{name.toUpperCase()}</th>
      {part("selector", 4)}
      {part("base", long ? 16 : 8)}
      {part("limit", 8)}
      <td class="number">{words.usable ? words.dpl : ""}</td>
      <td data-register={`${name}_attributes`} data-value={attributes.toString(16)}>
        {words.kind}
        {words.usable && name !== "ldtr" && name !== "tr" ? `, ${words.bits}-bit` : ""}
      </td>
    </tr>
  );
}

/** Every exit: how many for each reason, and the newest of them as a log. The sum of the reasons is the total, always. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { EXITS } from "../lib/events.generated";
import { hardwareWords, qualificationWords } from "../lib/exit-words";
import type { Inspection, StopSpec, TrapEvent } from "../lib/inspection";
import { linearText } from "../lib/linear";
import { VirtualRows } from "./virtual-rows";
import { Wide } from "./wide";

export interface TrapsPanelProps {
  readonly traps: NonNullable<Inspection["traps"]>;
  /** Oldest first. */
  readonly log: readonly TrapEvent[];
  /** Exits since the log was opened that it does not have. */
  readonly lost: number;
  readonly stops: readonly StopSpec[];
  readonly onToggle: (spec: StopSpec) => void;
  /** Shows an address in the CPU panel. */
  readonly onCode: (linear: number) => void;
  /** Saves a file. */
  readonly onSave: (form: TrapForm) => void;
}

export type TrapForm = "csv" | "json" | "svg";

const FORMS: readonly (readonly [TrapForm, string])[] = [
  ["csv", "Log as CSV"],
  ["json", "Counts and log as JSON"],
  ["svg", "Chart as SVG"],
];

const ALL = -1;
const count = (value: number): string => value.toLocaleString("en-US");

export function TrapsPanel({ traps, log, lost, stops, onToggle, onCode, onSave }: TrapsPanelProps): JSX.Element {
  const [all, setAll] = useState(false);
  const [filter, setFilter] = useState(ALL);
  const { exits, total } = traps;
  const sum = exits.reduce((a, b) => a + b, 0);
  const most = Math.max(1, ...exits);
  const stopping = new Set(stops.flatMap((stop) => (isPlain(stop) ? [stop.reason] : [])));
  const rows = EXITS.map((row, reason) => ({ ...row, reason, exits: exits[reason] ?? 0 })).filter(
    (row) => all || row.exits > 0 || stopping.has(row.name),
  );
  const shown = filter === ALL ? log : log.filter(({ reason }) => reason === filter);
  const newest = shown.toReversed();
  return (
    <div class="panel traps-panel" data-panel="traps">
      <p data-exits-total={total} data-exits-sum={sum}>
        <strong class="number">{count(total)}</strong> exits since power-on; the reasons add up to{" "}
        <strong class="number">{count(sum)}</strong>
        {sum === total ? "." : ": they disagree, which is a bug of Vitrine."}
      </p>
      <div class="panel-tools">
        <h3>By reason</h3>
        <label class="check">
          <input type="checkbox" checked={all} onChange={(event) => setAll(event.currentTarget.checked)} /> also those without exits
        </label>
      </div>
      <Wide label="Exits by reason">
        <table class="histogram">
          <caption class="visually-hidden">Exits by reason, and what real hardware would do</caption>
          <thead>
            <tr>
              <th scope="col">Pause</th>
              <th scope="col">Reason</th>
              <th scope="col" class="count">
                Count
              </th>
              <th scope="col">
                <span class="visually-hidden">Share</span>
              </th>
              <th scope="col" title="Popek and Goldberg's way: the guest's kernel runs at a lower privilege">
                Ring compression
              </th>
              <th scope="col">VT-x</th>
              <th scope="col">SVM</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => {
              const hardware = hardwareWords(row.reason);
              return (
                <tr key={row.name} data-exit={row.name} data-count={row.exits}>
                  <td>
                    <input
                      type="checkbox"
                      aria-label={`Pause on ${row.name}`}
                      checked={stopping.has(row.name)}
                      onChange={() => onToggle({ kind: "exit", reason: row.name })}
                    />
                  </td>
                  <th scope="row" title={row.gloss}>
                    {row.name}
                  </th>
                  <td class="number count">{count(row.exits)}</td>
                  <td class="share">
                    <span class="share-bar" style={{ width: `${(row.exits / most) * 100}%` }} />
                  </td>
                  <td class="hardware">{hardware.ringCompression}</td>
                  <td class="hardware">{hardware.vtx}</td>
                  <td class="hardware mono">{hardware.svm}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </Wide>
      <p class="hint">
        On real hardware: whether the same event traps where the guest's kernel runs at a lower privilege (ring compression), makes a VM
        exit under Intel VT-x (always, only if the VMM asks for it, never), and the code it has under AMD SVM.
      </p>
      <div class="panel-tools">
        <span>Save</span>
        {FORMS.map(([form, label]) => (
          <button type="button" class="button small" key={form} onClick={() => onSave(form)}>
            {label}
          </button>
        ))}
      </div>
      <div class="panel-tools">
        <h3>Log, newest first</h3>
        <label class="check">
          Reason{" "}
          <select value={filter} onChange={(event) => setFilter(Number(event.currentTarget.value))}>
            <option value={ALL}>all</option>
            {EXITS.map(({ name }, reason) => (
              <option key={name} value={reason}>
                {name}
              </option>
            ))}
          </select>
        </label>
      </div>
      <p class="hint" data-log-kept={log.length} data-log-lost={lost}>
        {count(shown.length)} {filter === ALL ? "" : `of ${count(log.length)} `}kept since this panel was opened
        {lost > 0 ? `; ${count(lost)} more went by too fast, or are too old to be kept.` : "."}
      </p>
      <VirtualRows
        label="Log of exits"
        columns={["Number", "Reason", "RIP", "CPL", "What", "Tick"]}
        count={newest.length}
        row={(n) => {
          const event = newest[n]!;
          const name = EXITS[event.reason]?.name ?? "?";
          return {
            key: event.number,
            attributes: {
              "data-event": event.number,
              "data-reason": name,
              "data-rip": event.rip.toString(16),
              "data-cpl": event.cpl,
              "data-qualification": event.qualification.toString(16),
              "data-tick": event.tick,
            },
            cells: [
              <td class="number" key="n">
                {count(event.number)}
              </td>,
              <td key="r">{name}</td>,
              <td class="number" key="a">
                <button type="button" class="link" onClick={() => onCode(event.rip)}>
                  {linearText(event.rip)}
                </button>
                {event.where ? <span class="code-name"> {event.where}</span> : null}
              </td>,
              <td class="number" key="c">
                {event.cpl}
              </td>,
              <td key="q" class="what" title={qualificationWords(name, event.qualification)}>
                {qualificationWords(name, event.qualification)}
              </td>,
              <td class="number" key="t">
                {count(event.tick)}
              </td>,
            ],
          };
        }}
      />
    </div>
  );
}

const isPlain = (stop: StopSpec): stop is Extract<StopSpec, { kind: "exit" }> =>
  stop.kind === "exit" && stop.vector === undefined && stop.port === undefined && stop.register === undefined;

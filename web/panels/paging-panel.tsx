/**
 * One linear address through all levels of translation: the guest's tables, the shadow tables made from them, the
 * translation caches, and for each kind of access whether it would work and, if not, which bit says so.
 */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { CheckResult, GuestEntry, Inspection, ShadowEntry, Walk } from "../lib/inspection";
import {
  accessWords,
  cacheWords,
  compareRights,
  compareWords,
  effectiveRights,
  entryBits,
  entryName,
  entryTarget,
  entryWords,
  findingWords,
  isLarge,
  isWide,
  RIGHT,
} from "../lib/paging-words";
import { parseAddress } from "./address";
import { Wide } from "./wide";

export interface PagingPanelProps {
  readonly paging: NonNullable<Inspection["paging"]>;
  readonly registers: Readonly<Record<string, bigint>>;
  readonly running: boolean;
  readonly onWalk: (linear: number) => void;
  readonly check: { readonly instructions: number; readonly result: CheckResult } | undefined;
  readonly onCheck: () => void;
}

const hex = (value: number | bigint, digits = 8): string => value.toString(16).padStart(digits, "0");
const count = (value: number): string => value.toLocaleString("en-US");
const QUICK = ["eip", "ss:esp", "cr2"] as const;

export function PagingPanel({ paging, registers, running, onWalk, check, onCheck }: PagingPanelProps): JSX.Element {
  const { walk, shadow } = paging;
  return (
    <div class="panel paging-panel" data-panel="paging">
      <AddressForm registers={registers} onWalk={onWalk} linear={walk.linear} />
      <Strip walk={walk} cr3={registers.cr3 ?? 0n} />
      {walk.paging === "none" ? (
        <p class="hint">Paging is off: linear addresses are physical addresses, and there are no tables to shadow.</p>
      ) : (
        <Levels walk={walk} />
      )}
      <Caches walk={walk} />
      <Accesses walk={walk} />
      <h3>Counted since power-on</h3>
      <Wide label="Counters">
        <table class="facts">
          <caption class="visually-hidden">Counters of shadow paging</caption>
          <tbody>
            {COUNTERS.map(([name, label]) => (
              <tr key={name}>
                <th scope="row">{label}</th>
                <td class="number count" data-counter={name} data-value={shadow[name]}>
                  {count(shadow[name] ?? 0)}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Wide>
      <div class="panel-tools">
        <h3>Checker</h3>
        <button type="button" class="button small" onClick={onCheck}>
          Check all entries
        </button>
      </div>
      <p class="hint" data-finding={check?.result.finding} aria-live="polite">
        {check
          ? `${findingWords(check.result.finding)}${check.result.finding ? ` (at linear ${hex(check.result.linear)}: found ${hex(check.result.found)}, expected ${hex(check.result.expected)}).` : ""} Checked at instruction ${count(check.instructions)}${running ? "; the machine has gone on since." : "."}`
          : "Walks the guest's tables anew and compares every shadow entry and translation-cache entry with them."}
      </p>
    </div>
  );
}

const COUNTERS = [
  ["trueFaults", "True page faults: the guest's own tables demand them"],
  ["hiddenFaults", "Hidden page faults: filled, the guest never knows"],
  ["walks", "Walks of the guest's tables"],
  ["slowStores", "Stores made slow by a shadowed table or decoded code"],
  ["entriesDropped", "Shadow entries dropped"],
  ["rootSwitches", "Changes of the address space"],
  ["rootsLive", "Address spaces with a shadow now"],
  ["tables", "Shadow tables now"],
] as const;

interface AddressFormProps {
  readonly registers: Readonly<Record<string, bigint>>;
  readonly linear: number;
  readonly onWalk: (linear: number) => void;
}

function AddressForm({ registers, linear, onWalk }: AddressFormProps): JSX.Element {
  const [text, setText] = useState("");
  const [wrong, setWrong] = useState(false);
  const walk = (typed: string): void => {
    const address = parseAddress(typed, registers);
    setWrong(address === undefined);
    if (address !== undefined) onWalk(address);
  };
  return (
    <>
      <form
        class="panel-tools"
        onSubmit={(event) => {
          event.preventDefault();
          walk(text);
        }}
      >
        <label for="walk-address">Linear address</label>
        <input
          id="walk-address"
          class="mono walk-address"
          type="text"
          data-goto
          spellcheck={false}
          autocomplete="off"
          placeholder={hex(linear)}
          aria-invalid={wrong}
          aria-describedby="walk-hint"
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
        <button type="submit" class="button small">
          Walk
        </button>
        {QUICK.map((name) => (
          <button type="button" class="button quiet small" key={name} onClick={() => walk(name)}>
            {name.toUpperCase()}
          </button>
        ))}
      </form>
      <p id="walk-hint" class={wrong ? "hint wrong" : "hint"}>
        {wrong
          ? "That is no address: give hexadecimal digits, up to 8 or in 64-bit mode 16, or a register."
          : "Hexadecimal, or a register such as esp, ss:esp, cr2."}
      </p>
    </>
  );
}

function Strip({ walk, cr3 }: { readonly walk: Walk; readonly cr3: bigint }): JSX.Element {
  return (
    <ol class="walk-strip" aria-label="The walk" data-linear={walk.linear} data-physical={walk.physical ?? "none"} data-root={walk.root}>
      <li>
        <span class="step-name">linear</span> <span class="number">{hex(walk.linear)}</span>
      </li>
      {walk.paging !== "none" && (
        <li>
          <span class="step-name">CR3</span>{" "}
          <span class="number" data-cr3={cr3.toString(16)}>
            {hex(cr3)}
          </span>
        </li>
      )}
      {walk.guest.map((entry) => (
        <li key={entry.level} class={entry.value & 1n ? "" : "missing"}>
          <span class="step-name">
            {entryName(walk, entry.level)} [{entry.index}]
          </span>{" "}
          <span class="number">{hex(entry.value, isWide(walk) ? 16 : 8)}</span>
        </li>
      ))}
      <li class={walk.physical === undefined ? "missing" : "goal"}>
        <span class="step-name">physical</span> <span class="number">{walk.physical === undefined ? "nowhere" : hex(walk.physical)}</span>
      </li>
    </ol>
  );
}

function Levels({ walk }: { readonly walk: Walk }): JSX.Element {
  const shadowOf = (entry: GuestEntry): ShadowEntry | undefined => walk.shadow.find(({ level }) => level === entry.level);
  return (
    <Wide label="Tables">
      <table class="levels">
        <caption class="visually-hidden">Guest tables and shadow tables side by side</caption>
        <thead>
          <tr>
            <th scope="col">Level</th>
            <th scope="col">Guest's table</th>
            <th scope="col">Shadow table (root {walk.root})</th>
          </tr>
        </thead>
        <tbody>
          {walk.guest.map((entry) => (
            <LevelRow key={entry.level} walk={walk} entry={entry} shadow={shadowOf(entry)} />
          ))}
        </tbody>
      </table>
    </Wide>
  );
}

function LevelRow({
  walk,
  entry,
  shadow,
}: {
  readonly walk: Walk;
  readonly entry: GuestEntry;
  readonly shadow: ShadowEntry | undefined;
}): JSX.Element {
  const bits = entryBits(walk, entry);
  const rights = compareRights(walk, entry, shadow);
  const large = isLarge(walk, entry);
  return (
    <tr data-level={entry.level}>
      <th scope="row">
        {entryName(walk, entry.level)}
        <br />
        <span class="hint">entry {entry.index}</span>
      </th>
      <td
        data-guest-value={entry.value.toString(16)}
        data-guest-physical={entry.physical}
        data-guest-index={entry.index}
        data-guest-rights={effectiveRights(walk, entry)}
      >
        <div>
          <span class="number">{hex(entry.value, isWide(walk) ? 16 : 8)}</span>
          <span class="hint">
            {walk.paging === "PAE" && entry.level === 3 ? " in a register" : ` at physical ${hex(entry.physical)}`}
            {entry.value & 1n
              ? `, to ${large ? "a large page" : entry.level === 1 ? "frame" : "table"} ${hex(entryTarget(walk, entry))}`
              : ""}
          </span>
        </div>
        <ul class="bits" aria-label="Bits of the guest's entry">
          {bits.map(({ name, set, words }) => (
            <li key={name} class={`bit ${set ? "set" : "clear"}`} title={words}>
              {set ? name : name.toLowerCase()}
              <span class="visually-hidden">: {words}</span>
            </li>
          ))}
        </ul>
        <div class="hint">{entryWords(walk, entry)}</div>
      </td>
      <td
        data-shadow-word={shadow?.word.toString(16) ?? "none"}
        data-shadow-frame={shadow?.frame ?? "none"}
        data-shadow-live={shadow?.live ?? "none"}
      >
        {shadow ? (
          <div>
            <span class="number">{hex(shadow.word)}</span>
            <span class="hint">
              {shadow.word & RIGHT.P
                ? shadow.word & RIGHT.Table
                  ? " to a shadow table"
                  : ` guest frame ${hex(shadow.frame, 5)}`
                : " empty"}
              , {count(shadow.live)} live in its table
            </span>
          </div>
        ) : (
          <div class="hint">no shadow table</div>
        )}
        <ul class="bits" aria-label="Rights of the shadow's entry">
          {rights.map(({ name, guest, shadow: own }) => (
            <li
              key={name}
              class={`bit ${own ? "set" : "clear"} ${guest !== own ? "different" : ""}`}
              data-right={name}
              data-differs={guest !== own}
            >
              {guest !== own && <span aria-hidden="true">≠</span>}
              {own ? name : name.toLowerCase()}
              <span class="visually-hidden">
                {own ? " set" : " clear"}
                {guest !== own ? ", differs from the guest's" : ""}
              </span>
            </li>
          ))}
        </ul>
        <div class="hint">{compareWords(walk, entry, shadow)}</div>
      </td>
    </tr>
  );
}

function Caches({ walk }: { readonly walk: Walk }): JSX.Element {
  return (
    <>
      <h3>Translation caches</h3>
      <Wide label="Translation caches">
        <table class="caches">
          <caption class="visually-hidden">The place of this address in both translation caches</caption>
          <thead>
            <tr>
              <th scope="col">Cache</th>
              <th scope="col">Holds</th>
              <th scope="col">Page</th>
              <th scope="col">Hits for</th>
              <th scope="col">Context</th>
              <th scope="col">Host page</th>
            </tr>
          </thead>
          <tbody>
            {(["supervisor", "user"] as const).map((name) => {
              const entry = walk.cache[name];
              const words = cacheWords(walk.linear, entry);
              const hits = [words.read && "read", words.write && "write", words.execute && "execute"].filter(Boolean).join(", ");
              return (
                <tr
                  key={name}
                  data-cache={name}
                  data-read={entry.read.toString(16)}
                  data-write={entry.write.toString(16)}
                  data-execute={entry.execute.toString(16)}
                  data-addend={entry.addend.toString(16)}
                  data-holds={words.holds}
                >
                  <th scope="row">{name}</th>
                  <td>{words.holds}</td>
                  <td class="number">{words.holds === "nothing" ? "" : hex(words.page)}</td>
                  <td>{hits || "nothing"}</td>
                  <td>{words.holds === "nothing" ? "" : `root ${words.root}, ${words.kind}`}</td>
                  <td class="number">{words.holds === "nothing" ? "" : hex(words.host)}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </Wide>
    </>
  );
}

function Accesses({ walk }: { readonly walk: Walk }): JSX.Element {
  return (
    <>
      <h3>Would it fault?</h3>
      <ul class="accesses">
        {walk.accesses.map((access) => (
          <li
            key={`${access.access}${access.user}`}
            class={access.outcome}
            data-access={access.access}
            data-user={access.user}
            data-outcome={access.outcome}
            data-error={access.error}
          >
            <span class="verdict" aria-hidden="true">
              {access.outcome === "translated" ? "✓" : access.outcome === "fault" ? "✗" : "…"}
            </span>
            {accessWords(walk, access)}
          </li>
        ))}
      </ul>
    </>
  );
}

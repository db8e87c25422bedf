/** The page's first view: every machine there is, in groups. */
import type { JSX } from "preact";
import type { AppState, Controller } from "./controller";
import { DisksPanel } from "./disks-panel";
import { KeptList } from "./kept-list";
import { MachineRow } from "./machine-row";
import type { MachineEntry } from "./machines";
import { OWN_ID } from "./own-files";
import { OwnMachine } from "./own-machine";
import { PreparePanel } from "./prepare-panel";

export interface MachineListProps {
  readonly controller: Controller;
  readonly state: AppState;
}

export function MachineList({ controller, state }: MachineListProps): JSX.Element {
  const prepared = state.machines.filter(({ group }) => group === "prepared");
  const builtin = state.machines.filter(({ group }) => group === "builtin");
  const rows = (entries: readonly MachineEntry[], first: MachineEntry | undefined): JSX.Element => (
    <ul class="machines">
      {entries.map((entry) => (
        <MachineRow
          key={entry.id}
          controller={controller}
          entry={entry}
          isFirst={entry === first}
          isEditing={state.editing === entry.id}
          isAlive={state.session?.entry.id === entry.id && state.session.isAlive}
        />
      ))}
    </ul>
  );
  const first = prepared[0] ?? builtin[0];
  return (
    <div class="start">
      <div class="start-head">
        <h1>Machines</h1>
        <p>Each boots on the processor emulated in this tab. Nothing you type or load leaves your computer.</p>
      </div>
      <KeptList desk={controller.snapshots} />
      <section aria-labelledby="prepared-title">
        <h2 id="prepared-title">Ready to boot</h2>
        {prepared.length > 0 && rows(prepared, first)}
        <PreparePanel controller={controller} guests={state.guests} guestsMessage={state.guestsMessage} count={prepared.length} />
      </section>
      {builtin.length > 0 && (
        <section aria-labelledby="builtin-title">
          <h2 id="builtin-title">Built in</h2>
          {rows(builtin, first)}
        </section>
      )}
      {"indexedDB" in globalThis && (
        <section aria-labelledby="disks-title">
          <h2 id="disks-title">Disks</h2>
          <p class="section-note">
            Kept in this browser, also after a reload. Those that are ticked belong to the next machine that you boot.
          </p>
          <DisksPanel disks={controller.disks} />
        </section>
      )}
      <section aria-labelledby="own-title">
        <h2 id="own-title">Your own</h2>
        <p class="section-note">Choose files, or drop them anywhere on this page. They stay in this browser.</p>
        <OwnMachine controller={controller} own={state.own} isEditing={state.editing === OWN_ID} />
        <div class="file-slot open-snapshot">
          <label for="open-snapshot">Snapshot</label>
          <input
            id="open-snapshot"
            type="file"
            accept=".vitrine"
            aria-describedby="open-snapshot-hint"
            onChange={(event) => {
              const file = event.currentTarget.files?.[0];
              event.currentTarget.value = "";
              if (file) void controller.snapshots.openFile(file);
            }}
          />
          <div class="file-chosen" id="open-snapshot-hint">
            <span class="hint">a machine that was saved, as a .vitrine file; you see what it is before it runs</span>
          </div>
        </div>
      </section>
    </div>
  );
}

/** The machines at the side while one is in use: what persists, in few words. */
import type { JSX } from "preact";
import { Button } from "./button";
import type { AppState, Controller } from "./controller";
import { Icon } from "./icons";
import type { Session } from "./session";
import { useStore } from "./store";

export interface SidebarProps {
  readonly controller: Controller;
  readonly state: AppState;
  readonly session: Session;
}

export function Sidebar({ controller, state, session }: SidebarProps): JSX.Element {
  const { phase } = useStore(session.state);
  const isListed = state.machines.some(({ id }) => id === session.entry.id);
  const entries = isListed ? state.machines : [session.entry, ...state.machines];
  return (
    <nav class="side" aria-label="Machines">
      <h2>Machines</h2>
      <ul>
        {entries.map((entry) => {
          const isCurrent = entry.id === session.entry.id;
          return (
            <li key={entry.id}>
              <button
                type="button"
                class="side-machine"
                aria-current={isCurrent ? "true" : undefined}
                onClick={() => (isCurrent ? controller.show("machine") : controller.boot(entry))}
              >
                <Icon name={entry.group === "builtin" ? "chip" : entry.group === "own" ? "file" : "disk"} />
                <span class="side-title">{entry.title}</span>
                {isCurrent ? <span class={`dot ${phase}`} aria-hidden="true" /> : <span class="side-boot">Boot</span>}
              </button>
            </li>
          );
        })}
      </ul>
      <Button icon="list" kind="quiet" class="side-all" onClick={() => controller.show("machines")}>
        All machines and settings
      </Button>
    </nav>
  );
}

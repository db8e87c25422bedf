/**
 * The tabs of the Inspect pane, in their order. A tab is a component that is given controller and session; one more line
 * makes one more tab. A tab that needs a machine's inside tells `session.inspect.show` what it draws, and nothing else is
 * computed.
 */
import type { ComponentType, JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { causeWords } from "../lib/exit-words";
import type { InspectView } from "../lib/inspection";
import { CpuPanel } from "../panels/cpu-panel";
import type { Controller } from "./controller";
import type { InspectData } from "./inspect-session";
import type { Session } from "./session";
import { useStore } from "./store";

export interface TabProps {
  readonly controller: Controller;
  /** None: no machine has been booted yet. */
  readonly session: Session | undefined;
}

export interface InspectTab {
  readonly id: string;
  readonly label: string;
  readonly body: ComponentType<TabProps>;
}

/** Lines of code that the CPU panel shows. */
const CODE_LINES = 24;

function CpuTab({ session }: TabProps): JSX.Element {
  const [at, setAt] = useState<number | null>(null);
  return (
    <WithMachine session={session} view={{ cpu: { at, lines: CODE_LINES } }}>
      {(data, { inspect }) =>
        data.picture?.cpu && (
          <CpuPanel
            cpu={data.picture.cpu}
            before={data.before}
            running={data.picture.running}
            stops={data.stops}
            at={at}
            onGoto={setAt}
            onToggle={(spec) => void inspect.toggle(spec)}
          />
        )
      }
    </WithMachine>
  );
}

export const INSPECT_TABS: readonly InspectTab[] = [{ id: "cpu", label: "CPU", body: CpuTab }];

interface WithMachineProps {
  readonly session: Session | undefined;
  readonly view: InspectView;
  readonly children: (data: InspectData, session: Session) => JSX.Element | undefined | false;
}

/** A panel of a machine that exists: asks for its view, and says what went wrong. */
function WithMachine({ session, view, children }: WithMachineProps): JSX.Element {
  if (!session) return <p class="inspect-empty">Boot a machine to look inside it.</p>;
  return (
    <Panel session={session} view={view}>
      {children}
    </Panel>
  );
}

function Panel({ session, view, children }: WithMachineProps & { readonly session: Session }): JSX.Element {
  const data = useStore(session.inspect.data);
  const { phase } = useStore(session.state);
  const key = JSON.stringify(view);
  // The view by value: a new object each time means nothing.
  useEffect(() => session.inspect.show(view), [session, key]);
  if (phase === "off" || phase === "failed") return <p class="inspect-empty">The machine is gone, and its inside with it.</p>;
  return (
    <>
      {data.refusal && (
        <p class="inspect-refusal" role="alert">
          {data.refusal}
        </p>
      )}
      {data.cause && phase === "paused" && (
        <p class="inspect-cause" data-cause={data.cause.kind}>
          {causeWords(data.cause)}
        </p>
      )}
      {children(data, session) || <p class="inspect-empty">{phase === "loading" ? "The machine is loading." : "Looking …"}</p>}
    </>
  );
}

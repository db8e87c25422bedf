/** The pane at the right: what the machine is doing, by tabs. Where the page is narrow it takes the machine's place. */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Controller } from "./controller";
import { DEFAULT_WIDTH, LEAST_REST, LEAST_WIDTH } from "./inspect-layout";
import { INSPECT_TABS } from "./inspect-tabs";
import type { Session } from "./session";
import { Splitter } from "./splitter";
import { useStore } from "./store";

export interface InspectPaneProps {
  readonly controller: Controller;
  readonly session: Session | undefined;
}

const PANE = "inspect-pane";

export function InspectPane({ controller, session }: InspectPaneProps): JSX.Element {
  const layout = useStore(controller.inspectLayout);
  const most = useMost();
  const chosen = INSPECT_TABS.find(({ id }) => id === layout.tab) ?? INSPECT_TABS[0]!;
  const Body = chosen.body;
  const width = Math.min(layout.width, most);
  const choose = (tab: string): void => controller.inspectLayout.patch({ tab });

  // Whoever leaves closes its view: a pane that is not there costs nothing.
  useEffect(() => () => session?.inspect.show({}), [session]);
  // The panel before has left its view behind.
  useEffect(() => {
    if (chosen.isBlind) session?.inspect.show({ record: true });
  }, [session, chosen]);

  const onKeyDown = (event: KeyboardEvent): void => {
    const at = INSPECT_TABS.indexOf(chosen);
    const last = INSPECT_TABS.length - 1;
    const to = { ArrowLeft: at === 0 ? last : at - 1, ArrowRight: at === last ? 0 : at + 1, Home: 0, End: last }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    choose(INSPECT_TABS[to]!.id);
    document.getElementById(`tab-${INSPECT_TABS[to]!.id}`)?.focus();
  };
  return (
    <section id={PANE} class="inspect" aria-label="Inspect" style={{ "--inspect-width": `${width}px` }}>
      <h1 class="inspect-title visually-hidden">{session ? `Inside ${session.entry.title}` : "Inspect"}</h1>
      <Splitter
        name="Width of the Inspect pane"
        controls={PANE}
        width={width}
        least={LEAST_WIDTH}
        most={most}
        standard={DEFAULT_WIDTH}
        onChange={(value) => controller.inspectLayout.patch({ width: value })}
      />
      <div class="inspect-tabs" role="tablist" aria-label="Inspect" onKeyDown={onKeyDown}>
        {INSPECT_TABS.map(({ id, label }) => (
          <button
            type="button"
            role="tab"
            key={id}
            id={`tab-${id}`}
            class="inspect-tab"
            aria-selected={id === chosen.id}
            aria-controls="inspect-body"
            tabIndex={id === chosen.id ? 0 : -1}
            onClick={() => choose(id)}
          >
            {label}
          </button>
        ))}
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard. */}
      <div id="inspect-body" class="inspect-body" role="tabpanel" aria-labelledby={`tab-${chosen.id}`} tabIndex={0} key={chosen.id}>
        <h2 class="visually-hidden">{chosen.label}</h2>
        <Body controller={controller} session={session} />
      </div>
    </section>
  );
}

/** The widest that leaves the machine its room; follows the window. */
function useMost(): number {
  const measure = (): number => Math.max(LEAST_WIDTH, innerWidth - LEAST_REST);
  const [most, setMost] = useState(measure);
  useEffect(() => {
    const onResize = (): void => setMost(measure());
    addEventListener("resize", onResize);
    return () => removeEventListener("resize", onResize);
  }, []);
  return most;
}

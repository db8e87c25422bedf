/** A machine in use: progress while it loads, its serial console, and what is to be said about it. */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { LoadProgress } from "../protocol/events";
import { Button } from "./button";
import type { Controller } from "./controller";
import { DrivesBar } from "./drives-bar";
import { sizeText } from "./machines";
import { NoticeBox } from "./notice-box";
import { ProgressBar } from "./progress-bar";
import { ScreenPane } from "./screen-pane";
import type { Session } from "./session";
import { useStore } from "./store";
import { TerminalPane } from "./terminal-pane";

export interface MachineViewProps {
  readonly controller: Controller;
  readonly session: Session;
  readonly isVisible: boolean;
  readonly onLeave: () => void;
}

export function MachineView({ controller, session, isVisible, onLeave }: MachineViewProps): JSX.Element {
  const { phase, notice, progress, hasScreen } = useStore(session.state);
  const [tab, setTab] = useState<"screen" | "serial">("serial");
  useEffect(() => setTab(hasScreen ? "screen" : "serial"), [session, hasScreen]);
  return (
    <div class="machine-view" hidden={!isVisible}>
      <h1 class="visually-hidden">{session.entry.title}</h1>
      {phase === "loading" && <Loading progress={progress} />}
      {notice && <NoticeBox notice={notice} onStep={(step) => controller.take(step)} />}
      {hasScreen && (
        <fieldset class="view-tabs">
          <legend class="visually-hidden">What is shown</legend>
          <Button kind="quiet" pressed={tab === "screen"} onClick={() => setTab("screen")}>
            Screen
          </Button>
          <Button kind="quiet" pressed={tab === "serial"} onClick={() => setTab("serial")}>
            Serial 1
          </Button>
        </fieldset>
      )}
      <DrivesBar key={session} {...{ controller, session }} />
      {hasScreen && (
        <div class="view-panel" hidden={tab !== "screen"}>
          <ScreenPane {...{ controller, session, onLeave }} isVisible={isVisible && tab === "screen"} />
        </div>
      )}
      <div class="view-panel" hidden={tab !== "serial"}>
        <TerminalPane key={session} {...{ controller, session, onLeave }} isVisible={isVisible && tab === "serial"} />
      </div>
    </div>
  );
}

function Loading({ progress }: { readonly progress: readonly LoadProgress[] }): JSX.Element {
  const downloads = progress.filter(({ step }) => step !== "start");
  const starting = progress.some(({ step }) => step === "start");
  return (
    <section class="loading" aria-label="Loading">
      {downloads.length === 0 && (
        <div class="loading-item">
          <span>{starting ? "Building the machine" : "Loading"}</span>
          <ProgressBar name="Loading" done={0} total={0} />
        </div>
      )}
      {downloads.map(({ name, step, done, total }) => (
        <div class="loading-item" key={name}>
          <span>{name}</span>
          <ProgressBar name={name} done={done} total={total} />
          <span class="loading-size">{step === "check" ? "checking" : `${sizeText(done)} of ${sizeText(total)}`}</span>
        </div>
      ))}
    </section>
  );
}

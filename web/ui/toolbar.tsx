/** Run or pause, reset, power off: what is done to the machine as a whole. */
import type { JSX } from "preact";
import { Button } from "./button";
import type { Controller } from "./controller";
import type { Session } from "./session";
import { useStore } from "./store";

export interface ToolbarProps {
  readonly controller: Controller;
  readonly session: Session;
  readonly onUntil: () => void;
}

export function Toolbar({ controller, session, onUntil }: ToolbarProps): JSX.Element {
  const { phase } = useStore(session.state);
  const isRunning = phase === "running";
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for form fields; this is a bar of buttons.
    <div class="toolbar" role="group" aria-label={`Controls of ${session.entry.title}`} id="toolbar">
      <Button
        icon={isRunning ? "pause" : "run"}
        shortcut="F8"
        shrinks
        disabled={!isRunning && phase !== "paused"}
        onClick={() => controller.toggleRun()}
      >
        {isRunning ? "Pause" : "Run"}
      </Button>
      <Button icon="step" shortcut="F10" shrinks disabled={phase !== "paused"} onClick={() => controller.step("into")}>
        Step
      </Button>
      <Button icon="over" shrinks disabled={phase !== "paused"} onClick={() => controller.step("over")}>
        Step over
      </Button>
      <Button icon="until" shrinks disabled={phase !== "paused" && phase !== "ended" && !isRunning} onClick={onUntil}>
        Until…
      </Button>
      <Button
        icon="save"
        shrinks
        disabled={phase === "loading" || phase === "off" || phase === "failed"}
        onClick={() => controller.snapshots.askSave()}
      >
        Snapshot
      </Button>
      <Button icon="share" shrinks disabled={phase === "loading"} onClick={() => controller.snapshots.askShare()}>
        Share
      </Button>
      <Button icon="reset" shrinks disabled={phase === "loading"} onClick={() => controller.restart()}>
        Reset
      </Button>
      <Button icon="power" shrinks disabled={!session.isAlive} onClick={() => controller.powerOff()}>
        Power off
      </Button>
    </div>
  );
}

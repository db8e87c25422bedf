/** The line at the bottom: state, speed, guest time, memory, and which path this browser context allows. */
import type { JSX } from "preact";
import { type Features, PATH_TEXT } from "./features";
import { countText, isInstruction, speedText, timeText, unknownText } from "./figures";
import type { Phase, Session } from "./session";
import { useStore } from "./store";

const PHASE_TEXT: Readonly<Record<Phase, string>> = {
  loading: "Loading",
  running: "Running",
  paused: "Paused",
  ended: "Ended",
  failed: "Failed",
  off: "Off",
};

export interface StatusLineProps {
  readonly session: Session | undefined;
  readonly features: Features;
  readonly onFeatures: () => void;
  readonly onUnimplemented: () => void;
}

export function StatusLine({ session, features, onFeatures, onUnimplemented }: StatusLineProps): JSX.Element {
  return (
    <footer class="status">
      {session ? (
        <SessionFigures session={session} onUnimplemented={onUnimplemented} />
      ) : (
        <span class="status-idle">No machine is running.</span>
      )}
      <button type="button" class="status-path" data-path={features.path} onClick={onFeatures}>
        {PATH_TEXT[features.path].label}
      </button>
    </footer>
  );
}

function SessionFigures({ session, onUnimplemented }: { readonly session: Session; readonly onUnimplemented: () => void }): JSX.Element {
  const { phase, status, here } = useStore(session.state);
  const unknown = status?.unimplemented ?? [];
  return (
    <>
      <dl class="figures">
        <div data-figure="state">
          <dt class="visually-hidden">State</dt>
          <dd>
            <span class={`dot ${phase}`} aria-hidden="true" />
            {PHASE_TEXT[phase]}
          </dd>
        </div>
        <div data-figure="speed">
          <dt>Speed</dt>
          <dd>{speedText(phase, status)}</dd>
        </div>
        <div data-figure="instructions">
          <dt>Instructions</dt>
          <dd>{countText(status?.instructions ?? 0)}</dd>
        </div>
        <div data-figure="time">
          <dt>Guest time</dt>
          <dd>{timeText(status?.guestSeconds ?? 0)}</dd>
        </div>
        {status?.translated !== undefined && (
          <div data-figure="translated">
            <dt>Translated</dt>
            <dd>{Math.round(status.translated * 100)} %</dd>
          </div>
        )}
        <div data-figure="memory">
          <dt>RAM</dt>
          <dd>{session.settings.memoryMb} MB</dd>
        </div>
        {here !== undefined && (
          <div data-figure="here">
            <dt>Fetched</dt>
            <dd>{Math.floor(here * 100)} %</dd>
          </div>
        )}
      </dl>
      {unknown.length > 0 && (
        <button type="button" class={unknown.some(isInstruction) ? "status-warning" : "status-note"} onClick={onUnimplemented}>
          {unknownText(unknown)}
        </button>
      )}
    </>
  );
}

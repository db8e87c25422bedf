/** The line at the bottom: state, speed, guest time, memory, and which path this browser context allows. */
import type { JSX } from "preact";
import { type Features, PATH_TEXT } from "./features";
import type { Phase, Session, SessionState } from "./session";
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
  const { phase, status } = useStore(session.state);
  const unknown = status?.unimplemented.length ?? 0;
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
        <div data-figure="memory">
          <dt>RAM</dt>
          <dd>{session.settings.memoryMb} MB</dd>
        </div>
      </dl>
      {unknown > 0 && (
        <button type="button" class="status-warning" onClick={onUnimplemented}>
          {unknown === 1 ? "1 unknown instruction" : `${unknown} unknown instructions`}
        </button>
      )}
    </>
  );
}

const HALTED_SHARE = 0.95;

/** While the guest waits in HLT its speed is nothing to be measured by. */
export function speedText(phase: Phase, status: SessionState["status"]): string {
  if (phase !== "running" || !status) return "–";
  if (status.idle >= HALTED_SHARE) return "idle";
  return `${status.mips < 10 ? status.mips.toFixed(1) : Math.round(status.mips)} MIPS`;
}

/** "1.23 G", three digits. */
export function countText(count: number): string {
  for (const [unit, name] of [
    [1e9, " G"],
    [1e6, " M"],
    [1e3, " k"],
  ] as const)
    if (count >= unit) {
      const scaled = count / unit;
      return `${scaled.toFixed(scaled < 10 ? 2 : scaled < 100 ? 1 : 0)}${name}`;
    }
  return String(count);
}

/** "12.3 s", "4:05", "1:02:03". */
export function timeText(seconds: number): string {
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const whole = Math.floor(seconds);
  const two = (n: number): string => String(n).padStart(2, "0");
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

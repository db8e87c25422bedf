/** A progress bar; without a known total it says only that something is going on. */
import type { JSX } from "preact";

export interface ProgressBarProps {
  readonly name: string;
  readonly done: number;
  /** 0: not known. */
  readonly total: number;
}

export function ProgressBar({ name, done, total }: ProgressBarProps): JSX.Element {
  return total > 0 ? <progress aria-label={name} value={done} max={total} /> : <progress aria-label={name} />;
}

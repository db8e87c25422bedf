/** A bar between two panes that is dragged, or moved with the arrow keys; the pane to its right gets `width` pixels. */
import type { JSX } from "preact";
import { useRef } from "preact/hooks";

const STEP = 24;

export interface SplitterProps {
  readonly name: string;
  readonly controls: string;
  readonly width: number;
  readonly least: number;
  readonly most: number;
  readonly standard: number;
  readonly onChange: (width: number) => void;
}

export function Splitter({ name, controls, width, least, most, standard, onChange }: SplitterProps): JSX.Element {
  const drag = useRef<{ readonly x: number; readonly width: number } | undefined>(undefined);
  const set = (value: number): void => onChange(Math.round(Math.min(most, Math.max(least, value))));
  const onKeyDown = (event: KeyboardEvent): void => {
    const to = { ArrowLeft: width + STEP, ArrowRight: width - STEP, Home: most, End: least, Enter: standard }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    set(to);
  };
  return (
    // biome-ignore lint/a11y/useSemanticElements: an <hr> cannot be moved; this is the window splitter pattern of ARIA.
    <div
      class="splitter"
      role="separator"
      tabIndex={0}
      aria-orientation="vertical"
      aria-label={name}
      aria-controls={controls}
      aria-valuenow={width}
      aria-valuemin={least}
      aria-valuemax={most}
      aria-valuetext={`${width} pixels`}
      title="Drag, or use the arrow keys; double click for the usual width"
      onKeyDown={onKeyDown}
      onDblClick={() => set(standard)}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        drag.current = { x: event.clientX, width };
      }}
      onPointerMove={(event) => {
        if (drag.current) set(drag.current.width + drag.current.x - event.clientX);
      }}
      onPointerUp={() => {
        drag.current = undefined;
      }}
      onPointerCancel={() => {
        drag.current = undefined;
      }}
    />
  );
}

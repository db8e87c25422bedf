/** Our own icons, drawn on a 16-pixel grid in the text's colour. They never stand alone: a label or name is beside them. */
import type { JSX } from "preact";

const PATHS = {
  run: <path d="M4.5 2.8v10.4L13 8z" fill="currentColor" stroke="none" />,
  pause: <path d="M5 3v10M11 3v10" stroke-width="2.6" />,
  step: <path d="M3 8h6M6.5 4.8 9.8 8l-3.3 3.2M12.8 3.5v9" />,
  back: <path d="M13 8H7M9.5 4.8 6.2 8l3.3 3.2M3.2 3.5v9" />,
  last: <path d="M13.5 8H9M11.3 5 8.2 8l3.1 3M7.5 5l-3.1 3 3.1 3M2.5 3.5v9" />,
  over: <path d="M2.5 10.5a5.4 5.4 0 0 1 10.3-2.2M13.3 4.6l-.4 3.8-3.7-.6M7.4 12.6h1.2" />,
  until: <path d="M2.5 8h6.2M5.8 5 8.9 8l-3.1 3M12 3.2v9.6M12 3.2l2.5 1.6L12 6.4" />,
  inspect: <path d="M2 3h12v10H2zM9 3v10M11 6h1.2M11 8.5h1.2M11 11h1.2" />,
  reset: <path d="M13 8a5 5 0 1 1-1.5-3.6M13 2v3.2H9.8" />,
  share: <path d="M6.6 9.4 9.4 6.6M7.4 4.6l1.5-1.5a2.8 2.8 0 0 1 4 4l-1.5 1.5M8.6 11.4l-1.5 1.5a2.8 2.8 0 0 1-4-4l1.5-1.5" />,
  power: <path d="M8 1.8v6M4.3 4.3a5.2 5.2 0 1 0 7.4 0" />,
  search: <path d="M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9zM10.3 10.3 14 14" />,
  copy: <path d="M6 5.5h7.5v8H6zM10 5.5v-3H2.5v8H6" />,
  paste: <path d="M5.5 3H3v10.5h10V3h-2.5M5.5 1.8h5v2.6h-5z" />,
  speak: <path d="M2.5 6.2v3.6h2.4L8.4 13V3L4.9 6.2zM10.8 5.6a3.4 3.4 0 0 1 0 4.8M12.7 3.7a6 6 0 0 1 0 8.6" />,
  clear: <path d="M3 4.5h10M6.5 4.2V2.5h3v1.7M4.3 4.5l.6 9h6.2l.6-9" />,
  close: <path d="m3.5 3.5 9 9m0-9-9 9" />,
  up: <path d="m3.5 10 4.5-4.5 4.5 4.5" />,
  down: <path d="m3.5 6 4.5 4.5L12.5 6" />,
  edit: <path d="m10.8 2.6 2.6 2.6-8 8-3.2.6.6-3.2z" />,
  help: <path d="M5.6 6a2.4 2.4 0 1 1 3.7 2c-.9.6-1.3 1-1.3 2M8 12.6v.2" />,
  list: <path d="M2.5 4h1M6 4h7.5M2.5 8h1M6 8h7.5M2.5 12h1M6 12h7.5" />,
  file: <path d="M9 1.8H3.5v12.4h9V5.2zM9 1.8v3.4h3.5" />,
  chip: <path d="M4 4h8v8H4zM6.5 6.5h3v3h-3zM6 1.8V4m4-2.2V4M6 12v2.2m4-2.2v2.2M1.8 6H4m-2.2 4H4m8-4h2.2M12 10h2.2" />,
  disk: <path d="M2.5 3.5h11v9h-11zM2.5 9.5h11M11 11.4v.2" />,
  warning: <path d="M8 2 14.5 13.5h-13zM8 6.3v3.6M8 11.6v.2" />,
  done: <path d="m3 8.5 3.3 3.3L13 4.8" />,
  download: <path d="M8 2v8M4.5 6.8 8 10.3l3.5-3.5M2.5 13.5h11" />,
  save: <path d="M8 2v7.5M4.8 6.5 8 9.7l3.2-3.2M2.5 10.5v3h11v-3" />,
} as const satisfies Record<string, JSX.Element>;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { readonly name: IconName }): JSX.Element {
  return (
    <svg
      class="icon"
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      stroke-width="1.5"
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      {PATHS[name]}
    </svg>
  );
}

/** A pane of glass over a chip. */
export function Logo(): JSX.Element {
  return (
    <svg
      class="logo"
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      stroke-width="1.6"
      stroke-linejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      <path d="M4 4h16v16H4z" class="logo-pane" />
      <path d="M9 9h6v6H9zM9 1.5V4m6-2.5V4M9 20v2.5M15 20v2.5M1.5 9H4m-2.5 6H4M20 9h2.5M20 15h2.5" />
      <path d="M6.5 10.5 10.5 6.5" stroke-linecap="round" />
    </svg>
  );
}

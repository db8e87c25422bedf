/** The page's one kind of button. An icon-only button shows its name as a tooltip; `pressed` makes it a toggle. */
import type { ComponentChildren, JSX } from "preact";
import { Icon, type IconName } from "./icons";

export interface ButtonProps {
  readonly icon?: IconName;
  readonly children?: ComponentChildren;
  /** The accessible name, where the visible text is missing or not enough. */
  readonly name?: string;
  /** `solid` for the one thing most people want, `quiet` inside bars. */
  readonly kind?: "solid" | "plain" | "quiet";
  readonly onClick: () => void;
  readonly disabled?: boolean;
  readonly pressed?: boolean;
  readonly expanded?: boolean;
  /** Id of what it opens. */
  readonly controls?: string;
  readonly shortcut?: string;
  /** The text gives way to the icon where the page is narrow. */
  readonly shrinks?: boolean;
  /** A click leaves the keyboard where it is (with the guest, say); Tab reaches the button all the same. */
  readonly keepsKeyboard?: boolean;
  readonly class?: string;
}

export function Button(props: ButtonProps): JSX.Element {
  const { icon, children, name, kind = "plain", shortcut } = props;
  const title =
    children === undefined || props.shrinks || shortcut
      ? [name ?? children, shortcut && `(${shortcut})`].filter(Boolean).join(" ")
      : undefined;
  return (
    <button
      type="button"
      class={`button ${kind} ${children === undefined ? "icon-only" : ""} ${props.shrinks ? "shrinks" : ""} ${props.class ?? ""}`}
      onClick={props.onClick}
      onMouseDown={props.keepsKeyboard ? (event) => event.preventDefault() : undefined}
      disabled={props.disabled}
      title={title}
      aria-label={name}
      aria-pressed={props.pressed}
      aria-expanded={props.expanded}
      aria-controls={props.expanded ? props.controls : undefined}
      aria-keyshortcuts={shortcut}
    >
      {icon && <Icon name={icon} />}
      {children !== undefined && <span class="button-text">{children}</span>}
    </button>
  );
}

/** Keys that a touch screen's keyboard lacks, under the terminal where the pointer is a finger. */
import type { JSX } from "preact";
import { Button } from "./button";

const KEYS: readonly (readonly [label: string, name: string, sequence: string])[] = [
  ["Esc", "Escape", "\x1b"],
  ["Tab", "Tab", "\t"],
  ["↑", "Up", "\x1b[A"],
  ["↓", "Down", "\x1b[B"],
  ["←", "Left", "\x1b[D"],
  ["→", "Right", "\x1b[C"],
];

export interface SoftKeysProps {
  /** Control applies to the next character. */
  readonly isControl: boolean;
  readonly onControl: (on: boolean) => void;
  readonly onKey: (sequence: string) => void;
}

export function SoftKeys({ isControl, onControl, onKey }: SoftKeysProps): JSX.Element {
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for form fields; these are keys.
    <div class="soft-keys" role="group" aria-label="Keys for the guest">
      <Button name="Control, for the next key" pressed={isControl} onClick={() => onControl(!isControl)}>
        Ctrl
      </Button>
      {KEYS.map(([label, name, sequence]) => (
        <Button key={name} name={name} onClick={() => onKey(sequence)}>
          {label}
        </Button>
      ))}
    </div>
  );
}

/** What a terminal sends for a key with Control: ASCII 40h-7Fh lose their upper bits; other keys stay. */
export function withControl(text: string): string {
  const code = text.length === 1 ? text.charCodeAt(0) : 0;
  return code >= 0x40 && code < 0x80 ? String.fromCharCode(code & 0x1f) : text;
}

/** What opens on request: keys, this browser's features, unknown instructions, and the question before a switch. */
import type { JSX } from "preact";
import type { Status } from "../protocol/events";
import { Button } from "./button";
import { Dialog } from "./dialog";
import { type Features, PATH_TEXT } from "./features";
import { isInstruction } from "./figures";
import type { MachineEntry } from "./machines";
import { ProjectorSwitch } from "./projector";

interface Closing {
  readonly onClose: () => void;
}

const KEYS: readonly (readonly [keys: readonly string[], meaning: string])[] = [
  [["F8"], "Run or pause, outside the terminal"],
  [["F10"], "One instruction, while paused; in the Inspect pane also S, N to step over, F to step out"],
  [["Shift", "F8"], "One instruction back, while paused; in the Inspect pane also B, and L to the last stop"],
  [["F9"], "Breakpoint in the code's line with the focus, or at the next instruction"],
  [["G"], "In the Inspect pane: go to an address"],
  [["Ctrl", "Shift", "F12"], "Leave the terminal: the keyboard is the page's again"],
  [["Ctrl", "Shift", "C"], "Copy the selection in the terminal"],
  [["Ctrl", "Shift", "V"], "Paste into the terminal"],
  [["Ctrl", "Shift", "F"], "Search the terminal's output"],
  [["Shift", "Page Up"], "Scroll the output"],
];

export function HelpDialog({ onClose }: Closing): JSX.Element {
  return (
    <Dialog id="help" title="Keys and hints" onClose={onClose}>
      <table class="keys">
        <thead class="visually-hidden">
          <tr>
            <th scope="col">Keys</th>
            <th scope="col">What they do</th>
          </tr>
        </thead>
        <tbody>
          {KEYS.map(([keys, meaning]) => (
            <tr key={meaning}>
              <td>
                {keys.map((key) => (
                  <kbd key={key}>{key}</kbd>
                ))}
              </td>
              <td>{meaning}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <ProjectorSwitch />
      <p>
        The terminal is the guest's serial port, which does not know how large the window is: type <code>resize</code> in a Linux guest to
        tell it.
      </p>
      <p>Vitrine is an emulator: a trap here is a dispatch in its core, and the shadow page tables serve an emulated MMU.</p>
      <p>
        Vitrine is free software under the MIT licence.{" "}
        <a href="licences.txt" target="_blank" rel="noopener">
          Its licence, and those of its parts
        </a>{" "}
        (in a new tab). A guest's licence is named with the guest.
      </p>
    </Dialog>
  );
}

export function FeaturesDialog({ features, onClose }: Closing & { readonly features: Features }): JSX.Element {
  const path = PATH_TEXT[features.path];
  return (
    <Dialog id="features" title={path.label} onClose={onClose}>
      <p>{path.explanation}</p>
      <table class="features">
        <caption class="visually-hidden">What this browser offers here</caption>
        <thead>
          <tr>
            <th scope="col">Feature</th>
            <th scope="col">Here</th>
            <th scope="col">Without it</th>
          </tr>
        </thead>
        <tbody>
          {features.list.map((feature) => (
            <tr key={feature.id} data-feature={feature.id} class={feature.present ? "" : "absent"}>
              <th scope="row">{feature.name}</th>
              <td>{feature.present ? "yes" : "no"}</td>
              <td>{feature.without}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Dialog>
  );
}

export function UnimplementedDialog({ list, onClose }: Closing & { readonly list: Status["unimplemented"] }): JSX.Element {
  return (
    <Dialog id="unimplemented" title="Unknown to this processor" onClose={onClose}>
      {list.some(isInstruction) && (
        <p>
          The guest has tried instructions that the core does not know. Each raised an invalid-opcode exception (#UD), as on a processor
          without it.
        </p>
      )}
      {!list.every(isInstruction) && (
        <p>
          The guest has asked for model-specific registers (MSRs) that this processor does not have, and got a general-protection exception
          (#GP). Linux does so to find out what it runs on.
        </p>
      )}
      <table class="features">
        <thead>
          <tr>
            <th scope="col">Bytes or register</th>
            <th scope="col">First at</th>
            <th scope="col">Times</th>
          </tr>
        </thead>
        <tbody>
          {list.map(({ bytes, address, count }) => (
            <tr key={bytes + address}>
              <td class="mono">{bytes}</td>
              <td class="mono">{address}</td>
              <td>{count}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Dialog>
  );
}

interface SwitchProps {
  readonly running: MachineEntry;
  readonly wanted: MachineEntry;
  readonly onAnswer: (yes: boolean) => void;
}

export function SwitchDialog({ running, wanted, onAnswer }: SwitchProps): JSX.Element {
  const isSame = running.id === wanted.id;
  return (
    <Dialog
      id="switch"
      title={isSame ? `Boot ${wanted.title} anew?` : `Switch ${running.title} off?`}
      onClose={() => onAnswer(false)}
      actions={
        <>
          <Button onClick={() => onAnswer(false)}>Keep it running</Button>
          <Button kind="solid" icon="run" onClick={() => onAnswer(true)}>
            {isSame ? "Boot anew" : `Boot ${wanted.title}`}
          </Button>
        </>
      }
    >
      <p>
        {isSame ? "It is running." : "One machine runs at a time."} What {running.title} has in its memory will be lost.
      </p>
    </Dialog>
  );
}

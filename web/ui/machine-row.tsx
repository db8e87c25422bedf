/** One machine of the list: what it is, one button that boots it, and its settings behind another. */
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { Button } from "./button";
import type { Controller } from "./controller";
import { Icon } from "./icons";
import { downloadBytes, isSame, type MachineEntry, type MachineSettings, sizeText } from "./machines";
import { draftOf, SettingsFields, settingsOf, useDraft } from "./settings-form";

export interface MachineRowProps {
  readonly controller: Controller;
  readonly entry: MachineEntry;
  readonly isEditing: boolean;
  readonly isAlive: boolean;
  /** The one that most people want. */
  readonly isFirst: boolean;
}

export function MachineRow({ controller, entry, isEditing, isAlive, isFirst }: MachineRowProps): JSX.Element {
  const settings = controller.settingsOf(entry);
  const isChanged = !isSame(settings, entry.defaults);
  const panel = `edit-${entry.id}`;
  return (
    <li class="machine" data-machine={entry.id}>
      <span class="machine-icon">
        <Icon name={entry.group === "builtin" ? "chip" : "disk"} />
      </span>
      <div class="machine-text">
        <h3>
          {entry.title}
          {isAlive && <span class="badge">running</span>}
        </h3>
        <p>{entry.description}</p>
        <ul class="facts" aria-label="Facts">
          <li>{settings.memoryMb} MB memory</li>
          <li>{entry.group === "builtin" ? "no download" : `${sizeText(downloadBytes(entry))} download`}</li>
          {entry.licence && <li>{entry.licence}</li>}
          {isChanged && <li class="changed">settings changed</li>}
        </ul>
      </div>
      <div class="machine-actions">
        <Button
          icon="edit"
          kind="quiet"
          name={`Settings of ${entry.title}`}
          expanded={isEditing}
          controls={panel}
          onClick={() => controller.edit(isEditing ? undefined : entry)}
        >
          Edit
        </Button>
        <Button icon="run" kind={isFirst ? "solid" : "plain"} name={`Boot ${entry.title}`} onClick={() => controller.boot(entry)}>
          Boot
        </Button>
      </div>
      {isEditing && <EditPanel id={panel} controller={controller} entry={entry} settings={settings} isChanged={isChanged} />}
    </li>
  );
}

interface EditPanelProps {
  readonly id: string;
  readonly controller: Controller;
  readonly entry: MachineEntry;
  readonly settings: MachineSettings;
  readonly isChanged: boolean;
}

function EditPanel({ id, controller, entry, settings, isChanged }: EditPanelProps): JSX.Element {
  const [draft, setDraft] = useDraft(settings);
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => form.current?.querySelector("input")?.focus(), []);
  const wanted = settingsOf(draft);
  const boot = (): void => {
    if (!wanted) {
      form.current?.querySelector("input")?.focus();
      return;
    }
    controller.changeSettings(entry, wanted);
    controller.boot(entry);
  };
  return (
    <form
      id={id}
      ref={form}
      class="machine-edit"
      aria-label={`Settings of ${entry.title}`}
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        boot();
      }}
    >
      <SettingsFields
        id={id}
        draft={draft}
        onDraft={setDraft}
        takesCommandLine={entry.takesCommandLine}
        hasFirmware={entry.firmware !== undefined}
      />
      <div class="form-actions">
        <Button
          kind="quiet"
          disabled={!isChanged && wanted !== undefined && isSame(wanted, entry.defaults)}
          onClick={() => {
            controller.changeSettings(entry, undefined);
            setDraft(draftOf(entry.defaults));
          }}
        >
          As it comes
        </Button>
        <Button icon="run" kind="solid" onClick={boot}>
          Boot with these
        </Button>
      </div>
    </form>
  );
}

/** "Your own": files by picker or dropped anywhere on the page, sorted by what they contain. */
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { Button } from "./button";
import type { Controller } from "./controller";
import { Icon } from "./icons";
import { sizeText } from "./machines";
import { needsFirmware, OWN_DEFAULTS, OWN_ID, type OwnFile, type OwnFiles } from "./own-files";
import { loadSettings } from "./preferences";
import { SettingsFields, settingsOf, useDraft } from "./settings-form";

export interface OwnMachineProps {
  readonly controller: Controller;
  readonly own: OwnFiles;
  /** The user came to change its settings. */
  readonly isEditing: boolean;
}

export function OwnMachine({ controller, own, isEditing }: OwnMachineProps): JSX.Element {
  const [draft, setDraft] = useDraft(loadSettings(OWN_ID) ?? OWN_DEFAULTS);
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    if (isEditing) form.current?.querySelector<HTMLInputElement>("input[type=number]")?.focus();
  }, [isEditing]);
  const settings = settingsOf(draft);
  const boot = (): void => {
    if (settings) controller.bootOwn(settings);
    else form.current?.querySelector<HTMLInputElement>("input[type=number]")?.focus();
  };
  const isBootable = own.image !== undefined;
  return (
    <form
      class="own"
      ref={form}
      aria-labelledby="own-title"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        boot();
      }}
    >
      <div class="own-files">
        <FileSlot
          id="own-image"
          label="Kernel or boot image"
          hint="vmlinuz, bzImage, vmlinux, a multiboot kernel, a boot sector; or an image of a CD, a disk or a floppy disk"
          chosen={own.image}
          onFiles={(files) => void controller.addFiles(files)}
          onRemove={() => controller.removeFile("image")}
        />
        <FileSlot
          id="own-initrd"
          label="Initial RAM disk"
          hint="optional: a cpio archive, compressed or not"
          chosen={own.initrd}
          onFiles={(files) => void controller.addFiles(files)}
          onRemove={() => controller.removeFile("initrd")}
        />
      </div>
      {own.message && (
        <p class="own-message" id="own-message">
          <Icon name="warning" />
          {own.message}
        </p>
      )}
      <div class="own-settings">
        <SettingsFields
          id="own"
          draft={draft}
          onDraft={setDraft}
          hasFirmware={own.image !== undefined && needsFirmware(own.image)}
          takesCommandLine={!own.image || (!needsFirmware(own.image) && !own.image.description.startsWith("Boot"))}
        />
        <div class="form-actions">
          <Button icon="run" kind={isBootable ? "solid" : "plain"} name="Boot your own files" onClick={boot}>
            Boot
          </Button>
        </div>
      </div>
    </form>
  );
}

interface FileSlotProps {
  readonly id: string;
  readonly label: string;
  readonly hint: string;
  readonly chosen: OwnFile | undefined;
  readonly onFiles: (files: readonly File[]) => void;
  readonly onRemove: () => void;
}

function FileSlot({ id, label, hint, chosen, onFiles, onRemove }: FileSlotProps): JSX.Element {
  return (
    <div class={chosen ? "file-slot chosen" : "file-slot"}>
      <label for={id}>{label}</label>
      {/* Emptied after each choice, so that the same file can be chosen again after it has changed. */}
      <input
        id={id}
        type="file"
        multiple
        aria-describedby={`${id}-hint`}
        onChange={(event) => {
          onFiles([...(event.currentTarget.files ?? [])]);
          event.currentTarget.value = "";
        }}
      />
      <div class="file-chosen" id={`${id}-hint`}>
        {chosen ? (
          <>
            <strong>{chosen.file.name}</strong>
            <span class="hint">
              {chosen.description}, {sizeText(chosen.file.size)}
            </span>
          </>
        ) : (
          <span class="hint">{hint}</span>
        )}
      </div>
      {chosen && <Button icon="close" kind="quiet" name={`Remove ${chosen.file.name}`} onClick={onRemove} class="file-remove" />}
    </div>
  );
}

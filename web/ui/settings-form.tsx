/** Memory, kernel command line and translation of a machine, checked while they are typed. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { LEAST_MEMORY_MB, type MachineSettings, MOST_MEMORY_MB } from "./machines";
import { isMemory } from "./preferences";

export interface SettingsDraft {
  readonly memory: string;
  readonly commandLine: string;
  readonly isTranslated: boolean;
}

export const draftOf = (settings: MachineSettings): SettingsDraft => ({
  memory: String(settings.memoryMb),
  commandLine: settings.commandLine,
  isTranslated: settings.isTranslated ?? false,
});

/** Undefined while the draft is not possible. */
export function settingsOf(draft: SettingsDraft): MachineSettings | undefined {
  const memoryMb = Number(draft.memory);
  if (draft.memory.trim() === "" || !isMemory(memoryMb)) return undefined;
  return { memoryMb, commandLine: draft.commandLine, ...(draft.isTranslated ? { isTranslated: true } : {}) };
}

export interface SettingsFieldsProps {
  readonly id: string;
  readonly draft: SettingsDraft;
  readonly onDraft: (draft: SettingsDraft) => void;
  readonly takesCommandLine: boolean;
}

export function SettingsFields({ id, draft, onDraft, takesCommandLine }: SettingsFieldsProps): JSX.Element {
  const isWrong = settingsOf(draft) === undefined;
  const deviceGb = (navigator as { deviceMemory?: number }).deviceMemory;
  const isMuch = deviceGb !== undefined && Number(draft.memory) > deviceGb * 256;
  return (
    <>
      <div class="field field-memory">
        <label for={`${id}-memory`}>Memory</label>
        <span class="with-unit">
          <input
            id={`${id}-memory`}
            type="number"
            inputMode="numeric"
            min={LEAST_MEMORY_MB}
            max={MOST_MEMORY_MB}
            step={1}
            value={draft.memory}
            aria-invalid={isWrong}
            aria-describedby={`${id}-memory-hint`}
            onInput={(event) => onDraft({ ...draft, memory: event.currentTarget.value })}
          />
          <span aria-hidden="true">MB</span>
        </span>
        <span id={`${id}-memory-hint`} class={isWrong ? "hint wrong" : "hint"}>
          {isWrong
            ? `Give a whole number of megabytes from ${LEAST_MEMORY_MB} to ${MOST_MEMORY_MB}.`
            : isMuch
              ? `A lot for this device, which has about ${deviceGb} GB: the browser may refuse.`
              : `Megabytes, ${LEAST_MEMORY_MB} to ${MOST_MEMORY_MB}`}
        </span>
      </div>
      {takesCommandLine && (
        <div class="field field-command-line">
          <label for={`${id}-command-line`}>Kernel command line</label>
          <input
            id={`${id}-command-line`}
            type="text"
            class="mono"
            spellcheck={false}
            autocapitalize="off"
            autocomplete="off"
            value={draft.commandLine}
            onInput={(event) => onDraft({ ...draft, commandLine: event.currentTarget.value })}
          />
          <span class="hint">console=ttyS0 puts the guest's console on this page's terminal.</span>
        </div>
      )}
      <div class="field field-translated">
        <label>
          <input
            type="checkbox"
            checked={draft.isTranslated}
            aria-describedby={`${id}-translated-hint`}
            onChange={(event) => onDraft({ ...draft, isTranslated: event.currentTarget.checked })}
          />{" "}
          Translate hot code
        </label>
        <span id={`${id}-translated-hint`} class="hint">
          Several times faster, for about 200 MB more memory. The guest cannot tell.
        </span>
      </div>
    </>
  );
}

export function useDraft(settings: MachineSettings): [SettingsDraft, (draft: SettingsDraft) => void] {
  return useState(() => draftOf(settings));
}

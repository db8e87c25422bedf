/** The machine editor's fields: memory, command line, processor, what is booted first, translation; checked while they are typed. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { CPU_MODELS, type CpuModel } from "../lib/cpu-models";
import { DISK_BUSES, type DiskBus, DRIVE_BOOTS, type DriveBoot } from "../protocol/recipe";
import { LEAST_MEMORY_MB, type MachineSettings, MOST_MEMORY_MB } from "./machines";
import { isMemory } from "./preferences";

export interface SettingsDraft {
  readonly memory: string;
  readonly commandLine: string;
  readonly isTranslated: boolean;
  readonly cpu: CpuModel | undefined;
  readonly bootFirst: DriveBoot | undefined;
  readonly diskBus: DiskBus | undefined;
}

export const draftOf = (settings: MachineSettings): SettingsDraft => ({
  memory: String(settings.memoryMb),
  commandLine: settings.commandLine,
  isTranslated: settings.isTranslated ?? false,
  ...{ cpu: settings.cpu, bootFirst: settings.bootFirst, diskBus: settings.diskBus },
});

/** Undefined while the draft is not possible. */
export function settingsOf(draft: SettingsDraft): MachineSettings | undefined {
  const memoryMb = Number(draft.memory);
  if (draft.memory.trim() === "" || !isMemory(memoryMb)) return undefined;
  const { commandLine, isTranslated, cpu, bootFirst, diskBus } = draft;
  return {
    ...{ memoryMb, commandLine, ...(isTranslated ? { isTranslated } : {}) },
    ...{ ...(cpu ? { cpu } : {}), ...(bootFirst ? { bootFirst } : {}), ...(diskBus ? { diskBus } : {}) },
  };
}

export interface SettingsFieldsProps {
  readonly id: string;
  readonly draft: SettingsDraft;
  readonly onDraft: (draft: SettingsDraft) => void;
  readonly takesCommandLine: boolean;
  /** It starts with firmware, which looks for something to boot. */
  readonly hasFirmware: boolean;
}

export function SettingsFields({ id, draft, onDraft, takesCommandLine, hasFirmware }: SettingsFieldsProps): JSX.Element {
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
      <Choice
        id={`${id}-cpu`}
        label="Processor"
        value={draft.cpu}
        choices={CPU_MODELS}
        texts={{}}
        otherwise="as it needs"
        onChoice={(cpu) => onDraft({ ...draft, cpu })}
      />
      {hasFirmware && (
        <>
          <Choice
            id={`${id}-boot`}
            label="Boot first"
            value={draft.bootFirst}
            choices={DRIVE_BOOTS}
            texts={{ cdrom: "CD", disk: "hard disk", floppy: "floppy disk" }}
            otherwise="what it comes with"
            onChoice={(bootFirst) => onDraft({ ...draft, bootFirst })}
          />
          <Choice
            id={`${id}-bus`}
            label="Disks of this browser"
            value={draft.diskBus}
            choices={DISK_BUSES}
            texts={{ virtio: "on virtio", ide: "on IDE" }}
            otherwise="on virtio, the fastest"
            onChoice={(diskBus) => onDraft({ ...draft, diskBus })}
          />
        </>
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

interface ChoiceProps<T extends string> {
  readonly id: string;
  readonly label: string;
  readonly value: T | undefined;
  readonly choices: readonly T[];
  /** Where a choice is not its own name. */
  readonly texts: Partial<Record<T, string>>;
  /** What happens without a choice. */
  readonly otherwise: string;
  readonly onChoice: (value: T | undefined) => void;
}

function Choice<T extends string>({ id, label, value, choices, texts, otherwise, onChoice }: ChoiceProps<T>): JSX.Element {
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select id={id} value={value ?? ""} onChange={(event) => onChoice(choices.find((choice) => choice === event.currentTarget.value))}>
        <option value="">{otherwise}</option>
        {choices.map((choice) => (
          <option key={choice} value={choice}>
            {texts[choice] ?? choice}
          </option>
        ))}
      </select>
    </div>
  );
}

export function useDraft(settings: MachineSettings): [SettingsDraft, (draft: SettingsDraft) => void] {
  return useState(() => draftOf(settings));
}

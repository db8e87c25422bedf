/** What the page remembers for its user, in this browser only. Where storage is refused, nothing is remembered. */
import { CPU_MODELS } from "../lib/cpu-models";
import { DISK_BUSES, DRIVE_BOOTS } from "../protocol/recipe";
import { LEAST_MEMORY_MB, type MachineSettings, MOST_MEMORY_MB } from "./machines";

const PREFIX = "vitrine.";

/** Settings that the user has changed, or undefined. */
export function loadSettings(id: string): MachineSettings | undefined {
  try {
    const value: unknown = JSON.parse(read(`machine.${id}`) ?? "null");
    if (typeof value !== "object" || value === null) return undefined;
    const { memoryMb, commandLine, isTranslated, ...rest } = value as Record<string, unknown>;
    if (!isMemory(memoryMb) || typeof commandLine !== "string") return undefined;
    // What a later version or somebody's hand has put there is left out.
    const cpu = oneOf(CPU_MODELS, rest.cpu);
    const bootFirst = oneOf(DRIVE_BOOTS, rest.bootFirst);
    const diskBus = oneOf(DISK_BUSES, rest.diskBus);
    return {
      ...{ memoryMb, commandLine, ...(isTranslated === true ? { isTranslated } : {}) },
      ...{ ...(cpu ? { cpu } : {}), ...(bootFirst ? { bootFirst } : {}), ...(diskBus ? { diskBus } : {}) },
    };
  } catch {
    return undefined;
  }
}

const oneOf = <T extends string>(known: readonly T[], value: unknown): T | undefined => known.find((each) => each === value);

/** `undefined` forgets. */
export function saveSettings(id: string, settings: MachineSettings | undefined): void {
  write(`machine.${id}`, settings && JSON.stringify(settings));
}

export const loadScreenReaderMode = (): boolean => read("screen-reader") === "on";
export const saveScreenReaderMode = (on: boolean): void => write("screen-reader", on ? "on" : undefined);

export const loadProjector = (): boolean => read("projector") === "on";
export const saveProjector = (on: boolean): void => write("projector", on ? "on" : undefined);

export const isMemory = (value: unknown): value is number =>
  typeof value === "number" && Number.isInteger(value) && value >= LEAST_MEMORY_MB && value <= MOST_MEMORY_MB;

function read(key: string): string | null {
  try {
    return localStorage.getItem(PREFIX + key);
  } catch {
    return null;
  }
}

function write(key: string, value: string | undefined): void {
  try {
    if (value === undefined) localStorage.removeItem(PREFIX + key);
    else localStorage.setItem(PREFIX + key, value);
  } catch {}
}

/** The labs that come with Vitrine: every folder beside this file that has a lab.json. A new lab needs no line of code. */
import { type Lab, type LabFiles, LabUnreadable, readLab } from "./format";

/** instructor.md is for teachers: web/node/instructor-pages.ts has it, the page has not. */
const FILES = import.meta.glob<string>(["./*/lab.json", "./*/text.md", "./*/*.asm"], { query: "?raw", import: "default", eager: true });

function folders(): Map<string, Record<string, string>> {
  const found = new Map<string, Record<string, string>>();
  for (const [path, text] of Object.entries(FILES)) {
    const [, folder, name] = path.split("/") as [string, string, string];
    found.set(folder, { ...found.get(folder), [name]: text });
  }
  return found;
}

const read = new Map<string, Lab>();
const all: ReadonlyMap<string, LabFiles> = folders();

export const labIds = (): string[] => [...all.keys()].sort((a, b) => a.localeCompare(b, "en", { numeric: true }));

/** Undefined: there is none of this name. Throws LabUnreadable. */
export function findLab(id: string): Lab | undefined {
  const files = all.get(id);
  if (!files) return undefined;
  const lab = read.get(id) ?? readLab(id, files);
  read.set(id, lab);
  return lab;
}

/** All of them; one that cannot be used is its error, and costs the others nothing. */
export const allLabs = (): (Lab | LabUnreadable)[] =>
  labIds().map((id) => {
    try {
      return findLab(id)!;
    } catch (error) {
      if (error instanceof LabUnreadable) return error;
      throw error;
    }
  });

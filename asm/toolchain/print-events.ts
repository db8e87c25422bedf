/** Prints exit reasons and run ends for AssemblyScript and TypeScript from asm/isa/events.ts. */
import { EXITS, RUN_END } from "../isa/events";

const enumOf = (name: string, entries: readonly (readonly [string, string])[]): string[] => [
  `export const enum ${name} {`,
  ...entries.flatMap(([entry, gloss], index) => [`  /** ${gloss} */`, `  ${entry} = ${index},`]),
  "}",
];
const EXIT_ENTRIES = EXITS.map((e) => [e.name, `${e.gloss}; qualification: ${e.qualification}`] as const);

export function printEventsForCore(): string {
  return [
    "// Generated from asm/isa/events.ts. Do not edit.",
    ...enumOf("RunEnd", RUN_END),
    ...enumOf("Exit", EXIT_ENTRIES),
    `export const EXIT_COUNT: i32 = ${EXITS.length};`,
    "",
  ].join("\n");
}

export function printEventsForHost(): string {
  return [
    "// Generated from asm/isa/events.ts. Do not edit.",
    ...enumOf("ExitReason", RUN_END),
    ...enumOf("Exit", EXIT_ENTRIES),
    `export const RUN_END_NAMES = ${JSON.stringify(RUN_END.map(([name]) => name))} as const;`,
    `export const EXITS = ${JSON.stringify(EXITS)} as const;`,
    "",
  ].join("\n");
}

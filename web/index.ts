/** The public module: `import { Machine } from "vitrine"`. See docs/api.md. */
export * from "./machine/machine";

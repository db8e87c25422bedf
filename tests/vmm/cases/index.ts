/** All bare-metal cases, by the name of their golden file. */
import type { Case } from "../image";
import { DEBUG } from "./debug";
import { EXCEPTIONS } from "./exceptions";
import { SEGMENTS } from "./segments";
import { SYSTEM } from "./system";
import { TASKS } from "./tasks";
import { TRANSFERS } from "./transfers";
import { VIRTUAL8086 } from "./virtual8086";

export const CASE_SETS: Readonly<Record<string, readonly Case[]>> = {
  debug: DEBUG,
  exceptions: EXCEPTIONS,
  segments: SEGMENTS,
  system: SYSTEM,
  tasks: TASKS,
  transfers: TRANSFERS,
  "virtual-8086": VIRTUAL8086,
};

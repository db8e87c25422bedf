/** All bare-metal cases, by the name of their golden file. */
import type { Case } from "../image";
import { ALIGNMENT } from "./alignment";
import { DEBUG } from "./debug";
import { EXCEPTIONS } from "./exceptions";
import { FAST_CALLS } from "./fast-calls";
import { PORTS } from "./ports";
import { PREFIXES } from "./prefixes";
import { PRIVILEGE } from "./privilege";
import { SEGMENTS } from "./segments";
import { SWITCHES } from "./switches";
import { SYSTEM } from "./system";
import { TASKS } from "./tasks";
import { TRANSFERS } from "./transfers";
import { VIRTUAL8086 } from "./virtual8086";

export const CASE_SETS: Readonly<Record<string, readonly Case[]>> = {
  alignment: ALIGNMENT,
  debug: DEBUG,
  exceptions: EXCEPTIONS,
  "fast-calls": FAST_CALLS,
  ports: PORTS,
  prefixes: PREFIXES,
  privilege: PRIVILEGE,
  segments: SEGMENTS,
  switches: SWITCHES,
  system: SYSTEM,
  tasks: TASKS,
  transfers: TRANSFERS,
  "virtual-8086": VIRTUAL8086,
};

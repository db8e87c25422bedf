/** One linear address walked by the core's own walker (asm/mmu/describe.ts), as facts. Reads only. */

import { ExpressionError, type Facts } from "../../lib/expression";
import type { CoreHost } from "../../machine/core-host";

const WANT: Readonly<Record<string, number>> = { read: 1, write: 2, fetch: 4 };
const OUTCOMES = ["ok", "fault", "absent"];
const NO_ENTRY = { present: false, index: 0, address: 0, value: 0 };

/** `access`: read, write, fetch; `who`: supervisor, user. */
export function walk(core: CoreHost, linear: number, access: string, who: string): Facts {
  const want = WANT[access];
  if (want === undefined || (who !== "user" && who !== "supervisor"))
    throw new ExpressionError(`a walk is for read, write or fetch, by supervisor or user, not for ${access} by ${who}`);
  const { describeWalk, walkRecordAddress } = core.exports as unknown as {
    describeWalk(linear: number, want: number, user: number): number;
    walkRecordAddress(): number;
  };
  const outcome = describeWalk(linear, want, who === "user" ? 1 : 0);
  const view = new DataView(core.buffer, walkRecordAddress());
  const entry = (level: number): Facts => {
    const at = 32 + (3 - level) * 32;
    if (view.getUint32(at, true) === 0) return NO_ENTRY;
    const value = Number(view.getBigUint64(at + 16, true));
    return { present: value % 2 === 1, index: view.getUint32(at + 4, true), address: Number(view.getBigUint64(at + 8, true)), value };
  };
  return {
    outcome: OUTCOMES[outcome] ?? "?",
    error: outcome === 1 ? view.getUint32(4, true) : 0,
    paging: view.getUint32(8, true) !== 0,
    level: view.getUint32(12, true),
    physical: outcome === 0 ? Number(view.getBigUint64(16, true)) : 0,
    pde: entry(2),
    pte: entry(1),
  };
}

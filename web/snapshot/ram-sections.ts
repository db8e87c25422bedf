/** Names of the sections that hold RAM; all others belong to the machine's parts. */

/** page-table.ts, in gzip. */
export const RAM_TABLE = "ram-table";
/** ram-runs.ts: length and hash of each run. */
export const RAM_RUNS = "ram-runs";
/** ram-runs.ts: the runs. Last, because its length is known last. */
export const RAM_PAGES = "ram-pages";

export const isRamSection = (name: string): boolean => name === RAM_TABLE || name === RAM_RUNS || name === RAM_PAGES;

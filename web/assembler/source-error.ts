/** What is wrong with a line of source: thrown inside the assembler, collected by `assemble`, never seen outside as a throw. */

export class SourceError extends Error {}

/** One message for one line, as `assemble` returns it. */
export interface LineError {
  /** Line number in the source, from 1. */
  readonly line: number;
  readonly message: string;
}

/** `line 12: …`, the way the command line and the page print it. */
export const describeError = (error: LineError): string => `line ${error.line}: ${error.message}`;

/** What a command-line verb may do to the outside: given by web/node, replaced in tests. */
export interface CommandIo {
  /** Contents of a file; rejects with an error whose message names the file and the reason. */
  readFile(path: string): Promise<Uint8Array>;
  writeFile(path: string, bytes: Uint8Array): Promise<void>;
  stdout(text: string): void;
  stderr(text: string): void;
}

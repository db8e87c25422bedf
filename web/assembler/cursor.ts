/** A position in a line's tokens. */
import type { Token } from "./lexer";
import { SourceError } from "./source-error";

export class Cursor {
  #at = 0;
  constructor(readonly tokens: readonly Token[]) {}

  get done(): boolean {
    return this.#at >= this.tokens.length;
  }
  peek(ahead = 0): Token | undefined {
    return this.tokens[this.#at + ahead];
  }
  next(): Token {
    const token = this.tokens[this.#at++];
    if (token === undefined) throw new SourceError("the line ends too early");
    return token;
  }
  /** Is the next token this symbol, or this name in any case? */
  at(text: string): boolean {
    const token = this.peek();
    return token !== undefined && token.kind !== "string" && token.text.toLowerCase() === text;
  }
  /** Takes the next token if it is `text`. */
  accept(text: string): boolean {
    if (!this.at(text)) return false;
    this.#at++;
    return true;
  }
  expect(text: string): void {
    if (!this.accept(text))
      throw new SourceError(`expected "${text}"${this.done ? " at the end of the line" : ` before "${this.peek()!.text}"`}`);
  }
  expectEnd(): void {
    if (!this.done) throw new SourceError(`unexpected "${this.peek()!.text}"`);
  }
}

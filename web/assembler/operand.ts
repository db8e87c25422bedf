/** Operands as written: registers, memory, immediates, far pointers, with their size words. */
import type { Cursor } from "./cursor";
import { type Expression, parseExpression } from "./expression";
import { REGISTERS, type Register } from "./registers";
import { SourceError } from "./source-error";

/** Size words and their bytes. */
export const SIZES: Readonly<Record<string, number>> = { byte: 1, word: 2, dword: 4, qword: 8, tword: 10, oword: 16 };

export type SourceOperand =
  | { readonly kind: "register"; readonly register: Register; readonly to: boolean; readonly far: false; readonly size: number }
  | {
      readonly kind: "memory";
      /** Size word before the bracket, in bytes; 0 if there is none. */
      readonly size: number;
      readonly far: boolean;
      readonly segment: Register | undefined;
      readonly address: Expression;
      /** Size word inside the bracket: of the displacement, or of an address without registers; 0 if none. */
      readonly addressSize: number;
      /** `rel`: relative to RIP. */
      readonly relative: boolean;
    }
  | {
      readonly kind: "immediate";
      readonly size: number;
      readonly strict: boolean;
      readonly distance: "short" | "near" | undefined;
      readonly far: boolean;
      readonly expression: Expression;
    }
  | { readonly kind: "far"; readonly size: number; readonly selector: Expression; readonly offset: Expression };

export function parseOperands(cursor: Cursor): SourceOperand[] {
  const operands: SourceOperand[] = [];
  if (cursor.done) return operands;
  do operands.push(parseOperand(cursor));
  while (cursor.accept(","));
  return operands;
}

function parseOperand(cursor: Cursor): SourceOperand {
  let size = 0;
  let far = false;
  let strict = false;
  let to = false;
  let distance: "short" | "near" | undefined;
  for (;;) {
    const token = cursor.peek();
    if (token === undefined) throw new SourceError("an operand is missing");
    const word = token.kind === "name" ? token.text.toLowerCase() : "";
    if (SIZES[word] !== undefined) {
      if (size !== 0) throw new SourceError("two size words for one operand");
      size = SIZES[word];
    } else if (word === "far") far = true;
    else if (word === "strict") strict = true;
    else if (word === "to") to = true;
    else if (word === "short" || word === "near") distance = word;
    else if (word === "ptr") throw new SourceError('"ptr" is not needed here: write dword [address]');
    else break;
    cursor.next();
  }
  if (cursor.accept("[")) return parseMemory(cursor, size, far);
  const token = cursor.peek()!;
  const register = token.kind === "name" ? REGISTERS.get(token.text.toLowerCase()) : undefined;
  const after = cursor.peek(1);
  if (register !== undefined && (after === undefined || after.text === ",")) {
    cursor.next();
    if (far) throw new SourceError(`far needs a memory operand or selector:offset, not ${register.name}`);
    return { kind: "register", register, to, far: false, size };
  }
  if (register?.kind === "segment" && after?.text === ":")
    throw new SourceError(`write the segment override inside the brackets: [${register.name}:…]`);
  if (register?.name === "st" && after?.text === "(") throw new SourceError("write st1, not st(1)");
  const expression = parseExpression(cursor);
  if (cursor.accept(":")) return { kind: "far", size, selector: expression, offset: parseExpression(cursor) };
  return { kind: "immediate", size, strict, distance, far, expression };
}

function parseMemory(cursor: Cursor, size: number, far: boolean): SourceOperand {
  let addressSize = 0;
  let relative = false;
  /** Size word, `rel` and `abs`, in any order. */
  const sizeWord = (): void => {
    for (;;) {
      const word = cursor.peek()?.kind === "name" ? cursor.peek()!.text.toLowerCase() : "";
      if (SIZES[word] !== undefined) addressSize = SIZES[word];
      else if (word === "rel" || word === "abs") relative = word === "rel";
      else return;
      cursor.next();
    }
  };
  sizeWord();
  let segment: Register | undefined;
  const first = cursor.peek();
  const register = first?.kind === "name" ? REGISTERS.get(first.text.toLowerCase()) : undefined;
  if (cursor.peek(1)?.text === ":") {
    if (register?.kind !== "segment") throw new SourceError(`"${first!.text}" before ":" is not a segment register`);
    segment = register;
    cursor.next();
    cursor.next();
    sizeWord();
  }
  if (cursor.accept("]")) throw new SourceError("the brackets are empty");
  const address = parseExpression(cursor);
  cursor.expect("]");
  return { kind: "memory", size, far, segment, address, addressSize, relative };
}

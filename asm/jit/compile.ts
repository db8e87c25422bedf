/**
 * Writes a module of functions, one decoded instruction each: the first use of the `Emit` seam (the self-differential
 * test compares it with `Run`). Regions, linking and installation build on the same module writer.
 */
import { Insn } from "../decode/insn";
import { FIRST_FAMILY } from "../decode/handlers.generated";
import { Dispatch, HELPER_FAMILIES } from "../semantics/dispatch.generated";
import { Bytes, Wasm } from "./bytes";
import { Emit, Local, Locals } from "./emit";
import { TYPES, TYPE_COUNT } from "./helpers";

/** Can this handler be written by Emit, or is it a helper that translated code would call? */
export function isStaged(handler: u32): bool {
  return handler < FIRST_FAMILY || handler >= FIRST_FAMILY + ((<u32>HELPER_FAMILIES) << 6);
}

function name(text: string): void {
  Bytes.leb(text.length);
  for (let n = 0; n < text.length; n++) Bytes.u8(text.charCodeAt(n));
}
function section(id: u32): usize {
  Bytes.u8(id);
  return Bytes.reserve();
}

/**
 * Writes a module with function "f" = the effect of `insn`, into `buffer`; its size in bytes. The module imports
 * env.memory and env.table.
 */
export function compileOne(insn: Insn, buffer: usize, size: usize, body: usize, bodySize: usize): u32 {
  // The body first: its locals are known only then.
  Bytes.begin(body, bodySize);
  Locals.begin();
  Dispatch.hot<Emit, Local, Local, Local>(insn);
  Bytes.u8(Wasm.End);
  const bodyBytes = Bytes.position - body;

  Bytes.begin(buffer, size);
  Bytes.u8(0);
  Bytes.u8(0x61);
  Bytes.u8(0x73);
  Bytes.u8(0x6d);
  Bytes.u8(1);
  Bytes.u8(0);
  Bytes.u8(0);
  Bytes.u8(0);
  let length = section(1); // types
  Bytes.leb(TYPE_COUNT);
  for (let n = 0; n < TYPES.length; n++) Bytes.u8(TYPES[n]);
  Bytes.patch(length);
  length = section(2); // imports
  Bytes.leb(2);
  name("env");
  name("memory");
  Bytes.u8(2);
  Bytes.u8(0);
  Bytes.leb(1);
  name("env");
  name("table");
  Bytes.u8(1);
  Bytes.u8(0x70);
  Bytes.u8(0);
  Bytes.leb(1);
  Bytes.patch(length);
  length = section(3); // functions
  Bytes.leb(1);
  Bytes.leb(0);
  Bytes.patch(length);
  length = section(7); // exports
  Bytes.leb(1);
  name("f");
  Bytes.u8(0);
  Bytes.leb(0);
  Bytes.patch(length);
  length = section(10); // code
  Bytes.leb(1);
  const inner = Bytes.reserve();
  Bytes.leb(Locals.count);
  for (let n: u32 = 0; n < Locals.count; n++) {
    Bytes.leb(1);
    Bytes.u8(Locals.type(n));
  }
  for (let n: usize = 0; n < bodyBytes; n++) Bytes.u8(load<u8>(body + n));
  Bytes.patch(inner);
  Bytes.patch(length);
  return <u32>(Bytes.position - buffer);
}

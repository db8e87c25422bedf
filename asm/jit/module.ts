/**
 * Modules: a batch of functions of type () → (), which put themselves into the core's table by an active element segment.
 * Binary format: WebAssembly Core Specification, chapter "Binary Format".
 */
import { hostCompile } from "../core/host";
import { allocate } from "../mmu/physical";
import { Bytes, Wasm } from "./bytes";
import { TYPES, TYPE_COUNT } from "./helpers";
import { RegionWriter } from "./region-writer";

const BODY_BYTES: usize = 1 << 20;
const SCRATCH_BYTES: usize = 256 << 10;
/** Header sections of a module, beyond its bodies. */
const HEADER_BYTES: usize = 4096;
let bodies: usize = 0;
let bodiesEnd: usize = 0;
let scratch: usize = 0;
let output: usize = 0;
let functions: u32 = 0;

function name(text: string): void {
  Bytes.leb(text.length);
  for (let n = 0; n < text.length; n++) Bytes.u8(text.charCodeAt(n));
}
function section(id: u32): usize {
  Bytes.u8(id);
  return Bytes.reserve();
}

export class Module {
  static init(): void {
    bodies = allocate(BODY_BYTES);
    scratch = allocate(SCRATCH_BYTES);
    output = allocate(BODY_BYTES + HEADER_BYTES);
  }
  static begin(): void {
    functions = 0;
    bodiesEnd = bodies;
  }
  static get functions(): u32 {
    return functions;
  }
  /** Where the next function's bytes go. */
  static get end(): usize {
    return bodiesEnd;
  }
  static get full(): bool {
    return bodiesEnd + SCRATCH_BYTES > bodies + BODY_BYTES;
  }
  /** Appends the function of the chosen region. */
  static add(): bool {
    Bytes.begin(bodiesEnd, bodies + BODY_BYTES - bodiesEnd);
    if (!RegionWriter.write(scratch, SCRATCH_BYTES)) return false;
    bodiesEnd = Bytes.position;
    functions++;
    return true;
  }
  /** Has the host compile what was added; its functions are in the table from `firstIndex` on. Returns its size. */
  static install(firstIndex: u32): u32 {
    Bytes.begin(output, BODY_BYTES + HEADER_BYTES);
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
    Bytes.leb(functions);
    for (let n: u32 = 0; n < functions; n++) Bytes.leb(0);
    Bytes.patch(length);
    length = section(9); // elements
    Bytes.leb(1);
    Bytes.u8(0);
    Bytes.u8(Wasm.I32Const);
    Bytes.sleb(<i64>firstIndex);
    Bytes.u8(Wasm.End);
    Bytes.leb(functions);
    for (let n: u32 = 0; n < functions; n++) Bytes.leb(n);
    Bytes.patch(length);
    length = section(10); // code
    Bytes.leb(functions);
    memory.copy(Bytes.position, bodies, bodiesEnd - bodies);
    Bytes.skip(bodiesEnd - bodies);
    Bytes.patch(length);
    const size = <u32>(Bytes.position - output);
    hostCompile(<u32>output, size, firstIndex + functions);
    return size;
  }
}

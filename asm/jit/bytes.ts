/** Writing WebAssembly: LEB128, opcodes and sections into a byte buffer. Binary format: WebAssembly Core Specification, chapter "Binary Format". */

export namespace Wasm {
  export const Unreachable: u32 = 0x00;
  export const Block: u32 = 0x02;
  export const Loop: u32 = 0x03;
  export const If: u32 = 0x04;
  export const Else: u32 = 0x05;
  export const End: u32 = 0x0b;
  export const Br: u32 = 0x0c;
  export const BrIf: u32 = 0x0d;
  export const Return: u32 = 0x0f;
  export const CallIndirect: u32 = 0x11;
  export const ReturnCallIndirect: u32 = 0x13;
  export const Drop: u32 = 0x1a;
  export const Select: u32 = 0x1b;
  export const LocalGet: u32 = 0x20;
  export const LocalSet: u32 = 0x21;
  export const LocalTee: u32 = 0x22;
  export const I32Load: u32 = 0x28;
  export const I64Load: u32 = 0x29;
  export const I32Load8U: u32 = 0x2d;
  export const I32Load16U: u32 = 0x2f;
  export const I32Store: u32 = 0x36;
  export const I64Store: u32 = 0x37;
  export const I64Load32U: u32 = 0x35;
  export const I32Store8: u32 = 0x3a;
  export const I32Store16: u32 = 0x3b;
  export const I32Const: u32 = 0x41;
  export const I64Const: u32 = 0x42;
  export const I32Eqz: u32 = 0x45;
  export const I32Eq: u32 = 0x46;
  export const I32Ne: u32 = 0x47;
  export const I32LtS: u32 = 0x48;
  export const I32LtU: u32 = 0x49;
  export const I32GtS: u32 = 0x4a;
  export const I32GtU: u32 = 0x4b;
  export const I32LeS: u32 = 0x4c;
  export const I32LeU: u32 = 0x4d;
  export const I32GeS: u32 = 0x4e;
  export const I32GeU: u32 = 0x4f;
  export const I64Eqz: u32 = 0x50;
  export const I64Eq: u32 = 0x51;
  export const I64Ne: u32 = 0x52;
  export const I64LtS: u32 = 0x53;
  export const I64LtU: u32 = 0x54;
  export const I64GtS: u32 = 0x55;
  export const I64GtU: u32 = 0x56;
  export const I64LeS: u32 = 0x57;
  export const I64LeU: u32 = 0x58;
  export const I64GeS: u32 = 0x59;
  export const I64GeU: u32 = 0x5a;
  export const I32Clz: u32 = 0x67;
  export const I32Ctz: u32 = 0x68;
  export const I32Popcnt: u32 = 0x69;
  export const I32Add: u32 = 0x6a;
  export const I32Sub: u32 = 0x6b;
  export const I32Mul: u32 = 0x6c;
  export const I32And: u32 = 0x71;
  export const I32Or: u32 = 0x72;
  export const I32Xor: u32 = 0x73;
  export const I32Shl: u32 = 0x74;
  export const I32ShrS: u32 = 0x75;
  export const I32ShrU: u32 = 0x76;
  export const I32Rotl: u32 = 0x77;
  export const I32Rotr: u32 = 0x78;
  export const I64Clz: u32 = 0x79;
  export const I64Add: u32 = 0x7c;
  export const I64Sub: u32 = 0x7d;
  export const I64Mul: u32 = 0x7e;
  export const I64And: u32 = 0x83;
  export const I64Or: u32 = 0x84;
  export const I64Shl: u32 = 0x86;
  export const I64ShrU: u32 = 0x88;
  export const I64ShrS: u32 = 0x87;
  export const I32WrapI64: u32 = 0xa7;
  export const I64ExtendI32S: u32 = 0xac;
  export const I64ExtendI32U: u32 = 0xad;
  export const I32ReinterpretF32: u32 = 0xbc;
  export const I64ReinterpretF64: u32 = 0xbd;
  export const F32ReinterpretI32: u32 = 0xbe;
  export const F64ReinterpretI64: u32 = 0xbf;
  export const I32Extend8S: u32 = 0xc0;
  export const I32Extend16S: u32 = 0xc1;
  export const TypeI32: u32 = 0x7f;
  export const TypeI64: u32 = 0x7e;
  export const TypeVoid: u32 = 0x40;
}

/** A cursor over a buffer; overflow is a host bug (the caller sizes the buffer). */
let at: usize = 0;
let end: usize = 0;

export class Bytes {
  static get room(): usize {
    return end - at;
  }
  /** Bytes that were copied here. */
  static skip(count: usize): void {
    at += count;
  }
  /** Replaces an earlier byte. */
  @inline static poke(where: usize, value: u32): void {
    store<u8>(where, <u8>value);
  }
  static begin(buffer: usize, size: usize): void {
    at = buffer;
    end = buffer + size;
  }
  static get position(): usize {
    return at;
  }
  static u8(value: u32): void {
    assert(at < end, "emit buffer");
    store<u8>(at++, <u8>value);
  }
  /** Unsigned LEB128. */
  static leb(value: u32): void {
    do {
      const low = value & 0x7f;
      value >>>= 7;
      Bytes.u8(value ? low | 0x80 : low);
    } while (value);
  }
  /** Signed LEB128. */
  static sleb(value: i64): void {
    for (;;) {
      const low = <u32>value & 0x7f;
      value >>= 7;
      if ((value == 0 && !(low & 0x40)) || (value == -1 && low & 0x40)) {
        Bytes.u8(low);
        return;
      }
      Bytes.u8(low | 0x80);
    }
  }
  /** A section or body length known only afterwards: five LEB bytes are kept free. */
  static reserve(): usize {
    const here = at;
    at += 5;
    return here;
  }
  /** Fills a reserved length with the bytes written since. */
  static patch(reserved: usize): void {
    let value = <u32>(at - reserved - 5);
    for (let n: usize = 0; n < 5; n++) {
      store<u8>(reserved + n, <u8>(n < 4 ? (value & 0x7f) | 0x80 : value & 0x7f));
      value >>>= 7;
    }
  }
}

/**
 * Code bytes → Insn, driven by the tables generated from isa/. SDM 2A "Instruction Format". Whatever can be known from
 * the bytes and the mode key is decided here (availability, privilege, LOCK rules), as the handler that raises it, so
 * that executing code never checks it again.
 */
import { RAX, ZERO } from "../core/cpu-state.generated";
import { Mode } from "../core/mode";
import { Seg } from "../core/segment";
import { hasFeature } from "./features";
import { Fetch } from "./fetch";
import { Handler } from "./handlers.generated";
import { Ea, Insn, Prefix } from "./insn";
import { OPCODES, ROW_FEATURES, ROW_HANDLERS, ROW_INFO, SPLITS } from "./tables.generated";

const NO_ROW: u32 = 0xffff;
namespace Rex {
  export const B: u32 = 1;
  export const X: u32 = 2;
  export const R: u32 = 4;
  export const W: u32 = 8;
}
/** The ModRM byte of the instruction being decoded, read at most once. */
let modrm: u32 = 0;
let haveModrm: bool = false;
let rowEnds: bool = false;
/** The REX byte, or 0: 0100 W R X B. SDM 2A "REX Prefixes". */
let rex: u32 = 0;

function needModrm(): u32 {
  if (!haveModrm) {
    modrm = Fetch.u8();
    haveModrm = true;
  }
  return modrm;
}

/** Row of an opcode by the chained splits; NO_ROW where nothing is defined. */
function resolve(map: u32, opcode: u32, prefixes: u32, mode: u32): u32 {
  let node = <u32>load<u16>(OPCODES + <usize>((((map - 1) << 8) | opcode) << 1));
  while (node & 0x8000) {
    const at = SPLITS + <usize>((node & 0x7fff) << 1);
    let slot: u32;
    switch (<i32>load<u16>(at)) {
      case 0:
        slot = prefixes & Prefix.Repne ? 3 : prefixes & Prefix.Rep ? 2 : prefixes & Prefix.OperandSize ? 1 : 0;
        break;
      case 1: slot = (needModrm() >> 3) & 7; break;
      case 2: slot = <u32>(needModrm() >= 0xc0); break;
      case 3: slot = needModrm() & 7; break;
      default: slot = <u32>((mode & Mode.Code64) != 0); break;
    }
    node = <u32>load<u16>(at + 2 + <usize>(slot << 1));
  }
  return node ? node - 1 : NO_ROW;
}

/**
 * Fetches what follows an undefined opcode, as processors do: its bytes beyond the page fault, and more than 15 are #GP, before
 * the #UD. ModRM follows all of 0F38 and 0F3A, those of 0F whose neighbours in the table have it, and groups 4 and 5 (measured on Intel).
 */
function skipOperands(i: Insn, map: u32, opcode: u32, addressSize: u32, long: bool): void {
  const row = opcode >>> 4;
  // Rows 1, 2 (28-2F), 5-7, B-F of the two-byte map, without the BSWAPs (C8-CF).
  const has = map > 2 || (map == 1 && opcode >= 0xfe) || (map == 2 && ((0xf8e6 >>> row) & 1) != 0 && !(row == 2 && opcode < 0x28) && !(row == 0xc && opcode > 0xc7));
  if (!has) return;
  if (needModrm() < 0xc0 && !Fetch.failed) memoryOperand(i, addressSize, long);
  const hasImmediate = map == 4 || (map == 2 && ((opcode >= 0x70 && opcode <= 0x73) || opcode == 0xc2 || (opcode >= 0xc4 && opcode <= 0xc6)));
  if (hasImmediate) Fetch.u8();
}

/** Register number → byte in the Insn, by RegisterKind of asm/toolchain/row-info.ts. */
function registerByte(kind: u32, n: u32, width: u32): u8 {
  switch (kind) {
    case 1:
      if (width == 1) return byteSlot(n);
      return <u8>(n << 3);
    case 2: return byteSlot(n);
    case 3: return <u8>(n << 3);
    case 4: return <u8>n;
    case 5: return <u8>(n << 4);
    case 6: return <u8>((n & 7) << 4);
    case 7: return <u8>(n & 7);
    default: return 0;
  }
}
function byteSlot(n: u32): u8 {
  // Any REX turns AH CH DH BH into SPL BPL SIL DIL.
  return n < 4 || rex ? <u8>(n << 3) : <u8>(((n - 4) << 3) + 1);
}

/** Sixteen-bit base and index registers by rm: BX+SI BX+DI BP+SI BP+DI SI DI BP BX. SDM 2A Table "16-Bit Addressing Forms". */
const BASE16: usize = memory.data<u8>([24, 24, 40, 40, 48, 56, 40, 24]);
const INDEX16: usize = memory.data<u8>([48, 56, 48, 56, 128, 128, 128, 128]);

/** ModRM memory operand: base, index, scale, disp and default segment. SDM 2A Tables 2-1, 2-2, 2-3. */
function memoryOperand(i: Insn, addressSize: u32, long: bool): void {
  const mod = modrm >> 6;
  const rm = modrm & 7;
  let segment: u32 = Seg.DS;
  i.base = <u8>ZERO;
  i.index = <u8>ZERO;
  i.scale = 0;
  if (addressSize == 2) {
    if (mod == 0 && rm == 6) {
      i.disp = <i32>Fetch.u16();
    } else {
      // 16-bit addition: the upper halves of base and index registers vanish in the truncation to 16 bits.
      i.base = load<u8>(BASE16 + <usize>rm);
      i.index = load<u8>(INDEX16 + <usize>rm);
      i.disp = mod == 1 ? <i32>(<i8>Fetch.u8()) : mod == 2 ? <i32>(<i16>Fetch.u16()) : 0;
      if (rm == 2 || rm == 3 || rm == 6) segment = Seg.SS;
    }
  } else {
    let base = rm;
    if (rm == 4) {
      const sib = Fetch.u8();
      base = sib & 7;
      const index = ((sib >> 3) & 7) | ((rex & Rex.X) << 2);
      if (index != 4) {
        i.index = <u8>(index << 3);
        i.scale = <u8>(sib >> 6);
      }
    }
    if (base == 5 && mod == 0) {
      i.disp = <i32>Fetch.u32();
      if (rm == 5 && long) i.ea = <u8>Ea.Rip;
    } else {
      if (base == 4 || base == 5) segment = Seg.SS;
      base |= (rex & Rex.B) << 3;
      if (base > 7) segment = Seg.DS;
      i.base = <u8>(base << 3);
      i.disp = mod == 1 ? <i32>(<i8>Fetch.u8()) : mod == 2 ? <i32>Fetch.u32() : 0;
    }
  }
  if (!(i.prefixes & <u8>Prefix.Segment)) i.segment = <u8>segment;
}

/** Ea bits of the finished memory operand. */
function addressForm(i: Insn, mode: u32): void {
  if (mode & Mode.Code64) {
    const based = i.segment == Seg.FS || i.segment == Seg.GS;
    i.ea = <u8>(<u32>i.ea | Ea.Long | (based ? Ea.Segmented : 0) | (i.addressSize == 4 ? Ea.Address32 : 0));
    return;
  }
  let flat: bool;
  switch (<u32>i.segment) {
    case Seg.ES: flat = (mode & Mode.FlatES) != 0; break;
    case Seg.SS: flat = (mode & Mode.FlatSS) != 0; break;
    case Seg.DS: flat = (mode & Mode.FlatDS) != 0; break;
    default: flat = false; break;
  }
  i.ea = <u8>((flat ? 0 : Ea.Segmented) | (i.addressSize == 2 ? Ea.Address16 : 0));
}

/**
 * Decodes one instruction at the Fetch cursor into `i`. False when its bytes could not be fetched: the fault is pending.
 * Undefined, unimplemented and forbidden instructions decode to the handler that raises what they must.
 */
export function decode(i: Insn, mode: u32): bool {
  memory.fill(changetype<usize>(i), 0, offsetof<Insn>());
  haveModrm = false;
  rowEnds = false;
  rex = 0;
  const long = (mode & Mode.Code64) != 0;
  let prefixes: u32 = 0;
  let segment: u32 = Seg.DS;
  let byte = Fetch.u8();
  for (;;) {
    let known = true;
    if (long && (byte & 0xf0) == 0x40) {
      // Only the last prefix before the opcode counts as REX.
      rex = byte;
      byte = Fetch.u8();
      if (Fetch.failed) break;
      continue;
    }
    switch (byte) {
      // In 64-bit code these four are ignored, and take no earlier FS or GS away (SDM Vol 1 "Segment Registers in 64-Bit Mode").
      case 0x26: if (!long) { segment = Seg.ES; prefixes |= Prefix.Segment; } break;
      case 0x2e: if (!long) { segment = Seg.CS; prefixes |= Prefix.Segment; } break;
      case 0x36: if (!long) { segment = Seg.SS; prefixes |= Prefix.Segment; } break;
      case 0x3e: if (!long) { segment = Seg.DS; prefixes |= Prefix.Segment; } break;
      case 0x64: segment = Seg.FS; prefixes |= Prefix.Segment; break;
      case 0x65: segment = Seg.GS; prefixes |= Prefix.Segment; break;
      case 0x66: prefixes |= Prefix.OperandSize; break;
      case 0x67: prefixes |= Prefix.AddressSize; break;
      case 0xf0: prefixes |= Prefix.Lock; break;
      // Of F2 and F3 the last one counts.
      case 0xf2: prefixes = (prefixes & ~Prefix.Rep) | Prefix.Repne; break;
      case 0xf3: prefixes = (prefixes & ~Prefix.Repne) | Prefix.Rep; break;
      default: known = false; break;
    }
    if (!known || Fetch.failed) break;
    // A legacy prefix after it makes a REX void.
    rex = 0;
    byte = Fetch.u8();
  }
  if (rex) prefixes |= Prefix.Rex;
  let map: u32 = 1;
  if (byte == 0x0f) {
    map = 2;
    byte = Fetch.u8();
    if (byte == 0x38) {
      map = 3;
      byte = Fetch.u8();
    } else if (byte == 0x3a) {
      map = 4;
      byte = Fetch.u8();
    }
  }
  // 90 with REX.B is XCHG r8,rAX, not NOP.
  const exchanges = map == 1 && byte == 0x90 && (rex & Rex.B) != 0 && !(prefixes & Prefix.Rep);
  const row = resolve(map, exchanges ? 0x91 : byte, prefixes, mode);
  const big = (mode & Mode.Code32) != 0;
  let operandSize: u32 = big == ((prefixes & Prefix.OperandSize) != 0) ? 2 : 4;
  let addressSize: u32 = big == ((prefixes & Prefix.AddressSize) != 0) ? 2 : 4;
  if (long) {
    operandSize = rex & Rex.W ? 8 : prefixes & Prefix.OperandSize ? 2 : 4;
    addressSize = prefixes & Prefix.AddressSize ? 4 : 8;
  }
  i.prefixes = <u8>prefixes;
  i.segment = <u8>segment;
  i.addressSize = <u8>addressSize;
  i.row = <u16>row;
  if (row == NO_ROW) {
    i.length = <u8>Fetch.consumed;
    rowEnds = true;
    if (!Fetch.isTool) skipOperands(i, map, byte, addressSize, long);
    return finish(i, Handler.UNDEFINED);
  }
  const info = load<u32>(ROW_INFO + <usize>(row << 2));
  if (long) {
    // d64: 64 bits without being asked; f64: always. SDM 2D A.2.5, superscripts d64 and f64.
    if (info & (1 << 20) || (info & (1 << 19) && operandSize == 4)) operandSize = 8;
  }
  let memoryForm = false;
  if (info & 1) {
    needModrm();
    // MOV to and from control and debug registers means registers whatever mod says (SDM 2B "MOV—Move to/from Control Registers").
    if (info & (1 << 26)) modrm |= 0xc0;
    i.modrm = <u8>modrm;
    memoryForm = modrm < 0xc0 && !Fetch.failed;
    if (memoryForm) memoryOperand(i, addressSize, long);
  } else i.modrm = <u8>(byte | 0xc0);
  const widthKind = (info >> 5) & 3;
  // Type z: 4 bytes also where the operand size is 8.
  const width: u32 = widthKind == 0 ? 1 : widthKind == 2 && operandSize == 8 ? 4 : operandSize;
  i.width = <u8>width;
  i.reg = registerByte((info >> 7) & 7, registerNumber((info >> 10) & 3, byte), width);
  i.rm = registerByte((info >> 12) & 7, registerNumber((info >> 15) & 3, byte), width);
  immediate(i, (info >> 1) & 15, operandSize, addressSize, long);
  // x87: the 11 bits of FOP. SDM Vol 1 "Last Instruction Opcode".
  if (map == 1 && (byte & 0xf8) == 0xd8) i.imm = ((byte & 7) << 8) | modrm;
  if (((info >> 1) & 15) == 8) memoryForm = true;
  if (memoryForm) addressForm(i, mode);
  i.length = <u8>Fetch.consumed;
  rowEnds = (info & (1 << 18)) != 0;
  if (Fetch.failed) return finish(i, 0);

  const widthIndex: u32 = width == 1 ? 0 : width == 2 ? 1 : width == 4 ? 2 : 3;
  let handler = <u32>load<u16>(ROW_HANDLERS + <usize>(((row << 3) + (widthIndex << 1) + (memoryForm ? 0 : 1)) << 1));
  if (!hasFeature(load<u8>(ROW_FEATURES + <usize>row))) handler = Handler.UNDEFINED;
  else if (prefixes & Prefix.Lock && (!(info & (1 << 17)) || !memoryForm)) handler = Handler.UNDEFINED;
  else if (info & (1 << 25) && !memoryForm) handler = Handler.UNDEFINED;
  else if (info & (1 << 27) && memoryForm && !(info & (1 << 26))) handler = Handler.UNDEFINED;
  else if (info & (1 << 22) && !(mode & Mode.Protected)) handler = Handler.UNDEFINED;
  else if (info & (1 << 21) && mode & (Mode.Unprivileged | Mode.Virtual8086)) handler = map == 2 && isAbsentSystemRegister(byte, i.reg) ? Handler.UNDEFINED : Handler.PRIVILEGED;
  else {
    const unit = (info >> 23) & 3;
    if (unit == 2 && mode & Mode.FpuTrap) handler = Handler.UNIT_CHECK;
    else if (unit == 3 && (mode & Mode.FpuTrap || !(mode & Mode.Osfxsr))) handler = Handler.UNIT_CHECK;
  }
  if (handler == Handler.UNDEFINED || handler == Handler.UNIMPLEMENTED || handler == Handler.PRIVILEGED || handler == Handler.UNIT_CHECK) rowEnds = true;
  return finish(i, handler);
}

/** MOV of a control or debug register that no processor has: #UD comes before #GP for lack of privilege, as recorded on hardware. */
function isAbsentSystemRegister(opcode: u32, n: u32): bool {
  if ((opcode & 0xfc) != 0x20) return false;
  return opcode & 1 ? n > 7 : n == 1 || (n > 4 && n != 8);
}

/** False when the bytes did not come: pending fault, or the #GP of an instruction that is too long. */
function finish(i: Insn, handler: u32): bool {
  if (Fetch.failed) {
    if (!Fetch.tooLong) return false;
    i.length = <u8>Fetch.consumed;
    handler = Handler.TOO_LONG;
    rowEnds = true;
  }
  i.handler = <u16>handler;
  return true;
}

/** Does the instruction just decoded end its block? */
export function endsBlock(): bool {
  return rowEnds;
}

function registerNumber(source: u32, opcode: u32): u32 {
  switch (source) {
    case 0: return ((modrm >> 3) & 7) | ((rex & Rex.R) << 1);
    case 1: return (modrm & 7) | ((rex & Rex.B) << 3);
    case 2: return (opcode & 7) | ((rex & Rex.B) << 3);
    default: return <u32>RAX >> 3;
  }
}

/** Immediate, displacement or far pointer, by ImmediateKind of asm/toolchain/row-info.ts. */
function immediate(i: Insn, kind: u32, operandSize: u32, addressSize: u32, long: bool): void {
  switch (kind) {
    case 1: i.imm = Fetch.u8(); break;
    case 2:
      i.imm = <u32>(<i32>(<i8>Fetch.u8()));
      i.imm2 = <i32>i.imm < 0 ? 0xffffffff : 0;
      break;
    case 3: i.imm = Fetch.u16(); break;
    case 5:
      if (operandSize == 8) {
        i.imm = Fetch.u32();
        i.imm2 = Fetch.u32();
        break;
      }
    // falls through
    case 4:
      i.imm = operandSize == 2 ? Fetch.u16() : Fetch.u32();
      i.imm2 = operandSize != 2 && <i32>i.imm < 0 ? 0xffffffff : 0;
      break;
    case 6:
      i.imm = operandSize == 2 ? Fetch.u16() : Fetch.u32();
      i.imm2 = Fetch.u16();
      break;
    case 7:
      i.imm = Fetch.u16();
      i.imm2 = Fetch.u8();
      break;
    case 8:
      i.modrm = 0;
      i.base = <u8>ZERO;
      i.index = <u8>ZERO;
      i.disp = <i32>(addressSize == 2 ? Fetch.u16() : Fetch.u32());
      if (addressSize == 8) i.imm2 = Fetch.u32();
      if (long) i.ea = <u8>Ea.Absolute;
      break;
    case 9: i.disp = <i32>(<i8>Fetch.u8()); break;
    case 10: i.disp = operandSize == 2 ? <i32>(<i16>Fetch.u16()) : <i32>Fetch.u32(); break;
    case 11:
      i.imm = Fetch.u8();
      i.imm2 = Fetch.u8();
      break;
    default: break;
  }
}

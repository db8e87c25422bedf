/**
 * Three-byte opcodes: SDM Vol 2D Table A-4 (0F 38) and Table A-5 (0F 3A): SSSE3, SSE4.1, SSE4.2, AES, PCLMULQDQ, CRC32,
 * MOVBE, INVPCID. A row with a mandatory prefix wins over a row without one (F2 0F38F0 is CRC32, else MOVBE).
 */
import { type Operand, type Row, rowsOf } from "./row";

const row38 = rowsOf(3);
const row3A = rowsOf(4);
const SSE41 = { prefix: "66", unit: "sse", feature: "sse4_1", form: "helper" } as const;
const SSE42 = { prefix: "66", unit: "sse", feature: "sse4_2", form: "helper" } as const;
const AES = { prefix: "66", unit: "sse", feature: "aes", form: "helper" } as const;
/** Implicit-length and explicit-length string compares: their memory operand need not be aligned. */
const STRING = { ...SSE42, unaligned: true, writes: "oszapc" } as const;

/** SSSE3 has each instruction for MMX (no prefix) and XMM (66). */
function ssse3(opcode: number, mnemonic: string): Row[] {
  return [
    row38(opcode, mnemonic, ["Pq", "Qq"], { prefix: "none", unit: "mmx", feature: "ssse3", form: "vector" }),
    row38(opcode, mnemonic, ["Vdq", "Wdq"], { prefix: "66", unit: "sse", feature: "ssse3", form: "vector" }),
  ];
}
const vector = (opcode: number, mnemonic: string): Row => row38(opcode, mnemonic, ["Vdq", "Wdq"], { ...SSE41, form: "vector" });
const extend = (opcode: number, mnemonic: string, source: Operand): Row => row38(opcode, mnemonic, ["Vdq", source], SSE41);

export const THREE_BYTE_38: readonly Row[] = [
  ...ssse3(0x00, "PSHUFB"),
  ...ssse3(0x01, "PHADDW"),
  ...ssse3(0x02, "PHADDD"),
  ...ssse3(0x03, "PHADDSW"),
  ...ssse3(0x04, "PMADDUBSW"),
  ...ssse3(0x05, "PHSUBW"),
  ...ssse3(0x06, "PHSUBD"),
  ...ssse3(0x07, "PHSUBSW"),
  ...ssse3(0x08, "PSIGNB"),
  ...ssse3(0x09, "PSIGNW"),
  ...ssse3(0x0a, "PSIGND"),
  ...ssse3(0x0b, "PMULHRSW"),
  row38(0x10, "PBLENDVB", ["Vdq", "Wdq", "XMM0"], SSE41),
  row38(0x14, "BLENDVPS", ["Vps", "Wps", "XMM0"], SSE41),
  row38(0x15, "BLENDVPD", ["Vpd", "Wpd", "XMM0"], SSE41),
  row38(0x17, "PTEST", ["Vdq", "Wdq"], { ...SSE41, writes: "oszapc" }),
  ...ssse3(0x1c, "PABSB"),
  ...ssse3(0x1d, "PABSW"),
  ...ssse3(0x1e, "PABSD"),
  extend(0x20, "PMOVSXBW", "Wq"),
  extend(0x21, "PMOVSXBD", "Wd"),
  extend(0x22, "PMOVSXBQ", "Ww"),
  extend(0x23, "PMOVSXWD", "Wq"),
  extend(0x24, "PMOVSXWQ", "Wd"),
  extend(0x25, "PMOVSXDQ", "Wq"),
  vector(0x28, "PMULDQ"),
  vector(0x29, "PCMPEQQ"),
  row38(0x2a, "MOVNTDQA", ["Vdq", "Mdq"], { ...SSE41, form: "staged", binding: "MOVDQ_VW", mod: "mem" }),
  vector(0x2b, "PACKUSDW"),
  extend(0x30, "PMOVZXBW", "Wq"),
  extend(0x31, "PMOVZXBD", "Wd"),
  extend(0x32, "PMOVZXBQ", "Ww"),
  extend(0x33, "PMOVZXWD", "Wq"),
  extend(0x34, "PMOVZXWQ", "Wd"),
  extend(0x35, "PMOVZXDQ", "Wq"),
  row38(0x37, "PCMPGTQ", ["Vdq", "Wdq"], { ...SSE42, form: "vector" }),
  vector(0x38, "PMINSB"),
  vector(0x39, "PMINSD"),
  vector(0x3a, "PMINUW"),
  vector(0x3b, "PMINUD"),
  vector(0x3c, "PMAXSB"),
  vector(0x3d, "PMAXSD"),
  vector(0x3e, "PMAXUW"),
  vector(0x3f, "PMAXUD"),
  vector(0x40, "PMULLD"),
  row38(0x41, "PHMINPOSUW", ["Vdq", "Wdq"], SSE41),
  row38(0x82, "INVPCID", ["Gy", "Mdq"], {
    prefix: "66",
    form: "helper",
    cpl0: true,
    f64: true,
    mod: "mem",
    feature: "invpcid",
    unaligned: true,
    intercept: "Invlpg",
  }),
  row38(0xdb, "AESIMC", ["Vdq", "Wdq"], AES),
  row38(0xdc, "AESENC", ["Vdq", "Wdq"], AES),
  row38(0xdd, "AESENCLAST", ["Vdq", "Wdq"], AES),
  row38(0xde, "AESDEC", ["Vdq", "Wdq"], AES),
  row38(0xdf, "AESDECLAST", ["Vdq", "Wdq"], AES),
  row38(0xf0, "MOVBE", ["Gv", "Mv"], { form: "staged", binding: "MOVBE_GM", mod: "mem", feature: "movbe" }),
  row38(0xf0, "CRC32", ["Gy", "Eb"], { prefix: "F2", form: "helper", feature: "sse4_2", binding: "CRC32_B" }),
  row38(0xf1, "MOVBE", ["Mv", "Gv"], { form: "staged", binding: "MOVBE_MG", mod: "mem", feature: "movbe" }),
  row38(0xf1, "CRC32", ["Gy", "Ev"], { prefix: "F2", form: "helper", feature: "sse4_2", binding: "CRC32_V" }),
];

export const THREE_BYTE_3A: readonly Row[] = [
  row3A(0x08, "ROUNDPS", ["Vps", "Wps", "Ib"], SSE41),
  row3A(0x09, "ROUNDPD", ["Vpd", "Wpd", "Ib"], SSE41),
  row3A(0x0a, "ROUNDSS", ["Vss", "Wss", "Ib"], SSE41),
  row3A(0x0b, "ROUNDSD", ["Vsd", "Wsd", "Ib"], SSE41),
  row3A(0x0c, "BLENDPS", ["Vps", "Wps", "Ib"], SSE41),
  row3A(0x0d, "BLENDPD", ["Vpd", "Wpd", "Ib"], SSE41),
  row3A(0x0e, "PBLENDW", ["Vdq", "Wdq", "Ib"], SSE41),
  row3A(0x0f, "PALIGNR", ["Pq", "Qq", "Ib"], { prefix: "none", unit: "mmx", feature: "ssse3", form: "helper", binding: "PALIGNR_PQ" }),
  row3A(0x0f, "PALIGNR", ["Vdq", "Wdq", "Ib"], { prefix: "66", unit: "sse", feature: "ssse3", form: "helper", binding: "PALIGNR_VW" }),
  row3A(0x14, "PEXTRB", ["Ey/Mb", "Vdq", "Ib"], SSE41),
  row3A(0x15, "PEXTRW", ["Ey/Mw", "Vdq", "Ib"], { ...SSE41, binding: "PEXTRW_EV" }),
  row3A(0x16, "PEXTRD", ["Ey", "Vdq", "Ib"], { ...SSE41, names: ["PEXTRD", "PEXTRD", "PEXTRQ"] }),
  row3A(0x17, "EXTRACTPS", ["Ed", "Vps", "Ib"], SSE41),
  row3A(0x20, "PINSRB", ["Vdq", "Ey/Mb", "Ib"], SSE41),
  row3A(0x21, "INSERTPS", ["Vdq", "Wss", "Ib"], SSE41),
  row3A(0x22, "PINSRD", ["Vdq", "Ey", "Ib"], { ...SSE41, names: ["PINSRD", "PINSRD", "PINSRQ"] }),
  row3A(0x40, "DPPS", ["Vps", "Wps", "Ib"], SSE41),
  row3A(0x41, "DPPD", ["Vpd", "Wpd", "Ib"], SSE41),
  row3A(0x42, "MPSADBW", ["Vdq", "Wdq", "Ib"], SSE41),
  row3A(0x44, "PCLMULQDQ", ["Vdq", "Wdq", "Ib"], { prefix: "66", unit: "sse", feature: "pclmul", form: "helper" }),
  row3A(0x60, "PCMPESTRM", ["Vdq", "Wdq", "Ib"], STRING),
  row3A(0x61, "PCMPESTRI", ["Vdq", "Wdq", "Ib"], STRING),
  row3A(0x62, "PCMPISTRM", ["Vdq", "Wdq", "Ib"], STRING),
  row3A(0x63, "PCMPISTRI", ["Vdq", "Wdq", "Ib"], STRING),
  row3A(0xdf, "AESKEYGENASSIST", ["Vdq", "Wdq", "Ib"], AES),
];

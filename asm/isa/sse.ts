/**
 * MMX and SSE to SSE3 in the two-byte map (0F xx): SDM Vol 2D Table A-3, selected by mandatory prefix (none, 66, F3,
 * F2), with groups 12 to 14 of Table A-6. SSSE3 and later are in three-byte.ts.
 *
 * Operands: P, Q, N are MMX; V, W, U are XMM. The size says how many bytes a memory operand has: dq ps pd 16 (aligned
 * unless `unaligned`), q sd pi 8, d ss 4, w 2.
 */
import { type Row, type RowAttributes, rowsOf } from "./row";

const row = rowsOf(2);
const MMX = { prefix: "none", unit: "mmx", feature: "mmx", form: "helper" } as const;
const SSE = { prefix: "none", unit: "sse", feature: "sse", form: "helper" } as const;
const SSE2 = { prefix: "66", unit: "sse", feature: "sse2", form: "helper" } as const;
const SCALAR_SINGLE = { prefix: "F3", unit: "sse", feature: "sse", form: "helper" } as const;
const SCALAR_DOUBLE = { prefix: "F2", unit: "sse", feature: "sse2", form: "helper" } as const;

/** P op= Q without prefix, V op= W with 66. */
function integer(opcode: number, mnemonic: string, mmxFeature: "mmx" | "sse" | "sse2" = "mmx"): Row[] {
  return [
    row(opcode, mnemonic, ["Pq", "Qq"], { ...MMX, form: "vector", feature: mmxFeature }),
    row(opcode, mnemonic, ["Vdq", "Wdq"], { ...SSE2, form: "vector" }),
  ];
}

/** As `integer`, where the MMX form reads only 32 bits of memory (PUNPCKL). */
function unpackLow(opcode: number, mnemonic: string): Row[] {
  return [
    row(opcode, mnemonic, ["Pq", "Qd"], { ...MMX, form: "vector" }),
    row(opcode, mnemonic, ["Vdq", "Wdq"], { ...SSE2, form: "vector" }),
  ];
}

/** Shift by an immediate, groups 12 to 14. */
function shift(opcode: number, reg: number, mnemonic: string): Row[] {
  return [
    row(opcode, mnemonic, ["Nq", "Ib"], { ...MMX, binding: `${mnemonic}_NI`, reg, mod: "reg" }),
    row(opcode, mnemonic, ["Udq", "Ib"], { ...SSE2, binding: `${mnemonic}_UI`, reg, mod: "reg" }),
  ];
}

/** Floating point in its four types: packed and scalar, single and double. */
function float(opcode: number, mnemonic: string): Row[] {
  return [
    row(opcode, `${mnemonic}PS`, ["Vps", "Wps"], SSE),
    row(opcode, `${mnemonic}PD`, ["Vpd", "Wpd"], SSE2),
    row(opcode, `${mnemonic}SS`, ["Vss", "Wss"], SCALAR_SINGLE),
    row(opcode, `${mnemonic}SD`, ["Vsd", "Wsd"], SCALAR_DOUBLE),
  ];
}

/** Packed single and double with one integer meaning (logic, unpacking): no floating-point exceptions. */
function bits(opcode: number, mnemonic: string, single: string, double: string): Row[] {
  return [
    row(opcode, `${mnemonic}PS`, ["Vps", "Wps"], { ...SSE, form: "vector", binding: single }),
    row(opcode, `${mnemonic}PD`, ["Vpd", "Wpd"], { ...SSE2, form: "vector", binding: double }),
  ];
}

/** Ordered and unordered compare of scalars into ZF PF CF; OF SF AF are cleared. */
function compare(opcode: number, mnemonic: string): Row[] {
  return [
    row(opcode, `${mnemonic}SS`, ["Vss", "Wss"], { ...SSE, writes: "oszapc" }),
    row(opcode, `${mnemonic}SD`, ["Vsd", "Wsd"], { ...SSE2, writes: "oszapc" }),
  ];
}

const LOAD = { form: "staged", binding: "MOVDQ_VW" } as const;
const STORE = { form: "staged", binding: "MOVDQ_WV" } as const;
const NON_TEMPORAL: RowAttributes = { ...STORE, mod: "mem" };

const MOVES: readonly Row[] = [
  row(0x10, "MOVUPS", ["Vps", "Wps"], { ...SSE, ...LOAD, unaligned: true }),
  row(0x10, "MOVUPD", ["Vpd", "Wpd"], { ...SSE2, ...LOAD, unaligned: true }),
  row(0x10, "MOVSS", ["Vss", "Wss"], { ...SCALAR_SINGLE, binding: "MOVSS_VW" }),
  row(0x10, "MOVSD", ["Vsd", "Wsd"], { ...SCALAR_DOUBLE, binding: "MOVSD_VW" }),
  row(0x11, "MOVUPS", ["Wps", "Vps"], { ...SSE, ...STORE, unaligned: true }),
  row(0x11, "MOVUPD", ["Wpd", "Vpd"], { ...SSE2, ...STORE, unaligned: true }),
  row(0x11, "MOVSS", ["Wss", "Vss"], { ...SCALAR_SINGLE, binding: "MOVSS_WV" }),
  row(0x11, "MOVSD", ["Wsd", "Vsd"], { ...SCALAR_DOUBLE, binding: "MOVSD_WV" }),
  row(0x12, "MOVLPS", ["Vq", "Mq"], { ...SSE, mod: "mem", binding: "MOVLP_VM" }),
  row(0x12, "MOVHLPS", ["Vq", "Uq"], { ...SSE, mod: "reg" }),
  row(0x12, "MOVLPD", ["Vq", "Mq"], { ...SSE2, mod: "mem", binding: "MOVLP_VM" }),
  row(0x12, "MOVSLDUP", ["Vps", "Wps"], { ...SCALAR_SINGLE, feature: "sse3", form: "vector" }),
  row(0x12, "MOVDDUP", ["Vdq", "Wq"], { ...SCALAR_DOUBLE, feature: "sse3" }),
  row(0x13, "MOVLPS", ["Mq", "Vq"], { ...SSE, mod: "mem", binding: "MOVLP_MV" }),
  row(0x13, "MOVLPD", ["Mq", "Vq"], { ...SSE2, mod: "mem", binding: "MOVLP_MV" }),
  ...bits(0x14, "UNPCKL", "PUNPCKLDQ", "PUNPCKLQDQ"),
  ...bits(0x15, "UNPCKH", "PUNPCKHDQ", "PUNPCKHQDQ"),
  row(0x16, "MOVHPS", ["Vq", "Mq"], { ...SSE, mod: "mem", binding: "MOVHP_VM" }),
  row(0x16, "MOVLHPS", ["Vq", "Uq"], { ...SSE, mod: "reg" }),
  row(0x16, "MOVHPD", ["Vq", "Mq"], { ...SSE2, mod: "mem", binding: "MOVHP_VM" }),
  row(0x16, "MOVSHDUP", ["Vps", "Wps"], { ...SCALAR_SINGLE, feature: "sse3", form: "vector" }),
  row(0x17, "MOVHPS", ["Mq", "Vq"], { ...SSE, mod: "mem", binding: "MOVHP_MV" }),
  row(0x17, "MOVHPD", ["Mq", "Vq"], { ...SSE2, mod: "mem", binding: "MOVHP_MV" }),
  row(0x28, "MOVAPS", ["Vps", "Wps"], { ...SSE, ...LOAD }),
  row(0x28, "MOVAPD", ["Vpd", "Wpd"], { ...SSE2, ...LOAD }),
  row(0x29, "MOVAPS", ["Wps", "Vps"], { ...SSE, ...STORE }),
  row(0x29, "MOVAPD", ["Wpd", "Vpd"], { ...SSE2, ...STORE }),
  row(0x2b, "MOVNTPS", ["Mps", "Vps"], { ...SSE, ...NON_TEMPORAL }),
  row(0x2b, "MOVNTPD", ["Mpd", "Vpd"], { ...SSE2, ...NON_TEMPORAL }),
  row(0x50, "MOVMSKPS", ["Gy", "Ups"], { ...SSE, mod: "reg" }),
  row(0x50, "MOVMSKPD", ["Gy", "Upd"], { ...SSE2, mod: "reg" }),
  row(0x6e, "MOVD", ["Pd", "Ey"], { ...MMX, binding: "MOVD_PE", names: ["MOVD", "MOVD", "MOVQ"] }),
  row(0x6e, "MOVD", ["Vdq", "Ey"], { ...SSE2, binding: "MOVD_VE", names: ["MOVD", "MOVD", "MOVQ"] }),
  row(0x6f, "MOVQ", ["Pq", "Qq"], { ...MMX, binding: "MOVQ_PQ" }),
  row(0x6f, "MOVDQA", ["Vdq", "Wdq"], { ...SSE2, ...LOAD }),
  row(0x6f, "MOVDQU", ["Vdq", "Wdq"], { ...SSE2, ...LOAD, prefix: "F3", unaligned: true }),
  row(0x7e, "MOVD", ["Ey", "Pd"], { ...MMX, binding: "MOVD_EP", names: ["MOVD", "MOVD", "MOVQ"] }),
  row(0x7e, "MOVD", ["Ey", "Vdq"], { ...SSE2, binding: "MOVD_EV", names: ["MOVD", "MOVD", "MOVQ"] }),
  row(0x7e, "MOVQ", ["Vq", "Wq"], { ...SSE2, prefix: "F3", binding: "MOVQ_VW" }),
  row(0x7f, "MOVQ", ["Qq", "Pq"], { ...MMX, binding: "MOVQ_QP" }),
  row(0x7f, "MOVDQA", ["Wdq", "Vdq"], { ...SSE2, ...STORE }),
  row(0x7f, "MOVDQU", ["Wdq", "Vdq"], { ...SSE2, ...STORE, prefix: "F3", unaligned: true }),
  row(0xd6, "MOVQ", ["Wq", "Vq"], { ...SSE2, binding: "MOVQ_WV" }),
  row(0xd6, "MOVQ2DQ", ["Vdq", "Nq"], { ...MMX, prefix: "F3", feature: "sse2", mod: "reg" }),
  row(0xd6, "MOVDQ2Q", ["Pq", "Uq"], { ...MMX, prefix: "F2", feature: "sse2", mod: "reg" }),
  row(0xd7, "PMOVMSKB", ["Gy", "Nq"], { ...MMX, feature: "sse", mod: "reg", binding: "PMOVMSKB_GN" }),
  row(0xd7, "PMOVMSKB", ["Gy", "Udq"], { ...SSE2, mod: "reg", binding: "PMOVMSKB_GU" }),
  row(0xe7, "MOVNTQ", ["Mq", "Pq"], { ...MMX, feature: "sse", mod: "mem", binding: "MOVQ_QP" }),
  row(0xe7, "MOVNTDQ", ["Mdq", "Vdq"], { ...SSE2, ...NON_TEMPORAL }),
  row(0xf0, "LDDQU", ["Vdq", "Mdq"], { ...SCALAR_DOUBLE, ...LOAD, mod: "mem", feature: "sse3", unaligned: true }),
  row(0xf7, "MASKMOVQ", ["Pq", "Nq"], { ...MMX, feature: "sse", mod: "reg" }),
  row(0xf7, "MASKMOVDQU", ["Vdq", "Udq"], { ...SSE2, mod: "reg" }),
];

/** Integer ↔ float and between float widths. Conversions that use an MMX register check the x87 state too. */
const CONVERSIONS: readonly Row[] = [
  row(0x2a, "CVTPI2PS", ["Vps", "Qpi"], SSE),
  row(0x2a, "CVTPI2PD", ["Vpd", "Qpi"], SSE2),
  row(0x2a, "CVTSI2SS", ["Vss", "Ey"], SCALAR_SINGLE),
  row(0x2a, "CVTSI2SD", ["Vsd", "Ey"], SCALAR_DOUBLE),
  row(0x2c, "CVTTPS2PI", ["Ppi", "Wq"], SSE),
  row(0x2c, "CVTTPD2PI", ["Ppi", "Wpd"], SSE2),
  row(0x2c, "CVTTSS2SI", ["Gy", "Wss"], SCALAR_SINGLE),
  row(0x2c, "CVTTSD2SI", ["Gy", "Wsd"], SCALAR_DOUBLE),
  row(0x2d, "CVTPS2PI", ["Ppi", "Wq"], SSE),
  row(0x2d, "CVTPD2PI", ["Ppi", "Wpd"], SSE2),
  row(0x2d, "CVTSS2SI", ["Gy", "Wss"], SCALAR_SINGLE),
  row(0x2d, "CVTSD2SI", ["Gy", "Wsd"], SCALAR_DOUBLE),
  row(0x5a, "CVTPS2PD", ["Vpd", "Wq"], { ...SSE, feature: "sse2" }),
  row(0x5a, "CVTPD2PS", ["Vps", "Wpd"], SSE2),
  row(0x5a, "CVTSS2SD", ["Vsd", "Wss"], { ...SCALAR_SINGLE, feature: "sse2" }),
  row(0x5a, "CVTSD2SS", ["Vss", "Wsd"], SCALAR_DOUBLE),
  row(0x5b, "CVTDQ2PS", ["Vps", "Wdq"], { ...SSE, feature: "sse2" }),
  row(0x5b, "CVTPS2DQ", ["Vdq", "Wps"], SSE2),
  row(0x5b, "CVTTPS2DQ", ["Vdq", "Wps"], { ...SCALAR_SINGLE, feature: "sse2" }),
  row(0xe6, "CVTTPD2DQ", ["Vdq", "Wpd"], SSE2),
  row(0xe6, "CVTDQ2PD", ["Vpd", "Wq"], { ...SCALAR_SINGLE, feature: "sse2" }),
  row(0xe6, "CVTPD2DQ", ["Vdq", "Wpd"], SCALAR_DOUBLE),
];

const FLOAT: readonly Row[] = [
  ...compare(0x2e, "UCOMI"),
  ...compare(0x2f, "COMI"),
  ...float(0x51, "SQRT"),
  row(0x52, "RSQRTPS", ["Vps", "Wps"], SSE),
  row(0x52, "RSQRTSS", ["Vss", "Wss"], SCALAR_SINGLE),
  row(0x53, "RCPPS", ["Vps", "Wps"], SSE),
  row(0x53, "RCPSS", ["Vss", "Wss"], SCALAR_SINGLE),
  ...bits(0x54, "AND", "PAND", "PAND"),
  ...bits(0x55, "ANDN", "PANDN", "PANDN"),
  ...bits(0x56, "OR", "POR", "POR"),
  ...bits(0x57, "XOR", "PXOR", "PXOR"),
  ...float(0x58, "ADD"),
  ...float(0x59, "MUL"),
  ...float(0x5c, "SUB"),
  ...float(0x5d, "MIN"),
  ...float(0x5e, "DIV"),
  ...float(0x5f, "MAX"),
  row(0x7c, "HADDPD", ["Vpd", "Wpd"], { ...SSE2, feature: "sse3" }),
  row(0x7c, "HADDPS", ["Vps", "Wps"], { ...SCALAR_DOUBLE, feature: "sse3" }),
  row(0x7d, "HSUBPD", ["Vpd", "Wpd"], { ...SSE2, feature: "sse3" }),
  row(0x7d, "HSUBPS", ["Vps", "Wps"], { ...SCALAR_DOUBLE, feature: "sse3" }),
  row(0xc2, "CMPPS", ["Vps", "Wps", "Ib"], SSE),
  row(0xc2, "CMPPD", ["Vpd", "Wpd", "Ib"], SSE2),
  row(0xc2, "CMPSS", ["Vss", "Wss", "Ib"], SCALAR_SINGLE),
  row(0xc2, "CMPSD", ["Vsd", "Wsd", "Ib"], { ...SCALAR_DOUBLE, binding: "CMPSD_SSE" }),
  row(0xc6, "SHUFPS", ["Vps", "Wps", "Ib"], SSE),
  row(0xc6, "SHUFPD", ["Vpd", "Wpd", "Ib"], SSE2),
  row(0xd0, "ADDSUBPD", ["Vpd", "Wpd"], { ...SSE2, feature: "sse3" }),
  row(0xd0, "ADDSUBPS", ["Vps", "Wps"], { ...SCALAR_DOUBLE, feature: "sse3" }),
];

const INTEGER: readonly Row[] = [
  ...unpackLow(0x60, "PUNPCKLBW"),
  ...unpackLow(0x61, "PUNPCKLWD"),
  ...unpackLow(0x62, "PUNPCKLDQ"),
  ...integer(0x63, "PACKSSWB"),
  ...integer(0x64, "PCMPGTB"),
  ...integer(0x65, "PCMPGTW"),
  ...integer(0x66, "PCMPGTD"),
  ...integer(0x67, "PACKUSWB"),
  ...integer(0x68, "PUNPCKHBW"),
  ...integer(0x69, "PUNPCKHWD"),
  ...integer(0x6a, "PUNPCKHDQ"),
  ...integer(0x6b, "PACKSSDW"),
  row(0x6c, "PUNPCKLQDQ", ["Vdq", "Wdq"], { ...SSE2, form: "vector" }),
  row(0x6d, "PUNPCKHQDQ", ["Vdq", "Wdq"], { ...SSE2, form: "vector" }),
  row(0x70, "PSHUFW", ["Pq", "Qq", "Ib"], { ...MMX, feature: "sse" }),
  row(0x70, "PSHUFD", ["Vdq", "Wdq", "Ib"], SSE2),
  row(0x70, "PSHUFHW", ["Vdq", "Wdq", "Ib"], { ...SSE2, prefix: "F3" }),
  row(0x70, "PSHUFLW", ["Vdq", "Wdq", "Ib"], { ...SSE2, prefix: "F2" }),
  ...shift(0x71, 2, "PSRLW"),
  ...shift(0x71, 4, "PSRAW"),
  ...shift(0x71, 6, "PSLLW"),
  ...shift(0x72, 2, "PSRLD"),
  ...shift(0x72, 4, "PSRAD"),
  ...shift(0x72, 6, "PSLLD"),
  ...shift(0x73, 2, "PSRLQ"),
  row(0x73, "PSRLDQ", ["Udq", "Ib"], { ...SSE2, reg: 3, mod: "reg" }),
  ...shift(0x73, 6, "PSLLQ"),
  row(0x73, "PSLLDQ", ["Udq", "Ib"], { ...SSE2, reg: 7, mod: "reg" }),
  ...integer(0x74, "PCMPEQB"),
  ...integer(0x75, "PCMPEQW"),
  ...integer(0x76, "PCMPEQD"),
  row(0x77, "EMMS", [], MMX),
  row(0xc4, "PINSRW", ["Pq", "Ey/Mw", "Ib"], { ...MMX, feature: "sse", binding: "PINSRW_PE" }),
  row(0xc4, "PINSRW", ["Vdq", "Ey/Mw", "Ib"], { ...SSE2, binding: "PINSRW_VE" }),
  row(0xc5, "PEXTRW", ["Gy", "Nq", "Ib"], { ...MMX, feature: "sse", mod: "reg", binding: "PEXTRW_GN" }),
  row(0xc5, "PEXTRW", ["Gy", "Udq", "Ib"], { ...SSE2, mod: "reg", binding: "PEXTRW_GU" }),
  ...integer(0xd1, "PSRLW"),
  ...integer(0xd2, "PSRLD"),
  ...integer(0xd3, "PSRLQ"),
  ...integer(0xd4, "PADDQ", "sse2"),
  ...integer(0xd5, "PMULLW"),
  ...integer(0xd8, "PSUBUSB"),
  ...integer(0xd9, "PSUBUSW"),
  ...integer(0xda, "PMINUB", "sse"),
  ...integer(0xdb, "PAND"),
  ...integer(0xdc, "PADDUSB"),
  ...integer(0xdd, "PADDUSW"),
  ...integer(0xde, "PMAXUB", "sse"),
  ...integer(0xdf, "PANDN"),
  ...integer(0xe0, "PAVGB", "sse"),
  ...integer(0xe1, "PSRAW"),
  ...integer(0xe2, "PSRAD"),
  ...integer(0xe3, "PAVGW", "sse"),
  ...integer(0xe4, "PMULHUW", "sse"),
  ...integer(0xe5, "PMULHW"),
  ...integer(0xe8, "PSUBSB"),
  ...integer(0xe9, "PSUBSW"),
  ...integer(0xea, "PMINSW", "sse"),
  ...integer(0xeb, "POR"),
  ...integer(0xec, "PADDSB"),
  ...integer(0xed, "PADDSW"),
  ...integer(0xee, "PMAXSW", "sse"),
  ...integer(0xef, "PXOR"),
  ...integer(0xf1, "PSLLW"),
  ...integer(0xf2, "PSLLD"),
  ...integer(0xf3, "PSLLQ"),
  ...integer(0xf4, "PMULUDQ", "sse2"),
  ...integer(0xf5, "PMADDWD"),
  ...integer(0xf6, "PSADBW", "sse"),
  ...integer(0xf8, "PSUBB"),
  ...integer(0xf9, "PSUBW"),
  ...integer(0xfa, "PSUBD"),
  ...integer(0xfb, "PSUBQ", "sse2"),
  ...integer(0xfc, "PADDB"),
  ...integer(0xfd, "PADDW"),
  ...integer(0xfe, "PADDD"),
];

export const TWO_BYTE_SIMD: readonly Row[] = [...MOVES, ...CONVERSIONS, ...FLOAT, ...INTEGER];

/**
 * Cases of Berkeley TestFloat against our x87 and SSE. Its generator `testfloat_gen` (built for 8086-SSE) writes operands, result
 * and exception flags; a loop of guest code computes them again, thousands a run.
 */
import { spawnSync } from "node:child_process";
import { assemble } from "../../web/assembler/assemble";
import type { CoreHost } from "../../web/machine/core-host";
import { DATA, FpuMachine } from "../x87/fpu-machine";

interface Operation {
  /** TestFloat's name. */
  readonly name: string;
  /** From [ESI], [ESI+16] to [EDI]; the unit says where the flags come from. */
  readonly code: string;
  readonly unit: "x87" | "sse";
  readonly operands: readonly number[];
  readonly resultBytes: number;
  /** Its rounding and whether it is exact are said by name. */
  readonly exact?: boolean;
  /** Depends on the x87's precision control. */
  readonly precision?: boolean;
}

const x87 = (name: string, code: string, more: Partial<Operation> = {}): Operation => ({
  name,
  code,
  unit: "x87",
  operands: [10, 10],
  resultBytes: 10,
  ...more,
});
const sse = (name: string, code: string, bytes: number, more: Partial<Operation> = {}): Operation => ({
  name,
  code,
  unit: "sse",
  operands: [bytes, bytes],
  resultBytes: bytes,
  ...more,
});
const arithmetic = (name: string): Operation =>
  x87(`extF80_${name}`, `fld tword [esi]\nfld tword [esi+16]\nf${name}p st1, st0\nfstp tword [edi]`, { precision: true });
const scalar = (name: string, double: boolean): Operation => {
  const [suffix, size, type, bytes] = double ? ["sd", "qword", "f64", 8] : ["ss", "dword", "f32", 4];
  return sse(
    `${type}_${name}`,
    `mov${suffix} xmm0, [esi]\n${name}${suffix} xmm0, ${size} [esi+16]\nmov${suffix} [edi], xmm0`,
    bytes as number,
  );
};
const one = { operands: [10] } as const;

export const OPERATIONS: readonly Operation[] = [
  ...["add", "sub", "mul", "div"].map(arithmetic),
  x87("extF80_sqrt", "fld tword [esi]\nfsqrt\nfstp tword [edi]", { ...one, precision: true }),
  x87("extF80_roundToInt", "fld tword [esi]\nfrndint\nfstp tword [edi]", { ...one, exact: true }),
  x87("extF80_to_i32", "fld tword [esi]\nfistp dword [edi]", { ...one, resultBytes: 4, exact: true }),
  x87("extF80_to_i64", "fld tword [esi]\nfistp qword [edi]", { ...one, resultBytes: 8, exact: true }),
  x87("extF80_to_f32", "fld tword [esi]\nfstp dword [edi]", { ...one, resultBytes: 4 }),
  x87("extF80_to_f64", "fld tword [esi]\nfstp qword [edi]", { ...one, resultBytes: 8 }),
  x87("f32_to_extF80", "fld dword [esi]\nfstp tword [edi]", { operands: [4] }),
  x87("f64_to_extF80", "fld qword [esi]\nfstp tword [edi]", { operands: [8] }),
  x87("i32_to_extF80", "fild dword [esi]\nfstp tword [edi]", { operands: [4] }),
  x87("i64_to_extF80", "fild qword [esi]\nfstp tword [edi]", { operands: [8] }),
  ...[false, true].flatMap((double) => ["add", "sub", "mul", "div"].map((name) => scalar(name, double))),
  sse("f32_sqrt", "sqrtss xmm0, dword [esi]\nmovss [edi], xmm0", 4, { operands: [4] }),
  sse("f64_sqrt", "sqrtsd xmm0, qword [esi]\nmovsd [edi], xmm0", 8, { operands: [8] }),
  sse("f32_to_f64", "cvtss2sd xmm0, dword [esi]\nmovsd [edi], xmm0", 8, { operands: [4] }),
  sse("f64_to_f32", "cvtsd2ss xmm0, qword [esi]\nmovss [edi], xmm0", 4, { operands: [8] }),
  sse("i32_to_f32", "cvtsi2ss xmm0, dword [esi]\nmovss [edi], xmm0", 4, { operands: [4] }),
  sse("i32_to_f64", "cvtsi2sd xmm0, dword [esi]\nmovsd [edi], xmm0", 8, { operands: [4] }),
  sse("f32_to_i32", "cvtss2si eax, dword [esi]\nmov [edi], eax", 4, { operands: [4], exact: true }),
  sse("f64_to_i32", "cvtsd2si eax, qword [esi]\nmov [edi], eax", 4, { operands: [8], exact: true }),
];
const ROUNDINGS = ["near_even", "min", "max", "minMag"] as const;
/** Precision control: single, double, extended. */
const PRECISIONS: readonly (readonly [bits: 32 | 64 | 80, control: number])[] = [
  [32, 0x000],
  [64, 0x200],
  [80, 0x300],
];

const CODE = 0x10000;
const RESULTS = 0x200000;
const STRIDE = 32;
const BATCH = 20_000;

export interface TestFloatResult {
  readonly cases: number;
  /** Function and mode → the first case that differs. */
  readonly failed: ReadonlyMap<string, string>;
}

/** `most`: cases of each function and mode, 0 for all that level 1 has. */
export async function runTestFloat(generator: string, most: number): Promise<TestFloatResult> {
  const machine = await FpuMachine.create();
  const failed = new Map<string, string>();
  let cases = 0;
  for (const operation of OPERATIONS) {
    for (const [n, rounding] of ROUNDINGS.entries()) {
      for (const [bits, precision] of operation.precision ? PRECISIONS : PRECISIONS.slice(2)) {
        const options = [`-r${rounding}`, ...(operation.exact ? ["-exact"] : []), ...(operation.precision ? [`-precision${bits}`] : [])];
        const made = spawnSync(generator, [...options, operation.name], { encoding: "latin1", maxBuffer: 1 << 28 });
        if (made.status !== 0) throw new Error(`testfloat_gen ${options.join(" ")} ${operation.name}: ${made.stderr}`);
        const all = made.stdout.trim().split("\n");
        // Evenly over all kinds of operands.
        const step = most === 0 ? 1 : Math.max(1, Math.floor(all.length / most));
        const lines = all.filter((_, k) => k % step === 0);
        for (let at = 0; at < lines.length; at += BATCH) {
          const some = lines.slice(at, at + BATCH);
          const difference = runCases(machine.core, machine, operation, n, precision, some);
          cases += some.length;
          if (difference === undefined) continue;
          failed.set(`${operation.name} ${options.join(" ")}`, difference);
          break;
        }
      }
    }
  }
  return { cases, failed };
}

/** The first case that differs, or undefined. */
function runCases(
  core: CoreHost,
  machine: FpuMachine,
  operation: Operation,
  rounding: number,
  precision: number,
  lines: readonly string[],
): string | undefined {
  const control = 0x7f | precision | (rounding << 10);
  const mxcsr = 0x1f80 | (rounding << 13);
  const source = `bits 32\norg ${CODE}
fninit
fldcw [control]
mov esi, ${DATA + 0x10000}
mov edi, ${RESULTS}
mov ecx, ${lines.length}
next:
${operation.unit === "x87" ? "fnclex" : "ldmxcsr [mxcsr]"}
${operation.code}
${operation.unit === "x87" ? "fnstsw ax\nmov [edi+16], ax" : "stmxcsr [edi+16]"}
add esi, ${STRIDE}
add edi, ${STRIDE}
dec ecx
jnz next
hlt
control: dw ${control}
dw 0
mxcsr: dd ${mxcsr}`;
  const { bytes, errors } = assemble(source);
  if (errors.length > 0) throw new Error(`${operation.name}: ${JSON.stringify(errors[0])}`);
  machine.reset();
  const operands = new Uint8Array(lines.length * STRIDE);
  lines.forEach((line, n) => {
    const words = line.split(" ");
    operation.operands.forEach((length, k) => {
      operands.set(littleEndian(words[k]!, length), n * STRIDE + k * 16);
    });
  });
  core.memory.write(CODE, Uint8Array.from(bytes));
  core.memory.write(DATA + 0x10000, operands);
  core.setRegisters({ rip: BigInt(CODE), halted: 0n });
  core.run(core.ticks + lines.length * 40 + 1000);
  const results = core.memory.read(RESULTS, lines.length * STRIDE);
  const view = new DataView(results.buffer);
  for (const [n, line] of lines.entries()) {
    const words = line.split(" ");
    const expected = words[operation.operands.length]!.toLowerCase();
    const got = bigEndian(results.subarray(n * STRIDE, n * STRIDE + operation.resultBytes));
    const flags = ieeeFlags(view.getUint16(n * STRIDE + 16, true));
    const wanted = Number.parseInt(words[operation.operands.length + 1]!, 16);
    if (got !== expected || flags !== wanted)
      return `${words.slice(0, operation.operands.length).join(" ")}: ${got} flags ${flags}, expected ${expected} flags ${wanted}`;
  }
  return undefined;
}

/** IE ZE OE UE PE of FSW and MXCSR as TestFloat counts them: invalid 16, infinite 8, overflow 4, underflow 2, inexact 1. */
const ieeeFlags = (status: number): number =>
  (status & 1 ? 16 : 0) | (status & 4 ? 8 : 0) | (status & 8 ? 4 : 0) | (status & 16 ? 2 : 0) | (status & 32 ? 1 : 0);
const littleEndian = (hexadecimal: string, length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, n) => Number.parseInt(hexadecimal.slice((length - 1 - n) * 2, (length - n) * 2), 16));
const bigEndian = (bytes: Uint8Array): string =>
  [...bytes]
    .reverse()
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join("");

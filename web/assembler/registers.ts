/** Register names of the assembler. */
import { generalRegister, SEGMENTS } from "../disasm/registers";

export interface Register {
  readonly name: string;
  readonly kind: "general" | "segment" | "control" | "debug" | "mmx" | "xmm" | "x87";
  readonly number: number;
  /** Width of a general register in bytes; 0 for the others. */
  readonly bytes: number;
  /** SPL BPL SIL DIL and R8-R15 need a REX prefix; AH CH DH BH cannot have one. */
  readonly rex: "needed" | "forbidden" | "indifferent";
}

function build(): Map<string, Register> {
  const registers = new Map<string, Register>();
  const add = (name: string, kind: Register["kind"], number: number, bytes = 0, rex: Register["rex"] = "indifferent"): void => {
    registers.set(name, { name, kind, number, bytes, rex });
  };
  for (let n = 0; n < 16; n++) {
    for (const bytes of [1, 2, 4, 8]) {
      const high = bytes === 1 && n >= 4 && n < 8;
      add(generalRegister(n, bytes), "general", n, bytes, n >= 8 ? "needed" : high ? "forbidden" : "indifferent");
      if (high) add(generalRegister(n, 1, true), "general", n, 1, "needed");
    }
    add(`cr${n}`, "control", n);
    add(`dr${n}`, "debug", n);
    add(`xmm${n}`, "xmm", n);
    if (n < 8) add(`mm${n}`, "mmx", n);
    if (n < 8) add(`st${n}`, "x87", n);
  }
  add("st", "x87", 0);
  for (const [n, name] of SEGMENTS.entries()) add(name, "segment", n);
  return registers;
}

/** By lower-case name. */
export const REGISTERS: ReadonlyMap<string, Register> = build();

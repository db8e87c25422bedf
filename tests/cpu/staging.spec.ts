/**
 * Self-differential: every staged meaning through both backends, `Run` and `Emit`, on random instructions and states
 * with memory that is there, read-only or missing. Proves that the backends agree, not that the meaning is right.
 */
import { describe, expect, it } from "vitest";
import { ROWS } from "../../asm/isa/index";
import { CPU_STATE, CPU_STATE_BYTES } from "../../web/lib/cpu-state.generated";
import { type CoreHost, CPU_MODELS } from "../../web/machine/core-host";
import { createCore, random } from "../tools/core";

const DIRECTORY = 0x1000;
const TABLE = 0x2000;
const DATA = 0x10000;
const DATA_BYTES = 0x10000;
const BLOCKS = Number(process.env.STAGING_INSTRUCTIONS ?? 6000);

/** Every directory entry names one table, whose pages are 16 data frames, some read-only, a quarter missing. */
function prepare(core: CoreHost): void {
  const directory = new Uint32Array(1024).fill(TABLE | 0x67);
  const table = new Uint32Array(1024).map((_, n) => (n % 4 === 3 ? 0 : (DATA + (n % 16) * 0x1000) | (n % 8 === 5 ? 0x65 : 0x67)));
  core.memory.write(DIRECTORY, new Uint8Array(directory.buffer));
  core.memory.write(TABLE, new Uint8Array(table.buffer));
}

/** asm/core/stop.ts */
const LEAVE = 0x100;
const stopOf = (core: CoreHost): number => new DataView(core.buffer).getUint32(core.exports.stateAddress!() + CPU_STATE.stop.offset, true);

/** What an instruction may change: architectural fields, the lazy flags as EFLAGS, the pending trap. */
function outcome(core: CoreHost): string {
  core.exports.materializeState!();
  const view = new DataView(core.buffer, core.exports.stateAddress!(), CPU_STATE_BYTES);
  const parts: string[] = [];
  for (const [name, place] of Object.entries(CPU_STATE)) {
    if (!place.saved && !name.startsWith("trap") && name !== "stop") continue;
    const bytes = { u8: 1, u16: 2, u32: 4, u64: 8, f80: 16, v128: 16 }[place.type] * place.count;
    parts.push(`${name}=${Buffer.from(view.buffer, view.byteOffset + place.offset, bytes).toString("hex")}`);
  }
  return parts.join("\n");
}

describe("Run and Emit", () => {
  it(`agree on ${BLOCKS} random staged instructions`, async () => {
    const core = await createCore({ cpuModel: CPU_MODELS.indexOf("max"), accel: "jit" });
    const x = core.exports;
    const next = random(20240611);
    prepare(core);
    const data = new Uint8Array(DATA_BYTES).map(() => next());
    const seen = new Set<string>();
    let faults = 0;
    let done = 0;
    let left = 0;
    while (done < BLOCKS) {
      const bits = 32;
      const row = ROWS[next() % ROWS.length]!;
      if (row.form === "helper" || row.map > 3) continue;
      // Random prefixes, the row's opcode, random ModRM and what follows.
      const code: number[] = [];
      if (next() % 4 === 0) code.push(0x66);
      if (next() % 8 === 0) code.push(0x67);
      if (next() % 8 === 0) code.push([0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65][next() % 6]!);
      if (row.lock && next() % 8 === 0) code.push(0xf0);
      if (row.prefix === "F3") code.push(0xf3);
      if (row.prefix === "F2") code.push(0xf2);
      if (row.map > 1) code.push(0x0f);
      if (row.map === 3) code.push(0x38);
      code.push(row.opcode, (next() & ~0x38) | ((row.reg ?? next() % 8) << 3));
      for (let n = 0; n < 10; n++) code.push(next() & 0xff);
      new Uint8Array(core.buffer, x.toolBytesAddress!(), 64).set(code);
      if (!x.decodeBytes!(code.length, bits) || !x.emitIsStaged!()) continue;
      const registers: Record<string, bigint> = {
        cr0: 0x80010011n,
        cr3: BigInt(DIRECTORY),
        cpl: 3n,
        eip: BigInt(next()) & 0xffffn,
        eflags: BigInt((next() & 0xcd5) | 0x202),
      };
      for (const name of ["eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"])
        registers[name] = BigInt([next(), next() & 0xff, 0, 0xffffffff, 0x80000000, DATA + (next() & 0xfff)][next() % 6]!);
      for (const name of ["es", "cs", "ss", "ds", "fs", "gs"]) {
        const flat = name === "cs" || name === "ss" || next() % 3 !== 0;
        registers[`${name}_selector`] = 0x2bn;
        registers[`${name}_base`] = flat ? 0n : BigInt(next() & 0xffff);
        registers[`${name}_limit`] = flat ? 0xffffffffn : BigInt(next() & 0xfffff);
        registers[`${name}_attributes`] = name === "cs" ? 0xcfbn : 0xcf3n;
      }
      core.memory.write(DATA, data);
      core.setRegisters(registers);
      const start = core.saveCpu();
      // The decoder must see the mode that the registers give.
      new Uint8Array(core.buffer, x.toolBytesAddress!(), 64).set(code);
      if (!x.decodeHere!(code.length)) continue;
      const insn = new Uint8Array(core.buffer, x.scratchAddress!(), 32).slice();
      x.emitBegin!();
      // Regions are made for flat 32-bit code only.
      if (!x.emitAdd!()) continue;
      const index = x.emitInstall!();

      x.runOne!();
      const byRun = outcome(core);
      const memoryByRun = core.memory.read(DATA, DATA_BYTES);

      core.memory.write(DATA, data);
      core.loadCpu(start);
      new Uint8Array(core.buffer, x.scratchAddress!(), 32).set(insn);
      x.emitRun!(index);
      // Left to the interpreter: it did nothing.
      if (stopOf(core) & LEAVE) {
        new Uint8Array(core.buffer, x.scratchAddress!(), 32).set(insn);
        x.runOne!();
        left++;
      }
      const byEmit = outcome(core);
      const memoryByEmit = core.memory.read(DATA, DATA_BYTES);
      const label = `${row.mnemonic} ${Buffer.from(code).toString("hex")}`;
      if (byRun !== byEmit) expect(`${label}\n${byEmit}`).toBe(`${label}\n${byRun}`);
      if (Buffer.compare(memoryByRun, memoryByEmit)) expect(label).toBe("memory equal");
      if (byRun.includes("stop=01")) faults++;
      seen.add(row.binding ?? row.mnemonic);
      done++;
    }
    expect(faults).toBeGreaterThan(BLOCKS / 50);
    // Across pages, into read-only ones: few.
    expect(left).toBeLessThan(BLOCKS / 20);
    const staged = new Set(ROWS.filter((r) => r.form !== "helper" && r.form !== "vector" && !r.o64).map((r) => r.binding ?? r.mnemonic));
    expect([...staged].filter((name) => !seen.has(name) && !name.startsWith("MOVDQ"))).toEqual([]);
  }, 120_000);
});

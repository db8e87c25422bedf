/** What can be seen of the translator: its regions as asm/jit/region-log.ts keeps them, and one of them in both languages. */
import type { CodeLine, JitPicture, JitRegion } from "../lib/inspection";
import { functionBody, wasmText } from "../lib/wasm-text";
import type { CoreHost } from "./core-host";
import type { Inspector } from "./inspect";

const RECORD_BYTES = 192;
const BLOCKS = 64;
const MOST_BLOCKS = 32;
const PAGE = 4096;
/** Of asm/core/mode.ts. */
const CODE64 = 2;

/** The hottest of them, and `chosen` with its code. Reading changes nothing. */
export function jitPicture(inspect: Inspector, chosen: number | null, most: number): JitPicture {
  const { core } = inspect;
  const { stats, isOn } = core.jit;
  if (!isOn) return { isOn, stats, regions: [], chosen: undefined };
  const all = Array.from({ length: stats.regions }, (_, n) => region(core, n));
  const one = chosen === null ? undefined : all[chosen];
  const body = one && core.jit.functionOf(one.number, (module, index) => functionBody(module, index));
  return {
    isOn,
    stats,
    regions: all.toSorted((a, b) => b.instructions - a.instructions || a.number - b.number).slice(0, most),
    chosen: one && {
      region: one,
      guest: one.ended ? undefined : one.blocks.map(({ physical, instructions }) => guestCode(inspect, physical, one.bits, instructions)),
      wasm: body && wasmText(body),
    },
  };
}

function region(core: CoreHost, number: number): JitRegion {
  const view = new DataView(core.buffer, core.exports.jitRecords!() + number * RECORD_BYTES, RECORD_BYTES);
  const u32 = (at: number): number => view.getUint32(at, true);
  const u16 = (at: number): number => view.getUint16(at, true);
  const [frame, count] = [u32(0), Math.min(u16(8), MOST_BLOCKS)];
  return {
    number,
    bits: (u32(4) & CODE64) !== 0 ? 64 : 32,
    guestInstructions: u16(10),
    wasmBytes: u32(12),
    ended: u32(16) !== 0,
    entries: u32(20),
    links: u32(24),
    returns: { pending: u32(28), instruction: u32(32), target: u32(36), budget: u32(40) },
    instructions: Number(view.getBigUint64(48, true)),
    blocks: Array.from({ length: count }, (_, n) => ({
      physical: frame * PAGE + u16(BLOCKS + 4 * n),
      instructions: u16(BLOCKS + 4 * n + 2),
    })),
  };
}

const guestCode = (inspect: Inspector, physical: number, bits: 32 | 64, instructions: number): readonly CodeLine[] =>
  inspect.physicalCode(physical, bits, instructions);

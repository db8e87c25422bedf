/**
 * Where the guest's own instructions are: the core is stopped every so many ticks, and the place noted. A sample stands for
 * the instructions since the one before it, so that a guest that sleeps counts nothing.
 */

/** Ticks between two samples: a prime, so that loops of round lengths are not always met at the same place. */
export const EVERY = 100_003;
const BUDGET = 0;

/**
 * Wraps a core's `run` and `limit`. `note(core, instructions)` is called after each sample's stretch, between two
 * instructions. What the machine sees does not change: a stop of ours is not the end of its `run()`.
 */
export function sampleCore(core, note, every = EVERY) {
  const run = core.run.bind(core);
  const limit = core.limit.bind(core);
  let next = core.ticks + every;
  let until = 0;
  let counted = core.instructions;
  core.limit = (tick) => {
    until = Math.min(until, tick);
    limit(tick);
  };
  core.run = (untilTick) => {
    until = untilTick;
    for (;;) {
      const reason = run(Math.min(until, next));
      if (core.ticks < next) return reason;
      const { instructions } = core;
      if (instructions > counted) note(core, instructions - counted);
      counted = instructions;
      next = core.ticks + every;
      if (reason !== BUDGET || core.ticks >= until) return reason;
    }
  };
  return core;
}

/** Instructions by symbol and by mode. `symbols`: of the kernel, or undefined. */
export function guestTime(symbols) {
  const places = new Map();
  const add = (place, instructions) => places.set(place, (places.get(place) ?? 0) + instructions);
  return {
    places,
    note(core, instructions) {
      const linear = core.getRegister("rip") + core.getRegister("cs_base");
      const is64Bit = linear >> 32n !== 0n;
      const address = is64Bit ? BigInt.asUintN(64, linear) : linear & 0xffffffffn;
      const user = (core.getRegister("cs_selector") & 3n) === 3n && (core.getRegister("cr0") & 1n) === 1n;
      const page = `${(address & ~0xfffn).toString(16)}`;
      const symbol = user ? undefined : symbols?.at(is64Bit ? Number(BigInt.asIntN(64, address)) : Number(address));
      add(user ? `user, page ${page}` : (symbol?.replace(/\+0x[0-9a-f]+$/, "") ?? `page ${page}`), instructions);
    },
  };
}

/** What checks can ask about a run (docs/labs.md "Facts"): counters, events, registers, memory, walks. Only what the core really has. */

import { type Expression, ExpressionError, evaluate, type Facts, type Lazy, truth, type Value } from "../../lib/expression";
import type { CoreEvent } from "../../machine/core-host";
import type { Ran } from "./execute";
import type { RolledBack } from "./rollback";
import { walk } from "./walk";

const GENERAL = ["eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi", "eip"] as const;
const OTHERS = ["eflags", "cr0", "cr2", "cr3", "cr4", "cpl"] as const;
const SELECTORS = ["cs", "ds", "es", "fs", "gs", "ss"] as const;

export function factsOf(ran: Ran): Facts {
  const { core, built } = ran;
  const { exits, exitsTotal, shadow, jit } = ran.stats;
  const register = (name: string): number => Number(core.getRegister(name) & 0xffffffffn);
  const reg: Record<string, number> = {};
  for (const name of [...GENERAL, ...OTHERS]) reg[name] = register(name);
  for (const name of SELECTORS) reg[name] = register(`${name}_selector`);
  const memory = (bytes: 1 | 2 | 4) => (address: Value) => {
    const data = core.memory.read(numberArgument(address, "an address"), bytes);
    return data.reduceRight((value, byte) => value * 256 + byte, 0);
  };
  return {
    end: ran.end,
    instructions: ran.instructions,
    serial: ran.serial,
    exits: { ...exits, total: exitsTotal },
    shadow,
    jit: {
      ...{ regions: jit.regions, modules: jit.modules, bytes: jit.bytes, links: jit.links, invalidations: jit.invalidations },
      instructions: jit.instructionsInJit,
    },
    ...rollbackFacts(ran.rolledBack),
    shadowOk: core.checkShadow() === 0,
    reg,
    size: built.bytes,
    /** A number as decimal digits, for choices. */
    text: (value) => String(value),
    byte: memory(1),
    word: memory(2),
    dword: memory(4),
    label: (name) => {
      const address = built.labels.get(String(name));
      if (address === undefined) throw new ExpressionError(`the program has no label ${String(name)}`);
      return address;
    },
    walk: (linear, access = "read", who = "supervisor") =>
      walk(core, numberArgument(linear, "a linear address"), String(access), String(who)),
    ...eventFacts(ran),
  };
}

/** `snapshot`. */
function rollbackFacts({ taken, instructions, pages, ram, same, replay, written, before, writer }: RolledBack): Facts {
  const dword = (address: Value): Value => {
    const at = numberArgument(address, "an address");
    return at + 4 <= ram.length ? new DataView(ram.buffer).getUint32(at, true) : 0;
  };
  return {
    snapshot: {
      ...{ taken, instructions, pages, same, replay, dword, writer },
      ...{ writes: written.length, last: written.at(-1) ?? before, before: written.at(-2) ?? before },
    },
  };
}

/** `count(condition)`, and `first` and `last` with `(condition, value, otherwise)`, over the event ring, in the order in which the core wrote it. */
function eventFacts(ran: Ran): { readonly count: Lazy; readonly first: Lazy; readonly last: Lazy } {
  const events = ran.events.map((event, n) => eventFact(event, n, ran));
  const select = function* (condition: Expression | undefined, scope: Facts): Generator<Facts> {
    if (!condition) throw new ExpressionError("count, first and last need a condition");
    if (ran.eventsLost) throw new ExpressionError(`the run made more events than are kept (${events.length})`);
    for (const event of events) {
      const inner = { ...scope, ...event };
      if (truth(evaluate(condition, inner), condition)) yield inner;
    }
  };
  const one = (which: 0 | -1): Lazy => ({
    lazy: ([condition, value, otherwise], scope) => {
      if (!value || !otherwise) throw new ExpressionError("first and last need a condition, a value, and a value for none");
      const inner = [...select(condition, scope)].at(which);
      return inner ? evaluate(value, inner) : evaluate(otherwise, scope);
    },
  });
  return {
    count: {
      lazy: ([condition], scope) => {
        let count = 0;
        for (const _ of select(condition, scope)) count++;
        return count;
      },
    },
    first: one(0),
    last: one(-1),
  };
}

/** Parts of `qualification` under the names of asm/isa/events.ts; 0 where a reason has none. */
function eventFact({ reason, cpl, rip, qualification, tick }: CoreEvent, n: number, ran: Ran): Facts {
  const q = Number(qualification);
  const isIo = reason === "IoRead" || reason === "IoWrite";
  const isException = reason === "Exception";
  return {
    n,
    reason,
    cpl,
    rip: Number(rip),
    line: ran.built.lineAt(Number(rip)),
    qualification: q,
    tick: Number(tick),
    port: isIo ? q & 0xffff : 0,
    bytes: isIo ? Math.floor(q / 0x10000) : 0,
    vector: isException ? q & 0xff : reason === "Interrupt" || reason === "SoftwareInterrupt" ? q : 0,
    error: isException ? Math.floor(q / 256) : reason === "TruePageFault" ? q : 0,
    linear: reason === "HiddenPageFault" || reason === "Invlpg" ? q : 0,
  };
}

function numberArgument(value: Value | undefined, what: string): number {
  if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value > 0xffff_ffff)
    throw new ExpressionError(`${String(value)} is not ${what}`);
  return value;
}

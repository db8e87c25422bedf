/**
 * Run control: where the machine shall stop, and steps. The core stops for whatever could be meant (asm/core/debug.ts);
 * here it is decided whether it is, and the machine goes on if not. The guest cannot see any of it, and the state hash
 * does not contain it.
 */
import type { Disposable } from "../lib/disposable";
import { BadArgument } from "../lib/errors";
import { EXITS } from "../lib/events.generated";
import type { StepKind, StopCause, StopSpec } from "../lib/inspection";
import { linearRip } from "../lib/linear";
import { Conditions } from "./condition";
import type { CoreHost } from "./core-host";
import type { Inspector } from "./inspect";

/** A breakpoint, a watchpoint or a stop on exits, as long as it is not removed. */
export interface StopHandle {
  readonly id: number;
  readonly spec: StopSpec;
  /** How often it has stopped the machine. */
  readonly hits: number;
  remove(): void;
}

export interface StopOptions {
  /** Asked when it is reached; false lets the machine go on. It may look at everything in `Machine.inspect`. */
  readonly when?: () => boolean;
  /** It goes after the first stop, whichever that is, or with `cancel()`. */
  readonly once?: boolean;
}

interface Entry {
  readonly id: number;
  readonly spec: StopSpec;
  readonly options: StopOptions;
  hits: number;
  /** What is told instead of the cause that the spec gives: for steps. */
  readonly then?: () => StopCause | undefined;
}

/** Bits of an exit's qualification that each filter looks at (asm/isa/events.ts). */
const VECTOR_MASK = 0xff;
const PORT_MASK = 0xffff;
const REGISTER_MASK = 0xf;
const FILTERS = [
  { name: "vector", mask: VECTOR_MASK, reasons: ["Exception", "Interrupt", "SoftwareInterrupt"] },
  { name: "port", mask: PORT_MASK, reasons: ["IoRead", "IoWrite"] },
  { name: "register", mask: REGISTER_MASK, reasons: ["CrRead", "CrWrite", "DrRead", "DrWrite"] },
] as const;
/** A frame lies within so many bytes above the stack pointer that a call began with. */
const FRAME_BYTES = 0x10000;
/** Accesses are at most so wide. */
const WIDEST_ACCESS = 512;
const NEVER = Number.POSITIVE_INFINITY;

export class RunControl {
  readonly #core: CoreHost;
  readonly #inspect: Inspector;
  readonly #conditions: Conditions;
  #entries: Entry[] = [];
  #lastId = 0;
  #cause: StopCause | null = null;
  /** The run ends when so many instructions have retired since power-on. */
  #limit = NEVER;
  #limitCause: StopCause | undefined;
  /** A step out in progress: what comes next once a step over has ended. */
  #onward: (() => boolean) | undefined;
  /** Tells whether a handler began during a step over. */
  #ring: Disposable | undefined;

  constructor(core: CoreHost, inspect: Inspector) {
    this.#core = core;
    this.#inspect = inspect;
    this.#conditions = new Conditions(inspect);
  }

  /** Why run control stopped the machine last; null after any other end of a run. */
  get cause(): StopCause | null {
    return this.#cause;
  }

  /** All that was added and not removed; steps in progress are not among them. */
  get stops(): readonly StopHandle[] {
    return this.#entries.filter(({ then }) => !then).map((entry) => this.#handle(entry));
  }

  /** Takes effect at once, also while the machine runs. Throws BadArgument for what means nothing, or is too much. */
  add(spec: StopSpec, options: StopOptions = {}): StopHandle {
    checkSpec(spec, this.#core.hasLongMode);
    if (spec.condition !== undefined) this.#conditions.check(spec.condition);
    const entry: Entry = { id: ++this.#lastId, spec, options, hits: 0 };
    this.#enter(entry);
    // A breakpoint set where the machine stands is reached when it comes next, not now.
    if (spec.kind === "execute" && spec.address === this.#inspect.linear) this.#core.exports.debugPass!();
    return this.#handle(entry);
  }

  #enter(entry: Entry): void {
    const before = this.#entries;
    this.#entries = [...before, entry];
    try {
      this.#apply();
    } catch (error) {
      this.#entries = before;
      this.#apply();
      throw error;
    }
  }

  #handle(entry: Entry): StopHandle {
    return {
      id: entry.id,
      spec: entry.spec,
      get hits() {
        return entry.hits;
      },
      remove: () => this.#remove((other) => other === entry),
    };
  }

  /** Removes all of them. */
  clear(): void {
    this.#remove(() => true);
  }

  #remove(which: (entry: Entry) => boolean): void {
    const kept = this.#entries.filter((entry) => !which(entry));
    if (kept.length === this.#entries.length) return;
    this.#entries = kept;
    this.#apply();
  }

  /** Writes the table of the core anew. */
  #apply(): void {
    const { exports } = this.#core;
    exports.debugClear!();
    const specs = this.#entries.map(({ spec }) => spec);
    const executed = new Set(specs.flatMap((spec) => (spec.kind === "execute" ? [spec.address] : [])));
    for (const address of executed)
      if (!exports.debugBreak!(address)) throw new BadArgument("stop", "there is room for 64 breakpoints; remove some.");
    for (const spec of specs) {
      if (spec.kind === "access") {
        const kinds = spec.on === "both" ? 3 : spec.on === "write" ? 2 : 1;
        if (!exports.debugWatch!(spec.address, spec.bytes, kinds))
          throw new BadArgument("stop", "there is room for 32 watchpoints; remove some.");
      } else if (spec.kind === "exit") {
        const { mask, value } = filterOf(spec);
        if (!exports.debugExit!(reasonNumber(spec.reason), mask, value))
          throw new BadArgument("stop", "there is room for 26 stops on exits with a vector, port or register; remove some.");
      }
    }
  }

  /**
   * Prepares a step: the next run of the machine ends with it. `into`: one instruction, into handlers and calls too.
   * `over`: calls, software interrupts, and handlers of interrupts and exceptions that come meanwhile run to their end. `out`: until the function,
   * or handler, has returned.
   */
  prepare(how: StepKind): void {
    this.cancel();
    const cause: StopCause = { kind: "step", how };
    if (how === "into") this.#afterInstructions(1, cause);
    else if (how === "over") this.#over(() => cause);
    else this.#out(this.#frame(), cause);
  }

  /** Forgets a step, and stops that were meant for one run. */
  cancel(): void {
    this.#limit = NEVER;
    this.#onward = undefined;
    this.#ring?.dispose();
    this.#remove(({ options }) => options.once === true);
  }

  #afterInstructions(count: number, cause: StopCause | undefined): void {
    this.#limit = this.#core.instructions + count;
    this.#limitCause = cause;
  }

  /** Where the program is: stack and privilege tell one activation of a function from another. */
  #frame(): Frame {
    const register = (name: string): bigint => this.#core.getRegister(name);
    const sp = linearRip(register("ss_base"), register("rsp"), this.#inspect.isLong);
    return { sp, cpl: Number(register("cpl")), cr3: Number(register("cr3")) };
  }

  /** To the next instruction of this program; `end` then says why it stops, or undefined to go on. */
  #over(end: () => StopCause | undefined): void {
    const linear = this.#inspect.linear;
    const isLong = this.#inspect.isLong;
    const codeBase = this.#core.getRegister("cs_base");
    const frame = this.#frame();
    const instruction = this.#inspect.instruction(linear);
    const back = (address: number, then: () => StopCause | undefined): void =>
      this.#enter({
        id: 0,
        spec: { kind: "execute", address },
        options: { once: true, when: () => isSame(frame, this.#frame()) },
        hits: 0,
        then,
      });
    if (instruction && CALLS.has(instruction.mnemonic)) {
      const after = linear + instruction.length;
      back(isLong ? after : after >>> 0, end);
      return;
    }
    const ring = this.#inspect.listen();
    this.#ring = ring;
    this.#afterInstructions(1, undefined);
    this.#onward = () => {
      this.#onward = undefined;
      const event = ring.read().events.find(({ reason }) => HANDLED.has(EXITS[reason]!.name));
      ring.dispose();
      if (!event) return this.#finish(end());
      // A handler has begun: before the instruction, within it, or after it. It comes back to where it began.
      const to = linearRip(codeBase, BigInt(event.rip), isLong);
      back(to, () => {
        if (to !== linear) return end();
        this.#over(end);
        return undefined;
      });
      return false;
    };
  }

  #out(frame: Frame, cause: StopCause): void {
    const next = (): StopCause | undefined => {
      const here = this.#frame();
      const mnemonic = this.#inspect.instruction(this.#inspect.linear)?.mnemonic ?? "";
      if (RETURNS.has(mnemonic) && here.sp >= frame.sp && here.cpl === frame.cpl) this.#afterInstructions(1, cause);
      else this.#over(next);
      return undefined;
    };
    next();
  }

  /** Instructions since power-on at which the present run has to end, or be asked about. */
  get instructionLimit(): number {
    return this.#limit;
  }

  /** `instructionLimit` was reached: does the run end? */
  reachedLimit(): boolean {
    this.#limit = NEVER;
    if (this.#onward) return this.#onward();
    return this.#finish(this.#limitCause);
  }

  /** The core ended a run with Breakpoint: does the machine stop? */
  accepts(): boolean {
    const hit = this.#core.debugHit;
    if (!hit) return false;
    for (const entry of this.#entries) {
      const cause = causeOf(entry.spec, hit);
      if (!cause || !this.#holds(entry.spec) || entry.options.when?.() === false) continue;
      entry.hits++;
      if (entry.then) {
        this.#remove((other) => other === entry);
        return this.#finish(entry.then());
      }
      return this.#finish(cause);
    }
    return false;
  }

  /** Which stop the core's last Breakpoint is, without its being counted. */
  peek(): StopCause | undefined {
    const hit = this.#core.debugHit;
    if (!hit) return undefined;
    for (const { spec, options } of this.#entries) {
      const cause = causeOf(spec, hit);
      if (cause && this.#holds(spec) && options.when?.() !== false) return cause;
    }
    return undefined;
  }

  #holds({ condition }: StopSpec): boolean {
    return condition === undefined || this.#conditions.holds(condition);
  }

  /** Nothing stops until `resume`. */
  suspend(): void {
    this.cancel();
    this.#core.exports.debugClear!();
  }

  resume(): void {
    this.#apply();
  }

  /** The machine was taken here, where it would have stopped for this cause. */
  land(cause: StopCause | null): void {
    this.#cause = cause;
    this.#core.exports.debugPass!();
  }

  #finish(cause: StopCause | undefined): boolean {
    if (!cause) return false;
    this.cancel();
    this.#cause = cause;
    // Whoever stands at a breakpoint has arrived there.
    this.#core.exports.debugPass!();
    return true;
  }

  /** A run begins: the cause of the last stop is of the past. */
  begin(): void {
    this.#cause = null;
  }

  /** Registers were loaded from elsewhere: a breakpoint there has not been reported. */
  forget(): void {
    this.#core.exports.debugForget!();
    this.#cause = null;
    this.cancel();
  }
}

interface Frame {
  readonly sp: number;
  readonly cpl: number;
  readonly cr3: number;
}

/** Back in the same activation: the stack has not got deeper, and is the same one. User programs may share addresses. */
const isSame = (then: Frame, now: Frame): boolean =>
  now.cpl === then.cpl && now.sp >= then.sp && now.sp - then.sp < FRAME_BYTES && (then.cpl < 3 || now.cr3 === then.cr3);

/** Events whose handlers come back to the program that they interrupt. */
const HANDLED: ReadonlySet<string> = new Set(["Interrupt", "Nmi", "Exception"]);
const CALLS: ReadonlySet<string> = new Set(["call", "int", "int3", "into", "sysenter", "syscall"]);
const RETURNS: ReadonlySet<string> = new Set(["ret", "retf", "iret", "iretd", "iretq", "iretw", "sysexit", "sysret"]);

type Hit = NonNullable<CoreHost["debugHit"]>;

function causeOf(spec: StopSpec, hit: Hit): StopCause | undefined {
  switch (spec.kind) {
    case "execute":
      return hit.kind === "code" && hit.linear === spec.address ? { kind: "breakpoint", spec, linear: hit.linear } : undefined;
    case "access": {
      if (hit.kind !== "read" && hit.kind !== "write") return undefined;
      if (spec.on !== "both" && spec.on !== hit.kind) return undefined;
      const past = hit.linear - spec.address;
      const wrapped = past >>> 0;
      // Addresses of 32 bits wrap.
      const overlaps = past < 2 ** 31 && past > -(2 ** 31) ? wrapped < spec.bytes || -past >>> 0 < WIDEST_ACCESS : false;
      return overlaps ? { kind: "watchpoint", spec, linear: hit.linear, access: hit.kind } : undefined;
    }
    case "exit": {
      if (hit.kind !== "exit" || hit.reason !== spec.reason) return undefined;
      const { mask, value } = filterOf(spec);
      if ((Number(hit.qualification & 0xffffffffn) & mask) >>> 0 !== value) return undefined;
      return { kind: "exit", spec, reason: hit.reason, qualification: hit.qualification };
    }
  }
}

const reasonNumber = (name: string): number => EXITS.findIndex((row) => row.name === name);

function filterOf(spec: Extract<StopSpec, { kind: "exit" }>): { mask: number; value: number } {
  for (const { name, mask } of FILTERS) if (spec[name] !== undefined) return { mask, value: spec[name] };
  return { mask: 0, value: 0 };
}

/** Of 32 bits, or canonical of 64 and signed. */
const isLinear = (value: number, longMode: boolean): boolean =>
  Number.isInteger(value) && value >= (longMode ? -(2 ** 47) : 0) && value < (longMode ? 2 ** 47 : 2 ** 32);

function checkSpec(spec: StopSpec, longMode: boolean): void {
  if (spec.kind === "exit") {
    if (reasonNumber(spec.reason) < 0)
      throw new BadArgument("stop", `there is no exit reason "${spec.reason}"; there are ${EXITS.map(({ name }) => name).join(", ")}.`);
    for (const { name, mask, reasons } of FILTERS) {
      const value = spec[name];
      if (value === undefined) continue;
      if (!(reasons as readonly string[]).includes(spec.reason))
        throw new BadArgument("stop", `${spec.reason} has no ${name}; ${reasons.join(", ")} have.`);
      if (!(Number.isInteger(value) && value >= 0 && value <= mask))
        throw new BadArgument("stop", `${name} ${value}: give a whole number, 0 to ${mask}.`);
    }
    return;
  }
  if (!isLinear(spec.address, longMode))
    throw new BadArgument(
      "stop",
      `${spec.address} is no linear address: give ${longMode ? "-2^47 to 2^47 - 1 (the upper half is negative)" : "0 to 0xFFFFFFFF"}.`,
    );
  if (spec.kind === "access" && !(Number.isInteger(spec.bytes) && spec.bytes >= 1 && spec.bytes <= 4096))
    throw new BadArgument("stop", `${spec.bytes} bytes cannot be watched: give 1 to 4096.`);
}

/** `--break` and `--trace` of `vitrine run`: run control and the event ring, as the page's panels have them, in the terminal. */
import { EXITS } from "../lib/events.generated";
import { causeWords, qualificationWords } from "../lib/exit-words";
import { hex } from "../lib/hex";
import type { StopSpec, TrapEvent } from "../lib/inspection";
import type { Symbols } from "../lib/symbols";
import { backtrace } from "../machine/backtrace";
import type { Machine } from "../machine/machine";
import type { Environment } from "./environment";
import { BadOption } from "./run-options";

/** Groups of exits by what people look for; each name of an exit is a category, too. */
const CATEGORIES: Readonly<Record<string, readonly string[]>> = {
  all: EXITS.map(({ name }) => name),
  io: ["IoRead", "IoWrite"],
  mmio: ["MmioRead", "MmioWrite"],
  exceptions: ["Exception", "TruePageFault"],
  interrupts: ["Interrupt", "Nmi", "SoftwareInterrupt", "Iret"],
  paging: ["TruePageFault", "HiddenPageFault", "ShadowWrite", "Invlpg"],
  registers: ["CrRead", "CrWrite", "DrRead", "DrWrite", "Rdmsr", "Wrmsr", "DescriptorTableRead", "DescriptorTableWrite"],
};

/** Numbers of exits. Throws BadOption. */
export function traceReasons(value: string): ReadonlySet<number> {
  const byLowerCase = new Map(EXITS.map(({ name }) => [name.toLowerCase(), [name]]));
  const names = value.split(",").flatMap((word) => {
    const typed = word.trim().toLowerCase();
    const found = (Object.hasOwn(CATEGORIES, typed) && CATEGORIES[typed]) || byLowerCase.get(typed);
    if (!found)
      throw new BadOption(
        `--trace ${word}: there is no such category; there are ${Object.keys(CATEGORIES).join(", ")}, and the exits by name: ${EXITS.map(({ name }) => name).join(", ")}`,
      );
    return found;
  });
  return new Set(EXITS.flatMap(({ name }, reason) => (names.includes(name) ? [reason] : [])));
}

const NAME = /^([a-z_.$][\w.$]*)(?:\+(?:0x)?([0-9a-f]{1,6}))?$/i;

/** Breakpoints at linear addresses or names, each with ` if CONDITION` or without. A name goes before an address of the same letters. Throws BadOption. */
export function breakpoints(value: string, symbols?: Symbols): StopSpec[] {
  return value.split(",").map((each) => {
    const [word = "", condition] = each.split(/\s+if\s+/, 2);
    const named = symbols && NAME.exec(word.trim());
    const found = named ? symbols.find(named[1]!) : undefined;
    const digits = /^(0x)?[0-9a-f]{1,8}$/i.test(word.trim()) ? Number.parseInt(word.trim().replace(/^0x/i, ""), 16) : undefined;
    const address = found === undefined ? digits : found + Number.parseInt(named?.[2] ?? "0", 16);
    if (address === undefined)
      throw new BadOption(
        symbols
          ? `--break ${word}: there is no such name among the symbols`
          : `--break ${word}: give linear addresses in hexadecimal, with commas between them; names need --symbols FILE`,
      );
    return { kind: "execute", address, ...(condition === undefined ? {} : { condition }) };
  });
}

/** `tick  cpl rip  reason  what`, and with symbols where it was: one line for an exit, fields apart by tabs. */
export function traceLine(event: TrapEvent, symbols?: Symbols): string {
  const { name } = EXITS[event.reason]!;
  const address = event.rip.toString(16).padStart(8, "0");
  return `${event.tick}\t${event.cpl}\t${address}\t${name}\t${qualificationWords(name, event.qualification)}${symbols ? `\t${symbols.at(event.rip) ?? ""}` : ""}\n`;
}

/** Where lines go. Rejects with BadOption when a file cannot be made, or written. */
interface Lines {
  write(text: string): void;
  close(): Promise<void>;
}

async function linesTo(file: string | undefined, environment: Environment): Promise<Lines> {
  if (file === undefined) return { write: (text) => environment.stderr(text), close: async () => {} };
  const refused = (error: unknown): never => {
    throw new BadOption(`--trace-file ${error instanceof Error ? error.message : String(error)}`);
  };
  const target = await environment.createFile(file).catch(refused);
  const encoder = new TextEncoder();
  let written: Promise<void> = Promise.resolve();
  let position = 0;
  return {
    write: (text) => {
      const bytes = encoder.encode(text);
      const at = position;
      position += bytes.length;
      written = written.then(() => target.write(at, bytes));
      // Told when the file is closed.
      written.catch(() => {});
    },
    close: async () => {
      try {
        await written;
        await target.commit();
      } catch (error) {
        await target.discard();
        refused(error);
      }
    },
  };
}

export interface DebugOptions {
  readonly breakAt: readonly StopSpec[] | undefined;
  readonly trace: ReadonlySet<number> | undefined;
  readonly traceFile: string | undefined;
  readonly symbols?: Symbols | undefined;
}

/** Sets both up on a machine; `close` when the run has ended. */
export async function attachDebug(machine: Machine, options: DebugOptions, environment: Environment): Promise<{ close(): Promise<void> }> {
  for (const spec of options.breakAt ?? []) machine.debug.add(spec);
  const { trace } = options;
  if (!trace) return { close: async () => {} };
  const lines = await linesTo(options.traceFile, environment);
  const reader = machine.inspect.listen((ring) => {
    const text = ring
      .read()
      .events.filter(({ reason }) => trace.has(reason))
      .map((event) => traceLine(event, options.symbols))
      .join("");
    if (text !== "") lines.write(text);
  });
  return {
    close: async () => {
      reader.dispose();
      await lines.close();
    },
  };
}

const SHOWN = ["rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp", "rip", "eflags", "cr0", "cr2", "cr3", "cr4"];

/** Why the machine stopped, its registers, and who called. */
export function stopText(machine: Machine, symbols?: Symbols): string {
  const { cause } = machine.debug;
  if (!cause) return "";
  const registers = machine.inspect.registers();
  const [next] = machine.inspect.disassemble(machine.inspect.linear, 1);
  const values = SHOWN.map((name) => `${name.replace(/^r/, "e")}=${hex(registers[name]!, 8).slice(2).toLowerCase()}`);
  const named = (linear: number): string => {
    const name = symbols?.at(linear);
    return `${linear.toString(16).padStart(8, "0")}${name === undefined ? "" : ` <${name}>`}`;
  };
  const callers = backtrace(machine.inspect).slice(1);
  const from = callers.map(({ linear }, n) => `\n  #${n + 1} ${named(linear)}`).join("");
  return `${causeWords(cause)}\n${values.slice(0, 7).join(" ")}\n${values.slice(7).join(" ")}\n${named(next!.linear)}: ${next!.text}${from}`;
}

/**
 * The built-in guests: sources, and how to boot them. They are assembled when they are wanted, by the same assembler in
 * the page, in Node and in tests; nothing here is fetched.
 */
import { assemble } from "../web/assembler/assemble";
import { describeError } from "../web/assembler/source-error";
import exits from "./exits.asm?raw";
import hello from "./hello.asm?raw";
import multiboot from "./multiboot.asm?raw";
import pingpong from "./pingpong.asm?raw";
import teaching from "./teaching.asm?raw";

export interface BuiltInGuest {
  /** Name on the command line: `--guest hello`. */
  readonly id: string;
  readonly title: string;
  readonly summary: string;
  /** `sector`: a raw image at 0000:7C00; `multiboot`: a kernel with load addresses in its header, and a command line. */
  readonly boot: "sector" | "multiboot";
  /** Assembly source, whole. */
  readonly source: string;
  /** Default command line; "" for sectors. */
  readonly commandLine: string;
  /** What it prints on COM1 when it is up (for tests and `--until`). */
  readonly expects: string;
  /** Only for measuring: not on the page's list of machines. */
  readonly internal: boolean;
}

const guest = (
  id: string,
  boot: BuiltInGuest["boot"],
  source: string,
  rest: Pick<BuiltInGuest, "title" | "summary" | "expects"> & Partial<BuiltInGuest>,
): BuiltInGuest => ({
  id,
  boot,
  source,
  commandLine: "",
  internal: false,
  ...rest,
});

export const BUILT_IN_GUESTS: readonly BuiltInGuest[] = [
  guest("hello", "sector", hello, {
    title: "Hello",
    summary: "A boot sector of 512 bytes in real mode: greets and echoes on COM1.",
    expects: "q halts the machine.",
  }),
  guest("teaching", "sector", teaching, {
    title: "Teaching kernel",
    summary: "From real mode to two preempted user tasks, checking itself at each step.",
    expects: "checks passed",
  }),
  guest("exits", "multiboot", `${multiboot}\n${exits}`, {
    title: "Counted exits",
    summary: "Executes known numbers of trapping instructions, given on its command line.",
    commandLine: "cpuid=100 in=7 out=5 movcr3=3 invlpg=9 hlt=4 rdmsr=6 pf=11",
    expects: "done",
    internal: true,
  }),
  guest("pingpong", "multiboot", `${multiboot}\n${pingpong}`, {
    title: "Two address spaces",
    summary: "Switches between two address spaces by MOV CR3, and frees a page table.",
    commandLine: "rounds=1000 ptfree=1000",
    expects: "done",
    internal: true,
  }),
];

export const findBuiltInGuest = (id: string): BuiltInGuest | undefined => BUILT_IN_GUESTS.find((each) => each.id === id);

/** The guest's image. Throws only if a source in this folder is wrong, which is a bug of Vitrine. */
export function assembleGuest(wanted: BuiltInGuest): Uint8Array<ArrayBuffer> {
  const { bytes, errors } = assemble(wanted.source);
  if (errors.length > 0) throw new Error(`built-in guest ${wanted.id}: ${errors.map(describeError).join("; ")}`);
  return Uint8Array.from(bytes);
}

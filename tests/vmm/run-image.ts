/** Runs a test image on the core and, where it is installed, in QEMU; both give the text written to port E9. */
import { ExitReason } from "../../web/lib/events.generated";
import { runBareImage } from "../tools/bare-qemu";
import { createCore } from "../tools/core";
import { ORG } from "./image";

const FLAT_CODE = 0xc9bn;
const FLAT_DATA = 0xc93n;

export interface CoreRun {
  readonly log: string;
  /** Architectural state at the end, ticks and instructions included. */
  readonly state: Uint8Array;
  readonly exits: Record<string, number>;
  readonly frames: number;
}

export interface RunChoice {
  /** Every frame is absent until it is touched, and again after each slice. */
  readonly absent?: boolean;
  /** Ends `run()` after this many ticks, again and again. */
  readonly slice?: number;
  /** Index into CPU_MODELS. */
  readonly cpuModel?: number;
  /** The image must have finished by this tick. */
  readonly ticks?: number;
}

const RAM = 8 << 20;
const PAGE = 4096;
const MOST_TICKS = 3_000_000;

export async function runOnCore(image: { bytes: Uint8Array; entry: number }, choice: RunChoice = {}): Promise<CoreRun> {
  let log = "";
  let done = false;
  let frames = 0;
  const mostTicks = choice.ticks ?? MOST_TICKS;
  const core = await createCore(
    { ramBytes: RAM, ...(choice.cpuModel === undefined ? {} : { cpuModel: choice.cpuModel }) },
    {
      portWrite: (port, value) => {
        if (port === 0xe9) log += String.fromCharCode(value);
        if (port === 0xf4) {
          done = true;
          core.stop();
        }
      },
    },
  );
  core.memory.write(ORG, image.bytes);
  core.setRegisters(flatState(image.entry));
  const present = new Set<number>();
  const contents = choice.absent ? core.memory.read(0, RAM) : new Uint8Array(0);
  if (choice.absent) core.markAbsent(0, RAM / PAGE);
  while (!done) {
    const end = core.run(choice.slice === undefined ? mostTicks : core.ticks + choice.slice);
    if (end === ExitReason.FrameMissing) {
      const frame = core.missingFrame;
      frames++;
      present.add(frame);
      core.deliverFrame(frame, contents.subarray(frame * PAGE, (frame + 1) * PAGE));
    } else if (choice.absent && !done && end === ExitReason.Budget && core.ticks < mostTicks) {
      for (const frame of present) {
        contents.set(core.memory.read(frame * PAGE, PAGE), frame * PAGE);
        core.markAbsent(frame, 1);
      }
      present.clear();
    } else if (!done && (end !== ExitReason.Budget || core.ticks >= mostTicks)) {
      throw new Error(`the image did not finish: run ended with ${end} at ${core.getRegister("rip").toString(16)}\n${log}`);
    }
  }
  return { log, state: core.saveCpu(), exits: core.stats().exits, frames };
}

/** 32-bit protected mode with flat segments, as a multiboot loader leaves it. */
export function flatState(entry: number): Record<string, bigint> {
  const state: Record<string, bigint> = { cr0: 0x11n, rip: BigInt(entry), eflags: 2n, cpl: 0n };
  const segment = (name: string, selector: bigint, attributes: bigint): void => {
    Object.assign(state, {
      [`${name}_selector`]: selector,
      [`${name}_base`]: 0n,
      [`${name}_limit`]: 0xffffffffn,
      [`${name}_attributes`]: attributes,
    });
  };
  segment("cs", 8n, FLAT_CODE);
  for (const name of ["ds", "es", "ss"]) segment(name, 16n, FLAT_DATA);
  return state;
}

/** `long`: by the emulator that has 64-bit mode, of the same package. */
export function runInQemu(
  image: Uint8Array,
  choice: { readonly cpu?: string; readonly seconds?: number; readonly long?: boolean } = {},
): string {
  const { output } = runBareImage(image, { cpu: choice.cpu ?? "pentium3", timeout: (choice.seconds ?? 30) * 1000, long: choice.long });
  return Buffer.from(output).toString("latin1");
}

/**
 * The coprocessor error latch of the AT, as the PIIX3 has it: the x87's FERR# output becomes IRQ 13; a write to port F0h
 * takes the request back and asserts IGNNE# until FERR# falls. Only with CR0.NE = 0 does the processor use it.
 * Datasheet 82371SB (290550), "Coprocessor Error Register"; SDM Vol 1 appendix D "Guidelines for Writing SIMD/x87
 * Exception Handlers".
 */
import { bool, copyState, initialState, type StateOf, state } from "../../snapshot/schema";
import type { Board, Device, Line } from "../device";

const PORT = 0xf0;
const IRQ = 13;

const schema = state("coprocessor error", 1, {
  /** FERR# as the processor drives it. */
  ferr: bool,
  /** IGNNE# as driven to the processor. */
  ignne: bool,
});

export class CoprocessorError implements Device<typeof schema> {
  readonly schema = schema;
  #s = initialState(schema);
  #irq!: Line;

  /** `ignne`: the processor's IGNNE# pin, inverted. */
  constructor(private readonly ignne: Line) {}

  attach(board: Board): void {
    this.#irq = board.irq(IRQ);
    board.ports(PORT, 1, { read: () => 0xff, write: () => this.#acknowledge() });
  }

  reset(): void {
    this.#s = initialState(schema);
    this.#drive();
  }

  /** The processor's FERR# pin, inverted. */
  setFerr(level: boolean): void {
    this.#s.ferr = level;
    if (!level) this.#s.ignne = false;
    this.#drive();
  }

  save(): StateOf<typeof schema> {
    return copyState(schema, this.#s);
  }
  load(saved: StateOf<typeof schema>): void {
    this.#s = copyState(schema, saved);
    this.#drive();
  }

  #acknowledge(): void {
    if (this.#s.ferr) this.#s.ignne = true;
    this.#drive();
  }
  #drive(): void {
    this.#irq.set(this.#s.ferr && !this.#s.ignne);
    this.ignne.set(this.#s.ignne);
  }
}

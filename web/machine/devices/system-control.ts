/**
 * The AT's system control ports, as the PIIX3 has them: port 61h (NMI status and control: timer 2 gate, speaker,
 * refresh toggle) and port 92h (fast A20 gate and fast reset). Datasheet 82371SB (290550), "NMI Registers", "Port 92".
 */
import { bool, copyState, initially, initialState, type StateOf, state, u8 } from "../../snapshot/schema";
import type { Board, Device, Line } from "../device";

const PORT_61 = 0x61;
const PORT_92 = 0x92;
const Port61 = { Timer2Gate: 0x01, Speaker: 0x02, WritableMask: 0x0f, RefreshToggle: 0x10, Timer2Output: 0x20 } as const;
const Port92 = { FastReset: 0x01, FastA20: 0x02 } as const;

const schema = state("system control", 1, {
  /** Port 61h bits 3-0: gate, speaker data, SERR and IOCHK disable. */
  control: u8,
  /** Port 92h bit 0 as written. */
  fastReset: bool,
  /** The A20 gate is open: address bit 20 reaches memory. Firmware leaves it so, and so does this board (as QEMU's). */
  a20: initially(bool, true),
});

/** The wires to the timer, the A20 gate and the reset line. */
export interface SystemControlWires {
  setTimer2Gate(level: boolean): void;
  timer2Output(): boolean;
  refreshToggle(): boolean;
  /** The processor's A20M# pin, inverted. */
  readonly a20: Line;
  requestReset(): void;
}

/** The A20 gate as port 92h and the keyboard controller share it: the last one to write decides. */
export interface A20Gate {
  readonly isOpen: boolean;
  set(open: boolean): void;
}

export class SystemControl implements Device<typeof schema> {
  readonly schema = schema;
  readonly a20Gate: A20Gate;
  #s = initialState(schema);

  constructor(private readonly wires: SystemControlWires) {
    const isOpen = () => this.#s.a20;
    this.a20Gate = {
      get isOpen() {
        return isOpen();
      },
      set: (open) => this.#setA20(open),
    };
  }

  attach(board: Board): void {
    board.ports(PORT_61, 1, { read: () => this.#read61(), write: (_offset, value) => this.#write61(value) });
    board.ports(PORT_92, 1, { read: () => this.#read92(), write: (_offset, value) => this.#write92(value) });
    this.wires.a20.set(this.#s.a20);
  }

  reset(): void {
    this.#s = initialState(schema);
    this.wires.setTimer2Gate(false);
    this.wires.a20.set(this.#s.a20);
  }

  /** Timer 2 drives the speaker. */
  get speakerEnabled(): boolean {
    return (this.#s.control & Port61.Speaker) !== 0;
  }

  #read61(): number {
    return (
      this.#s.control | (this.wires.refreshToggle() ? Port61.RefreshToggle : 0) | (this.wires.timer2Output() ? Port61.Timer2Output : 0)
    );
  }

  #write61(value: number): void {
    this.#s.control = value & Port61.WritableMask;
    this.wires.setTimer2Gate((value & Port61.Timer2Gate) !== 0);
  }

  #read92(): number {
    return (this.#s.fastReset ? Port92.FastReset : 0) | (this.#s.a20 ? Port92.FastA20 : 0);
  }

  #write92(value: number): void {
    const fastReset = (value & Port92.FastReset) !== 0;
    // Only its rise resets the processor.
    if (fastReset && !this.#s.fastReset) this.wires.requestReset();
    this.#s.fastReset = fastReset;
    this.#setA20((value & Port92.FastA20) !== 0);
  }

  #setA20(open: boolean): void {
    this.#s.a20 = open;
    this.wires.a20.set(open);
  }

  save(): StateOf<typeof schema> {
    return copyState(schema, this.#s);
  }

  load(state: StateOf<typeof schema>): void {
    this.#s = copyState(schema, state);
    this.wires.setTimer2Gate((this.#s.control & Port61.Timer2Gate) !== 0);
    this.wires.a20.set(this.#s.a20);
  }
}

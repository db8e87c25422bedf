/**
 * Wires between chips. A wire is high while any of its drivers is (interrupt requests that two cards share, the A20
 * gate that both the keyboard controller and port 92h can open). The interrupt controller is the pair of 8259As as
 * an AT wires it: slave's INT on the master's IR2, ISA requests 0-15 spread over both.
 */
import type { Line } from "./device";
import type { Pic } from "./devices/pic";

/** The master input that the slave's INT output drives. */
const CASCADE_INPUT = 2;

/** A wire with any number of drivers; `onChange` hears each change of its level. */
export class Wire {
  #high = 0;
  readonly #onChange: (level: boolean) => void;

  constructor(onChange: (level: boolean) => void) {
    this.#onChange = onChange;
  }

  get level(): boolean {
    return this.#high > 0;
  }

  /** A new driver, low at first. */
  driver(): Line {
    let driven = false;
    return {
      set: (level) => {
        if (level === driven) return;
        driven = level;
        const before = this.#high > 0;
        this.#high += level ? 1 : -1;
        if (this.#high > 0 !== before) this.#onChange(!before);
      },
    };
  }
}

/** A driver that can be cut off from its wire; what it drives meanwhile counts when it is connected again. */
export class SwitchedLine implements Line {
  #level = false;
  #connected = true;

  constructor(private readonly to: Line) {}

  set(level: boolean): void {
    this.#level = level;
    this.#drive();
  }

  connect(connected: boolean): void {
    this.#connected = connected;
    this.#drive();
  }

  #drive(): void {
    this.to.set(this.#connected && this.#level);
  }
}

/** The cascade of two 8259As: the ISA interrupt requests, the INTR pin, the INTA cycle. */
export class InterruptController {
  readonly #master: Pic;
  readonly #slave: Pic;
  readonly #requests: Wire[] = [];

  /** `setIntr` is the processor's INTR pin, called on each change; `onRequest` hears of each request's level. */
  constructor(master: Pic, slave: Pic, setIntr: (level: boolean) => void, onRequest: (request: number, level: boolean) => void = () => {}) {
    this.#master = master;
    this.#slave = slave;
    master.onInt = setIntr;
    slave.onInt = (level) => master.setInput(CASCADE_INPUT, level);
    for (let request = 0; request < 16; request++) {
      const chip = request < 8 ? master : slave;
      this.#requests.push(
        new Wire((level) => {
          chip.setInput(request & 7, level);
          onRequest(request, level);
        }),
      );
    }
  }

  /** A new driver of interrupt request 0-15 (2 is the cascade and has no ISA pin). */
  driver(request: number): Line {
    if (request === CASCADE_INPUT || request < 0 || request > 15) throw new RangeError(`IRQ ${request} does not exist on the ISA bus`);
    return this.#requests[request]!.driver();
  }

  /** Is the request's wire high? For panels. */
  requestLevel(request: number): boolean {
    return this.#requests[request]!.level;
  }

  /** The INTA cycle: the vector (0-255) of the highest request, or the spurious vector of a chip that has none. */
  acknowledge(): number {
    const input = this.#master.acknowledge();
    if (input !== CASCADE_INPUT) return this.#master.vector(input);
    return this.#slave.vector(this.#slave.acknowledge());
  }
}

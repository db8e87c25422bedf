/** Clock pulses of a chip as a pure function of guest ns, in exact integer arithmetic (good for 285 years of ns). */

/** A rate of `pulses` every `ns` nanoseconds, both integers with a product of remainders below 2^53. */
export class Oscillator {
  constructor(
    private readonly pulses: number,
    private readonly ns: number,
  ) {}

  /** Pulses completed since guest time 0. */
  pulsesAt(ns: number): number {
    const whole = Math.floor(ns / this.ns);
    return whole * this.pulses + Math.floor(((ns - whole * this.ns) * this.pulses) / this.ns);
  }

  /** The first ns at which `pulse` pulses have completed. */
  nsAt(pulse: number): number {
    const whole = Math.floor(pulse / this.pulses);
    return whole * this.ns + Math.ceil(((pulse - whole * this.pulses) * this.ns) / this.pulses);
  }
}

/** The PIT's input: 14.31818 MHz (315/22) divided by 12 = 105/88 MHz. */
export const pitOscillator = new Oscillator(105, 88_000);

/** The RTC's crystal: 32,768 Hz. */
export const rtcOscillator = new Oscillator(64, 1_953_125);

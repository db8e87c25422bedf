/**
 * The PS/2 line between the i8042 and a keyboard or mouse, and what both kinds of device share: a queue of bytes to
 * the controller. The wire's timing is not modelled; a byte is taken when the controller has room for it.
 */

/** The device's end of the line. */
export interface Ps2Device {
  /** A byte from the controller: a command or its argument. */
  receive(byte: number): void;
  /** The oldest byte for the controller, removed, or -1. */
  take(): number;
  /** Set by the controller: there is a byte to take. */
  onReady: () => void;
}

/** Replies and codes common to keyboard and mouse (IBM PS/2 Hardware Interface Technical Reference). */
export const Ps2Reply = { SelfTestPassed: 0xaa, Acknowledge: 0xfa, Resend: 0xfe } as const;

/** No device sends more than this before the controller takes a byte; further input is dropped whole, as on a real keyboard. */
export const PS2_QUEUE_BYTES = 64;

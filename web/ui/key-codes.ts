/** Keys by their place on the keyboard (KeyboardEvent.code) as scan codes of set 2 (IBM PS/2 Hardware Interface Technical Reference). */

const RELEASE = 0xf0;
const EXTENDED = 0xe0;

const PLAIN: Readonly<Record<string, number>> = {
  ...{
    Escape: 0x76,
    F1: 0x05,
    F2: 0x06,
    F3: 0x04,
    F4: 0x0c,
    F5: 0x03,
    F6: 0x0b,
    F7: 0x83,
    F8: 0x0a,
    F9: 0x01,
    F10: 0x09,
    F11: 0x78,
    F12: 0x07,
  },
  ...{ Backquote: 0x0e, Digit1: 0x16, Digit2: 0x1e, Digit3: 0x26, Digit4: 0x25, Digit5: 0x2e, Digit6: 0x36, Digit7: 0x3d, Digit8: 0x3e },
  ...{ Digit9: 0x46, Digit0: 0x45, Minus: 0x4e, Equal: 0x55, Backspace: 0x66, Tab: 0x0d, KeyQ: 0x15, KeyW: 0x1d, KeyE: 0x24, KeyR: 0x2d },
  ...{ KeyT: 0x2c, KeyY: 0x35, KeyU: 0x3c, KeyI: 0x43, KeyO: 0x44, KeyP: 0x4d, BracketLeft: 0x54, BracketRight: 0x5b, Backslash: 0x5d },
  ...{ CapsLock: 0x58, KeyA: 0x1c, KeyS: 0x1b, KeyD: 0x23, KeyF: 0x2b, KeyG: 0x34, KeyH: 0x33, KeyJ: 0x3b, KeyK: 0x42, KeyL: 0x4b },
  ...{ Semicolon: 0x4c, Quote: 0x52, Enter: 0x5a, ShiftLeft: 0x12, IntlBackslash: 0x61, KeyZ: 0x1a, KeyX: 0x22, KeyC: 0x21, KeyV: 0x2a },
  ...{ KeyB: 0x32, KeyN: 0x31, KeyM: 0x3a, Comma: 0x41, Period: 0x49, Slash: 0x4a, ShiftRight: 0x59, ControlLeft: 0x14, AltLeft: 0x11 },
  ...{ Space: 0x29, NumLock: 0x77, ScrollLock: 0x7e, Numpad0: 0x70, Numpad1: 0x69, Numpad2: 0x72, Numpad3: 0x7a, Numpad4: 0x6b },
  ...{ Numpad5: 0x73, Numpad6: 0x74, Numpad7: 0x6c, Numpad8: 0x75, Numpad9: 0x7d, NumpadDecimal: 0x71, NumpadAdd: 0x79 },
  ...{ NumpadSubtract: 0x7b, NumpadMultiply: 0x7c, IntlRo: 0x51, IntlYen: 0x6a, KanaMode: 0x13, Convert: 0x64, NonConvert: 0x67 },
};
const AFTER_E0: Readonly<Record<string, number>> = {
  ...{ AltRight: 0x11, ControlRight: 0x14, MetaLeft: 0x1f, MetaRight: 0x27, ContextMenu: 0x2f, Insert: 0x70, Delete: 0x71, Home: 0x6c },
  ...{ End: 0x69, PageUp: 0x7d, PageDown: 0x7a, ArrowUp: 0x75, ArrowDown: 0x72, ArrowLeft: 0x6b, ArrowRight: 0x74, NumpadEnter: 0x5a },
  ...{ NumpadDivide: 0x4a },
};
/** Keys that are more than one code. Pause has no release. */
const PRINT_SCREEN = { down: [0xe0, 0x12, 0xe0, 0x7c], up: [0xe0, 0xf0, 0x7c, 0xe0, 0xf0, 0x12] } as const;
const PAUSE = [0xe1, 0x14, 0x77, 0xe1, 0xf0, 0x14, 0xf0, 0x77] as const;

/** What a key sends when it is pressed or released; empty: a PC's keyboard has no such key. */
export function scanCodes(code: string, isDown: boolean): readonly number[] {
  if (code === "PrintScreen") return isDown ? PRINT_SCREEN.down : PRINT_SCREEN.up;
  if (code === "Pause") return isDown ? PAUSE : [];
  const extended = AFTER_E0[code];
  const key = extended ?? PLAIN[code];
  if (key === undefined) return [];
  return [...(extended === undefined ? [] : [EXTENDED]), ...(isDown ? [] : [RELEASE]), key];
}

/** Characters on a US keyboard, key by key: without and with Shift. */
const US: readonly (readonly [code: string, plain: string, shifted: string])[] = [
  ...[..."abcdefghijklmnopqrstuvwxyz"].map((letter) => [`Key${letter.toUpperCase()}`, letter, letter.toUpperCase()] as const),
  ...[...")!@#$%^&*("].map((sign, digit) => [`Digit${digit}`, String(digit), sign] as const),
  ...([
    ["Backquote", "`", "~"],
    ["Minus", "-", "_"],
    ["Equal", "=", "+"],
    ["BracketLeft", "[", "{"],
    ["BracketRight", "]", "}"],
    ["Backslash", "\\", "|"],
    ["Semicolon", ";", ":"],
    ["Quote", "'", '"'],
    ["Comma", ",", "<"],
    ["Period", ".", ">"],
    ["Slash", "/", "?"],
    ["Space", " ", " "],
    ["Enter", "\n", "\n"],
    ["Tab", "\t", "\t"],
  ] as const),
];

/** The keys that type a text on a US layout, a list of codes a character; what has no key is left out. */
export function typingCodes(text: string): (readonly number[])[] {
  const keys: (readonly number[])[] = [];
  for (const character of text.replaceAll("\r\n", "\n").replaceAll("\r", "\n")) {
    const key = US.find(([, plain, shifted]) => plain === character || shifted === character);
    if (!key) continue;
    const [code, plain] = key;
    const stroke = [...scanCodes(code, true), ...scanCodes(code, false)];
    keys.push(plain === character ? stroke : [...scanCodes("ShiftLeft", true), ...stroke, ...scanCodes("ShiftLeft", false)]);
  }
  return keys;
}

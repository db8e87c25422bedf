/**
 * The escape key of a terminal in raw mode, as in `qemu -nographic`: Ctrl-A X leaves, Ctrl-A Ctrl-A (or A) sends
 * Ctrl-A, Ctrl-A H lists these keys. Everything else goes to the guest unchanged.
 */

const ESCAPE = 0x01;
const letter = (character: string): number => character.charCodeAt(0);

export const KEYS_HELP = "Ctrl-A X  leave      Ctrl-A Ctrl-A  send Ctrl-A      Ctrl-A H  this list";

export interface KeyActions {
  send(bytes: Uint8Array): void;
  quit(): void;
  help(): void;
}

/** Feeds typed bytes to the actions; an escape may be split between two calls. */
export function terminalKeys(actions: KeyActions): (bytes: Uint8Array) => void {
  let escaped = false;
  return (bytes) => {
    const toGuest: number[] = [];
    for (const byte of bytes) {
      if (!escaped) {
        if (byte === ESCAPE) escaped = true;
        else toGuest.push(byte);
        continue;
      }
      escaped = false;
      if (byte === letter("x") || byte === letter("X")) {
        if (toGuest.length > 0) actions.send(Uint8Array.from(toGuest));
        actions.quit();
        return;
      }
      if (byte === letter("h") || byte === letter("H")) actions.help();
      else if (byte === ESCAPE || byte === letter("a") || byte === letter("A")) toGuest.push(ESCAPE);
      // An unknown second key is dropped, as in QEMU.
    }
    if (toGuest.length > 0) actions.send(Uint8Array.from(toGuest));
  };
}

/** The terminal's sixteen colours on a light and on a dark ground, each at least 4.5:1 where a text colour can be. */
import type { ITheme } from "@xterm/xterm";

const DARK: ITheme = {
  background: "#0e1216",
  foreground: "#dfe5ea",
  cursor: "#6fd3dc",
  cursorAccent: "#0e1216",
  selectionBackground: "#2c5560",
  black: "#1b2229",
  red: "#f2777a",
  green: "#8bc98b",
  yellow: "#e3c06b",
  blue: "#79b0f2",
  magenta: "#cf9be8",
  cyan: "#6fd3dc",
  white: "#dfe5ea",
  brightBlack: "#8b97a3",
  brightRed: "#ff9a9c",
  brightGreen: "#a9e0a9",
  brightYellow: "#f5d78c",
  brightBlue: "#9dc8ff",
  brightMagenta: "#e3bdf5",
  brightCyan: "#98e6ed",
  brightWhite: "#ffffff",
};

const LIGHT: ITheme = {
  background: "#fdfdfc",
  foreground: "#1d242b",
  cursor: "#0b6670",
  cursorAccent: "#fdfdfc",
  selectionBackground: "#b9dfe3",
  black: "#1d242b",
  red: "#b3261e",
  green: "#22691f",
  yellow: "#7a5200",
  blue: "#1757b0",
  magenta: "#8a2a9e",
  cyan: "#0b6670",
  white: "#5b6671",
  brightBlack: "#5b6671",
  brightRed: "#c23a31",
  brightGreen: "#2a7a26",
  brightYellow: "#8a5d00",
  brightBlue: "#2668c8",
  brightMagenta: "#9c3bb0",
  brightCyan: "#0e7480",
  brightWhite: "#1d242b",
};

export const terminalTheme = (dark: boolean): ITheme => (dark ? DARK : LIGHT);

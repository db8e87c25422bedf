/**
 * `npm run new:device -- NAME PORT`: a chip with one register and its spec with the laws of devices, to begin from.
 */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./lib/paths.mjs";

const HELP = `usage: npm run new:device -- NAME PORT

Writes web/machine/devices/NAME.ts, a chip with one 8-bit register at PORT that keeps the laws of devices, and
tests/devices/NAME.spec.ts, which shows it. NAME is in small letters with dashes: egg-timer. PORT is a number from 0
to 0xffff that no other device claims.
`;

function refuse(message) {
  process.stderr.write(`new:device: ${message}\n`);
  process.exit(2);
}

const args = process.argv.slice(2);
if (args.includes("--help")) {
  process.stdout.write(HELP);
  process.exit(0);
}
const [name = "", portText = "", ...more] = args;
if (!name || !portText || more.length > 0) refuse("give a name and a port; npm run new:device -- --help explains");
if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name)) refuse(`"${name}" is no name for a file; use small letters and dashes, as in egg-timer`);
const port = /^(0x[0-9a-f]+|\d+)$/i.test(portText) ? Number(portText) : Number.NaN;
if (!(port <= 0xffff)) refuse(`"${portText}" is no port; give a number from 0 to 0xffff`);

const type = name.replace(/(^|-)(.)/g, (_all, _dash, letter) => letter.toUpperCase());
const title = name.replaceAll("-", " ");
const hexPort = `0x${port.toString(16)}`;

const device = `/** The ${title}: one register at port ${hexPort}. */
import { copyState, initialState, type StateOf, state, u8 } from "../../snapshot/schema";
import type { Board, Device, RegisterHandler } from "../device";

const PORT = ${hexPort};

const schema = state("${title}", 1, { value: u8 });

export class ${type} implements Device<typeof schema>, RegisterHandler {
  readonly schema = schema;
  #s = initialState(schema);

  attach(board: Board): void {
    board.ports(PORT, 1, this);
  }

  reset(): void {
    this.#s = initialState(schema);
  }

  read(): number {
    return this.#s.value;
  }

  write(_offset: number, value: number): void {
    this.#s.value = value;
  }

  save(): StateOf<typeof schema> {
    return copyState(schema, this.#s);
  }

  load(from: StateOf<typeof schema>): void {
    this.#s = copyState(schema, from);
  }
}
`;

const spec = `/** The ${title}. */
import { describe, expect, it } from "vitest";
import { ${type} } from "../../web/machine/devices/${name}";
import { deviceLaws } from "./laws";
import { TestBoard } from "./test-board";

const PORT = ${hexPort};

deviceLaws("${title}", { fit: (board) => board.fit(new ${type}()), touch: (board) => board.out(PORT, 0x5a) });

describe("${title}", () => {
  it("reads back what was written", () => {
    const board = new TestBoard();
    board.fit(new ${type}());
    board.out(PORT, 0x5a);
    expect(board.in(PORT)).toBe(0x5a);
  });
});
`;

const files = { [`web/machine/devices/${name}.ts`]: device, [`tests/devices/${name}.spec.ts`]: spec };
for (const path of Object.keys(files)) if (existsSync(join(ROOT, path))) refuse(`${path} is there already; choose another name`);
for (const [path, text] of Object.entries(files)) writeFileSync(join(ROOT, path), text);

console.log(`Wrote ${Object.keys(files).join(" and ")}.
Next:
  npx vitest run tests/devices/${name}.spec.ts
  put { name: "${name}", device: new ${type}() } on the board: the list of devices in web/machine/pc.ts`);

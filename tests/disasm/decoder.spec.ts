/** The core's decoder and the plain walk over the rows read random and assembled code alike. */
import { existsSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { assemble } from "../../web/assembler/assemble";
import type { DecodedInstruction } from "../../web/disasm/decoded";
import { createDecoder, type Decode } from "../../web/disasm/decoder";
import { formsOf } from "../assembler/forms";
import { decodingCore } from "../tools/decoding-core";
import { walkTables } from "./table-walk";

const built = existsSync(new URL("../../dist/core/core.wasm", import.meta.url));

/** All fields as text, so that a difference is readable. */
const show = (decoded: DecodedInstruction | undefined): string => {
  if (!decoded) return "cut off";
  if (decoded.row < 0) return "no instruction";
  return JSON.stringify({ ...decoded, bytes: Buffer.from(decoded.bytes).toString("hex") }, (_, value) =>
    typeof value === "bigint" ? value.toString() : value,
  );
};

describe.skipIf(!built)(`the core's decoder${built ? "" : " (skipped: run npm run build:core)"}`, () => {
  let decode: Decode;
  beforeAll(async () => {
    decode = createDecoder(await decodingCore());
  });

  it.each([16, 32] as const)("reads every form of every row in %i-bit code", (bits) => {
    const differences = formsOf(bits).flatMap(({ text }) => {
      const { bytes } = assemble(text, { bits });
      const [core, walk] = [show(decode(bytes, bits)), show(walkTables(bytes, bits))];
      return core === walk ? [] : [`${text}: ${core}, by the rows ${walk}`];
    });
    expect(differences.slice(0, 5)).toEqual([]);
  });

  it.each([16, 32] as const)("reads random bytes as the rows say in %i-bit code", (bits) => {
    let seed = 7 + bits;
    const byte = (): number => {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
      return seed >>> 24;
    };
    const differences: string[] = [];
    for (let n = 0; n < 30_000; n++) {
      const code = Uint8Array.from({ length: 15 }, byte);
      if (n % 2 === 1) code[0] = 0x0f;
      if (n % 16 === 3) code[1] = n % 32 === 3 ? 0x38 : 0x3a;
      const [core, walk] = [show(decode(code, bits)), show(walkTables(code, bits))];
      if (core !== walk) differences.push(`${Buffer.from(code).toString("hex")}: ${core}, by the rows ${walk}`);
    }
    expect(differences.slice(0, 5)).toEqual([]);
  });
});

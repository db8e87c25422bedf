/** Our SHA-256 against Node's, at every length around the block boundaries and in odd pieces. */
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { Sha256, sha256, toHex } from "../../web/lib/sha256";

const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 7 + (i >> 3)) & 255);
const node = (data: Uint8Array): string => createHash("sha256").update(data).digest("hex");

describe("SHA-256", () => {
  it("gives FIPS 180-4's example for abc", () => {
    expect(toHex(new Sha256().update(new TextEncoder().encode("abc")).digest())).toBe(
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    );
  });

  it("agrees with Node for lengths 0 to 200 and 1 MB", () => {
    for (const length of [...Array.from({ length: 201 }, (_, i) => i), 1048576])
      expect(toHex(new Sha256().update(bytes(length)).digest())).toBe(node(bytes(length)));
  });

  it("does not depend on how the data is cut", () => {
    const data = bytes(1000);
    for (const piece of [1, 3, 63, 64, 65, 500]) {
      const hash = new Sha256();
      for (let at = 0; at < data.length; at += piece) hash.update(data.subarray(at, at + piece));
      expect(toHex(hash.digest())).toBe(node(data));
    }
  });

  it("uses the host's where there is one, with the same result", async () => {
    expect(toHex(await sha256(bytes(777)))).toBe(node(bytes(777)));
  });
});

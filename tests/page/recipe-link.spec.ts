/** Recipe links come from strangers: what they say is checked, and what is typed waits for the guest. */
import { describe, expect, it, vi } from "vitest";
import { inflateRaw } from "../../web/lib/inflate";
import { gzip } from "../../web/snapshot/gzip";
import { BadLink, decodeLink, encodeLink, type RecipeLink } from "../../web/ui/recipe-link";
import { TypedInput } from "../../web/ui/typed-input";
import { random } from "../tools/core";

const link: RecipeLink = {
  title: "Debian 12, i386 – „ä“",
  memoryMb: 128,
  commandLine: "console=ttyS0",
  files: [
    { role: "image", name: "kernel", sha256: "0f".repeat(32) },
    { role: "initrd", name: "initrd", sha256: "a0".repeat(32) },
  ],
  typed: [{ after: "# ", text: "ls\n" }],
};

const packed = async (json: unknown): Promise<string> => {
  const bytes = await gzip(new TextEncoder().encode(JSON.stringify(json)));
  return `m=${Buffer.from(bytes.subarray(10, -8)).toString("base64url")}`;
};

describe("recipe links", () => {
  it("come back as they were, and fit into a message", async () => {
    const fragment = await encodeLink(link);
    expect(decodeLink(`#${fragment}`)).toEqual(link);
    expect(fragment).toMatch(/^m=[A-Za-z0-9_-]+$/);
    expect(fragment.length).toBeLessThan(600);
  });

  it("are made and read without the host's streams", async () => {
    vi.stubGlobal("CompressionStream", undefined);
    delete (globalThis as { CompressionStream?: unknown }).CompressionStream;
    const fragment = await encodeLink(link);
    vi.unstubAllGlobals();
    expect(decodeLink(fragment)).toEqual(link);
  });

  it("other fragments are none", () => {
    for (const fragment of ["", "#", "#main", "#s=abc"]) expect(decodeLink(fragment)).toBeUndefined();
  });

  it.each([
    ["another version", { ...link, v: 2 }, /another version/],
    ["no version", link, /another version/],
    ["too much memory", { v: 1, ...link, memoryMb: 1e9 }, /memory/],
    ["a title that is no text", { v: 1, ...link, title: {} }, /title is no text/],
    ["no files", { v: 1, ...link, files: [] }, /no kernel/],
    ["a file without hash", { v: 1, ...link, files: [{ role: "image", name: "x", sha256: "zz" }] }, /SHA-256/],
    ["a file of another role", { v: 1, ...link, files: [{ role: "rom", name: "x", sha256: "00".repeat(32) }] }, /role/],
    ["a book to type", { v: 1, ...link, typed: [{ after: "", text: "x".repeat(5000) }] }, /typed text/],
    ["a list instead", [1, 2], /contents/],
    ["null", null, /contents/],
  ])("with %s are refused", async (_name, json, reason) => {
    const fragment = await packed(json);
    expect(() => decodeLink(fragment)).toThrow(BadLink);
    expect(() => decodeLink(fragment)).toThrow(reason);
  });

  it("that unpack to more than they may, or were damaged on the way, are refused", async () => {
    const bomb = await packed({ v: 1, ...link, title: "x".repeat(5_000_000) });
    expect(() => decodeLink(bomb)).toThrow(BadLink);
    const whole = await encodeLink(link);
    const next = random(7);
    for (let n = 0; n < 300; n++) {
      const at = 2 + (next() % (whole.length - 2));
      const damaged = `${whole.slice(0, at)}${"ABCdef123_-"[next() % 11]}${whole.slice(at + 1 + (next() % 3))}`;
      try {
        expect(typeof decodeLink(damaged)?.title).toBe("string");
      } catch (error) {
        expect(error).toBeInstanceOf(BadLink);
      }
    }
  });

  it("inflateRaw refuses what follows and what is too long", async () => {
    const bytes = (await gzip(new Uint8Array(1000))).slice(10, -8);
    expect(inflateRaw(bytes, 1000).length).toBe(1000);
    expect(() => inflateRaw(bytes, 999)).toThrow(/too long/);
    expect(() => inflateRaw(Uint8Array.from([...bytes, 0]), 1000)).toThrow(/behind its end/);
  });
});

describe("typed input", () => {
  const typing = (...steps: [after: string, text: string][]) => {
    let typed = "";
    const input = new TypedInput(
      steps.map(([after, text]) => ({ after, text })),
      (bytes) => {
        typed += new TextDecoder().decode(bytes);
      },
    );
    return { says: (text: string) => input.add(new TextEncoder().encode(text)), typed: () => typed };
  };

  it("waits for each text, also across pieces, and in order", () => {
    const { says, typed } = typing(["login: ", "root\n"], ["# ", "ls\n"], ["# ", "pwd\n"]);
    says("# Debian log");
    expect(typed()).toBe("");
    says("in: ");
    expect(typed()).toBe("root\n");
    says("root\r\nhost");
    says("# ");
    expect(typed()).toBe("root\nls\n");
    says("ls\r\n\r\nhost# ");
    expect(typed()).toBe("root\nls\npwd\n");
    says("# # #");
    expect(typed()).toBe("root\nls\npwd\n");
  });

  it("types at once what waits for nothing, and knows UTF-8", () => {
    const { says, typed } = typing(["", "a"], ["ü", "b"]);
    says("x");
    expect(typed()).toBe("a");
    const bytes = new TextEncoder().encode("ü");
    says(new TextDecoder("latin1").decode(bytes.subarray(0, 0)));
    says("ü");
    expect(typed()).toBe("ab");
  });
});

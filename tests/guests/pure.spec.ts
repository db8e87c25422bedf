import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";

const folder = resolve(import.meta.dirname, "../../web/guests");
const NODE_ONLY = ["catalog.ts", "cli.ts", "prepare.ts"];

describe("files that the page uses, too", () => {
  it("import nothing from Node, directly or by way of another file", () => {
    for (const name of readdirSync(folder).filter((file) => file.endsWith(".ts") && !NODE_ONLY.includes(file))) {
      const imports = [...readFileSync(join(folder, name), "utf8").matchAll(/from "([^"]+)"/g)].map((match) => match[1]!);
      const forbidden = imports.filter((from) => from.startsWith("node:") || /^\.\/(node\/|catalog$|cli$|prepare$)/.test(from));
      expect(forbidden, name).toEqual([]);
    }
  });
});

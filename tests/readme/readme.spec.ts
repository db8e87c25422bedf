/** What README and docs claim, asked of the code: files, commands, versions, what is not there yet. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { main } from "../../web/node/cli";
import { FakeEnvironment } from "../cli/fake-environment";
import { ROOT } from "../tools/checkout";

const text = (path: string): string => readFileSync(join(ROOT, path), "utf8");
const readme = text("README.md");
const manifest = JSON.parse(text("package.json"));
const documents = [
  "README.md",
  "asm/README.md",
  "asm/isa/README.md",
  "bios/README.md",
  ...readdirSync(join(ROOT, "docs"), { recursive: true })
    .map((name) => `docs/${name}`)
    .filter((name) => name.endsWith(".md")),
];

describe("README", () => {
  it("names npm scripts that exist", () => {
    const named = [...readme.matchAll(/`?npm (?:run ([\w:]+)|(start|test))\b/g)].map((match) => match[1] ?? match[2]!);
    expect(named.length).toBeGreaterThan(8);
    expect(named.filter((name) => !(name in manifest.scripts))).toEqual([]);
  });

  it("wants the version of Node that package.json wants", () => {
    expect(readme).toContain(`Node ${manifest.engines.node.replace(">=", "")} or newer`);
  });

  it("names the verbs that the command line has", async () => {
    const environment = new FakeEnvironment();
    await main(["--help"], environment);
    const verbs = [...environment.out.matchAll(/^ {2}(\w+) /gm)].map((match) => match[1]!);
    expect(/`npx vitrine --help` \| the command line: ([^|]*)\|/.exec(readme)?.[1]?.match(/\w+/g)).toEqual(verbs);
  });

  it("is right about what is not there yet", async () => {
    const [, sentence = ""] = /These options of `vitrine run` answer([\s\S]*?)\./.exec(readme)!;
    const options = sentence.match(/--[\w-]+/g)!;
    expect(options.length).toBeGreaterThan(0);
    for (const option of options) {
      const environment = new FakeEnvironment();
      const status = await main(["run", "--guest", "hello", option, "1"], environment);
      expect([option, status, environment.err]).toEqual([option, 2, expect.stringContaining("not yet")]);
    }
  });
});

describe.each(documents)("%s", (document) => {
  it("links to files that exist", () => {
    const links = [...text(document).matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map((match) => match[1]!);
    expect(links.filter((link) => !existsSync(join(ROOT, dirname(document), link)))).toEqual([]);
  });

  it("names no registry, no address of a mirror and no private path", () => {
    const urls = text(document).match(/https?:\/\/[^\s)`"]+/g) ?? [];
    expect(urls.filter((url) => !/^https?:\/\/(localhost|127\.0\.0\.1|\[::1\])/.test(url))).toEqual([]);
    expect(text(document)).not.toMatch(/\/(root|home|work)\/|registry\./);
  });
});

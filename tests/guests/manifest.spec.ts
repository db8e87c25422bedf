import { describe, expect, it } from "vitest";
import {
  emptyManifest,
  isPlainPath,
  type Manifest,
  manifestOf,
  manifestText,
  mergeManifests,
  parseManifest,
} from "../../web/guests/manifest";
import { numbers } from "./tools";

const sha256 = "0".repeat(64);
const file = (path: string): { path: string; sha256: string; size: number } => ({ path, sha256, size: 3 });

/** Two guests that share an initrd. */
function sample(version = "1"): Manifest {
  const component = (id: string, files: Manifest["components"][number]["files"]): Manifest["components"][number] => ({
    id,
    recipe: 1,
    package: id,
    version,
    architecture: "i386",
    source: { package: id, version },
    licence: "GPL-2",
    licenceFile: file(`licences/${id}_${version}.copyright`),
    download: file(`pool/${id}.deb`),
    signature: { status: "verified", keyring: "x.gpg" },
    files,
  });
  const guest = (id: string): Manifest["guests"][number] => ({
    id,
    title: id,
    description: id,
    kernel: `${id}/${version}/vmlinuz`,
    initrd: `box/${version}/initrd`,
    commandLine: "",
    memoryMb: 1,
    licence: "GPL-2",
    components: [id, "box"],
  });
  return {
    ...emptyManifest("bookworm"),
    components: [
      component("a", [{ role: "kernel", ...file(`a/${version}/vmlinuz`) }]),
      component("b", [{ role: "kernel", ...file(`b/${version}/vmlinuz`) }]),
      component("box", [{ role: "initrd", ...file(`box/${version}/initrd`), gzip: file(`box/${version}/initrd.gz`) }]),
    ],
    guests: [guest("a"), guest("b")],
  };
}

describe("manifest", () => {
  it("is read as it is written", () => {
    expect(parseManifest(manifestText(sample()), "it")).toEqual(sample());
  });

  it("is refused for every path that leaves the folder or hides in it", () => {
    for (const path of [
      "/etc/passwd",
      "../x",
      "a/../../x",
      "a/..",
      "./a",
      "a//b",
      "a/",
      "",
      "C:/x",
      "a\\b",
      "a/.hidden",
      ".cache/x",
      "manifest.json",
      "MANIFEST.JSON",
      "a/b.",
      "a\0b",
      "x".repeat(241),
    ]) {
      expect(isPlainPath(path), path).toBe(false);
      const text = manifestText(sample()).replaceAll("a/1/vmlinuz", JSON.stringify(path).slice(1, -1));
      expect(() => parseManifest(text, "it"), path).toThrow(/not a path inside/);
    }
    for (const path of ["a", "memtest86+/6.10-4-abc/memtest.bin", "busybox/1_1.35.0-4+deb12u1~x/initrd.cpio.gz"])
      expect(isPlainPath(path), path).toBe(true);
  });

  it("is refused if it contradicts itself", () => {
    const broken = (change: (manifest: Manifest) => object): string => manifestText(change(sample()) as Manifest);
    for (const [text, reason] of [
      [broken((m) => ({ ...m, components: m.components.slice(1) })), /needs a\/1\/vmlinuz, which no component has/],
      [broken((m) => ({ ...m, components: [...m.components, m.components[0]!] })), /same id/],
      [broken((m) => ({ ...m, guests: [...m.guests, m.guests[0]!] })), /same id/],
      [broken((m) => ({ ...m, guests: [{ ...m.guests[0]!, components: ["c"] }] })), /needs the component c/],
      [broken((m) => ({ ...m, format: 2 })), /format 2/],
      [broken((m) => ({ ...m, guests: {} })), /no list/],
      ["[]", /no object/],
      ["{", /not JSON/],
    ] as const)
      expect(() => parseManifest(text, "it")).toThrow(reason);
  });

  it("is refused, never misread, when any value is replaced by another type", () => {
    const next = numbers(4);
    const paths: (string | number)[][] = [];
    const walk = (value: unknown, path: (string | number)[]): void => {
      paths.push(path);
      if (typeof value === "object" && value !== null) for (const [key, child] of Object.entries(value)) walk(child, [...path, key]);
    };
    walk(sample(), []);
    for (const path of paths.filter((candidate) => candidate.length > 0)) {
      const copy = JSON.parse(manifestText(sample())) as Record<string | number, unknown>;
      let parent = copy;
      for (const key of path.slice(0, -1)) parent = parent[key] as typeof copy;
      const last = path.at(-1)!;
      parent[last] = typeof parent[last] === "string" ? next(100) + 0.5 : "text";
      expect(() => parseManifest(JSON.stringify(copy), "it"), path.join(".")).toThrow(expect.objectContaining({ kind: "GuestsError" }));
    }
  });

  it("can be cut down to some guests with what they need", () => {
    const cut = manifestOf(sample(), ["b"]);
    expect(cut.components.map(({ id }) => id)).toEqual(["b", "box"]);
    expect(parseManifest(manifestText(cut), "it")).toEqual(cut);
  });

  it("is merged so that guests sharing a replaced component get its new files", () => {
    const merged = mergeManifests(sample("1"), manifestOf(sample("2"), ["a"]));
    expect(merged.guests.map(({ id, kernel, initrd }) => [id, kernel, initrd])).toEqual(
      [
        ["b", "b/1/vmlinuz", "box/2/initrd"],
        ["a", "a/2/vmlinuz", "box/2/initrd"],
      ].sort((x, y) => (x[0]! < y[0]! ? -1 : 1)),
    );
    expect(parseManifest(manifestText(merged), "it")).toEqual(merged);
    const without = { ...manifestOf(sample("2"), ["a"]) };
    const noInitrd = { ...without, guests: [], components: without.components.map((c) => (c.id === "box" ? { ...c, files: [] } : c)) };
    expect(mergeManifests(sample("1"), noInitrd).guests).toEqual([]);
  });
});

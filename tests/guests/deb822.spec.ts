import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { mirrorsFrom } from "../../web/guests/apt-sources";
import { licenceName } from "../../web/guests/copyright";
import { compareVersions, packageStanzas, parseStanza, parseStanzas } from "../../web/guests/deb822";
import { parseRelease, signedText } from "../../web/guests/release";
import { needTools, numbers } from "./tools";

describe("stanzas", () => {
  it("joins continuation lines, ignores case of names and comments", () => {
    const stanza = parseStanza("Package: x\n# a comment\nDescription: short\n  long one\n .\n two\nSHA256: abc  \n");
    expect([...stanza]).toEqual([
      ["package", "x"],
      ["description", "short\nlong one\n.\ntwo"],
      ["sha256", "abc"],
    ]);
  });

  it("are separated by empty lines, also of DOS files", () => {
    expect(parseStanzas("A: 1\r\nB: 2\r\n\r\n\r\nA: 3\r\n").map((stanza) => stanza.get("a"))).toEqual(["1", "3"]);
  });

  it("are picked out of an index whatever its chunks", async () => {
    const index = ["a", "linux-image-686", "linux-image-686-dbg", "z"].map((name) => `Package: ${name}\nVersion: 1\n`).join("\n");
    for (const size of [1, 5, 31, 1000]) {
      const chunks = async function* (): AsyncGenerator<string> {
        for (let at = 0; at < index.length; at += size) yield index.slice(at, at + size);
      };
      const found = [];
      for await (const stanza of packageStanzas(chunks(), (name) => name === "linux-image-686" || name === "z"))
        found.push(stanza.get("package"));
      expect(found).toEqual(["linux-image-686", "z"]);
    }
  });
});

describe("version order", () => {
  // In rising order: Debian Policy 5.6.12, with its own examples.
  const rising = [
    "~~",
    "~~a",
    "~",
    "",
    "0.9",
    "1.0~beta1~svn1245",
    "1.0~beta1",
    "1.0",
    "1.0-1",
    "1.0-1+b1",
    "1.0-1.1",
    "1.0a",
    "1.0.1",
    "1.2",
    "1.10",
    "6.1.9-1",
    "6.1.176-1",
    "1:0.1",
    "1:1.35.0-4+deb12u1",
    "1:1.35.0-4+deb12u1+b1",
    "2:0",
  ];

  it("follows the policy", () => {
    for (const [i, a] of rising.entries())
      for (const [j, b] of rising.entries()) expect(Math.sign(compareVersions(a, b)), `${a} and ${b}`).toBe(Math.sign(i - j));
    expect(compareVersions("1.0", "1.00")).toBe(0);
  });

  it("agrees with dpkg on 120 random pairs", (context) => {
    needTools(context, "dpkg");
    const next = numbers(7);
    const version = (): string => `1${Array.from({ length: next(7) }, () => "0129ab~+.-Z"[next(11)]).join("")}`;
    for (let round = 0; round < 120; round++) {
      const [a, b] = [version(), version()];
      if (/-$/.test(a) || /-$/.test(b)) continue;
      const is = (relation: string): boolean => spawnSync("dpkg", ["--compare-versions", a, relation, b]).status === 0;
      expect(Math.sign(compareVersions(a, b)), `${a} and ${b}`).toBe(is("lt") ? -1 : is("gt") ? 1 : 0);
    }
  });
});

describe("InRelease", () => {
  const body =
    "Origin: x\nCodename: bookworm\nDate: today\nSHA256:\n 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef 12 main/binary-i386/Packages.xz\n";
  const wrap = (inner: string): string =>
    `-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n${inner}-----BEGIN PGP SIGNATURE-----\n\nabc\n-----END PGP SIGNATURE-----\n`;

  it("gives only what is signed", () => {
    const release = parseRelease(signedText(`${wrap(body)}Codename: evil\n`, "x"), "x");
    expect(release.codename).toBe("bookworm");
    expect(release.indexes.get("main/binary-i386/Packages.xz")).toEqual({ sha256: "0123456789abcdef".repeat(4), size: 12 });
    expect(signedText(wrap("- -----odd\nx\n"), "x")).toBe("-----odd\nx");
  });

  it("is refused in any other form", () => {
    for (const bad of ["", "<html>", body, `SHA256: evil\n${wrap(body)}`, wrap(body).split("-----BEGIN PGP SIGNATURE")[0]!])
      expect(() => signedText(bad, "it")).toThrow(/not a clear-signed/);
    expect(() => parseRelease("Codename: x\n", "it")).toThrow(/no SHA-256/);
  });
});

describe("apt's sources", () => {
  const one = (text: string): unknown => mirrorsFrom([{ name: "sources.list", text }], "bookworm");
  const many = (text: string): unknown => mirrorsFrom([{ name: "x.sources", text }], "bookworm");

  it("are read from one-line lists", () => {
    expect(
      one(`# deb http://no.example/debian bookworm main
deb [arch=amd64 signed-by=/k/a.gpg] http://a.example/debian/ bookworm main contrib # comment
deb-src http://src.example/debian bookworm main
deb http://security.example/debian-security bookworm-security main
deb cdrom:[Debian]/ bookworm main
deb http://other.example/debian bookworm contrib
deb\thttps://b.example/debian\tbookworm\tmain`),
    ).toEqual([
      { url: "http://a.example/debian", keyrings: ["/k/a.gpg"] },
      { url: "https://b.example/debian", keyrings: [] },
    ]);
  });

  it("are read from deb822 files", () => {
    expect(
      many(`Types: deb deb-src
URIs: http://a.example/debian http://b.example/debian/
Suites: bookworm bookworm-updates
Components: main
Signed-By: /k/a.gpg

Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: bookworm
Components: main

Types: deb
URIs: http://key.example/debian
Suites: bookworm
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc`),
    ).toEqual([
      { url: "http://a.example/debian", keyrings: ["/k/a.gpg"] },
      { url: "http://b.example/debian", keyrings: ["/k/a.gpg"] },
      { url: "http://key.example/debian", keyrings: [] },
    ]);
  });

  it("of another Debian release come after those of the wanted one, other systems not at all", () => {
    expect(
      one(
        "deb http://new.example/debian trixie main\ndeb http://ubuntu.example/ubuntu noble main\ndeb http://a.example/debian bookworm main\n",
      ),
    ).toEqual([
      { url: "http://a.example/debian", keyrings: [] },
      { url: "http://new.example/debian", keyrings: [] },
    ]);
  });
});

describe("licence name", () => {
  it("comes from the machine-readable form, or from the common licence that is named", () => {
    expect(licenceName("Format: https://x/1.0/\n\nFiles: debian/*\nLicense: MIT\n\nFiles: *\nCopyright: me\nLicense: GPL-2\n text\n")).toBe(
      "GPL-2",
    );
    expect(licenceName("The text is in `/usr/share/common-licenses/GPL-2'.\n")).toBe("GPL-2");
    expect(licenceName("see /usr/share/common-licenses/LGPL-2.1.")).toBe("LGPL-2.1");
    expect(licenceName("Do as you like.")).toBe("see the licence file");
  });
});

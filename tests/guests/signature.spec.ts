import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { checkInRelease } from "../../web/guests/node/signature";
import { prepareGuests } from "../../web/guests/prepare";
import { mirrorFiles, startMirror, syntheticPackages } from "./mirror";
import { bytes, needTools, run, temporaryFolder, text } from "./tools";

const body = "Codename: bookworm\nSHA256:\n abc\n";

/** A new key, and what is signed with it. */
class Signer {
  readonly #home: string;
  readonly keyring: string;

  constructor(folder: string, name: string) {
    this.#home = join(folder, name);
    mkdirSync(this.#home, { mode: 0o700 });
    this.keyring = join(folder, `${name}.gpg`);
    this.#gpg(
      "--quick-gen-key",
      "--pinentry-mode",
      "loopback",
      "--passphrase",
      "",
      `${name} <${name}@example.org>`,
      "ed25519",
      "sign",
      "never",
    );
    writeFileSync(this.keyring, this.#gpg("--export"));
  }

  #gpg(...args: string[]): Uint8Array {
    return run("gpg", ["--homedir", this.#home, "--batch", "--quiet", ...args]);
  }

  sign(content: string): Uint8Array {
    writeFileSync(join(this.#home, "in"), content);
    return this.#gpg("--yes", "--clearsign", "--output", "-", join(this.#home, "in"));
  }

  stop(): void {
    run("gpgconf", ["--homedir", this.#home, "--kill", "gpg-agent"]);
  }
}

describe("signature of an index", () => {
  let folder: string;
  const check = (data: Uint8Array, keyrings: string[], gpgv = "gpgv", mirrorKeyrings: string[] = []): ReturnType<typeof checkInRelease> =>
    checkInRelease(data, mirrorKeyrings, { keyrings, gpgv }, join(folder, "staging"), "it");

  beforeEach(() => {
    folder = temporaryFolder();
  });

  it("is verified with the right key, refused when the text was changed, open with another key", async (context) => {
    needTools(context, "gpg", "gpgv", "gpgconf");
    const [right, other] = [new Signer(folder, "right"), new Signer(folder, "other")];
    try {
      const signed = right.sign(body);
      expect(await check(signed, [right.keyring])).toEqual({ text: body, signature: { status: "verified", keyring: "right.gpg" } });
      expect((await check(signed, [other.keyring, right.keyring])).signature.status).toBe("verified");
      expect((await check(signed, ["/no/such.gpg"], "gpgv", [right.keyring])).signature.status).toBe("verified");
      expect((await check(signed, [other.keyring])).signature).toEqual({
        status: "not-verifiable",
        reason: expect.stringMatching(/keyring does not have/),
      });

      const changed = bytes(text(signed).replace("bookworm", "bookwurm"));
      await expect(check(changed, [right.keyring])).rejects.toMatchObject({ problem: "signature", message: /wrong signature/ });
      const garbled = bytes(text(signed).replace(/\n[A-Za-z0-9+/]{20}/, "\nAAAAAAAAAAAAAAAAAAAA"));
      await expect(check(garbled, [right.keyring])).rejects.toMatchObject({ kind: "GuestsError", problem: "signature" });
      await expect(check(bytes("<html>"), [right.keyring])).rejects.toMatchObject({ kind: "GuestsError" });

      // Text before or after what is signed is not taken for signed.
      const wrapped = bytes(`${text(signed)}SHA256:\n evil\n`);
      expect((await check(wrapped, [right.keyring]).catch(() => ({ text: body }))).text).toBe(body);
    } finally {
      right.stop();
      other.stop();
    }
  });

  it("decides about a whole preparation, and is recorded", async (context) => {
    needTools(context, "gpg", "gpgv", "gpgconf");
    const signer = new Signer(folder, "archive");
    try {
      const files = mirrorFiles(syntheticPackages());
      const release = "dists/bookworm/InRelease";
      const unsigned = text(files.get(release)!).split("\n\n")[1]!.split("-----BEGIN PGP SIGNATURE")[0]!;
      files.set(release, signer.sign(unsigned));
      const mirror = await startMirror(files);
      const system = { env: {}, signatureTools: { keyrings: [signer.keyring], gpgv: "gpgv" }, retryMs: 1 };
      const manifest = await prepareGuests({ folder: join(folder, "guests"), mirror: mirror.url, only: ["memtest"], system });
      expect(manifest.components[0]!.signature).toEqual({ status: "verified", keyring: "archive.gpg" });
      files.set(release, bytes(text(files.get(release)!).replace("Origin: Test", "Origin: Evil")));
      await expect(prepareGuests({ folder: join(folder, "other"), mirror: mirror.url, only: ["memtest"], system })).rejects.toMatchObject({
        problem: "signature",
      });
    } finally {
      signer.stop();
    }
  });

  it("cannot be checked without gpgv or without a keyring, and says so", async () => {
    const signed = bytes(
      `-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n${body}-----BEGIN PGP SIGNATURE-----\n\nx\n-----END PGP SIGNATURE-----\n`,
    );
    const keyring = join(folder, "k.gpg");
    writeFileSync(keyring, "x");
    expect((await check(signed, [keyring], "/no/such/gpgv")).signature).toEqual({
      status: "not-verifiable",
      reason: "gpgv is not installed",
    });
    expect((await check(signed, [])).signature).toEqual({ status: "not-verifiable", reason: "there is no Debian keyring on this machine" });
  });
});

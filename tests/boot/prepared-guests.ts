/**
 * The prepared guests for tests. Where they are not prepared, tests skip and say why; under REQUIRE_TOOLS=1 they are
 * prepared first, and a failure to do so fails the test.
 */
import { readFile } from "node:fs/promises";
import type { TestContext } from "vitest";
import { type CatalogGuest, findGuest } from "../../web/guests/catalog";
import { prepareGuests } from "../../web/guests/prepare";
import type { BootConfig } from "../../web/machine/config";

/** What busybox's shell says when it is ready. */
export const PROMPT = "vitrine:~# ";
/** An instruction count that no boot here comes near. */
export const FAR = 20_000_000_000;

export interface LinuxGuest {
  readonly id: string;
  readonly files: CatalogGuest;
  readonly kernel: Uint8Array;
  readonly vmlinux: Uint8Array | undefined;
  readonly initrd: Uint8Array | undefined;
  readonly commandLine: string;
}

/** A guest's files in memory. Throws GuestsError if it is not prepared. */
export async function preparedGuest(id: string): Promise<LinuxGuest> {
  const files = await findGuest(id);
  const read = async (file: { readonly file: string } | undefined): Promise<Uint8Array | undefined> =>
    file === undefined ? undefined : Uint8Array.from(await readFile(file.file));
  return {
    id,
    files,
    kernel: (await read(files.kernel))!,
    vmlinux: await read(files.vmlinux),
    initrd: await read(files.initrd),
    commandLine: files.commandLine,
  };
}

/** Skips the running test in the quick tier, and where the guest is not to be had. */
export async function needGuest(context: TestContext, id: string): Promise<LinuxGuest> {
  if (process.env.TEST_TIER === "quick") context.skip("boots a prepared guest: not in the quick tier");
  try {
    if (process.env.REQUIRE_TOOLS === "1") await prepareGuests({ only: [id] });
    return await preparedGuest(id);
  } catch (error) {
    if (process.env.REQUIRE_TOOLS === "1") throw error;
    return context.skip((error as Error).message);
  }
}

/** As `vitrine run --guest` boots it: the unpacked kernel where there is one. `packed`: the file as Debian ships it. */
export function linuxBoot(guest: LinuxGuest, options: { readonly packed?: boolean; readonly commandLine?: string } = {}): BootConfig {
  const commandLine = options.commandLine ?? guest.commandLine;
  const { kernel, vmlinux, initrd } = guest;
  return vmlinux && !options.packed
    ? { kind: "linux", kernel: vmlinux, bzImage: kernel, initrd, commandLine }
    : { kind: "linux", kernel, initrd, commandLine };
}

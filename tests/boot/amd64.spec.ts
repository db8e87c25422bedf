/** Debian's 64-bit kernels to a 64-bit shell: unpacked at their 64-bit entry, and what they say of the processor. */
import { describe, expect, it } from "vitest";
import { bootToShell, COMPLAINTS } from "./linux";
import { needGuest } from "./prepared-guests";

const LONG = { timeout: 1_800_000 };

describe("Debian, amd64", () => {
  it("answers at its 64-bit shell, and has nothing to say against the processor", LONG, async (context) => {
    const shell = await bootToShell(await needGuest(context, "debian-amd64"));
    expect(shell.machine.bootSummary).toContain("64-bit entry");
    expect(shell.machine.config.cpu).toBe("x86-64-v2");
    expect(await shell.command("uname -m")).toBe("x86_64\n");
    // The shell itself is an ELF64 file.
    expect(await shell.command("head -c5 /bin/busybox | tail -c1 | od -An -tu1")).toMatch(/^ +2\n$/);
    expect(await shell.command("seq 1 1000 | sort -n | awk '{ s += $1 } END { print s }'")).toBe("500500\n");
    expect(await shell.command(COMPLAINTS)).toBe("");
    shell.machine.serial(0).write("poweroff\n");
    const { exit } = await shell.machine.run({ instructions: shell.machine.instructions + 1_000_000_000 });
    expect(exit).toMatchObject({ reason: "halted", status: 0 });
    const { unimplemented } = await shell.machine.stats();
    expect(unimplemented.filter(({ bytes }) => !bytes.startsWith("MSR"))).toEqual([]);
  });
});

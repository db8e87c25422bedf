/** Debian's kernels to a shell, in the machine's own process and as `vitrine run`. */
import { describe, expect, it } from "vitest";
import { tail, vitrineRun } from "./command-line";
import { bootToShell } from "./linux";
import { needGuest, PROMPT } from "./prepared-guests";

const LONG = { timeout: 1_800_000 };

describe("Debian", () => {
  it("answers at its shell and powers off", LONG, async (context) => {
    const shell = await bootToShell(await needGuest(context, "debian"));
    expect(await shell.command("uname -a")).toMatch(/^Linux vitrine 6\.\d+\.\d+.* i686 GNU\/Linux\n$/);
    expect(await shell.command("grep 'model name' /proc/cpuinfo")).toContain("Vitrine virtual CPU");
    expect(await shell.command("ls -la / | wc -l")).toMatch(/^1\d|2\d\n$/);
    expect(await shell.command("seq 1 1000 | sort -n | awk '{ s += $1 } END { print s }'")).toBe("500500\n");
    // Ctrl-C ends what would never end.
    const { machine, output } = shell;
    machine.serial(0).write("while :; do :; done\n");
    await machine.run({ instructions: machine.instructions + 20_000_000 });
    const before = output().length;
    machine.serial(0).write("\x03");
    await machine.run({ text: PROMPT, instructions: machine.instructions + 100_000_000 });
    expect(output().slice(before)).toContain(PROMPT);
    machine.serial(0).write("poweroff\n");
    const { exit } = await machine.run({ instructions: machine.instructions + 1_000_000_000 });
    expect(exit).toMatchObject({ reason: "halted", status: 0 });
    // Linux asks for MSRs of other processors, and can do without; an instruction it could not.
    const { unimplemented } = await machine.stats();
    expect(unimplemented.filter(({ bytes }) => !bytes.startsWith("MSR"))).toEqual([]);
  });

  it("with PAE has NX active, and keeps code and data apart", LONG, async (context) => {
    const shell = await bootToShell(await needGuest(context, "debian-pae"));
    expect(await shell.command("dmesg | grep 'NX (Execute Disable)'")).toMatch(/NX \(Execute Disable\) protection: active/);
    expect(await shell.command("grep -cw nx /proc/cpuinfo")).toBe("1\n");
    expect(Number(shell.core.getRegister("efer")) & 0x800).toBe(0x800);
    expect(Number(shell.core.getRegister("cr4")) & 0x20).toBe(0x20);
  });

  it("boots the file as Debian ships it, by `vitrine run`", LONG, async (context) => {
    // The acceptance run boots it without the words that spare it the cipher tests: ten times as long.
    const { files, commandLine } = await needGuest(context, "debian");
    const images = ["--kernel", files.kernel.file, "--initrd", files.initrd!.file, "--append", commandLine];
    const run = await vitrineRun(["--memory", "256", ...images, "--until", PROMPT, "--timeout", "1500"], { killSeconds: 1700 });
    expect([run.status, run.stats?.exitReason], tail(run)).toEqual([0, "until"]);
  });
});

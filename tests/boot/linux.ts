/** A booted Debian at its shell: commands and their output. */
import type { CpuModel } from "../../web/machine/config";
import type { Accel } from "../../web/machine/core-host";
import { type Booted, createMachine } from "./machines";
import { FAR, type LinuxGuest, linuxBoot, PROMPT } from "./prepared-guests";

/** What a kernel has to say against its processor or firmware. Short: a longer line would wrap in the shell, and echo in two. */
export const COMPLAINTS = "dmesg|grep -iE 'vulner|te micro|warn|bug[]:]|msr a'|grep -v ACPI";

export interface Shell extends Booted {
  /** Types a line; what the command printed until the next prompt, without the echo. Throws if it takes more than `instructions`. */
  command(line: string, instructions?: number): Promise<string>;
}

/** Boots to the prompt. Throws with the end of the console if it does not come. */
export async function bootToShell(
  guest: LinuxGuest,
  options: { readonly packed?: boolean; readonly commandLine?: string; readonly cpu?: CpuModel; readonly accel?: Accel } = {},
): Promise<Shell> {
  const booted = await createMachine({
    boot: linuxBoot(guest, options),
    memoryMb: guest.files.memoryMb,
    ...(options.cpu === undefined ? {} : { cpu: options.cpu }),
    ...(options.accel === undefined ? {} : { accel: options.accel }),
  });
  const { machine, output } = booted;
  const reach = async (limit = FAR): Promise<void> => {
    const { reason } = await machine.run({ text: PROMPT, instructions: machine.instructions + limit });
    if (reason !== "text") throw new Error(`no prompt (${machine.exit?.message ?? reason}); the console ends with ${output().slice(-500)}`);
  };
  await reach();
  return {
    ...booted,
    async command(line, instructions) {
      const from = output().length;
      machine.serial(0).write(`${line}\n`);
      await reach(instructions);
      const echoed = output().indexOf("\n", from) + 1;
      return output().slice(echoed, -PROMPT.length).replaceAll("\r", "");
    },
  };
}

/** Single steps back through an interactive run of Debian with a disk, in real time: acceptance line 9.3. */
import { readFile } from "node:fs/promises";
import { sha256, toHex } from "../../web/lib/sha256";
import { MemoryDisk } from "../../web/storage/memory-disk";
import { createMachine } from "../boot/machines";
import { type LinuxGuest, linuxBoot, PROMPT } from "../boot/prepared-guests";
import { random } from "../tools/core";

const DISK_BYTES = 16 * 0x100000;
const MEMORY_MB = 64;
/** What somebody types, while the command before it still runs or when it has ended. */
const TYPED = [
  "mkfs.ext4 -q /dev/vda\n",
  "mount /mnt\n",
  "seq 1 40000 > /mnt/a\n",
  "sync\n",
  "cat /proc/interrupts\n",
  "sleep 1\n",
  "sort -r /mnt/a > /mnt/b; sync\n",
  "ls -l /mnt\n",
  "rm /mnt/a\n",
  "umount /mnt; mount /mnt; sha256sum /mnt/b\n",
];
const LEAST_RUN = 2_000_000;
const MOST_RUN = 60_000_000;

export interface StepsBack {
  /** Instructions at which a step back began that did not lead to the state of going forward. */
  readonly wrong: readonly number[];
  /** Host time of each single step back. */
  readonly ms: readonly number[];
  readonly compared: number;
  readonly mostBytes: number;
  readonly inputs: number;
}

/** `every`: so many steps from one comparison of the whole state to the next. */
export async function stepsBack(
  guest: LinuxGuest,
  { points = 10, steps = 200, every = 1, seed = 1 }: { points?: number; steps?: number; every?: number; seed?: number },
): Promise<StepsBack> {
  const parts = await Promise.all((guest.files.diskInitrds ?? []).map(({ file }) => readFile(file)));
  const initrd = Uint8Array.from(Buffer.concat([guest.initrd!, ...parts]));
  const disk = new MemoryDisk(DISK_BYTES);
  const boot = linuxBoot({ ...guest, initrd });
  const { machine } = await createMachine({ boot, memoryMb: MEMORY_MB, disks: [disk], clock: { kind: "realtime" } });
  const booted = await machine.run({ text: PROMPT, wallSeconds: 600 });
  if (booted.reason !== "text") throw new Error(`no prompt: ${booted.reason}`);
  let inputs = 0;
  machine.onInput(() => inputs++);
  machine.history.start();
  const next = random(seed);
  const hash = async (): Promise<string> => {
    await machine.disksQuiet();
    return (await machine.stateHash()) + toHex(await sha256(await disk.read(0, DISK_BYTES)));
  };
  const ms: number[] = [];
  const wrong: number[] = [];
  let compared = 0;
  let mostBytes = 0;
  for (let point = 0; point < points; point++) {
    machine.serial(0).write(TYPED[point % TYPED.length]!);
    await machine.run({ instructions: machine.instructions + LEAST_RUN + (next() % (MOST_RUN - LEAST_RUN)), wallSeconds: 120 });
    const forward = new Map<number, string>();
    for (let n = 0; n < steps; n++) {
      if (n % every === 0) forward.set(machine.instructions, await hash());
      if ((await machine.step(1)) !== 1) throw new Error("the guest sleeps for ever");
    }
    for (let n = 0; n < steps; n++) {
      const from = machine.instructions;
      const started = performance.now();
      await machine.history.back();
      ms.push(performance.now() - started);
      mostBytes = Math.max(mostBytes, machine.history.bytes);
      const expected = forward.get(machine.instructions);
      const isSame = machine.instructions === from - 1 && (expected === undefined || expected === (await hash()));
      if (expected !== undefined) compared++;
      if (!isSame) wrong.push(from);
    }
    await machine.history.to(machine.history.newest);
  }
  return { wrong, ms, compared, mostBytes, inputs };
}

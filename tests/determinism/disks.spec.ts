/** Debian on a disk: the same to the bit whatever the host's disk is like, and when it moves with requests under way. */
import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { sha256, toHex } from "../../web/lib/sha256";
import type { Machine } from "../../web/machine/machine";
import type { BlockDevice } from "../../web/storage/block-device";
import { MemoryDisk } from "../../web/storage/memory-disk";
import { createMachine } from "../boot/machines";
import { type LinuxGuest, linuxBoot, needGuest, PROMPT } from "../boot/prepared-guests";

const DISK_BYTES = 16 * 0x100000;
/** Makes a file system, writes, syncs, reads back past the cache. */
const SCRIPT = `mkfs.ext4 -q /dev/vda; mount /mnt; for i in 1 2 3; do seq 1 ${"$"}((i*4000)) > /mnt/f$i; sync; done; umount /mnt; mount /mnt; sha256sum /mnt/f* | sha256sum; echo done:$?\n`;
const END = "done:0";

/** Takes its time, a different one for each request. */
class SlowDisk extends MemoryDisk {
  #n = 0;
  async #late(): Promise<void> {
    this.#n++;
    if (this.#n % 3 === 0) await new Promise((resolve) => setTimeout(resolve, this.#n % 7));
  }
  override async read(offset: number, length: number): Promise<Uint8Array> {
    await this.#late();
    return super.read(offset, length);
  }
  override async write(offset: number, data: Uint8Array): Promise<void> {
    const copy = data.slice();
    await this.#late();
    return super.write(offset, copy);
  }
  override async flush(): Promise<void> {
    await this.#late();
  }
}

async function withDiskTools(guest: LinuxGuest): Promise<LinuxGuest> {
  const parts = await Promise.all((guest.files.diskInitrds ?? []).map(({ file }) => readFile(file)));
  return { ...guest, initrd: Uint8Array.from(Buffer.concat([guest.initrd!, ...parts])) };
}

async function run(guest: LinuxGuest, disk: BlockDevice, moves: readonly number[] = []) {
  const create = async (): Promise<Machine> =>
    (await createMachine({ boot: linuxBoot(guest), memoryMb: guest.files.memoryMb, disks: [disk] })).machine;
  let machine = await create();
  await machine.run({ text: PROMPT });
  machine.serial(0).write(new TextEncoder().encode(SCRIPT));
  const start = machine.instructions;
  for (const after of moves) {
    await machine.run({ instructions: start + after });
    const state = await machine.save();
    machine = await create();
    machine.load(state);
  }
  const { reason } = await machine.run({ text: END, instructions: start + 4_000_000_000 });
  return { reason, hash: await machine.stateHash(), disk: toHex(await sha256(await disk.read(0, DISK_BYTES))) };
}

it("mkfs, mount, write, sync and read end in the same state and the same disk", { timeout: 900_000 }, async (context) => {
  const guest = await withDiskTools(await needGuest(context, "debian"));
  if (!guest.files.diskInitrds) return context.skip("the prepared guest has no disk tools: npx vitrine guests prepare");
  const straight = await run(guest, new MemoryDisk(DISK_BYTES));
  expect(straight.reason).toBe("text");
  expect(await run(guest, new SlowDisk(DISK_BYTES)), "a slow disk").toEqual(straight);
  const moves = Array.from({ length: 8 }, (_, n) => 20_000_000 + n * 7_777_777);
  expect(await run(guest, new MemoryDisk(DISK_BYTES), moves), "moved with requests under way").toEqual(straight);
});

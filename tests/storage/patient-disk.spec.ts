/** Storage that is full makes the machine stand still and loses nothing; other failures are passed on. */
import { expect, it } from "vitest";
import { DiskFailed } from "../../web/lib/errors";
import { MemoryDisk } from "../../web/storage/memory-disk";
import { PatientDisk } from "../../web/storage/patient-disk";
import { backendLaws, readOnlyLaws } from "./laws";

const wait = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1));
const quiet = (): void => {};
backendLaws("a patient disk", { blank: async (bytes) => new PatientDisk(new MemoryDisk(bytes), quiet, wait) });
readOnlyLaws("a patient disk", async () => new PatientDisk(new MemoryDisk(4096, { readOnly: true }), quiet, wait));

/** Refuses to write while `problem` is set. */
class Refusing extends MemoryDisk {
  problem: "full" | "unwritable" | undefined;
  override async write(offset: number, data: Uint8Array): Promise<void> {
    if (this.problem) throw new DiskFailed(this.name, this.problem, "there is no room.", "");
    await super.write(offset, data);
  }
}

it("waits while there is no room, says so once however many wait, and then writes what was meant", async () => {
  const disk = new Refusing(4096);
  const told: unknown[] = [];
  const patient = new PatientDisk(disk, (isFull, reason) => told.push([isFull, reason]), wait);
  disk.problem = "full";
  const data = Uint8Array.of(1);
  const writes = [patient.write(0, data), patient.write(1, Uint8Array.of(2))];
  data[0] = 9;
  await expect.poll(() => told).toEqual([[true, "there is no room."]]);
  expect([...(await patient.read(0, 2))]).toEqual([0, 0]);
  disk.problem = undefined;
  await Promise.all(writes);
  expect(told).toEqual([
    [true, "there is no room."],
    [false, ""],
  ]);
  expect([...(await patient.read(0, 2))]).toEqual([1, 2]);
});

it("passes on what room would not help, and what waits when it is given up", async () => {
  const disk = new Refusing(4096);
  const told: boolean[] = [];
  const patient = new PatientDisk(disk, (isFull) => told.push(isFull), wait);
  disk.problem = "unwritable";
  await expect(patient.write(0, Uint8Array.of(1))).rejects.toMatchObject({ problem: "unwritable" });
  expect(told).toEqual([]);
  disk.problem = "full";
  const waiting = patient.write(0, Uint8Array.of(1));
  await expect.poll(() => told).toEqual([true]);
  patient.giveUp();
  await expect(waiting).rejects.toMatchObject({ problem: "full" });
  expect(told).toEqual([true, false]);
});

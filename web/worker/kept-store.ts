/** The database of kept machines, from the worker: which tab has which, and the snapshots in it. */
import { delMany, get, getMany, set, setMany, type UseStore } from "idb-keyval";
import { SnapshotIncompatible } from "../lib/errors";
import {
  ALIVE_EVERY_MS,
  aliveKey,
  baseKey,
  DEAD_AFTER_MS,
  deltaKey,
  headKey,
  KEPT_DATABASE,
  KEPT_STORE,
  type KeptDisk,
  type KeptHead,
  lockName,
} from "../lib/kept";
import { MemorySource } from "../snapshot/byte-store";
import { SnapshotFile } from "../snapshot/snapshot-file";
import { openStrictStore } from "../storage/strict-store";

let opened: Promise<UseStore> | undefined;
/** Strict, because disks forget what an earlier snapshot needed as soon as the next one is there. */
const store = (): UseStore => async (mode, callback) => {
  opened ??= openStrictStore(KEPT_DATABASE, globalThis.indexedDB, KEPT_STORE).then(({ use }) => use);
  return (await opened)(mode, callback);
};

const LOCK_PATIENCE_MS = 2000;
const claimed = new Map<string, Promise<boolean>>();

/** From now until this worker ends, the slot is this tab's. False: it is another's. */
export function claimSlot(slot: string): Promise<boolean> {
  let claim = claimed.get(slot);
  if (!claim) {
    claim = "locks" in navigator ? claimByLock(slot) : claimByHeartbeat(slot);
    claimed.set(slot, claim);
  }
  return claim;
}

function claimByLock(slot: string): Promise<boolean> {
  return new Promise((resolve) => {
    navigator.locks
      // A worker that was just ended may hold it for a moment.
      .request(lockName(slot), { signal: AbortSignal.timeout(LOCK_PATIENCE_MS) }, () => {
        resolve(true);
        // Held as long as the worker lives.
        return new Promise<never>(() => {});
      })
      .catch(() => resolve(false));
  });
}

async function claimByHeartbeat(slot: string): Promise<boolean> {
  const alive = await get<number>(aliveKey(slot), store());
  if (alive !== undefined && Date.now() - alive < DEAD_AFTER_MS) return false;
  const beat = (): Promise<void> => set(aliveKey(slot), Date.now(), store()).catch(() => {});
  await beat();
  setInterval(beat, ALIVE_EVERY_MS);
  return true;
}

export interface KeptMachine {
  readonly file: SnapshotFile;
  readonly disks: readonly KeptDisk[];
}

/** The kept snapshot, upon its base. Throws SnapshotIncompatible. */
export async function openKept(slot: string): Promise<KeptMachine> {
  const keys = [headKey(slot), baseKey(slot), deltaKey(slot)];
  const [head, base, delta] = (await getMany(keys, store())) as [KeptHead?, Uint8Array?, (Uint8Array | null)?];
  if (!base) throw new SnapshotIncompatible("file", "this browser does not keep it any more. Boot the machine anew.");
  const file = await SnapshotFile.open(new MemorySource(base));
  return {
    file: delta ? await SnapshotFile.open(new MemorySource(delta), { parent: file }) : file,
    disks: head?.disks ?? [],
  };
}

/** In one transaction: either all of it is kept or all that was before. */
export function putBase(slot: string, base: Uint8Array, head: KeptHead): Promise<void> {
  return setMany(
    [
      [baseKey(slot), base],
      [deltaKey(slot), null],
      [headKey(slot), head],
    ],
    store(),
  );
}

export function putDelta(slot: string, delta: Uint8Array, head: KeptHead): Promise<void> {
  return setMany(
    [
      [deltaKey(slot), delta],
      [headKey(slot), head],
    ],
    store(),
  );
}

export const forgetKept = (slot: string): Promise<void> => delMany([headKey(slot), baseKey(slot), deltaKey(slot), aliveKey(slot)], store());

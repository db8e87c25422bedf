/** The machines that this browser keeps, from the page: which can be continued, and forgetting them. Never rejects. */
import { createStore, delMany, getMany, keys, type UseStore } from "idb-keyval";
import { aliveKey, baseKey, DEAD_AFTER_MS, deltaKey, headKey, KEPT_DATABASE, KEPT_STORE, type KeptHead, lockName } from "../lib/kept";

let opened: UseStore | undefined;
function store(): UseStore {
  opened ??= createStore(KEPT_DATABASE, KEPT_STORE);
  return opened;
}

/** Newest first; those that run in a tab are left out. */
export async function keptMachines(): Promise<KeptHead[]> {
  if (!("indexedDB" in globalThis)) return [];
  try {
    const slots = (await keys<string>(store())).filter((key) => key.endsWith("/head")).map((key) => key.slice(0, -"/head".length));
    if (slots.length === 0) return [];
    const heads = await getMany<KeptHead | undefined>(slots.map(headKey), store());
    const alive = await aliveSlots(slots);
    return heads.filter((head) => head !== undefined && !alive.has(head.slot)).sort((a, b) => b!.savedAt - a!.savedAt) as KeptHead[];
  } catch {
    // Storage is refused here (a private window): nothing is kept.
    return [];
  }
}

async function aliveSlots(slots: readonly string[]): Promise<ReadonlySet<string>> {
  if (navigator.locks) {
    const { held = [] } = await navigator.locks.query();
    const names = new Set(held.map(({ name }) => name));
    return new Set(slots.filter((slot) => names.has(lockName(slot))));
  }
  const beats = await getMany<number | undefined>(slots.map(aliveKey), store());
  return new Set(slots.filter((_, n) => Date.now() - (beats[n] ?? 0) < DEAD_AFTER_MS));
}

export async function forgetKept(slot: string): Promise<void> {
  if (!("indexedDB" in globalThis)) return;
  await delMany([headKey(slot), baseKey(slot), deltaKey(slot), aliveKey(slot)], store()).catch(() => {});
}

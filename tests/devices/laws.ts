/**
 * The laws that every chip keeps. `deviceLaws` is called by each chip's spec; a chip that is added without them is
 * found by tests/devices/board.spec.ts, which runs the same accesses against the whole board.
 */
import { describe, expect, it } from "vitest";
import { SnapshotIncompatible } from "../../web/lib/errors";
import type { AccessSize, Device } from "../../web/machine/device";
import { decodeState, encodeState } from "../../web/snapshot/codec";
import type { Field, Schema, StateOf } from "../../web/snapshot/schema";
import { Random } from "./random";
import { TestBoard } from "./test-board";

/** Random accesses per chip; more with VITRINE_DEVICE_ACCESSES. */
export const ACCESSES = Number(process.env.VITRINE_DEVICE_ACCESSES ?? 20_000);
const SIZES: readonly AccessSize[] = [1, 2, 4];

export interface LawOptions<D extends Device> {
  /** Puts a fresh chip (and fakes of what it is wired to) on a board. */
  readonly fit: (board: TestBoard) => D;
  /** Something that must show in the saved state. Left out for a chip without state. */
  readonly touch?: (board: TestBoard, device: D) => void;
  /** Inputs from the host, and other things a guest does than to access ports, mixed into the random accesses. */
  readonly inputs?: (device: D, random: Random, board: TestBoard) => void;
}

interface Fitted<D extends Device> {
  readonly board: TestBoard;
  readonly device: D;
  readonly ports: readonly number[];
}

/** One random step: an access of any size at or beside the chip's ports, time passing, or an input. The result is what a guest could see. */
export function randomStep(board: TestBoard, ports: readonly number[], random: Random): string {
  const kind = random.below(8);
  const port = (random.pick(ports) + (random.below(8) === 0 ? random.below(5) - 2 : 0)) & 0xffff;
  const size = random.below(3) === 0 ? random.pick(SIZES) : 1;
  if (kind < 4) {
    const value = board.in(port, size);
    expect(value >= 0 && value < 2 ** (8 * size) && Number.isInteger(value), `read of ${size} bytes gives ${value}`).toBe(true);
    return `${port}=${value}`;
  }
  if (kind < 7) board.out(port, size === 4 ? random.bits() : random.bits() & (2 ** (8 * size) - 1), size);
  else board.advance(2 ** random.below(20));
  return board.levels.map(Number).join("");
}

export function deviceLaws<D extends Device>(name: string, options: LawOptions<D>): void {
  const fitted = (): Fitted<D> => {
    const board = new TestBoard();
    const device = options.fit(board);
    const ports = board.bus.portClaims().flatMap(({ first, last }) => Array.from({ length: last - first + 1 }, (_, i) => first + i));
    return { board, device, ports };
  };
  const step = ({ board, device, ports }: Fitted<D>, random: Random): string => {
    if (options.inputs && random.below(16) === 0) options.inputs(device, random, board);
    return ports.length > 0 ? randomStep(board, ports, random) : "";
  };
  const saved = (device: D): Uint8Array => encodeState(device.schema, device.save());
  /** A chip with a past. */
  const used = (seed: number, steps: number): Fitted<D> => {
    const subject = fitted();
    const random = new Random(seed);
    for (let i = 0; i < steps; i++) step(subject, random);
    return subject;
  };

  describe(`${name} keeps the laws of devices`, () => {
    it(`survives ${ACCESSES} random accesses, and is deterministic`, () => {
      const [one, two] = [fitted(), fitted()];
      const [random, same] = [new Random(1), new Random(1)];
      for (let i = 0; i < ACCESSES; i++) {
        const seen = step(one, random);
        const seenAgain = step(two, same);
        if (seen !== seenAgain) expect(seen, `step ${i}`).toBe(seenAgain);
      }
      expect(saved(one.device)).toEqual(saved(two.device));
    });

    it("saves and loads without a difference, then or later", () => {
      for (let seed = 1; seed <= 20; seed++) {
        const original = used(seed, 40 * seed);
        const bytes = saved(original.device);
        const state = decodeState(original.device.schema, bytes);
        const twin = used(seed + 1000, 100);
        twin.board.ticks = original.board.ticks;
        twin.board.ram.set(original.board.ram);
        twin.device.load(state);
        expect(saved(twin.device)).toEqual(bytes);
        expect(saved(original.device), "saving changes nothing").toEqual(bytes);
        const [random, same] = [new Random(seed), new Random(seed)];
        for (let i = 0; i < 300; i++) expect(step(twin, same), `seed ${seed}, step ${i} after loading`).toBe(step(original, random));
        expect(saved(twin.device)).toEqual(saved(original.device));
      }
    });

    it("hands out its own copy of its state", () => {
      const { device } = used(3, 200);
      const state = device.save();
      const bytes = saved(device);
      for (const value of Object.values(state)) if (value instanceof Uint8Array) value.fill(0xa5);
      expect(saved(device)).toEqual(bytes);
      const kept = device.save();
      device.load(kept);
      for (const value of Object.values(kept)) if (value instanceof Uint8Array) value.fill(0xa5);
      expect(saved(device)).toEqual(bytes);
    });

    const { touch } = options;
    if (touch) {
      it("shows a touch in its state", () => {
        const { board, device } = fitted();
        const before = saved(device);
        touch(board, device);
        expect(saved(device)).not.toEqual(before);
      });
    }

    it("is as after one reset after two", () => {
      const { device } = used(5, 500);
      device.reset();
      const once = saved(device);
      device.reset();
      expect(saved(device)).toEqual(once);
    });

    it("keeps every field of its state, and refuses what is impossible", () => {
      for (const seed of [2, 7]) {
        const { device } = used(seed, 300);
        const state = device.save() as Record<string, unknown>;
        for (const [field, kind] of Object.entries(device.schema.fields)) {
          const changed = { ...state, [field]: otherValue(kind, state[field]) } as StateOf<Schema>;
          const bytes = encodeState(device.schema, changed);
          if (!tryLoad(device, changed)) continue;
          expect(saved(device), `${field} is lost on load`).toEqual(bytes);
        }
      }
    });

    it("survives any state that it accepts", () => {
      const random = new Random(11);
      let accepted = 0;
      for (let round = 0; round < 60; round++) {
        const subject = used(round, 50);
        const state = subject.device.save() as Record<string, unknown>;
        const fields = Object.entries(subject.device.schema.fields);
        for (const [field, kind] of fields) if (random.below(3) === 0) state[field] = randomValue(kind, random);
        if (!tryLoad(subject.device, state as StateOf<Schema>)) continue;
        accepted++;
        for (let i = 0; i < 200; i++) step(subject, random);
        saved(subject.device);
      }
      expect(accepted).toBeGreaterThan(0);
    });
  });
}

function tryLoad(device: Device, state: StateOf<Schema>): boolean {
  try {
    device.load(state);
    return true;
  } catch (error) {
    expect(error).toBeInstanceOf(SnapshotIncompatible);
    return false;
  }
}

function otherValue(field: Field<unknown>, value: unknown): unknown {
  if (typeof value === "boolean") return !value;
  if (field.kind.startsWith("blob:"))
    return (value as Uint8Array).length > 0 ? (value as Uint8Array).map((byte) => byte ^ 1) : Uint8Array.of(1);
  if (value instanceof Uint8Array) return value.map((byte, i) => (i === value.length - 1 ? byte ^ 1 : byte));
  if (Array.isArray(value)) return value.length > 0 ? value.slice(1) : [1];
  if (field.kind === "f64") return value === 1024 ? 2048 : 1024;
  return ((value as number) ^ 1) >>> 0;
}

function randomValue(field: Field<unknown>, random: Random): unknown {
  const capacity = Number(field.kind.split(":")[1] ?? 0);
  if (field.kind === "bool") return random.below(2) === 1;
  if (field.kind === "f64") return random.pick([0, 1, 1000, 12_345_678, 1e12, 2 ** 53 - 1, Number.POSITIVE_INFINITY, -1]);
  if (field.kind.startsWith("bytes:")) return Uint8Array.from({ length: capacity }, () => random.bits());
  if (field.kind.startsWith("blob:")) return Uint8Array.from({ length: random.below(Math.min(capacity, 40) + 1) }, () => random.bits());
  if (field.kind.startsWith("list:")) return Array.from({ length: random.below(Math.min(capacity, 40) + 1) }, () => random.bits() & 0xff);
  return field.kind === "u8" ? random.bits() & 0xff : field.kind === "u16" ? random.bits() & 0xffff : random.bits();
}

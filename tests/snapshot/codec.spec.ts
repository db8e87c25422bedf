/** State as bytes: canonical, versioned, and strict about what it reads. */
import { describe, expect, it } from "vitest";
import { AssertionFailed, SnapshotIncompatible } from "../../web/lib/errors";
import { decodeHeader, decodeState, encodeState } from "../../web/snapshot/codec";
import {
  bool,
  bytes,
  copyState,
  f64,
  initially,
  initialState,
  list,
  prefixed,
  type StateOf,
  since,
  state,
  u8,
  u16,
  u32,
  unprefixed,
} from "../../web/snapshot/schema";
import { Random } from "../devices/random";

const schema = state("chip", 2, {
  index: u8,
  word: u16,
  wide: initially(u32, 7),
  deadline: initially(f64, Number.POSITIVE_INFINITY),
  on: bool,
  ram: bytes(4),
  fifo: list(3),
  added: since(2, u8, 9),
});
const sample: StateOf<typeof schema> = {
  index: 1,
  word: 0x1234,
  wide: 0xdeadbeef,
  deadline: 1.5,
  on: true,
  ram: Uint8Array.of(1, 2, 3, 4),
  fifo: [5, 6],
  added: 8,
};
const copyOf = (changes: Partial<StateOf<typeof schema>>) => ({ ...copyState(schema, sample), ...changes });

describe("state codec", () => {
  it("writes name, version and the fields in order, little-endian", () => {
    expect([...encodeState(schema, sample)]).toEqual([
      4, 0x63, 0x68, 0x69, 0x70, 2, 0, 1, 0x34, 0x12, 0xef, 0xbe, 0xad, 0xde, 0, 0, 0, 0, 0, 0, 0xf8, 0x3f, 1, 1, 2, 3, 4, 2, 0, 0, 0, 5, 6,
      8,
    ]);
  });

  it("reads what it wrote, from the middle of a larger buffer too", () => {
    const encoded = encodeState(schema, sample);
    expect(decodeState(schema, encoded)).toEqual(sample);
    const larger = new Uint8Array(encoded.length + 10);
    larger.set(encoded, 3);
    expect(decodeState(schema, larger.subarray(3, 3 + encoded.length))).toEqual(sample);
    expect(decodeHeader(encoded)).toEqual({ name: "chip", version: 2, bodyAt: 7 });
  });

  it("the decoded arrays are its own", () => {
    const encoded = encodeState(schema, sample);
    const decoded = decodeState(schema, encoded);
    encoded.fill(0);
    expect(decoded.ram).toEqual(sample.ram);
  });

  it("any change of any field changes the bytes", () => {
    const base = encodeState(schema, sample);
    const changes: Partial<StateOf<typeof schema>>[] = [
      { index: 2 },
      { word: 0x1235 },
      { wide: 0 },
      { deadline: 1.25 },
      { on: false },
      { ram: Uint8Array.of(1, 2, 3, 5) },
      { fifo: [5] },
      { fifo: [6, 5] },
      { added: 9 },
    ];
    for (const change of changes) expect(encodeState(schema, copyOf(change))).not.toEqual(base);
  });

  it("refuses to write what the schema does not allow: a bug of the device", () => {
    const wrong: Record<string, unknown>[] = [
      { index: 256 },
      { index: -1 },
      { index: 0.5 },
      { index: -0 },
      { word: 0x10000 },
      { wide: 2 ** 32 },
      { deadline: Number.NaN },
      { deadline: -0 },
      { on: 1 },
      { ram: new Uint8Array(5) },
      { ram: [1, 2, 3, 4] },
      { fifo: [1, 2, 3, 4] },
      { fifo: [256] },
      { index: undefined },
    ];
    for (const change of wrong)
      expect(() => encodeState(schema, { ...sample, ...change } as StateOf<typeof schema>), JSON.stringify(change)).toThrow(
        AssertionFailed,
      );
  });

  it("fills in fields that the older version did not have", () => {
    const older = state("chip", 1, { index: u8, word: u16, wide: u32, deadline: f64, on: bool, ram: bytes(4), fifo: list(3) });
    const { added: _added, ...rest } = sample;
    expect(decodeState(schema, encodeState(older, rest))).toEqual({ ...sample, added: 9 });
  });

  it("refuses a newer version, another chip, version 0, and says so", () => {
    const encoded = encodeState(schema, sample);
    encoded[5] = 3;
    expect(() => decodeState(schema, encoded)).toThrow("chip: version 3 is newer than this build's 2.");
    encoded[5] = 0;
    expect(() => decodeState(schema, encoded)).toThrow(SnapshotIncompatible);
    encoded[5] = 2;
    encoded[1] = 0x73;
    expect(() => decodeState(schema, encoded)).toThrow('the state of "ship" was given for it.');
  });

  it("refuses every truncation, extra bytes, and values out of range", () => {
    const encoded = encodeState(schema, sample);
    for (let length = 0; length < encoded.length; length++)
      expect(() => decodeState(schema, encoded.subarray(0, length)), `${length} bytes`).toThrow(SnapshotIncompatible);
    expect(() => decodeState(schema, Uint8Array.of(...encoded, 0))).toThrow("1 bytes follow its last field.");
    const at = { deadline: 14, on: 22, count: 27 };
    for (const [offset, values] of [
      [at.on, [2]],
      [at.count, [4]],
      [at.count, [3]],
      [at.deadline, [0, 0, 0, 0, 0, 0, 0xf8, 0x7f]],
      [at.deadline, [0, 0, 0, 0, 0, 0, 0, 0x80]],
    ] as const) {
      const damaged = encoded.slice();
      damaged.set(values, offset);
      expect(() => decodeState(schema, damaged), `${values} at ${offset}`).toThrow(SnapshotIncompatible);
    }
  });

  it("random bytes never do anything but refuse or decode to what they encode", () => {
    const random = new Random(42);
    const encoded = encodeState(schema, sample);
    let decodedCount = 0;
    for (let round = 0; round < 20_000; round++) {
      const damaged = random.below(4) === 0 ? Uint8Array.from({ length: random.below(60) }, () => random.bits()) : encoded.slice();
      for (let i = random.below(4); i > 0 && damaged.length > 0; i--) damaged[random.below(damaged.length)] = random.bits();
      try {
        const decoded = decodeState(schema, damaged);
        decodedCount++;
        if (damaged[5] === 2) expect(encodeState(schema, decoded)).toEqual(damaged);
      } catch (error) {
        expect(error).toBeInstanceOf(SnapshotIncompatible);
      }
    }
    expect(decodedCount).toBeGreaterThan(1000);
  });

  it("an empty state is its header", () => {
    const empty = state("nothing", 1, {});
    expect(encodeState(empty, {})).toHaveLength(10);
    expect(decodeState(empty, encodeState(empty, {}))).toEqual({});
  });
});

describe("schemas", () => {
  it("initial states and copies share nothing", () => {
    const one = initialState(schema);
    one.ram.fill(9);
    expect(initialState(schema).ram).toEqual(new Uint8Array(4));
    const copy = copyState(schema, sample);
    copy.ram.fill(9);
    expect(sample.ram).toEqual(Uint8Array.of(1, 2, 3, 4));
  });

  it("parts that are alike get prefixed names, and lose them again", () => {
    const whole = { ...prefixed("a", { x: 1, y: 2 }), ...prefixed("ab", { x: 3, y: 4 }) };
    expect(whole).toEqual({ "a.x": 1, "a.y": 2, "ab.x": 3, "ab.y": 4 });
    expect(unprefixed("a", whole)).toEqual({ x: 1, y: 2 });
  });
});
